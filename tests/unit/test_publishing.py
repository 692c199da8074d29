"""A repository that devices read while it changes: releases, keys, time."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from eyespot.domain.errors import InputError
from eyespot_fleet.publishing.renewing import keys_of, warnings
from fakes.repository import BUNDLE, FakeRepository

TARGET = f"bundles/{BUNDLE}.tar.zst"


@pytest.fixture(name="repository")
def a_repository_with_a_bundle(tmp_path: Path) -> FakeRepository:
    repository = FakeRepository(tmp_path / "repository")
    repository.add(b"network")
    return repository


def test_a_device_finds_what_it_shall_run_and_fetches_it(repository: FakeRepository, tmp_path: Path) -> None:
    assert repository.told(tmp_path / "device") is None
    released = repository.release(percent=5, notes="sees in the dark", jitter_s=600)
    assert repository.told(tmp_path / "device") == released
    client = repository.updater(tmp_path / "device")
    found = client.get_targetinfo(released.target)
    assert found is not None
    assert Path(client.download_target(found)).read_bytes() == b"network"
    assert found.custom == {"bundle": BUNDLE, "runtime": "tflite", "unpacked_bytes": 7}


def test_a_rollout_widens_and_halts_without_becoming_another(repository: FakeRepository) -> None:
    first = repository.release(percent=1, notes="new")
    for percent in (25, 0, 100):
        wider = repository.release(None, percent=percent)
        assert (wider.rollout, wider.percent, wider.notes) == (first.rollout, percent, "new")
    assert repository.release(again=True).rollout != first.rollout


def test_keys_are_replaced_under_a_device_that_knows_the_old_ones(
    repository: FakeRepository, tmp_path: Path
) -> None:
    for role in ("timestamp", "snapshot", "targets", "desired", "root"):
        repository.replace_keys(role)
        released = repository.release(again=True)
        assert repository.told(tmp_path / "device") == released
        assert repository.told(tmp_path / f"new-{role}") == released


def test_what_is_signed_without_the_online_keys_is_seen_when_they_come_back(
    repository: FakeRepository, tmp_path: Path
) -> None:
    new = "people@2.0.0-0123456789ab"
    online = {one: repository.keys.signers.pop(one) for one in key_ids(repository, "snapshot", "timestamp")}
    repository.add(b"better", new)
    assert repository.updater(tmp_path / "device").get_targetinfo(f"bundles/{new}.tar.zst") is None
    with pytest.raises(
        InputError, match=r"snapshot wants 1 of its keys, and snapshot-\w{8}.pem cannot be found"
    ):
        repository.refresh()
    repository.keys.signers |= online
    repository.refresh()
    assert repository.updater(tmp_path / "device").get_targetinfo(f"bundles/{new}.tar.zst") is not None


def test_a_refresh_signs_what_is_past_half_of_its_time_and_leaves_what_it_cannot(
    repository: FakeRepository,
) -> None:
    def versions() -> dict[str, int]:
        with repository.changed() as now:
            return {one.role: one.version for one in now.standings()}

    first = versions()
    for signed in ("root", "targets"):
        for key_id in key_ids(repository, signed):
            del repository.keys.signers[key_id]
    repository.now += timedelta(days=29)
    repository.refresh()
    second = versions()
    assert [role for role in first if second[role] > first[role]] == ["timestamp"]
    repository.now += timedelta(days=20)
    repository.refresh()
    assert [role for role in first if versions()[role] > second[role]] == ["snapshot", "timestamp", "desired"]


def test_it_is_told_in_time_that_somebody_has_to_sign(repository: FakeRepository) -> None:
    repository.now += timedelta(days=352)
    repository.refresh()
    with repository.changed() as now:
        assert warnings(now) == []
    for key_id in key_ids(repository, "targets"):
        del repository.keys.signers[key_id]
    repository.now += timedelta(days=352)
    repository.refresh()
    with repository.changed() as now:
        (warning,) = warnings(now)
    assert re.fullmatch(
        r"the word of targets ends on [0-9-]{10}: `eyespot-fleet publish refresh` where targets-\w{8}.pem is",
        warning,
    )


def test_a_bundle_is_added_once_and_never_becomes_another(repository: FakeRepository) -> None:
    repository.add(b"network")
    with pytest.raises(
        InputError, match="there already, packed with other contents; give it the next version"
    ):
        repository.add(b"another network")


def test_a_bundle_is_named_by_as_much_as_no_other_has(repository: FakeRepository) -> None:
    repository.add(b"better", "people@1.0.1-0123456789ab")
    assert repository.release("people@1.0.1").version == "1.0.1"
    for wrong, words in (("people", "2 bundles begin with people"), ("cats", "there is no bundle cats")):
        with pytest.raises(InputError, match=words):
            repository.release(wrong)
    with pytest.raises(
        InputError, match=r"nothing is released to the cohort backdoor yet \(known: default\)"
    ):
        repository.release(None, "backdoor")


def key_ids(repository: FakeRepository, *roles: str) -> list[str]:
    with repository.changed() as now:
        return [key_id for role in roles for _, key_id in keys_of(now, role)]
