"""From when until when certificates are valid, by what Python's ssl brings along anyway."""

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from eyespot.broker.settings import MqttSettings
from eyespot.domain.errors import InputError, foreign
from eyespot.trust.lifetime import Lifetime


def lifetimes(settings: MqttSettings) -> Mapping[str, Lifetime]:
    """Return key of the settings -> when the certificates in its file can be used.

    Raises:
        InputError: a file cannot be read, or has no certificate in it.
    """
    found = {}
    if settings.cert_file:
        found["cert_file"] = _of_chain(settings.cert_file)
    if settings.ca_file:
        found["ca_file"] = _of_authorities(settings.ca_file)
    return found


def _of_chain(path: str) -> Lifetime:
    """Return when our certificate and all that come with it are valid."""
    chain = [_first(path), *_authorities(path)]
    return Lifetime(max(one.begins for one in chain), min(one.ends for one in chain))


def _of_authorities(path: str) -> Lifetime:
    """Return when any of them is valid; more is not known, as only one of them is needed."""
    trusted = _authorities(path) or [_first(path)]
    return Lifetime(min(one.begins for one in trusted), max(one.ends for one in trusted))


def _first(path: str) -> Lifetime:
    with foreign(InputError, f"cannot read a certificate in PEM from {path}"):
        # what ssl decodes a peer's certificate with; it has no public name for those in a file
        return _lifetime(ssl._ssl._test_decode_cert(path))  # type: ignore[attr-defined]  # noqa: SLF001


def _authorities(path: str) -> list[Lifetime]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with foreign(InputError, f"cannot read certificates in PEM from {path}"):
        context.load_verify_locations(path)
    return [_lifetime(found) for found in context.get_ca_certs()]


def _lifetime(decoded: Mapping[str, Any]) -> Lifetime:
    begins, ends = (ssl.cert_time_to_seconds(decoded[key]) for key in ("notBefore", "notAfter"))
    return Lifetime(datetime.fromtimestamp(begins, UTC), datetime.fromtimestamp(ends, UTC))
