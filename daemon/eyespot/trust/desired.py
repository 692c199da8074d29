"""What a cohort of devices shall run: `desired/<cohort>.json`, a signed target of the repository."""

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.domain.errors import TrustError, foreign
from eyespot.trust.slots import RolloutId

MOST_BYTES = 16 * 1024
BUCKETS = 10_000
SHARED = "bundles"  # the folder of the bundles that are for every cohort

CohortName = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
_Name = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
_Version = Annotated[str, Meta(pattern=r"\A[0-9]+\.[0-9]+\.[0-9]+\Z", max_length=32)]
_TARGET = r"\A[a-z0-9][a-z0-9-]{0,62}/[A-Za-z0-9][A-Za-z0-9@._-]{0,150}\.tar\.zst\Z"
_Target = Annotated[str, Meta(pattern=_TARGET)]
_Seconds = Annotated[int, Meta(ge=0, le=30 * 86400)]


class Desired(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rollout.

    Attributes:
        rollout: its id; a new one makes devices try again what failed before.
        cohort: whose it is; the same as in the target's name.
        bundle, version: of the model.
        target: the packed bundle, a target of the same repository.
        percent: of the cohort's devices; 0 halts the rollout.
        not_before_s: UTC in s.
        jitter_s: devices that may update spread over so many seconds.
        notes, notes_url: for people; what Home Assistant shows.
    """

    schema: Literal["eyespot.desired/1"]
    rollout: RolloutId
    cohort: CohortName
    bundle: _Name
    version: _Version
    target: _Target
    percent: Annotated[float, Meta(ge=0, le=100)]
    not_before_s: Annotated[int, Meta(ge=0, le=2**53)] = 0
    jitter_s: _Seconds = 0
    notes: Annotated[str, Meta(max_length=255)] = ""
    notes_url: Annotated[str, Meta(max_length=500)] = ""

    @property
    def folder(self) -> str:
        """Whose bundle it is: `bundles`, or the site's."""
        return self.target.partition("/")[0]

    def includes(self, device: str) -> bool:
        """Tell whether the rollout has come to a device yet; as it widens, no device falls out."""
        return bucket(device, self.rollout) < self.percent * BUCKETS / 100


def parse_desired(data: bytes, cohort: str) -> Desired:
    """Return what the bytes of a cohort's target say.

    Raises:
        TrustError: it is not one, or another cohort's, or it names a bundle that another site has signed.
    """
    with foreign(TrustError, f"desired/{cohort}.json cannot be used; was it made by a newer eyespot-fleet?"):
        desired = msgspec.json.decode(data, type=Desired)
    if desired.cohort != cohort:
        raise TrustError(f"desired/{cohort}.json is that of the cohort {desired.cohort}; release it again")
    if desired.folder not in {SHARED, cohort}:
        raise TrustError(
            f"desired/{cohort}.json names a bundle of the site {desired.folder}; release another"
        )
    return desired


def bucket(device: str, rollout: str) -> int:
    """Return in which of 10,000 equal parts of a cohort a device is, in this rollout."""
    return int(hashlib.sha256(f"{device}|{rollout}".encode()).hexdigest(), 16) % BUCKETS


def delay_s(device: str, rollout: str, jitter_s: int) -> int:
    """Return how long a device waits before it takes part: the same each time, and spread evenly."""
    digest = hashlib.sha256(f"{device}|{rollout}|delay".encode()).digest()
    return int.from_bytes(digest[:8], "big") * jitter_s >> 64
