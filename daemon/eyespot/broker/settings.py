"""The `[mqtt]` table: which broker, and who we are to it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from eyespot.domain.paths import there_is_file

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_ADVICE = "want mqtt://host[:port], mqtts://host[:port] or unix:///path"

SECRETS = ("password_file", "key_file")  # where these lie is not published

_File = Annotated[str, Meta(min_length=1, max_length=4096)]
_Url = Annotated[str, Meta(min_length=1, max_length=512, examples=["mqtts://broker.example:8883"])]


class MqttSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which broker, and who we are to it. The server's certificate is always verified.

    Attributes:
        url: mqtt://host[:port], mqtts://host[:port] (TLS) or unix:///path; or a list of such, the nodes of a
            cluster: where one does not answer, the next is tried.
        prefix: topics begin with it; the device's id follows.
        username: the name to log in with.
        password_file: holds the password. Default: the systemd credential `mqtt-password`.
        ca_file: whom to trust, in PEM. Default: the certificate authorities of the system.
        cert_file: our certificate, in PEM, for brokers that ask for one.
        key_file: the key of `cert_file`, in PEM. Default: the systemd credential `mqtt-key`.
        daily_mb: how many megabytes (of 1,000,000 bytes) may leave in a day of UTC before what can wait does.
    """

    url: _Url | Annotated[tuple[_Url, ...], Meta(min_length=1, max_length=16)]
    prefix: Annotated[str, Meta(max_length=128, pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")] = "eyespot/v1"
    username: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    password_file: _File | None = None
    ca_file: _File | None = None
    cert_file: _File | None = None
    key_file: _File | None = None
    daily_mb: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None

    @property
    def most_bytes_a_day(self) -> int | None:
        """`daily_mb` in bytes."""
        return None if self.daily_mb is None else self.daily_mb * 1_000_000

    @property
    def urls(self) -> tuple[str, ...]:
        """All of them, in order."""
        return (self.url,) if isinstance(self.url, str) else self.url

    @property
    def where(self) -> str:
        """All of them, in words."""
        return " or ".join(self.urls)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a broker listens.

    Attributes:
        host: name or address; the path of a Unix socket where `unix`.
        port: 0 where `unix`.
    """

    host: str
    port: int
    tls: bool = False
    unix: bool = False


def endpoint(url: str) -> Endpoint:
    """Return where a broker's URL points.

    Raises:
        ValueError: it is none of a broker's; the text says what to write.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{error}; {_ADVICE}") from error
    if "@" in parts.netloc:
        raise ValueError("no secrets in the url: write username, and the password into password_file")
    if parts.query or parts.fragment:
        raise ValueError(f"nothing may follow the address; {_ADVICE}")
    if parts.scheme == "unix" and not parts.netloc and len(parts.path) > 1:
        return Endpoint(parts.path, 0, unix=True)
    if parts.scheme not in _PORTS or not host or parts.path not in {"", "/"} or port == 0:
        raise ValueError(_ADVICE)
    try:
        host.encode("idna")  # as connecting does; its own words tell nobody what is wrong
    except UnicodeError:
        advice = f"no host has this name: its parts between dots have 1 to 63 letters; {_ADVICE}"
        raise ValueError(advice) from None
    return Endpoint(host, port or _PORTS[parts.scheme], tls=parts.scheme == "mqtts")


def endpoints(settings: MqttSettings) -> tuple[Endpoint, ...]:
    """Return where brokers listen, in order.

    Raises:
        ValueError: one is none of a broker's, or only some have TLS; the text says what to write.
    """
    found = tuple(endpoint(url) for url in settings.urls)
    if len({each.tls for each in found}) > 1:
        raise ValueError("some have TLS and some have not; begin all with mqtts://, or none")
    return found


def problems(settings: MqttSettings) -> list[tuple[str, str]]:
    """Return what does not fit together, as pairs of key and message."""
    missing = [(key, path) for key, path in _files(settings) if not there_is_file(path)]
    found = [(key, f"there is no file {_told(key, path)}") for key, path in missing]
    try:
        tls = endpoints(settings)[0].tls
    except ValueError as error:
        return [("url", str(error)), *found]
    if not tls:
        advice = "only TLS uses it: begin the url with mqtts://, or leave it out"
        found += [(key, advice) for key, _ in _files(settings) if key != "password_file"]
    if settings.key_file and not settings.cert_file:
        found.append(("key_file", "the certificate is missing: set cert_file, too"))
    if settings.password_file and not settings.username:
        found.append(("password_file", "a password without a name: set username, too"))
    return found


def _told(key: str, path: str) -> str:
    """Return a path as it may be published: where a secret lies is nobody's business."""
    return Path(path).name if key in SECRETS else path


def _files(settings: MqttSettings) -> list[tuple[str, str]]:
    keys = ("password_file", "ca_file", "cert_file", "key_file")
    return [(key, path) for key in keys if (path := getattr(settings, key)) is not None]
