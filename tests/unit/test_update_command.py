"""`eyespot update`, and what `eyespot check` says of [update]: from the file to words and exit codes."""

import faulthandler
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eyespot.__main__ import main
from eyespot.app import updating
from eyespot.commands import service
from eyespot.host.identity import board
from eyespot.host.journal import PlainLines
from eyespot.host.logs import LogHandler
from eyespot.trust.notes import Request
from eyespot.update.settings import FOLDER
from eyespot.update.slots import Slots
from fakes.daemon import write_config
from fakes.repository import FakeRepository
from fakes.updates import offer

LOOKS = {"source": "scene"}


class Machine:
    """A device that is configured, its repository, and a user at the terminal."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.repository = FakeRepository(folder / "repository")
        self.models = folder / "state" / "models"
        self._capfd = capfd
        (folder / "root.json").write_bytes(self.repository.root)
        self.configure(f'url = "{self.repository.url}"')

    def configure(self, *update: str, bundle: str = "factory", camera: dict[str, Any] = LOOKS) -> None:
        self.config = write_config(self.folder, camera=camera, url="mqtt://localhost")
        lines = ["[model]", f'bundle = "{bundle}"', "[update]", *update, ""]
        self.config.write_text(self.config.read_text() + "\n".join(lines))

    def says(self, *arguments: str, code: int = 0) -> str:
        """Return what a command writes, to stderr where it fails."""
        assert main([*arguments, "--config", str(self.config)]) == code
        out, err = self._capfd.readouterr()
        return err if code else out

    def checks(self, code: int = 0) -> str:
        assert main(["check", str(self.config)]) == code
        out, err = self._capfd.readouterr()
        return err if code else out


@pytest.fixture(name="machine")
def a_machine(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(updating, "prove", lambda _: None)
    monkeypatch.setattr(service, "set_up", lambda: LogHandler(PlainLines()))
    monkeypatch.setattr(faulthandler, "enable", lambda: None)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return Machine(tmp_path, capfd)


def test_a_model_is_brought_as_far_as_staged(machine: Machine) -> None:
    offer(machine.repository)
    assert "ssd-mobilenet-v2-oidv4 1.0.0 is staged" in machine.says("update")
    assert Slots(machine.models).record.staged is not None


def test_the_running_body_does_without_the_memory_of_tuf() -> None:
    asked = "import sys, eyespot.__main__; sys.exit('tuf' in sys.modules or 'urllib3' in sys.modules)"
    subprocess.run([sys.executable, "-c", asked], check=True)


def test_the_worker_does_without_the_memory_of_other_commands() -> None:
    asked = "import sys, eyespot.__main__; sys.exit(bool({'paho', 'sqlite3', 'rich'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", asked], check=True)


def test_nothing_to_do_is_said(machine: Machine) -> None:
    assert machine.says("update") == "nothing to do; nothing is released to the cohort default\n"
    machine.configure()
    assert machine.says("update") == "nothing to do; no repository is named\n"


def test_programs_get_the_note(machine: Machine) -> None:
    offer(machine.repository)
    assert json.loads(machine.says("update", "--json"))["state"] == "staged"


def test_programs_get_the_note_of_a_failure(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(machine.repository.folder)
    assert main(["update", "--json", "--config", str(machine.config)]) == 69
    assert json.loads(capfd.readouterr().out)["code"] == "missing"


def test_a_repository_without_a_root_of_trust_is_an_error(machine: Machine) -> None:
    (machine.folder / "root.json").unlink()
    machine.says("update", code=78)
    words = machine.checks(code=78)
    assert str(machine.folder / "root.json") in words
    assert "eyespot.toml:" in words


def test_a_root_of_trust_that_is_none_is_an_error(machine: Machine) -> None:
    (machine.folder / "other.json").write_text("{}")
    machine.configure(f'url = "{machine.repository.url}"', 'root_file = "other.json"')
    assert "no root of The Update Framework" in machine.checks(code=78)


def test_check_names_what_is_unwise(machine: Machine) -> None:
    assert "warning" not in machine.checks()
    url = f'url = "{machine.repository.url}"'
    factory = Path(__file__).parents[2] / "models" / "factory"
    machine.configure(url, bundle=str(factory))
    assert 'set bundle = "factory" to take that' in machine.checks()
    machine.configure(url, "allow_unsigned = true", 'window = "23:50-00:10"')
    words = machine.checks()
    assert "nobody has signed" in words
    assert "23:50-00:10 may be missed" in words


def test_a_pinned_bundle_stays(machine: Machine) -> None:
    offer(machine.repository)
    machine.configure(f'url = "{machine.repository.url}"', bundle="/srv/ours")
    assert "the configuration names /srv/ours" in machine.says("update")
    assert Slots(machine.models).record.staged is None


def test_the_unit_hands_on_what_its_user_may_not_read(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths in the configuration begin beside the file itself, not beside the copy."""
    handed = machine.folder / "credentials"
    handed.mkdir()
    machine.config.rename(handed / "eyespot.toml")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    offer(machine.repository)
    assert "is staged" in machine.says("update")


def test_a_restored_device_takes_part_under_its_own_id(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id is in a folder that the worker may not enter; the wrong one would be another turn."""
    handed = machine.folder / "credentials"
    handed.mkdir()
    (handed / "device.json").write_bytes(msgspec.json.encode({"id": "old-name", "board": board()}))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    config = updating.load(machine.config).config
    unnamed = msgspec.structs.replace(config, device=msgspec.structs.replace(config.device, id=None))
    assert updating.device(unnamed, {"CREDENTIALS_DIRECTORY": str(handed)}).id == "old-name"
    (handed / "device.json").write_bytes(msgspec.json.encode({"id": "nobody", "board": "0" * 64}))
    assert updating.device(unnamed, {"CREDENTIALS_DIRECTORY": str(handed)}).id != "nobody"


def test_a_broken_configuration_leaves_no_request_that_wakes_the_worker_for_ever(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = Slots.open(machine.models)
    slots.post_request("worker", Request(kind="check"))
    monkeypatch.setenv(FOLDER, str(machine.models))
    machine.config.write_text("oops = = 3")
    machine.says("update", code=78)
    assert slots.take_requests("worker") == []
    note = slots.worker_note()
    assert note is not None
    assert (note.state, note.code) == ("failed", "configuration")


@pytest.mark.parametrize(
    ("camera", "runtime"),
    [
        ({"source": "scene"}, "tflite"),
        ({"source": "picamera"}, "tflite"),
        ({"source": "imx500"}, "imx500"),
        ({"source": "replay", "file": "r.eyespot.jsonl"}, None),
    ],
)
def test_the_camera_decides_what_fits(machine: Machine, camera: dict[str, Any], runtime: str | None) -> None:
    machine.configure(camera=camera)
    device = updating.device(updating.load(machine.config).config, {})
    assert device.runtime == runtime
    assert device.memory_mb > 100
