"""The certificates that a configuration names: are they still good?"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from eyespot.broker.settings import MqttSettings
from eyespot.domain.errors import InputError, foreign
from eyespot.ports import Clock
from eyespot.trust.lifetime import Age

UNKNOWN = "cannot be known: Python's cryptography 43 is missing; ./install.sh brings it, or pip"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Now(NamedTuple):
    """The time, UTC, and whether it can be relied upon."""

    utc: datetime
    synced: bool

    @classmethod
    def by(cls, clock: Clock) -> "Now":
        """Return what a clock says."""
        timeline = clock.timeline()
        return cls(_EPOCH + timedelta(microseconds=timeline.utc_ns(clock.now_ns()) // 1000), timeline.synced)


def ages(settings: MqttSettings, now: Now) -> Mapping[str, Age] | None:
    """Return key -> how the certificate it names stands; None where the library for that is missing.

    Raises:
        InputError: a file cannot be read, or has no certificate in it.
    """
    try:
        # Only here: the running body does without the memory of its library.
        from eyespot.trust import certificates  # noqa: PLC0415 - see above
    except ImportError:
        return None
    found = {}
    if settings.cert_file:
        chain = certificates.read_certificates(_read(settings.cert_file))
        found["cert_file"] = certificates.lifetime_of_chain(chain)
    if settings.ca_file:
        authorities = certificates.read_certificates(_read(settings.ca_file))
        found["ca_file"] = certificates.lifetime_of_authorities(authorities)
    return {key: lifetime.at(now.utc, clock_is_right=now.synced) for key, lifetime in found.items()}


def _read(path: str) -> bytes:
    with foreign(InputError, f"cannot read {path}"):
        return Path(path).read_bytes()
