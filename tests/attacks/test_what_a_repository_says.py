"""Attacks on the update by whoever holds the repository, a mirror of it, a key, or the way there.

The named attacks are those of The Update Framework, specification 1.0.34, 1.5.2.
"""

import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace as with_
from securesystemslib.signer import Signer

from eyespot.domain.errors import FeedError, StoreError, TrustError, UpdateError
from eyespot.update.patience import Patience
from eyespot_fleet.publishing.releasing import desired
from eyespot_fleet.publishing.repository import Repository, opened
from fakes.mirrors import serving
from fakes.repository import FakeRepository
from fakes.updates import Fitted, offer, write_packed


@pytest.fixture
def repository(tmp_path: Path) -> FakeRepository:
    return FakeRepository(tmp_path / "repository")


@pytest.fixture
def device(tmp_path: Path, repository: FakeRepository) -> Fitted:
    return Fitted(tmp_path / "models", repository)


def refused(device: Fitted, kind: type[UpdateError], code: str) -> str:
    """Update; see that it is refused for this reason, that the device says so, and that nothing was taken."""
    before = device.record
    with pytest.raises(kind) as caught:
        device.update()
    note = device.slots.worker_note()
    assert note is not None
    assert (note.state, note.code) == ("failed", code)
    assert note.reason == str(caught.value)
    after = device.record
    assert (after.current, after.staged) == (before.current, before.staged)
    assert not any((device.slots.folder / "bundles").iterdir()) or before.in_use
    return note.reason


def copy_of(repository: FakeRepository) -> Path:
    """Keep the repository as it is now, for a replay."""
    return Path(shutil.copytree(repository.folder, repository.folder.with_name(f"of-{id(object())}")))


def put_back(repository: FakeRepository, copy: Path) -> None:
    shutil.rmtree(repository.folder)
    shutil.copytree(copy, repository.folder)


def packed_in(repository: FakeRepository) -> Path:
    (packed,) = (repository.folder / "targets" / "bundles").iterdir()
    return packed


def test_what_is_offered_is_staged(repository: FakeRepository, device: Fitted) -> None:
    """Without this, a worker that refuses everything would pass all that follows."""
    bundle = offer(repository)
    device.update()
    assert device.record.staged is not None
    assert device.record.staged.bundle == bundle
    assert device.record.staged.signed
    assert device.proved


def test_arbitrary_bytes_instead_of_a_bundle_are_refused(repository: FakeRepository, device: Fitted) -> None:
    offer(repository)
    packed = packed_in(repository)
    packed.write_bytes(bytes(packed.stat().st_size))
    refused(device, TrustError, "wrong_bytes")
    assert not any((device.slots.folder / "parts").iterdir())


def test_another_genuine_bundle_under_its_name_is_refused(repository: FakeRepository, device: Fitted) -> None:
    _, other = write_packed(repository.folder.with_name("other"), "9.9.9")
    offer(repository)
    packed = packed_in(repository)
    packed.write_bytes(other[: packed.stat().st_size].ljust(packed.stat().st_size))
    refused(device, TrustError, "wrong_bytes")


def test_a_repository_replayed_from_yesterday_is_refused(repository: FakeRepository, device: Fitted) -> None:
    yesterday = copy_of(repository)
    offer(repository)
    device.update()
    put_back(repository, yesterday)
    refused(device, TrustError, "stale")


def test_a_repository_that_is_frozen_is_no_use_once_its_signatures_end(
    repository: FakeRepository, device: Fitted
) -> None:
    offer(repository, percent=0)
    device.update()
    device.later(61 * 86_400)
    reason = refused(device, FeedError, "metadata_expired")
    assert "attack" not in reason


def test_a_clock_that_is_set_back_does_not_make_ended_signatures_count_again(
    repository: FakeRepository, device: Fitted
) -> None:
    offer(repository, percent=0)
    device.update()
    device.later(59 * 86_400)
    repository.now += timedelta(days=59)
    device.update()
    frozen = copy_of(repository)
    device.later(50 * 86_400)
    repository.now += timedelta(days=50)
    repository.refresh()
    device.update()
    put_back(repository, frozen)
    device.later(-100 * 86_400, synced=False)
    with pytest.raises(UpdateError):
        device.update()


@pytest.mark.parametrize("role", ["snapshot", "targets", "desired"])
def test_parts_of_different_days_are_refused(repository: FakeRepository, device: Fitted, role: str) -> None:
    """Mix and match: today's timestamp over yesterday's file, under the name that today's has."""
    offer(repository)
    with repository.changed() as before:
        old = before.files._path(role, before.files.newest(role)).read_bytes()
    offer(repository, "1.0.1")
    with repository.changed() as after:
        after.files._path(role, after.files.newest(role)).write_bytes(old)
    refused(device, TrustError, "stale")


def test_endless_metadata_is_cut_off(repository: FakeRepository, device: Fitted) -> None:
    (repository.folder / "metadata" / "timestamp.json").write_bytes(b" " * 100_000)
    refused(device, TrustError, "too_long")


