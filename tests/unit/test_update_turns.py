"""When the worker takes what is offered: turns, delays, windows, approval, and clocks that are wrong."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from eyespot.domain.errors import FeedError
from eyespot.trust.desired import delay_s
from eyespot.trust.slots import activate
from eyespot.update.account import WARN_S
from fakes.mirrors import Mirror, serving
from fakes.repository import FakeRepository
from fakes.updates import PI, Fitted, committed, fails, offer, staged

A_DAY_S = 86_400


@pytest.fixture(name="repository")
def a_repository(tmp_path: Path) -> FakeRepository:
    return FakeRepository(tmp_path / "repository")


@pytest.fixture(name="device")
def a_device(tmp_path: Path, repository: FakeRepository) -> Fitted:
    return Fitted(tmp_path / "models", repository)


@pytest.fixture(name="mirror")
def a_mirror(repository: FakeRepository, device: Fitted) -> Iterator[Mirror]:
    with serving(repository.folder) as mirror:
        device.url = mirror.url
        yield mirror


def next_s(device: Fitted) -> int:
    return int((device.slots.folder / "next").read_text())


def test_a_rollout_takes_a_device_when_its_turn_has_come(repository: FakeRepository, device: Fitted) -> None:
    offer(repository, percent=0)
    note = device.update()
    assert note.state == "idle"
    assert note.offer is not None
    assert (note.offer.waits_for, note.offer.until_s) == ("turn", None)
    repository.release(None, percent=100)
    assert device.update().state == "staged"


def test_a_release_is_not_taken_before_its_time(repository: FakeRepository, device: Fitted) -> None:
    begin_s = device.now.utc_s + 3600
    offer(repository, not_before_s=begin_s)
    assert device.update().state == "idle"
    assert next_s(device) == begin_s
    device.later(3600)
    assert device.update().state == "staged"


def test_devices_spread_from_when_they_could_know(repository: FakeRepository, device: Fitted) -> None:
    """The delay begins once: a hint every minute neither hurries it nor puts it off."""
    offer(repository, jitter_s=A_DAY_S, rollout="r1")
    delay = delay_s(PI.id, "r1", A_DAY_S)
    due_s = device.now.utc_s + delay
    for _ in range(3):
        note = device.update()
        assert note.offer is not None
        assert (note.offer.waits_for, note.offer.until_s) == ("turn", due_s)
        device.later(60)
    device.later(delay - 180)
    assert device.update().state == "staged"


def test_a_window_is_waited_for_and_approval_does_without(repository: FakeRepository, device: Fitted) -> None:
    noon = datetime(2027, 6, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    device.later(noon.timestamp() - device.now.utc_s)
    repository.now = noon.astimezone(UTC)
    repository.refresh()
    device.configured(window="22:00-05:00")
    offer(repository)
    note = device.update()
    assert note.state == "offered"
    assert note.offer is not None
    assert (note.offer.waits_for, note.offer.until_s) == ("window", int(noon.replace(hour=22).timestamp()))
    assert next_s(device) <= note.offer.until_s
    device.ask("approve")
    assert device.update().state == "staged"


def test_what_wants_approval_waits_for_it(repository: FakeRepository, device: Fitted) -> None:
    device.configured(approve=True)
    offer(repository)
    assert device.update().state == "offered"
    device.ask("check")
    assert device.update().state == "offered"
    device.ask("approve")
    assert device.update().state == "staged"


def test_approval_is_for_what_was_offered_and_for_nothing_newer(
    repository: FakeRepository, device: Fitted
) -> None:
    device.configured(approve=True)
    offer(repository)
    device.update()
    offer(repository, "2.0.0")
    device.ask("approve")
    note = device.update()
    assert note.offer is not None
    assert (note.state, note.offer.version) == ("offered", "2.0.0")


def test_approval_stays_over_a_cut(repository: FakeRepository, device: Fitted, mirror: Mirror) -> None:
    device.configured(approve=True)
    offer(repository)
    device.update()
    device.ask("approve")
    (packed,) = (repository.folder / "targets" / "bundles").iterdir()
    data = packed.read_bytes()
    packed.unlink()
    fails(device)
    packed.write_bytes(data)
    assert device.update().state == "staged"


def test_approval_of_nothing_is_none(repository: FakeRepository, device: Fitted) -> None:
    device.configured(approve=True)
    device.ask("approve")
    device.update()
    offer(repository)
    assert device.update().state == "offered"


def test_a_trial_is_waited_for(repository: FakeRepository, device: Fitted) -> None:
    offer(repository)
    device.update()
    device.slots.change(activate)
    offer(repository, "2.0.0")
    note = device.update()
    assert (note.state, note.code) == ("idle", "on_trial")
    assert next_s(device) <= device.now.utc_s + 3600
    assert staged(device) is None


def test_signatures_that_end_soon_are_told_in_time(repository: FakeRepository, device: Fitted) -> None:
    offer(repository, percent=0)
    note = device.update()
    assert note.code is None
    assert note.metadata_expires_s is not None
    device.later(note.metadata_expires_s - device.now.utc_s - WARN_S + 60)
    note = device.update()
    assert (note.state, note.code) == ("idle", "metadata_expires")
    assert "13 days" in note.reason


def test_expiry_takes_no_model_away(repository: FakeRepository, device: Fitted) -> None:
    offer(repository)
    device.update()
    committed(device.slots)
    before = device.record.current
    device.later(400 * A_DAY_S)
    assert fails(device).code == "metadata_expired"
    assert device.record.current == before


def test_a_clock_that_is_not_set_is_called_that(repository: FakeRepository, device: Fitted) -> None:
    device.update()
    device.later(-400 * A_DAY_S, synced=False)
    note = device.update()
    assert (note.state, note.code) == ("idle", "clock_unsynced")
    device.later(1000 * A_DAY_S, synced=False)
    note = fails(device)
    assert (note.state, note.code) == ("failed", "clock_unsynced")


def test_a_clock_that_is_behind_keeps_nothing_from_being_taken(
    repository: FakeRepository, device: Fitted
) -> None:
    device.update()
    offer(repository)
    device.later(-400 * A_DAY_S, synced=False)
    assert device.update().state == "staged"


@pytest.mark.parametrize(("synced", "code"), [(True, "tls"), (False, "clock_unsynced")])
def test_a_certificate_that_is_not_valid_may_be_the_clocks_fault(
    repository: FakeRepository, device: Fitted, mirror: Mirror, synced: bool, code: str
) -> None:
    device.url = mirror.url.replace("http:", "https:")  # which does not speak TLS at all
    device.later(0, synced=synced)
    note = fails(device)
    assert note.code == code
    assert ("clock" in note.reason) == (not synced)


def test_polls_are_spread_over_the_day_and_stay_at_their_time(
    repository: FakeRepository, device: Fitted
) -> None:
    times = set()
    for number in range(12):
        device.device = replace(PI, id=f"device-{number}")
        device.update()
        first = next_s(device)
        assert device.now.utc_s + 3600 <= first < device.now.utc_s + 3600 + A_DAY_S
        device.later(7200)
        device.update()
        assert (next_s(device) - first) % A_DAY_S == 0
        times.add(first % A_DAY_S // 3600)
    assert len(times) > 4


def test_a_run_that_fails_is_tried_again_within_the_hour(repository: FakeRepository, device: Fitted) -> None:
    device.url = "file:///nowhere"
    with pytest.raises(FeedError):
        device.update()
    assert device.now.utc_s + 600 <= next_s(device) <= device.now.utc_s + 3600
