"""A rollout in a repository to which others write, too."""

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from eyespot.domain.errors import InputError, StorageError
from eyespot_fleet.disk import alone_in
from eyespot_fleet.publishing.releasing import Change
from eyespot_fleet.publishing.roles import DESIRED
from eyespot_fleet.rollout.running import OvertakenError
from eyespot_fleet.rollout.signing import SignedReleases
from fakes.repository import BUNDLE, FakeRepository

PEOPLE = Change(percent=0.0, bundle=BUNDLE)


@pytest.fixture(name="repository")
def a_repository_with_a_bundle(tmp_path: Path) -> FakeRepository:
    repository = FakeRepository(tmp_path / "repository")
    repository.add(b"network")
    return repository


@pytest.fixture(name="releases")
def releases_to_a_cohort(repository: FakeRepository) -> SignedReleases:
    return SignedReleases(repository.folder, repository.keys, "default", lambda: datetime.now(UTC))


def test_a_rollout_is_signed_no_earlier_than_it_begins(releases: SignedReleases) -> None:
    plan, before = releases.plan(PEOPLE)
    assert (plan.percent, before, releases.newest()) == (0, None, None)
    begun = msgspec.structs.replace(plan, percent=1.0)
    releases.sign(begun, instead_of=None)
    assert releases.newest() == begun


def test_what_is_under_way_goes_on_as_it_is_and_what_was_stopped_does_not(
    releases: SignedReleases, repository: FakeRepository
) -> None:
    told = repository.release(percent=25)
    assert releases.plan(PEOPLE) == (told, told)
    assert releases.plan(Change(percent=0.0)) == (told, told)
    assert releases.halt().percent == 0
    with pytest.raises(InputError, match="was stopped; name a bundle that is mended, or --again"):
        releases.plan(PEOPLE)
    again, before = releases.plan(Change(percent=0.0, bundle=BUNDLE, again=True))
    assert before is not None
    assert again.rollout != before.rollout


def test_who_is_quicker_is_not_overwritten(releases: SignedReleases, repository: FakeRepository) -> None:
    told = repository.release(percent=25)
    assert releases.newest() == told
    halted = repository.release(None, percent=0)
    with pytest.raises(OvertakenError, match="somebody else has just released something to default"):
        releases.sign(msgspec.structs.replace(told, percent=100.0), instead_of=told)
    assert releases.newest() == halted


def test_who_writes_just_now_is_waited_for(releases: SignedReleases, repository: FakeRepository) -> None:
    told = repository.release(percent=25)
    assert releases.newest() == told
    os.utime(repository.folder / "metadata" / "timestamp.json", ns=(1, 1))
    with alone_in(repository.folder):
        assert releases.newest() == told
        with pytest.raises(StorageError, match="wait for it"):
            releases.sign(told, instead_of=told)


def test_keys_are_asked_for_before_anything_begins(
    releases: SignedReleases, repository: FakeRepository
) -> None:
    with repository.changed() as inside:
        (key,) = inside.delegator(DESIRED).get_delegated_role(DESIRED).keyids
    del repository.keys.signers[key]
    with pytest.raises(InputError, match=r"desired-[0-9a-f]{8}\.pem cannot be found"):
        releases.plan(PEOPLE)
