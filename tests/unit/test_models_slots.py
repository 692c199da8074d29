"""`eyespot models list|install|rollback|approve|check`: the slots in words, and requests."""

import json
import shutil
from functools import partial
from pathlib import Path

import msgspec
import pytest

from eyespot.__main__ import main
from eyespot.trust.archive import pack
from eyespot.trust.notes import WorkerNote
from eyespot.trust.slots import Quarantined, Record, Result, Staged, Trial, activate, commit, stage
from eyespot.update.slots import Slots
from fakes.bundles import write_travelling
from fakes.daemon import write_config
from fakes.standings import NEW, NOW_S, OFFER, OLD


class Machine:
    """A configuration, its slots, and a user at the terminal."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.slots = Slots.open(folder / "state" / "models")
        self._capsys = capsys
        self.configure()

    def configure(self, *update: str, bundle: str = "factory") -> None:
        self.config = write_config(self.folder, camera={"source": "scene"}, url="mqtt://localhost")
        lines = ["[model]", f'bundle = "{bundle}"', "[update]", *update, ""]
        self.config.write_text(self.config.read_text() + "\n".join(lines))

    def set(self, record: Record) -> None:
        self.slots.change(lambda _: record)

    def says(self, *arguments: object, code: int = 0) -> str:
        """Return what a command says; an error is one line on stderr."""
        assert main(["models", *map(str, arguments), "--config", str(self.config)]) == code
        out, err = self._capsys.readouterr()
        if code:
            assert out == ""
            assert err.count("\n") == 1
        return err if code else out

    @property
    def asked(self) -> list[tuple[str, str]]:
        boxes = [("worker", self.slots.take_requests("worker")), ("body", self.slots.take_requests("body"))]
        return [(to, request.kind) for to, requests in boxes for request in requests]


@pytest.fixture
def machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machine:
    return Machine(tmp_path, capsys)


def test_a_new_device_has_the_factory_model(machine: Machine) -> None:
    lines = machine.says("list").splitlines()
    assert lines[:4] == [
        "current     the factory model",
        "good        the factory model",
        "previous    the factory model",
        "worker      has never looked",
    ]
    assert lines[4] == f"folder      {machine.slots.folder}"
    assert lines[5].startswith("disk        0 bundles, 0.0 MB; ")
    assert len(lines) == 6


def test_what_is_in_the_slots_is_told_in_words(machine: Machine) -> None:
    for bundle in (OLD, NEW):
        folder = machine.slots.bundle_folder(bundle)
        folder.mkdir(parents=True)
        (folder / "model.tflite").write_bytes(bytes(2_500_000))
    shunned = Quarantined(bundle="a@1.0.0-000000000000", rollout="r", reason="detects \x1b[31mnothing")
    machine.set(
        Record(
            current=NEW,
            good=OLD,
            trial=Trial(bundle=NEW, rollout="2026-11-a", starts=2),
            staged=Staged(bundle="people@1.3.0-000000000000", signed=False),
            quarantine=(shunned,),
            last_result=Result(bundle=OLD, outcome="rolled_back", reason="too slow", at_s=NOW_S),
        )
    )
    waits = msgspec.structs.replace(OFFER, waits_for="approval")
    machine.slots.write_worker_note(WorkerNote(state="offered", at_s=NOW_S, offer=waits))
    assert machine.says("list").splitlines()[:-2] == [
        f"current     {NEW}, on probation, start 2 of 2",
        f"good        {OLD}",
        "previous    the factory model",
        "staged      people@1.3.0-000000000000, which nobody has signed",
        "quarantine  a@1.0.0-000000000000 of rollout r: 'detects \\x1b[31mnothing'",
        f"last        2027-01-15T08:00:00Z rolled back {OLD}: 'too slow'",
        "worker      offered, 2027-01-15T08:00:00Z",
        "offer       'people' '1.2.0' of rollout 2026-11-a waits for approval: `eyespot models approve`",
    ]
    told = json.loads(machine.says("list", "--json"))
    assert (told["current"], told["trial"]["starts"], told["worker"]["offer"]["version"]) == (NEW, 2, "1.2.0")
    assert [(each["bundle"], each["size_bytes"], each["used_as"]) for each in told["installed"]] == [
        (OLD, 2_500_000, ["good"]),
        (NEW, 2_500_000, ["current"]),
    ]


def test_a_model_that_the_configuration_names_is_not_for_the_slots(machine: Machine) -> None:
    machine.set(Record(current=NEW, good=NEW))
    machine.configure(bundle="/opt/models/ours")
    assert machine.says("list").startswith("pinned      /opt/models/ours, by the configuration")
    assert 'set [model] bundle = "factory"' in machine.says("rollback", code=78)
    assert machine.asked == []


def test_rollback_says_what_will_look(machine: Machine) -> None:
    assert "there is none before it" in machine.says("rollback", code=65)
    for bundle in (OLD, NEW):
        for step in (partial(stage, staged=Staged(bundle=bundle)), activate, partial(commit, at_s=NOW_S)):
            machine.slots.change(step)
    assert machine.says("rollback").startswith(f"{OLD} will look instead of {NEW}")
    assert machine.asked == [("body", "rollback")]


def test_install_wants_to_be_allowed(machine: Machine) -> None:
    bundle = machine.folder / "ours"
    bundle.mkdir()
    write_travelling(bundle)
    assert "set [update] allow_unsigned = true" in machine.says("install", bundle, code=78)
    machine.configure("allow_unsigned = true")
    assert str(bundle) in machine.says("install", bundle)
    (request,) = machine.slots.take_requests("worker")
    assert request.path is not None
    assert Path(request.path).is_relative_to(machine.slots.folder)  # the worker sees nothing else


def test_install_brings_a_bundle_to_the_worker_whole(machine: Machine) -> None:
    machine.configure("allow_unsigned = true")
    folder = machine.folder / "ours"
    folder.mkdir()
    write_travelling(folder)
    archive = machine.folder / "ours.tar.zst"
    with archive.open("wb") as file:
        pack(folder, file)
    for bundle in (folder, archive):
        machine.says("install", bundle)
        (request,) = machine.slots.take_requests("worker")
        assert request.path is not None
        assert Path(request.path).read_bytes() == archive.read_bytes()


def test_install_refuses_what_is_no_bundle_before_anybody_is_asked(machine: Machine) -> None:
    machine.configure("allow_unsigned = true")
    assert "manifest.json is missing" in machine.says("install", machine.folder / "state", code=78)
    assert machine.asked == []
    assert not any((machine.slots.folder / "parts").iterdir())


def test_install_wants_a_bundle(machine: Machine) -> None:
    machine.configure("allow_unsigned = true")
    (machine.folder / "model.tflite").write_bytes(b"")
    assert "cannot read" in machine.says("install", machine.folder / "missing", code=65)
    assert "neither the folder" in machine.says("install", machine.folder / "model.tflite", code=65)
    assert machine.asked == []


def test_approve_takes_what_waits(machine: Machine) -> None:
    assert "set [update] url" in machine.says("approve", code=78)
    machine.configure('url = "https://models.example"')
    assert "nothing waits" in machine.says("approve", code=65)
    waits = msgspec.structs.replace(OFFER, waits_for="window")
    machine.slots.write_worker_note(WorkerNote(state="offered", at_s=NOW_S, offer=waits))
    assert "to take people 1.2.0" in machine.says("approve")
    assert "to look" in machine.says("check")
    assert machine.asked == [("worker", "approve"), ("worker", "check")]


def test_a_record_that_is_damaged_is_said_in_a_line(machine: Machine) -> None:
    (machine.slots.folder / "state.json").write_text("{")
    assert "damaged" in machine.says("list", code=74)
    assert "damaged" in machine.says("rollback", code=74)


def test_who_may_not_ask_is_told_so(machine: Machine) -> None:
    machine.set(Record(current=NEW, good=NEW))
    (machine.slots.folder / "requests" / "body").rmdir()
    assert "cannot write" in machine.says("rollback", code=74)


def test_where_the_service_never_ran_there_is_the_factory_model(machine: Machine) -> None:
    shutil.rmtree(machine.slots.folder)
    assert machine.says("list").startswith("current     the factory model")
    assert "there is none before it" in machine.says("rollback", code=65)
    assert not machine.slots.folder.exists()