def test_endless_data_instead_of_a_bundle_is_cut_off(repository: FakeRepository, device: Fitted) -> None:
    offer(repository)
    packed = packed_in(repository)
    packed.write_bytes(packed.read_bytes() + bytes(1_000_000))
    refused(device, TrustError, "too_long")
    assert not any((device.slots.folder / "parts").iterdir())


def test_a_repository_with_another_root_is_refused(
    tmp_path: Path, repository: FakeRepository, device: Fitted
) -> None:
    theirs = FakeRepository(tmp_path / "theirs")
    offer(theirs)
    device.url = theirs.url
    refused(device, TrustError, "signature")


def sites(repository: FakeRepository) -> None:
    repository.add_site("north")
    repository.add_site("south")


def test_the_key_of_another_site_signs_nothing_here(repository: FakeRepository, device: Fitted) -> None:
    sites(repository)
    bundle, archive = write_packed(repository.folder.with_name("bundle"))
    repository.add(archive, bundle, site="south")
    repository.release(bundle, "south")
    told = (repository.folder / "targets" / "desired").glob("*.south.json")
    data = next(told).read_bytes().replace(b'"cohort":"south"', b'"cohort":"north"')
    repository.smuggle("south.desired", {"desired/north.json": data})
    device.configured(cohort="north")
    note = device.update()
    assert (note.state, note.offer) == ("idle", None)
    assert device.record.staged is None


def test_the_key_of_another_site_does_not_pass_for_the_own(
    repository: FakeRepository, device: Fitted
) -> None:
    sites(repository)
    bundle, archive = write_packed(repository.folder.with_name("bundle"))
    repository.add(archive, bundle, site="south")
    repository.release(bundle, "south")
    with repository.changed() as signed:
        keys = signed.delegations.roles["south.desired"].keyids
    thief = [repository.keys.signers[key] for key in keys]
    repository.smuggle("north.desired", {}, *thief)
    device.configured(cohort="north")
    refused(device, TrustError, "signature")


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_a_key_that_was_stolen_and_revoked_signs_nothing_any_more(
    repository: FakeRepository, device: Fitted, role: str
) -> None:
    offer(repository, percent=0)
    device.update()
    stolen = dict(repository.keys.signers)
    repository.replace_keys(role)
    with repository.changed() as signed:
        kept = {key for one in signed.root.roles.values() for key in one.keyids}
    thieves = [signer for key, signer in stolen.items() if key not in kept]
    device.update()
    offer(repository, "6.6.6")
    as_signed_by(repository, role, thieves)
    refused(device, TrustError, "signature")


def as_signed_by(repository: FakeRepository, role: str, signers: Sequence[Signer]) -> None:
    """Sign the newest word of a role anew, with these keys instead of the right ones."""
    with opened(repository.folder, repository.keys, repository.now) as signed:
        sign(signed, role, signers)


def sign(signed: Repository, role: str, signers: Sequence[Signer]) -> None:
    metadata = signed._signed[role]
    metadata.signatures.clear()
    for signer in signers:
        metadata.sign(signer, append=True)
    signed.files.write(role, metadata)


def run_ahead(repository: FakeRepository, version: int) -> None:
    """Sign snapshot and timestamp as that version."""
    with opened(repository.folder, repository.keys, repository.now) as signed:
        timestamp = signed._signed["timestamp"].signed
        for role in ("snapshot", "timestamp"):
            signed._signed[role].signed.version = timestamp.snapshot_meta.version = version
            keys = signed.root.roles[role].keyids
            sign(signed, role, [repository.keys.signers[key] for key in keys])


def recovers(repository: FakeRepository, before: Path, device: Fitted) -> None:
    """See that a device takes what is offered once the repository and its keys are made good."""
    put_back(repository, before)
    repository.replace_keys("timestamp", "snapshot")
    bundle = offer(repository, "2.0.0")
    device.update()
    assert device.record.staged is not None
    assert device.record.staged.bundle == bundle


def test_a_repository_recovers_from_a_thief_who_ran_ahead_with_versions(
    repository: FakeRepository, device: Fitted
) -> None:
    """Fast-forward: with the keys replaced, versions count anew, also by the device's own floor."""
    before = copy_of(repository)
    run_ahead(repository, 1_000_000)
    device.update()
    assert device.record.floor.timestamp >= 1_000_000
    recovers(repository, before, device)
    assert device.record.floor.timestamp < 1_000_000


def test_version_numbers_beyond_all_measure_are_refused_and_recovered_from(
    repository: FakeRepository, device: Fitted
) -> None:
    before = copy_of(repository)
    run_ahead(repository, 2**70)
    refused(device, TrustError, "damaged")
    recovers(repository, before, device)


