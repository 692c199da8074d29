"""The certificates that a configuration names: are they still good?"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from eyespot.broker.lifetimes import lifetimes
from eyespot.broker.settings import MqttSettings
from eyespot.domain.errors import InputError
from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock, HealthBoard
from eyespot.trust.lifetime import Age

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVERY_NS = 60 * SECOND_NS


class Now(NamedTuple):
    """The time, UTC, and whether it can be relied upon."""

    utc: datetime
    synced: bool

    @classmethod
    def by(cls, clock: Clock) -> "Now":
        """Return what a clock says."""
        timeline = clock.timeline()
        return cls(_EPOCH + timedelta(microseconds=timeline.utc_ns(clock.now_ns()) // 1000), timeline.synced)


def ages(settings: MqttSettings, now: Now) -> Mapping[str, Age]:
    """Return key -> how the certificates in the file it names stand.

    Raises:
        InputError: a file cannot be read, or has no certificate in it.
    """
    return {
        key: lifetime.at(now.utc, clock_is_right=now.synced) for key, lifetime in lifetimes(settings).items()
    }


class CertificateWatch:
    """Raises `certificate_expiring` while a certificate has less than 30 days to go, or has expired.

    Args:
        settings: name the files, which may be replaced at any time.
        health: the board.
        clock: for the date.
    """

    def __init__(self, settings: MqttSettings, health: HealthBoard, clock: Clock) -> None:
        self._settings = settings
        self._health = health
        self._clock = clock
        self._look_ns = 0

    def tick(self) -> None:
        """Look once a minute."""
        now_ns = self._clock.now_ns()
        if now_ns < self._look_ns:
            return
        self._look_ns = now_ns + _EVERY_NS
        try:
            found = ages(self._settings, Now.by(self._clock))
        except InputError:
            return  # who connects with them says so
        bad = [f"{getattr(self._settings, key)} {age.words}" for key, age in found.items() if not age.good]
        if bad:
            self._health.raise_state("certificate_expiring", "; ".join(bad))
        else:
            self._health.clear_state("certificate_expiring")
