"""The time, as updates go by it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Now:
    """The time.

    Attributes:
        utc_s: by the device's clock, since 1970.
        synced: whether something keeps it right.
    """

    utc_s: int
    synced: bool
