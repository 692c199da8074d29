"""One run of the update worker: what it takes, what it leaves, and what it says."""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from eyespot.domain.errors import ModelError, StoreError, TrustError
from eyespot.trust.slots import go_back
from eyespot.update.decision import MOST_ATTEMPTS
from fakes.bundles import NETWORK, write_travelling
from fakes.mirrors import Mirror, serving
from fakes.repository import FakeRepository
from fakes.updates import PI, Fitted, committed, fails, offer, pack_anyway, staged, write_packed


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


def test_an_idle_poll_is_two_requests(repository: FakeRepository, device: Fitted, mirror: Mirror) -> None:
    offer(repository)
    device.update()
    committed(device.slots)
    device.update()
    mirror.requests.clear()
    note = device.update()
    assert mirror.connections == 1  # each more would be one more TLS handshake
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
