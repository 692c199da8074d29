"""The configuration twin: what is desired is on trial, and gives way where the device fares badly."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eyespot.app.twin import MOST_STARTS, TRIAL_S, Twin
from eyespot.domain.errors import ConfigError, ModelError
from eyespot.domain.message import Heard
from eyespot.host.clock import ManualClock
from eyespot.store.desired import NAME, DesiredStore
from eyespot.topics.commands import MOST_BYTES
from fakes.brokers import ROOT
from fakes.daemon import LINE, write_config
from fakes.troubles import Troubles
from fakes.twins import WINDOW, Device, desired

SCENE = {"source": "scene"}
LATER = {**LINE, "id": "later"}


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


def test_the_configuration_in_force_is_reported_from_the_beginning(device: Device) -> None:
    assert (device.posted[-1].topic, device.posted[-1].retain) == (f"{ROOT}/config/reported", True)
    assert device.told == (None, "ok")
    assert device.report["config"]["rules"][0]["id"] == "door"


def test_what_is_desired_is_lived_by_reported_and_kept_over_a_restart(device: Device) -> None:
    device.hears(desired())
    assert (device.rules, device.told) == (["window"], ("1", "ok"))
    assert device.lives == 1
    device.turn(TRIAL_S)
    assert device.report["detail"] == "in force"
    assert Device(device.folder).rules == ["window"]


def test_an_empty_payload_brings_the_files_configuration_back(device: Device) -> None:
    device.hears(desired())
    device.hears(b"")
    assert (device.rules, device.told) == (["door"], (None, "ok"))
    assert Device(device.folder).rules == ["door"]


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b'{"req_id": "9", "config": {"mqtt": {"url": "mqtt://evil"}}}', ("9", "refused")),
        (b'{"req_id": "9", "config": {"rules": [{"kind": "lime"}]}}', ("9", "invalid")),
        (desired({**WINDOW, "classes": ["unicorn"]}, "9"), ("9", "invalid")),
        (b'{"req_id": "9", "config": 1}', ("9", "invalid")),
        (b"[", (None, "invalid")),
    ],
)
def test_what_cannot_be_is_reported_and_changes_nothing(
    device: Device, payload: bytes, told: tuple[str | None, str]
) -> None:
    device.hears(desired(req_id="0"))
    device.turn(TRIAL_S)
    device.hears(payload)
    assert (device.told, device.rules) == (told, ["window"])
    assert told[1] in device.health.lasting["desired_refused"]
    device.hears(desired())
    device.turn()
    assert device.health.lasting == {}


def test_a_mistake_of_ours_in_judging_what_is_desired_ends_nothing(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(*_: object) -> None:
        raise TypeError("unhashable type: 'list'")

    with monkeypatch.context() as patch:
        patch.setattr(device.life.retuning, "check", stumbles)
        device.hears(desired())
    assert (device.told, device.rules) == (("1", "invalid"), ["door"])
    with monkeypatch.context() as patch:
        patch.setattr("eyespot.app.twin.lay_over", stumbles)
        device.hears(desired(req_id="2"))
    assert (device.told, device.rules) == (("2", "invalid"), ["door"])
    assert "it cannot be judged: unhashable" in device.report["detail"]


@pytest.mark.parametrize(
    ("trouble", "words"), [("answers", "no answer from the broker"), ("sees", "nothing was inferred")]
)
def test_the_old_configuration_returns_by_itself_and_the_desired_one_is_shunned(
    device: Device, trouble: str, words: str
) -> None:
    setattr(device, trouble, False)
    device.hears(desired())
    device.turn(TRIAL_S - 1)
    assert device.rules == ["window"]
    device.turn(1)
    assert (device.rules, device.told) == (["door"], ("1", "failed"))
    assert words in device.report["detail"]
    setattr(device, trouble, True)
    device.hears(desired(), repeated=True)
    assert (device.rules, device.told) == (["door"], ("1", "failed"))
    assert Device(device.folder).told == ("1", "failed")
    device.hears(desired())  # nor where somebody says it again
    assert device.told == ("1", "failed")
    device.hears(desired(req_id="2"))
    assert (device.rules, device.told) == (["window"], ("2", "ok"))


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (desired(), "ok"),
        (b'{"req_id": "1"', "invalid"),
        (b'{"req_id": "1", "config": {"mqtt": {"url": "mqtt://evil"}}}', "refused"),
        (desired({**WINDOW, "classes": ["unicorn"]}), "invalid"),
    ],
)
def test_what_the_broker_repeats_is_not_answered_again(device: Device, payload: bytes, told: str) -> None:
    device.hears(payload)
    before = len(device.posted)
    for _ in range(3):
        device.hears(payload, repeated=True)
    assert len(device.posted) == before
    device.hears(payload)  # somebody asks anew
    assert len(device.posted) == before + 1
    assert device.told[1] == told


def test_what_cannot_be_taken_up_is_reported_and_what_was_lived_by_goes_on(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: object) -> bool:
        raise ModelError("the bundle has gone")

    monkeypatch.setattr(device.life.retuning, "take_up", damaged)
    device.hears(desired())
    assert (device.rules, device.told) == (["door"], ("1", "failed"))
    assert "the bundle has gone" in device.report["detail"]
    monkeypatch.undo()
    device.hears(desired(req_id="2"))
    assert (device.rules, device.told) == (["window"], ("2", "ok"))


def test_while_another_model_is_about_to_look_it_waits(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device.life.retuning, "take_up", lambda _: False)
    device.hears(desired())
    device.turn(TRIAL_S)
    assert (device.rules, device.told) == (["door"], (None, "ok"))
    monkeypatch.undo()
    device.turn(1)
    assert (device.rules, device.told) == (["window"], ("1", "ok"))
    assert "on trial" in device.report["detail"]


def test_scores_that_what_looks_refuses_are_taken_back(device: Device) -> None:
    device.life.looking.refuses[device.life.looking.model.bundle] = "no memory"
    device.hears(b'{"req_id": "1", "config": {"model": {"min_score": 0.2}}}')
    assert device.report["config"]["model"]["min_score"] == 0.2
    device.turn(TRIAL_S)
    assert device.told == ("1", "failed")
    assert "no memory" in device.report["detail"]
    assert "min_score" not in device.report["config"]["model"]


def test_it_returns_to_what_was_desired_before(device: Device) -> None:
    device.hears(desired())
    device.turn(TRIAL_S)
    device.sees = False
    device.hears(desired({**LINE, "id": "gate"}, "2"))
    assert device.rules == ["gate"]
    device.turn(TRIAL_S)
    assert (device.rules, device.told) == (["window"], ("2", "failed"))


def test_a_crash_loop_on_trial_ends_with_the_old_configuration(device: Device) -> None:
    device.hears(desired())
    for _ in range(MOST_STARTS):
        assert Device(device.folder).rules == ["window"]
    after = Device(device.folder)
    assert (after.rules, after.told) == (["door"], ("1", "failed"))
    assert "started 3 times" in after.report["detail"]


def test_a_file_that_changes_later_counts_under_what_is_desired(device: Device) -> None:
    device.hears(desired())
    device.turn(TRIAL_S)
    text = device.config.read_text()
    device.config.write_text(text.replace('"overhead"', '"oblique"').replace('"door"', '"gate"'))
    device.live()
    assert (device.rules, device.report["config"]["camera"]["mount"]) == (["window"], "oblique")
    device.hears(b"")
    assert device.rules == ["gate"]


def test_a_broken_file_is_not_what_was_desireds_fault(device: Device) -> None:
    device.hears(desired())
    text = device.config.read_text()
    device.config.write_text("[modle]\n")
    with pytest.raises(ConfigError):
        device.live()
    device.config.write_text(text)
    device.live()
    assert (device.rules, device.told) == (["window"], ("1", "ok"))


def test_what_the_disk_does_not_take_is_not_lived_by(device: Device) -> None:
    (device.folder / "state").write_text("no folder")
    device.hears(desired())
    assert (device.rules, device.told) == (["door"], ("1", "failed"))
    assert "cannot be kept" in device.report["detail"]


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(b"\x00" * 10), "JSON is malformed"),
        (lambda path: path.write_bytes(b"\xff"), ""),
        (lambda path: path.write_bytes(path.read_bytes() + b" " * 1_000_000), "File too large"),
        (a_folder, "Is a directory"),
        (a_link_to_itself, "symbolic links"),
    ],
)
def test_a_record_that_cannot_be_read_leaves_the_file_alone_in_force_and_is_named(
    device: Device, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None], words: str
) -> None:
    device.hears(desired())
    spoil(device.folder / "state" / NAME)
    after = Device(device.folder)
    after.turn()
    assert (after.rules, after.told) == (["door"], (None, "failed"))
    assert "what was desired cannot be read: " in caplog.text
    trouble = after.health.lasting["desired_refused"]
    assert words in trouble
    assert trouble.endswith("; the file alone is in force")


def test_a_record_that_cannot_be_read_is_made_good_by_what_is_desired_next(device: Device) -> None:
    device.hears(desired())
    a_link_to_itself(device.folder / "state" / NAME)
    after = Device(device.folder)
    after.hears(desired())
    assert (after.rules, after.told, after.health.lasting) == (["window"], ("1", "ok"), {})
    assert Device(device.folder).rules == ["window"]


def test_what_no_longer_fits_the_file_gives_way_at_a_reload(device: Device) -> None:
    device.hears(desired())
    device.turn(TRIAL_S)
    device.unplannable = {"window"}
    device.live()
    assert (device.rules, device.told) == (["door"], ("1", "failed"))
    assert "no room for window" in device.report["detail"]
    assert Device(device.folder).rules == ["door"]


def test_a_reload_that_fails_leaves_what_is_desired_in_force(device: Device) -> None:
    device.hears(desired())
    device.fails = ModelError("the runtime is gone")
    with pytest.raises(ModelError):
        device.live()
    device.turn(TRIAL_S)
    assert device.report["detail"] == "in force"


def test_the_trial_goes_by_what_came_since_the_configuration_is_lived_by(device: Device) -> None:
    device.turn(TRIAL_S)  # an answer and an inference there were, long before
    device.answers = device.sees = False
    device.hears(desired())
    device.turn(TRIAL_S)
    assert (device.rules, device.told) == (["door"], ("1", "failed"))
    assert "no answer from the broker and nothing was inferred" in device.report["detail"]


NOT_KEPT = "is not on the disk, and a restart may try it again: no space left"


@pytest.fixture(name="full")
def a_full_disk(device: Device, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A full disk, once something is on trial; undo it to make room."""
    device.hears(desired())
    monkeypatch.setattr(DesiredStore, "keep", lambda *_: "no space left")
    return monkeypatch


