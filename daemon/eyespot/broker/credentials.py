"""What proves to the broker who we are, and to us who the broker is."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eyespot.broker.settings import MqttSettings
from eyespot.domain.errors import ConfigError, one_line

_PASSWORD, _KEY = "mqtt-password", "mqtt-key"
_FOLDER = "CREDENTIALS_DIRECTORY"
_OF_THE_SERVICE = "etc/eyespot/credentials"
LONGEST_PASSWORD = 65_535  # bytes: MQTT 5, 3.1.3.6


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a connection needs.

    Attributes:
        tls: None where there is no TLS.
        certified: whether `tls` holds a certificate of ours.
    """

    username: str | None
    password: str | None
    tls: ssl.SSLContext | None
    certified: bool


def credentials(settings: MqttSettings, *, tls: bool, environ: Mapping[str, str]) -> Credentials:
    """Read the files that the settings name.

    Raises:
        ConfigError: one of them cannot be read, or is not what it should be. It is published: where the key
            and the password lie is not in it.
    """
    password = _password(settings, environ) if settings.username else None
    context = _context(settings, environ) if tls else None
    return Credentials(settings.username, password, context, certified=settings.cert_file is not None)


def files(settings: MqttSettings, environ: Mapping[str, str]) -> Mapping[str, Path]:
    """Return key of the settings -> the file that counts for it, whether it is there or not."""
    folder = _folder(environ)
    named = {
        "password_file": settings.username and (settings.password_file or folder / _PASSWORD),
        "ca_file": settings.ca_file,
        "cert_file": settings.cert_file,
        "key_file": settings.cert_file and (settings.key_file or folder / _KEY),
    }
    return {key: Path(path) for key, path in named.items() if path}


def as_the_service(environ: Mapping[str, str], root: Path = Path("/")) -> Mapping[str, str]:
    """Return the environment with the credentials that systemd hands to the service, if we may read them.

    Args:
        environ: of the process; where it has credentials, they count.
        root: where the file system begins.
    """
    folder = root / _OF_THE_SERVICE
    if _FOLDER in environ or not os.access(folder, os.R_OK | os.X_OK):
        return environ
    return {**environ, _FOLDER: str(folder)}


def out_of_sight(settings: MqttSettings, environ: Mapping[str, str], root: Path = Path("/")) -> str:
    """Return which secret of the service this process may not see, in words; empty where it lacks none.

    Args:
        settings: what is needed.
        environ: as `as_the_service` gives it.
        root: where the file system begins.
    """
    if _FOLDER in environ or not (root / _OF_THE_SERVICE).is_dir():
        return ""
    if settings.cert_file and not settings.key_file:
        return "the key of cert_file"
    return "the password" if settings.username and not settings.password_file else ""


def credential(name: str, environ: Mapping[str, str]) -> Path | None:
    """Return the file of a systemd credential; None where there is none, or it is empty."""
    path = _folder(environ) / name
    try:
        return path if path.stat().st_size else None
    except OSError:
        return None


def secret_words(settings: MqttSettings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what must not be told: the password, and where it and the key lie."""
    try:
        password = _password(settings, environ)
    except ConfigError:
        password = None
    places = (settings.password_file, settings.key_file, environ.get(_FOLDER), f"/{_OF_THE_SERVICE}")
    return tuple(word for word in (password, *places) if word)


def _password(settings: MqttSettings, environ: Mapping[str, str]) -> str | None:
    named = settings.password_file
    path = Path(named) if named else credential(_PASSWORD, environ)
    if path is None:
        return None
    name = "password_file" if named else _PASSWORD
    try:
        password = path.read_text("utf-8-sig").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {name}: {_reason(error)}") from error
    if not password or len(password.encode()) > LONGEST_PASSWORD:
        raise ConfigError(f"{name} is empty or too long")
    return password


def _context(settings: MqttSettings, environ: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot use ca_file {settings.ca_file}: {one_line(error)}; want PEM") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.cert_file:
        key = settings.key_file or credential(_KEY, environ)
        _show_certificate(context, settings.cert_file, key, "key_file" if settings.key_file else _KEY)
    return context


def _show_certificate(context: ssl.SSLContext, certificate: str, key: str | Path | None, name: str) -> None:
    if key is None:
        raise ConfigError(
            f"cert_file {certificate} has no key: set key_file, "
            f"or as a service write it into the credential {_KEY}"
        )
    try:
        # an empty password: a key that wants one would otherwise ask for it on the terminal
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"cannot use cert_file {certificate} with {name}: {_reason(error)}; "
            "want PEM, a key without a passphrase that belongs to the certificate"
        ) from error


def _reason(error: OSError | ValueError) -> str:
    """Return what is wrong, without the path that an error may name, or a byte of what was read."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return one_line(ConfigError(getattr(error, "strerror", None) or str(error)))


def _folder(environ: Mapping[str, str]) -> Path:
    # systemd.exec(5): each credential is a file in this folder
    return Path(environ.get(_FOLDER, "/nonexistent"))
