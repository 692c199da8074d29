"""A repository that devices read while it changes: who may sign what, and what becomes of stolen keys."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tuf.api.exceptions import ExpiredMetadataError
from tuf.api.metadata import TargetFile, Targets

from eyespot.trust.desired import Desired, parse_desired
from fakes.repository import BUNDLE, FakeRepository

TARGET = f"bundles/{BUNDLE}.tar.zst"


@pytest.fixture(name="repository")
def a_repository_with_a_bundle(tmp_path: Path) -> FakeRepository:
    repository = FakeRepository(tmp_path / "repository")
    repository.add(b"network")
    return repository


def told(repository: FakeRepository, cache: Path, cohort: str = "default") -> Desired | None:
    """Return what a device is told, as it asks with its own folder of trusted metadata."""
    client = repository.updater(cache)
    found = client.get_targetinfo(f"desired/{cohort}.json")
    return parse_desired(Path(client.download_target(found)).read_bytes(), cohort) if found else None


def test_a_device_finds_what_it_shall_run_and_fetches_it(repository: FakeRepository, tmp_path: Path) -> None:
    assert told(repository, tmp_path / "device") is None
    released = repository.release(percent=5, notes="sees in the dark", jitter_s=600)
    assert told(repository, tmp_path / "device") == released
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
        assert told(repository, tmp_path / "device") == released
        assert told(repository, tmp_path / f"new-{role}") == released


def test_a_key_for_what_is_desired_signs_no_bundle(repository: FakeRepository, tmp_path: Path) -> None:
    evil = "bundles/evil@1.0.0-0123456789ab.tar.zst"

    def smuggle(desired: Targets) -> None:
        desired.targets[evil] = TargetFile.from_data(evil, b"evil", ["sha256"])

    repository.sign_as("desired", smuggle)
    assert repository.updater(tmp_path / "device").get_targetinfo(evil) is None


def test_a_repository_that_stands_still_is_refused_when_its_time_is_up(tmp_path: Path) -> None:
    repository = FakeRepository(tmp_path / "repository", datetime.now(UTC) - timedelta(days=61))
    with pytest.raises(ExpiredMetadataError):
        told(repository, tmp_path / "device")
    repository.now = datetime.now(UTC)
    repository.refresh()
    assert told(repository, tmp_path / "device") is None