def test_a_failure_that_the_disk_does_not_take_is_gone_by_and_named_until_it_does(
    device: Device, full: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    device.sees = False
    device.turn(TRIAL_S)
    device.hears(desired(), repeated=True)
    device.turn(60)
    assert (device.rules, device.told) == (["door"], ("1", "failed"))
    trouble = device.health.lasting["desired_refused"]
    assert "nothing was inferred" in trouble
    assert NOT_KEPT in trouble
    assert caplog.text.count(NOT_KEPT) == 1
    full.undo()
    device.turn(60)
    assert NOT_KEPT not in device.health.lasting["desired_refused"]
    assert Device(device.folder).told == ("1", "failed")


def test_what_proves_itself_while_the_disk_is_full_is_named_until_it_is_kept(
    device: Device, full: pytest.MonkeyPatch
) -> None:
    device.turn(TRIAL_S)
    assert (device.rules, device.report["detail"]) == (["window"], "in force")
    assert NOT_KEPT in device.health.lasting["desired_refused"]
    full.undo()
    device.turn(60)
    assert device.health.lasting == {}
    assert Device(device.folder).report["detail"] == "in force"


def test_a_start_on_trial_that_cannot_be_counted_is_named(
    device: Device, full: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    after = Device(device.folder)
    assert NOT_KEPT in caplog.text
    after.turn()
    assert (after.rules, after.told) == (["window"], ("1", "ok"))
    assert NOT_KEPT in after.health.lasting["desired_refused"]
    full.undo()
    after.hears(desired(req_id="2"))
    assert (after.told, after.health.lasting) == (("2", "ok"), {})


def test_too_much_is_invalid_and_said_so(device: Device) -> None:
    device.hears(b'{"config": {}}' + b" " * MOST_BYTES)
    assert (device.told, device.rules) == ((None, "invalid"), ["door"])
    assert "larger than 16384 bytes" in device.report["detail"]


def test_before_the_first_life_nobody_hears(tmp_path: Path) -> None:
    write_config(tmp_path, camera={"source": "scene"}, url="mqtt://localhost")
    twin = Twin(tmp_path / "eyespot.toml", ManualClock(0))
    twin.hear(Heard(f"{ROOT}/config/desired", desired(), retain=True, qos=1))
    twin.tick(Troubles())
    assert Device(tmp_path).rules == ["door"]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([WINDOW, {**LATER, "classes": ["unicorn"]}], 'rules.1.classes.0: the model has no "unicorn"'),
        ([{**LINE, "id": f"r{number}"} for number in range(101)], "rules: want 100 at most, got 101"),
    ],
)
def test_what_is_wrong_in_desired_rules_is_named_by_its_place(
    device: Device, rules: list[dict[str, object]], words: str
) -> None:
    device.hears(json.dumps({"req_id": "1", "config": {"rules": rules}}).encode())
    assert device.told == ("1", "invalid")
    assert words in device.report["detail"]


