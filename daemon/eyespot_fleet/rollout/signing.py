"""What a cohort is told to run, in a repository to which others may write, too."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from eyespot.domain.errors import InputError, StorageError
from eyespot.trust.desired import Desired
from eyespot_fleet.publishing.files import METADATA
from eyespot_fleet.publishing.keys import Keys
from eyespot_fleet.publishing.releasing import Change, desired, planned, tell, teller
from eyespot_fleet.publishing.repository import Repository, opened
from eyespot_fleet.publishing.roles import SNAPSHOT, TIMESTAMP
from eyespot_fleet.rollout.running import OvertakenError


class SignedReleases:
    """Implements `running.Releases`.

    Args:
        folder: of the repository.
        keys: sign it.
        cohort: whose releases.
        now: gives the time, UTC.
    """

    def __init__(self, folder: Path, keys: Keys, cohort: str, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._keys = keys
        self._cohort = cohort
        self._now = now
        self._stamp: object = None
        self._newest: Desired | None = None

    def plan(self, change: Change) -> tuple[Desired, Desired | None]:
        """Return what the cohort shall run, and what it is told now.

        The first is the second where that is under way already; else its percent is 0.

        Raises:
            InputError: it was stopped, there is no such bundle, or the keys that it takes are not here.
            StorageError: somebody else writes to the repository.
        """
        with self._opened() as repository:
            before = desired(repository, self._cohort)
            plan = planned(repository, self._cohort, change)
            for role in (teller(repository, self._cohort), SNAPSHOT, TIMESTAMP):
                repository.signers(role, repository.delegator(role))
        if before is None or before.rollout != plan.rollout:
            return plan, before
        if before.percent == 0:
            raise InputError(
                f"rollout {before.rollout} of {before.bundle} {before.version} was stopped; name a bundle "
                "that is mended, or --again begins a new rollout of this one"
            )
        return before, before

    def newest(self) -> Desired | None:
        """Return what the cohort is told now; while somebody else writes, what it was told before.

        Raises:
            InputError: the repository is damaged, or gone.
        """
        stamp = self._seen()
        if stamp != self._stamp:
            try:
                with self._opened() as repository:
                    self._newest = desired(repository, self._cohort)
            except StorageError:
                return self._newest
            self._stamp = stamp
        return self._newest

    def sign(self, told: Desired, instead_of: Desired | None) -> None:
        """Tell the cohort something else, unless somebody else was quicker.

        Raises:
            OvertakenError: it is told something else than `instead_of` by now.
            StorageError: it cannot be written, or somebody else writes just now.
            InputError: the repository or its keys are not as they were.
        """
        with self._opened() as repository:
            if desired(repository, self._cohort) != instead_of:
                raise OvertakenError(f"somebody else has just released something to {self._cohort}")
            tell(repository, told)
            repository.announce()
        self._newest, self._stamp = told, self._seen()

    def halt(self) -> Desired:
        """Let nobody else begin with what the cohort is told; return it as it is told then.

        Raises:
            InputError: nothing is released to the cohort, or the keys are not here.
            StorageError: it cannot be written, or somebody else writes just now.
        """
        with self._opened() as repository:
            told = planned(repository, self._cohort, Change(percent=0.0))
            tell(repository, told)
            repository.announce()
        return told

    def _opened(self) -> AbstractContextManager[Repository]:
        return opened(self._folder, self._keys, self._now())

    def _seen(self) -> object:
        """Return what changes whenever anything is announced."""
        try:
            found = (self._folder / METADATA / "timestamp.json").stat()
        except OSError as error:
            raise InputError(f"{self._folder} cannot be read any more: {error.strerror}") from error
        return found.st_ino, found.st_mtime_ns