@pytest.mark.parametrize("custom", [[], "large", 7, {"unpacked_bytes": "many"}, {"unpacked_bytes": -1}])
def test_what_is_signed_beside_a_bundle_may_be_anything(
    repository: FakeRepository, device: Fitted, custom: object
) -> None:
    bundle = offer(repository)
    with repository.changed() as signed:
        (target,) = (each for name, each in signed.targets("targets").targets.items() if bundle in name)
        target.unrecognized_fields["custom"] = custom
        signed.sign("targets")
    device.update()
    assert device.record.staged is not None
    assert device.record.staged.bundle == bundle


@pytest.mark.parametrize("harm", ["gone", "emptied"])
def test_a_trust_cache_that_a_power_cut_has_emptied_takes_no_replayed_repository(
    repository: FakeRepository, device: Fitted, harm: str
) -> None:
    offer(repository)
    yesterday = copy_of(repository)
    offer(repository, "2.0.0")
    device.update()
    cache = (device.slots.folder / "tuf").resolve()
    if harm == "gone":
        shutil.rmtree(cache)
    else:
        for path in cache.rglob("*.json"):
            path.write_bytes(b"")
    put_back(repository, yesterday)
    refused(device, TrustError, "stale")


def test_an_emptied_trust_cache_does_not_keep_a_device_from_the_newest(
    repository: FakeRepository, device: Fitted
) -> None:
    offer(repository)
    device.update()
    for path in (device.slots.folder / "tuf").resolve().rglob("*.json"):
        path.write_bytes(b"")
    bundle = offer(repository, "2.0.0")
    device.update()
    assert device.record.staged is not None
    assert device.record.staged.bundle == bundle


def test_a_release_for_another_cohort_is_refused(repository: FakeRepository, device: Fitted) -> None:
    """The key that releases is stolen: it can choose, but not what a device is."""
    offer(repository, cohort="other")
    (told,) = (repository.folder / "targets" / "desired").iterdir()
    repository.smuggle("desired", {"desired/default.json": told.read_bytes()})
    refused(device, TrustError, "untrusted")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"\xff\xfe", b"[" * 10_000, b'{"schema":"eyespot.desired/2"}', b"null"]
)
def test_a_release_that_says_nothing_we_know_is_refused(
    repository: FakeRepository, device: Fitted, data: bytes
) -> None:
    repository.smuggle("desired", {"desired/default.json": data})
    refused(device, TrustError, "untrusted")


def test_a_release_that_is_too_large_is_not_even_fetched(repository: FakeRepository, device: Fitted) -> None:
    repository.smuggle("desired", {"desired/default.json": b" " * 20_000})
    refused(device, TrustError, "untrusted")


@pytest.mark.parametrize(
    "change",
    [
        lambda told: with_(told, version="1.2.3"),
        lambda told: with_(told, bundle="other"),
        lambda told: with_(told, target="bundles/other.tar.zst"),
        lambda told: with_(told, target="bundles/people@1.0.0-0123456789ab.tar.zst"),
    ],
)
def test_a_release_that_contradicts_itself_is_refused(
    repository: FakeRepository, device: Fitted, change: Callable[[Any], Any]
) -> None:
    offer(repository)
    with repository.changed() as signed:
        told = desired(signed, "default")
    repository.smuggle("desired", {"desired/default.json": msgspec.json.encode(change(told))})
    refused(device, TrustError, "untrusted")


def test_what_was_trusted_stays_when_the_disk_fails(
    repository: FakeRepository, device: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(repository, percent=0)
    device.update()
    before = (device.slots.folder / "tuf").resolve()
    offer(repository, "2.0.0")

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("eyespot.update.trust_cache.sync_folder", fail)
        refused(device, StoreError, "disk")
    assert (device.slots.folder / "tuf").resolve() == before
    device.update()
    assert device.record.staged is not None


def test_time_that_is_told_counts_for_signatures(repository: FakeRepository, device: Fitted) -> None:
    """The client has no other way to be told the time than one of its own; this fails should it go."""
    device.update()
    device.later(-10 * 86_400)
    assert device.update().code == "clock_unsynced"
    device.later(10 * 86_400 + 400 * 86_400)
    refused(device, FeedError, "metadata_expired")


def test_endless_data_from_a_server_is_cut_off(repository: FakeRepository, device: Fitted) -> None:
    offer(repository)
    with serving(repository.folder) as mirror:
        device.url = mirror.url
        mirror.pads = 50_000_000
        refused(device, TrustError, "too_long")
        assert mirror.sent_bytes < 5_000_000


@pytest.mark.parametrize("what", ["metadata", "a bundle"])
def test_slow_retrieval_ends(repository: FakeRepository, device: Fitted, what: str) -> None:
    """A server that sends a byte now and then would hold the worker for ever."""
    offer(repository)
    device.patience = Patience(tries=2, over_s=0.2, least_bytes_s=1_000_000)
    with serving(repository.folder) as mirror:
        device.url = mirror.url
        mirror.rate_bytes_s, mirror.crawls = 2000, ".json" if what == "metadata" else ".tar.zst"
        mirror.piece_bytes = 100
        refused(device, FeedError, "slow")
    assert device.slept_s