def test_going_back_to_what_is_in_force_ends_the_failure(device: Device) -> None:
    device.hears(desired())
    device.turn(TRIAL_S)
    device.answers = False
    device.hears(desired(LATER, "2"))
    device.turn(TRIAL_S)
    assert (device.rules, device.told) == (["window"], ("2", "failed"))
    assert "desired_refused" in device.health.lasting
    device.hears(desired())
    assert (device.rules, device.told) == (["window"], ("1", "ok"))
    assert "desired_refused" not in device.health.lasting
    assert Device(device.folder).told == ("1", "ok")


def test_a_failed_score_is_still_told_when_the_broker_repeats_what_it_was_laid_over(device: Device) -> None:
    device.hears(desired())
    device.turn(TRIAL_S)
    device.answers = False
    device.twin.adjust(0.9, "2")
    device.turn()
    device.turn(TRIAL_S)
    device.hears(desired(), repeated=True)
    assert device.told == ("2", "failed")


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b'{"req_id": "2", "config": {"mqtt": {}}}', "refused"),
        (b'{"req_id": "2"', "invalid"),
    ],
)
def test_a_refusal_is_told_until_something_else_is_desired(device: Device, payload: bytes, told: str) -> None:
    device.hears(desired())
    device.hears(payload)
    device.turn(TRIAL_S)
    assert (device.rules, device.told[1]) == (["window"], told)
    assert "desired_refused" in device.health.lasting
    device.hears(desired())
    assert (device.rules, device.told) == (["window"], ("1", "ok"))
    assert "desired_refused" not in device.health.lasting


def test_what_is_desired_goes_along_to_another_state_folder(device: Device) -> None:
    device.hears(desired())
    device.turn(TRIAL_S)
    write_config(device.folder, camera=SCENE, url="mqtt://localhost", state=device.folder / "other")
    device.live()
    assert Device(device.folder).rules == ["window"]
    device.hears(desired(LATER, "2"))
    device.turn(TRIAL_S)
    assert Device(device.folder).rules == ["later"]
