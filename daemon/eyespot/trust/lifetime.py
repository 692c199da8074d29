"""How a certificate stands in time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Age:
    """How a certificate stands at some time.

    Attributes:
        verdict: "fail" is of no use, "warn" will not be for long.
        words: the reason, as what follows a name.
    """

    verdict: Literal["ok", "warn", "fail"]
    words: str

    @property
    def good(self) -> bool:
        """Whether there is nothing to do."""
        return self.verdict == "ok"


@dataclass(frozen=True, slots=True)
class Lifetime:
    """From when on and until when something is valid, UTC."""

    begins: datetime
    ends: datetime

    def at(self, now: datetime, *, clock_is_right: bool) -> Age:
        """Return how it stands at a time.

        Args:
            now: UTC.
            clock_is_right: whether `now` can be relied upon. A clock that stood still is late, never early:
                so what has expired has, but what is not valid yet may well be.
        """
        if now > self.ends:
            return Age("fail", f"has expired on {self.ends:%Y-%m-%d}: get a new one")
        if now < self.begins and clock_is_right:
            return Age("fail", f"is valid from {self.begins:%Y-%m-%d} on only: get another, or wait")
        if now > self.ends - _SOON:
            days = (self.ends - now).days
            return Age("warn", f"expires in {days} days, on {self.ends:%Y-%m-%d}: get a new one")
        return Age("ok", f"is valid until {self.ends:%Y-%m-%d}")
