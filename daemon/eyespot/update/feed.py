"""Asks a repository of The Update Framework what a cohort is to run, and trusts no more of it than is signed.

Needs `tuf`, whose memory the running body does without: import this only where it is needed.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile
from tuf.api.serialization import DeserializationError
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from eyespot.domain.errors import FeedError, TrustError, foreign, one_line
from eyespot.trust.desired import MOST_BYTES, Desired, parse_desired
from eyespot.trust.slots import Floor
from eyespot.update import trust_cache
from eyespot.update.now import Now

# What is parsed before its signature is checked has to fit into little memory.
_MOST_VERSIONS = 2**53
_LIMITS: Final = UpdaterConfig(
    root_max_length=128_000, snapshot_max_length=500_000, targets_max_length=2_000_000
)
_TOP_LEVEL: Final = ("root", "timestamp", "snapshot", "targets")
_REPLACED: Final = ("timestamp", "snapshot")
_SMALL: Final = "small"  # folder in the cache: targets that are asked for each time


@dataclass(frozen=True, slots=True)
class Target:
    """A packed bundle that the repository vouches for.

    Attributes:
        url: where it is.
        length: in bytes.
    """

    url: str
    length: int
    signed: TargetFile

    @property
    def room_bytes(self) -> int:
        """What it takes on the disk, packed or not: the more of both, as far as the publisher says so."""
        custom = self.signed.custom  # tuf takes anything there
        said = custom.get("unpacked_bytes") if isinstance(custom, dict) else None
        return max(self.length, said if isinstance(said, int) else 0)

    def check(self, file: IO[bytes]) -> None:
        """Compare a file with what is signed.

        Raises:
            TrustError: it is another one.
        """
        try:
            self.signed.verify_length_and_hashes(file)
        except LengthOrHashMismatchError as error:
            raise TrustError(
                f"{self.url} is not what is signed; look at the mirror", "wrong_bytes"
            ) from error


@dataclass(frozen=True, slots=True)
class Found:
    """What a repository says.

    Attributes:
        desired: of the cohort; None where nothing was released to it.
        target: the bundle that is desired; None with that.
        floor: below which nothing is to be trusted any more.
        anew: whether that counts from another beginning than the floor before.
        expires_s: when the first of the signatures ends, UTC in s.
    """

    desired: Desired | None
    target: Target | None
    floor: Floor
    anew: bool
    expires_s: int


class Feed:
    """A repository.

    Args:
        url: of it; `metadata/` and `targets/` are below.
        root: the `root.json` with which trust begins.
        folder: of the model slots, for what was trusted before.
        fetcher: brings files.
    """

    def __init__(self, url: str, root: bytes, folder: Path, fetcher: FetcherInterface) -> None:
        self._url = url.rstrip("/")
        self._root = root
        self._folder = folder
        self._fetcher = fetcher
        self._anchor = hashlib.sha256(root).hexdigest()

    def ask(self, cohort: str, floor: Floor, now: Now) -> Found:
        """Return what a cohort is to run.

        Args:
            cohort: which.
            floor: what was trusted before.
            now: a clock that was set back is not believed.

        Raises:
            TrustError: what the repository says is not vouched for, older than before, or no use.
            FeedError: it cannot be reached, or its signatures have ended.
            StoreError: the disk fails.
        """
        time_s = max(now.utc_s, floor.trusted_s)
        with _named(self._url, now, floor), trust_cache.renewed(self._folder) as cache:
            updater = self._updater(cache, time_s)
            updater.refresh()
            reached, anew = self._reached(cache, floor, now)
            desired = self._desired(updater, cohort)
            target = self._target(updater, cache, desired) if desired else None
            return Found(desired, target, reached, anew, _expires_s(cache))

    def _updater(self, cache: Path, time_s: int) -> Updater:
        small = cache / _SMALL
        small.mkdir(exist_ok=True)
        try:
            updater = Updater(
                str(cache),
                f"{self._url}/metadata/",
                str(small),
                f"{self._url}/targets/",
                self._fetcher,
                _LIMITS,
                bootstrap=self._root,
            )
        except RepositoryError as error:
            raise TrustError(
                f"this device's root.json is none: {one_line(error)}; put the repository's first one there",
                "root",
            ) from error
        # tuf has no other way to tell it the time; a test looks whether this one still counts
        updater._trusted_set.reference_time = datetime.fromtimestamp(time_s, UTC)  # noqa: SLF001 - see above
        return updater

    def _reached(self, cache: Path, floor: Floor, now: Now) -> tuple[Floor, bool]:
        """Return the floor from now on, and whether it counts anew.

        Raises:
            TrustError: what the repository says is older than what was trusted before.
        """
        versions = {role: int(_signed(cache, role).version) for role in _TOP_LEVEL}
        if max(versions.values()) > _MOST_VERSIONS:
            raise TrustError(f"{self._url} has version numbers beyond all measure; make it anew", "damaged")
        reached = Floor(
            anchor=self._anchor, trusted_s=max(floor.trusted_s, now.utc_s if now.synced else 0), **versions
        )
        anew = floor.anchor != self._anchor or _keys_were_replaced(cache, floor.root)
        if floor.anchor == self._anchor:
            for role in ("root",) if anew else _TOP_LEVEL:
                self._check_age(role, versions[role], getattr(floor, role))
        return reached, anew

    def _check_age(self, role: str, version: int, seen: int) -> None:
        if version < seen:
            raise TrustError(
                f"{self._url}: {role}.json is version {version}, and {seen} was seen before; "
                "this is an old copy: look at the mirror",
                "stale",
            )

    def _desired(self, updater: Updater, cohort: str) -> Desired | None:
        path = f"desired/{cohort}.json"
        signed = updater.get_targetinfo(path)
        if signed is None:
            return None
        if signed.length > MOST_BYTES:
            raise TrustError(f"{path} has {signed.length} bytes, more than it may; release it again")
        file = updater.find_cached_target(signed) or updater.download_target(signed)
        return parse_desired(Path(file).read_bytes(), cohort)

    def _target(self, updater: Updater, cache: Path, desired: Desired) -> Target:
        signed = updater.get_targetinfo(desired.target)
        if signed is None:
            raise TrustError(
                f"the repository does not vouch for {desired.target}, which is desired; release it again"
            )
        root: Root = _signed(cache, "root")
        paths = signed.get_prefixed_paths() if root.consistent_snapshot else [signed.path]
        return Target(f"{self._url}/targets/{paths[0]}", signed.length, signed)


def _signed(cache: Path, role: str) -> Any:
    """Return what tuf has verified and put into its cache."""
    with foreign(TrustError, f"cannot read {role}.json of the trust cache; try again"):
        return Metadata[Any].from_file(str(cache / f"{role}.json")).signed


def _keys_were_replaced(cache: Path, version: int) -> bool:
    """Tell whether keys have been replaced since a version of the root, so that versions count anew.

    So a repository recovers from a thief who ran ahead with version numbers: specification 1.0.34, 5.3.11.
    """
    path = cache / "root_history" / f"{version}.root.json"
    try:
        before = Metadata[Root].from_file(str(path)).signed
    except (OSError, DeserializationError):
        return False
    after: Root = _signed(cache, "root")
    return any(set(before.roles[role].keyids) != set(after.roles[role].keyids) for role in _REPLACED)


def _expires_s(cache: Path) -> int:
    """Return when the first role ends, of those that are in use."""
    snapshot: Snapshot = _signed(cache, "snapshot")
    ends = [_signed(cache, role).expires for role in ("root", "timestamp", "snapshot")]
    for name, meta in snapshot.meta.items():
        if (cache / name).exists() and (
            role := _signed(cache, name.removesuffix(".json"))
        ).version == meta.version:
            ends.append(role.expires)
    return int(min(ends).timestamp())


@contextmanager
def _named(url: str, now: Now, floor: Floor) -> Iterator[None]:
    """Say in our words what is wrong with a repository, and by whose fault."""
    try:
        yield
    except ExpiredMetadataError as error:
        raise _expired(url, now, floor, error) from error
    except BadVersionNumberError as error:
        reason = f"{one_line(error)}; this is an old or a mixed copy: look at the mirror"
        raise TrustError(f"{url}: {reason}", "stale") from error
    except UnsignedMetadataError as error:
        reason = f"{one_line(error)}; is root_file the one of this repository?"
        raise TrustError(f"{url} is not signed by whom it should be: {reason}", "signature") from error
    except LengthOrHashMismatchError as error:
        raise TrustError(f"{url}: {one_line(error)}; look at the mirror", "wrong_bytes") from error
    except DownloadLengthMismatchError as error:
        raise TrustError(f"{one_line(error)}; look at the mirror", "too_long") from error
    except (RepositoryError, DeserializationError) as error:
        raise TrustError(f"{url} is damaged: {one_line(error)}; look at the mirror", "damaged") from error
    except DownloadHTTPError as error:
        code = "missing" if error.status_code == 404 else "server"  # noqa: PLR2004 - HTTP's
        raise FeedError(one_line(error), code) from error
    except DownloadError as error:
        raise FeedError(f"{url}: {one_line(error.__cause__ or error)}") from error


def _expired(url: str, now: Now, floor: Floor, error: Exception) -> FeedError:
    clock = f"{datetime.fromtimestamp(now.utc_s, UTC):%Y-%m-%d %H:%M} UTC"
    if now.synced and now.utc_s >= floor.trusted_s:
        return FeedError(
            f"{url}: {one_line(error)}, as of {clock}; sign anew: eyespot-fleet publish refresh",
            "metadata_expired",
        )
    return FeedError(
        f"{url}: {one_line(error)}, but the clock of this device is not set ({clock}); set it, "
        "or let it reach a time server",
        "clock_unsynced",
    )
