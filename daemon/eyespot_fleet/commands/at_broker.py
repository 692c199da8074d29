"""How commands that listen to the fleet come to the broker."""

import argparse
import re
from pathlib import Path
from typing import Final

from eyespot.broker.settings import MqttSettings, problems
from eyespot.domain.errors import ConfigError

_PREFIX: Final = "eyespot/v1"


def add_broker(parser: argparse.ArgumentParser) -> None:
    """Add which broker, and who we are to it: as `[mqtt]` has it on a device."""
    group = parser.add_argument_group("broker")
    group.add_argument("--broker", metavar="URL", help="mqtt://host[:port], mqtts://host[:port] (TLS)")
    group.add_argument("--ca-file", type=Path, metavar="FILE", help="whom to trust (default: the system's)")
    group.add_argument("--cert-file", type=Path, metavar="FILE", help="our certificate")
    group.add_argument("--key-file", type=Path, metavar="FILE", help="its key")
    group.add_argument("--username", metavar="NAME", help="the name to log in with")
    group.add_argument("--password-file", type=Path, metavar="FILE", help="holds the password")
    group.add_argument(
        "--prefix", type=_prefix, default=_PREFIX, help="topics begin with it (default: %(default)s)"
    )


def mqtt_settings(arguments: argparse.Namespace) -> MqttSettings:
    """Return what the arguments say.

    Raises:
        ConfigError: it does not fit together.
    """
    settings = MqttSettings(
        url=arguments.broker,
        prefix=arguments.prefix,
        username=arguments.username,
        password_file=_path(arguments.password_file),
        ca_file=_path(arguments.ca_file),
        cert_file=_path(arguments.cert_file),
        key_file=_path(arguments.key_file),
    )
    for key, message in problems(settings):
        option = f"--{'broker' if key == 'url' else key.replace('_', '-')}"
        raise ConfigError(f"{option}: {message}")
    return settings


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


def _prefix(text: str) -> str:
    if len(text) <= 128 and re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", text):  # noqa: PLR2004 - MqttSettings
        return text
    raise argparse.ArgumentTypeError(f"want levels of letters, digits, _ and -, got {text!r}")
