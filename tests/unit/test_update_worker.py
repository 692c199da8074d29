"""One run of the update worker: what it takes, when, what it leaves, and what it says."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from eyespot.domain.errors import FeedError, ModelError, StoreError, TrustError, UpdateError
from eyespot.trust.desired import delay_s
from eyespot.trust.notes import WorkerNote
from eyespot.trust.slots import activate, go_back
from eyespot.update.account import WARN_S
from eyespot.update.decision import MOST_ATTEMPTS
from fakes.bundles import NETWORK, write_travelling
from fakes.mirrors import Mirror, serving
from fakes.repository import FakeRepository
from fakes.updates import PI, Fitted, committed, offer, pack_anyway, write_packed

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


def staged(device: Fitted) -> str | None:
    return device.record.staged and device.record.staged.bundle


def next_s(device: Fitted) -> int:
    return int((device.slots.folder / "next").read_text())


def fails(device: Fitted) -> WorkerNote:
    with pytest.raises(UpdateError):
        device.update()
    note = device.slots.worker_note()
    assert note is not None
    return note


def test_an_idle_poll_is_two_requests(repository: FakeRepository, device: Fitted, mirror: Mirror) -> None:
    offer(repository)
    device.update()
    committed(device.slots)
    device.update()
    mirror.requests.clear()
    note = device.update()
    assert [path for path, _ in mirror.requests] == ["/metadata/2.root.json", "/metadata/timestamp.json"]
    assert (note.state, note.offer, note.code) == ("idle", None, None)


def test_an_idle_poll_leaves_the_trust_cache_alone(repository: FakeRepository, device: Fitted) -> None:
    device.update()
    before = (device.slots.folder / "tuf").readlink(), device.record.generation
    device.later(60)
    device.update()
    assert ((device.slots.folder / "tuf").readlink(), device.record.generation) == before


def test_an_update_goes_through_its_states(repository: FakeRepository, device: Fitted) -> None:
    bundle = offer(repository, notes="sees in the dark", notes_url="https://example.org/n")
    note = device.update()
    states = [note.state for note in device.notes]
    assert states == ["checking", "checking", "downloading", "verifying", "testing", "staged"]
    assert staged(device) == bundle
    assert note.offer is not None
    assert (note.offer.version, note.offer.notes) == ("1.0.0", "sees in the dark")
    assert not any((device.slots.folder / "parts").iterdir())
    assert not any((device.slots.folder / "staging").iterdir())


def test_a_bundle_that_looks_already_is_not_fetched(
    repository: FakeRepository, device: Fitted, mirror: Mirror
) -> None:
    offer(repository)
    device.update()
    assert device.update().state == "staged"
    committed(device.slots)
    repository.release(None, percent=50)
    assert device.update().state == "idle"
    assert len(mirror.of_bundles()) == 1


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


def test_a_bundle_that_is_refused_is_not_fetched_again_in_this_rollout(
    repository: FakeRepository, device: Fitted, mirror: Mirror
) -> None:
    def crash(_: Path) -> None:
        raise ModelError("its network crashed its runtime (SIGSEGV); take another bundle")

    device.prove = crash
    bundle = offer(repository, rollout="r1")
    note = fails(device)
    assert (note.code, "SIGSEGV" in note.reason) == ("refused", True)
    (shunned,) = device.record.quarantine
    assert (shunned.bundle, shunned.rollout) == (bundle, "r1")
    assert device.record.last_result is not None
    assert device.record.last_result.outcome == "refused"
    note = device.update()
    assert (note.state, note.code) == ("idle", "quarantined")
    assert len(mirror.of_bundles()) == 1
    device.prove = lambda _: None
    repository.release(None, percent=100, rollout="r2")
    assert device.update().state == "staged"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"min_daemon": "99.0.0"}, "upgrade Eyespot"),
        ({"max_daemon": "0.0.1"}, "take a newer bundle"),
        ({"needs": {"memory_mb": 60_000}}, "MB of memory"),
    ],
)
def test_a_bundle_that_does_not_fit_is_refused(
    repository: FakeRepository, device: Fitted, changes: dict[str, object], words: str
) -> None:
    folder = repository.folder.with_name("odd")
    folder.mkdir()
    write_travelling(folder, **changes)
    bundle, archive = pack_anyway(folder)
    repository.add(archive, bundle)
    repository.release(bundle)
    note = fails(device)
    assert note.code == "refused"
    assert words in note.reason
    assert staged(device) is None
    assert device.proved == []


def test_a_bundle_for_another_sensor_is_refused(repository: FakeRepository, device: Fitted) -> None:
    device.device = replace(PI, runtime="imx500")
    offer(repository)
    note = fails(device)
    assert (note.code, "is for the processor" in note.reason) == ("refused", True)


def test_another_bundle_in_the_archive_than_its_name_says_is_refused(
    repository: FakeRepository, device: Fitted
) -> None:
    _, archive = write_packed(repository.folder.with_name("b"), "1.0.0")
    other = "ssd-mobilenet-v2-oidv4@1.0.0-0123456789ab"
    repository.add(archive, other)
    repository.release(other)
    note = fails(device)
    assert (note.code, "not ssd-mobilenet-v2-oidv4@1.0.0-0123456789ab" in note.reason) == ("refused", True)


def test_a_rollout_that_fails_ten_times_is_left_until_the_next(
    repository: FakeRepository, device: Fitted, mirror: Mirror
) -> None:
    """A bundle that is not there does not make a fleet ask for ever."""
    offer(repository, rollout="r1")
    (packed,) = (repository.folder / "targets" / "bundles").iterdir()
    data = packed.read_bytes()
    packed.unlink()
    for attempt in range(1, MOST_ATTEMPTS + 1):
        note = fails(device)
        assert (note.code, note.attempts) == ("missing", attempt)
        device.later(3600)
    asked = len(mirror.of_bundles())
    for _ in range(3):
        note = device.update()
        assert (note.state, note.code, note.attempts) == ("failed", "gave_up", MOST_ATTEMPTS)
        assert "404" in note.reason
    assert len(mirror.of_bundles()) == asked == MOST_ATTEMPTS
    packed.write_bytes(data)
    repository.release(None, percent=100, rollout="r2")
    assert device.update().state == "staged"


def test_a_download_that_gets_on_is_no_failed_attempt(
    repository: FakeRepository, device: Fitted, mirror: Mirror
) -> None:
    """A device at the end of a bad line needs more than ten evenings."""
    folder = repository.folder.with_name("large")
    bundle, archive = write_packed(folder, "1.0.0", NETWORK + os.urandom(600_000))
    repository.add(archive, bundle)
    repository.release(bundle)
    for _ in range(4):
        mirror.cuts = [100_000, *[0] * 5]
        note = fails(device)
        assert (note.code, note.attempts) == ("cut", 0)
    assert device.update().state == "staged"
    assert mirror.sent_bytes < 1.1 * len(archive) + 40_000


def test_a_cut_that_ends_a_run_is_gone_on_from_in_the_next(
    repository: FakeRepository, device: Fitted, mirror: Mirror
) -> None:
    offer(repository)
    mirror.cuts = [500, 0, 0, 0, 0]
    fails(device)
    device.update()
    assert mirror.of_bundles()[-1] == "bytes=500-"


def test_a_part_that_a_power_cut_has_damaged_is_thrown_away(
    repository: FakeRepository, device: Fitted, mirror: Mirror
) -> None:
    offer(repository)
    mirror.cuts = [800, 0, 0, 0, 0]
    fails(device)
    (part,) = (device.slots.folder / "parts").iterdir()
    part.write_bytes(bytes(800))
    assert fails(device).code == "wrong_bytes"
    assert device.update().state == "staged"


def test_room_is_looked_for_before_anything_is_fetched(
    repository: FakeRepository, device: Fitted, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(repository)

    def full(_: object, size: int) -> None:
        raise StoreError(f"no room for {size}")

    monkeypatch.setattr("eyespot.update.slots.Slots.need_room", full)
    note = fails(device)
    assert (note.code, note.attempts) == ("disk", 0)
    assert mirror.of_bundles() == []


def test_a_trial_is_waited_for(repository: FakeRepository, device: Fitted) -> None:
    offer(repository)
    device.update()
    device.slots.change(activate)
    offer(repository, "2.0.0")
    note = device.update()
    assert (note.state, note.code) == ("idle", "on_trial")
    assert staged(device) is None


def test_a_pinned_device_fetches_nothing(repository: FakeRepository, device: Fitted, mirror: Mirror) -> None:
    device.device = replace(PI, pinned="the configuration names /srv/b")
    offer(repository)
    note = device.update()
    assert (note.state, note.code) == ("idle", "pinned")
    assert mirror.of_bundles() == []


def test_what_nobody_has_signed_is_taken_only_where_that_is_allowed(
    repository: FakeRepository, device: Fitted, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.tar.zst"
    mine.write_bytes(write_packed(tmp_path / "mine", "3.0.0")[1])
    device.ask("install", path=str(mine))
    assert fails(device).code == "unsigned"
    device.configured(allow_unsigned=True)
    device.ask("install", path=str(mine))
    assert device.update().state == "staged"
    assert device.record.staged is not None
    assert not device.record.staged.signed
    assert device.record.staged.rollout is None
    assert mine.exists()


def test_a_copy_that_was_made_for_the_worker_is_removed(device: Fitted, tmp_path: Path) -> None:
    device.configured(allow_unsigned=True)
    copy = device.slots.part("install:/home/pi/mine")
    copy.write_bytes(write_packed(tmp_path / "mine")[1])
    device.ask("install", path=str(copy))
    assert device.update().state == "staged"
    assert not copy.exists()


def test_a_local_bundle_that_is_bad_is_refused(device: Fitted, tmp_path: Path) -> None:
    device.configured(allow_unsigned=True)
    (tmp_path / "folder").mkdir()
    (tmp_path / "archive").write_bytes(b"no archive")
    os.mkfifo(tmp_path / "pipe")
    for kind in ("missing", "folder", "archive", "pipe"):
        device.ask("install", path=str(tmp_path / kind))
        fails(device)
        assert staged(device) is None
        assert not any((device.slots.folder / "staging").iterdir())


def test_requests_are_done_once(repository: FakeRepository, device: Fitted) -> None:
    for _ in range(3):
        device.ask("check")
    device.update()
    assert not any((device.slots.folder / "requests" / "worker").iterdir())


def test_two_workers_do_not_get_in_each_others_way(repository: FakeRepository, device: Fitted) -> None:
    offer(repository)
    device.ask("check")
    other = type(device.slots)(device.slots.folder)
    with other.working(), pytest.raises(StoreError):
        device.update()
    assert len(device.slots.take_requests("worker")) == 1


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


def test_a_note_that_is_damaged_is_written_anew(repository: FakeRepository, device: Fitted) -> None:
    (device.slots.folder / "worker.json").write_bytes(b"{")
    assert device.update().state == "idle"


def test_another_repository_counts_from_its_own_beginning(
    tmp_path: Path, repository: FakeRepository, device: Fitted
) -> None:
    """Who gives a device another root.json wants it to follow another repository, with lower versions."""
    for _ in range(5):
        repository.refresh()
    offer(repository, percent=0)
    device.update()
    other = FakeRepository(tmp_path / "other")
    bundle = offer(other, "2.0.0")
    device.url, device.root = other.url, other.root
    device.update()
    assert staged(device) == bundle


def test_a_root_of_trust_that_is_none_is_said(repository: FakeRepository, device: Fitted) -> None:
    device.root = device.root.replace(b'"version":1', b'"version":2')
    with pytest.raises(TrustError) as caught:
        device.update()
    assert caught.value.code == "root"


def test_a_model_that_was_left_by_hand_is_not_taken_again(repository: FakeRepository, device: Fitted) -> None:
    offer(repository)
    device.update()
    committed(device.slots)
    device.slots.change(partial(go_back, reason="an operator wanted it", at_s=1))
    assert device.update().code == "quarantined"
    assert device.record.current is None
