"""A single setting can be changed by a command, beside all else that is desired, and on trial as that is."""

from pathlib import Path

import pytest

from eyespot.app import twin
from eyespot.app.twin import TRIAL_S
from eyespot.store.desired import DesiredStore
from fakes.office import Office
from fakes.twins import Device, desired


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


def score(device: Device) -> float | None:
    value: float | None = device.report["config"]["model"].get("min_score")
    return value


def adjusted(device: Device, value: float, req_id: str | None = None) -> str:
    code, _ = device.twin.adjust(value, req_id)
    device.turn()
    return code


def test_what_else_is_desired_stays(device: Device) -> None:
    device.hears(desired())
    assert adjusted(device, 0.5, "2") == "ok"
    assert (device.rules, score(device), device.told) == (["window"], 0.5, ("2", "ok"))
    assert adjusted(device, 0.6) == "ok"
    assert (device.rules, score(device)) == (["window"], 0.6)


def test_it_is_kept_over_a_restart_though_the_broker_repeats_what_was_desired_before(device: Device) -> None:
    device.hears(desired())
    device.turn(TRIAL_S)
    adjusted(device, 0.5)
    device.turn(TRIAL_S)
    assert device.report["detail"] == "in force"
    again = Device(device.folder)
    again.hears(desired(), repeated=True)
    assert (again.rules, score(again)) == (["window"], 0.5)


def test_what_is_desired_anew_takes_its_place(device: Device) -> None:
    device.hears(desired())
    adjusted(device, 0.5)
    device.hears(desired(req_id="3"))
    assert (score(device), device.told) == (None, ("3", "ok"))


@pytest.mark.parametrize("proved_s", [0, TRIAL_S])
def test_what_was_desired_before_takes_its_place_when_it_is_said_anew(
    device: Device, proved_s: float
) -> None:
    device.hears(desired())
    device.turn(TRIAL_S)
    adjusted(device, 0.5)
    device.turn(proved_s)
    device.hears(desired(), repeated=True)
    assert score(device) == 0.5
    device.hears(desired())
    assert (device.rules, score(device), device.told) == (["window"], None, ("1", "ok"))
    device.turn(TRIAL_S)
    device.hears(desired(), repeated=True)
    assert (score(device), device.report["detail"]) == (None, "in force")


def test_an_empty_message_takes_it_back(device: Device) -> None:
    adjusted(device, 0.5)
    device.hears(b"")
    assert (device.rules, score(device), device.told) == (["door"], None, (None, "ok"))


def test_it_is_on_trial_and_may_be_tried_again(device: Device) -> None:
    device.hears(desired())
    device.turn(TRIAL_S)
    device.sees = False
    adjusted(device, 0.5)
    device.turn(TRIAL_S)
    assert (device.rules, score(device)) == (["window"], None)
    device.hears(desired(), repeated=True)  # the broker repeats what has failed least
    assert (device.rules, score(device)) == (["window"], None)
    device.sees = True
    assert adjusted(device, 0.5) == "ok"
    device.turn(TRIAL_S)
    assert (score(device), device.report["detail"]) == (0.5, "in force")


def test_what_failed_before_is_not_tried_again_because_of_it(device: Device) -> None:
    device.sees = False
    device.hears(desired())
    device.turn(TRIAL_S)
    device.sees = True
    adjusted(device, 0.5)
    device.hears(desired(), repeated=True)
    assert (device.rules, score(device)) == (["door"], 0.5)


def test_the_same_again_changes_nothing(device: Device) -> None:
    adjusted(device, 0.5)
    posted = len(device.posted)
    assert adjusted(device, 0.5) == "ok"
    assert len(device.posted) == posted


def test_what_would_be_too_large_to_be_desired_is_refused(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.hears(desired())
    monkeypatch.setattr(twin, "MOST_BYTES", len(desired()))
    assert adjusted(device, 0.5) == "refused"
    assert (device.rules, score(device)) == (["window"], None)


def test_what_cannot_be_kept_is_not_in_force(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DesiredStore, "keep", lambda *_: "no space left")
    assert adjusted(device, 0.5) == "failed"
    assert score(device) is None


@pytest.mark.parametrize("value", ["0", "1", "0.995", '"0.5"', "true", "null"])
def test_a_score_beyond_its_bounds_is_not_understood(tmp_path: Path, value: str) -> None:
    office = Office(tmp_path)
    office.told("cmd/settings/min_score", f'{{"req_id": "1", "args": {{"value": {value}}}}}')
    assert [reply["code"] for reply in office.replies] == ["invalid"]
    assert office.adjusted == []


def test_a_score_is_passed_on_with_the_id_of_its_command(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.told("cmd/settings/min_score", '{"req_id": "1", "args": {"value": 0.4}}')
    office.told("cmd/settings/min_score", '{"args": {"value": 0.5}}')
    assert office.adjusted == [(0.4, "1"), (0.5, None)]
    assert [reply["code"] for reply in office.replies] == ["ok"]
