"""What proves to the broker who we are, and to us who the broker is."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eyespot.broker.settings import MqttSettings
from eyespot.domain.errors import ConfigError, one_line

_CREDENTIAL = "mqtt-password"
_LONGEST_PASSWORD = 65_535  # bytes: MQTT 5, 3.1.3.6


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
        ConfigError: one of them cannot be read, or is not what it should be.
    """
    password = _password(settings, environ) if settings.username else None
    context = _context(settings) if tls else None
    return Credentials(settings.username, password, context, certified=settings.cert_file is not None)


def _password(settings: MqttSettings, environ: Mapping[str, str]) -> str | None:
    if settings.password_file:
        path = Path(settings.password_file)
    else:
        # systemd.exec(5): each credential is a file in this folder
        path = Path(environ.get("CREDENTIALS_DIRECTORY", "/nonexistent")) / _CREDENTIAL
        try:
            if not path.stat().st_size:
                return None
        except OSError:
            return None
    try:
        password = path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the password file {path}: {one_line(error)}") from error
    if not password or len(password.encode()) > _LONGEST_PASSWORD:
        raise ConfigError(f"the password file {path} is empty or too long")
    return password


def _context(settings: MqttSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot use ca_file {settings.ca_file}: {one_line(error)}; want PEM") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.cert_file:
        try:
            # an empty password: a key that wants one would otherwise ask for it on the terminal
            context.load_cert_chain(settings.cert_file, settings.key_file, password="")
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"cannot use cert_file {settings.cert_file} with key_file {settings.key_file}: "
                f"{one_line(error)}; want PEM, a key without a passphrase that belongs to the certificate"
            ) from error
    return context
