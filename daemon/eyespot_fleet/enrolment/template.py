"""The configuration that all devices share, and what becomes of it for each."""

import tomllib
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import tomlkit

from eyespot.broker.settings import endpoint, endpoints
from eyespot.config import Loaded, parse, warnings
from eyespot.config.loading import decoded
from eyespot.config.locate import locate
from eyespot.domain.errors import ConfigError, InputError
from eyespot_fleet.disk import read_file
from eyespot_fleet.enrolment.roster import Device

# What these name is not on the device yet: each folder brings its own.
_OURS = ("ca_file", "cert_file", "key_file", "password_file")


@dataclass(frozen=True, slots=True)
class Template:
    """A configuration that is right in itself.

    Attributes:
        text: as it was written, comments and all.
        loaded: what it says.
    """

    text: str
    loaded: Loaded

    def filled(self, device: Device, files: dict[str, str]) -> bytes:
        """Return the configuration of a device: the template's text, with what is its own put in.

        Args:
            device: who it is.
            files: more keys of `[mqtt]`: names of files beside the configuration.
        """
        document = tomlkit.parse(self.text)
        _fill(document, "device", device.device)
        _fill(document, "mqtt", {**device.mqtt, **files})
        return tomlkit.dumps(document).encode()

    def problems(self, device: Device, *, secured: bool) -> Iterator[str]:
        """Give what does not fit together of template and device, as `FILE:LINE: what is wrong`.

        Args:
            device: who it is.
            secured: there are certificates in its folder.
        """
        url = device.mqtt.get("url")
        if secured and not (endpoint(url) if url else endpoints(self.loaded.config.mqtt)[0]).tls:
            place = device.place if url else self.loaded.at("mqtt", "url")
            yield f"{place}: url: certificates need TLS: begin it with mqtts://, or leave them out"
        if device.password and not (device.mqtt.get("username") or self.loaded.config.mqtt.username):
            yield f"{device.place}: password: a password without a name: fill in username, too"

    def warnings(self, devices: list[Device]) -> list[str]:
        """Return what is allowed but unwise for some device, one line each."""
        names = [name for device in devices if (name := device.mqtt.get("username"))]
        config = self.loaded.config
        if names:
            config = msgspec.structs.replace(
                config, mqtt=msgspec.structs.replace(config.mqtt, username=names[0])
            )
        return warnings(Loaded(config, self.loaded.file, self.loaded.lines))


def read_template(path: Path) -> Template:
    """Return the template in a file.

    Raises:
        ConfigError: it is wrong, one line for each mistake, as `FILE:LINE: what is wrong`.
    """
    try:
        data = read_file(path)
    except InputError as error:
        raise ConfigError(f"{error}; name the template with --template") from error
    text = decoded(data, str(path))
    _refuse_ours(text, path)
    return Template(text, parse(text, str(path)))


def _refuse_ours(text: str, path: Path) -> None:
    with suppress(ValueError, RecursionError):  # parse says it better
        mqtt = tomllib.loads(text).get("mqtt", {})
        lines = locate(text)
        found = [key for key in _OURS if isinstance(mqtt, dict) and key in mqtt]
        if found:
            advice = "leave it out: --ca, --certs, --trust and the column password say what devices get"
            raise ConfigError("\n".join(f"{path}:{lines['mqtt', key]}: {key}: {advice}" for key in found))


def _fill(document: MutableMapping[str, Any], section: str, values: dict[str, str]) -> None:
    if values and section not in document:
        document[section] = {}
    for key, value in values.items():
        document[section][key] = value
