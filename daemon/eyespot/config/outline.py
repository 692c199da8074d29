"""What a configuration names, right or wrong: a backup is wanted most where something is broken."""

import tomllib
from pathlib import Path

import msgspec

from eyespot.domain.errors import ConfigError, one_line
from eyespot.domain.names import DeviceId
from eyespot.store.settings import StateSettings


class _Device(msgspec.Struct, frozen=True):
    id: DeviceId | None = None


class _Camera(msgspec.Struct, frozen=True):
    file: str | None = None


class _Model(msgspec.Struct, frozen=True):
    bundle: str = "factory"


class _Mqtt(msgspec.Struct, frozen=True):
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    password_file: str | None = None


class Outline(msgspec.Struct, frozen=True):
    """The settings that name a device, files or folders; all others are passed over."""

    device: _Device = _Device()
    camera: _Camera = _Camera()
    model: _Model = _Model()
    mqtt: _Mqtt = _Mqtt()
    state: StateSettings = StateSettings()


def outline(text: bytes, file: str) -> Outline:
    """Return what a configuration names.

    Args:
        text: TOML.
        file: what to call it in messages.

    Raises:
        ConfigError: it is no TOML, or names something by what is no text.
    """
    try:
        table = tomllib.loads(text.decode("utf-8-sig"))
        return msgspec.convert(table, Outline)
    except (ValueError, RecursionError) as error:  # both libraries' errors are such
        raise ConfigError(f"{file}: {one_line(error)}; see `eyespot check`") from error


def if_beside(config: Path, name: str) -> Path | None:
    """Return where a file lies that a configuration names, if that is in the folder of the configuration.

    Links to folders on the way there count as what they lead to.
    """
    if "\0" in name or Path(name).name in {"", ".."}:
        return None
    folder = config.absolute().parent
    path = folder / name
    place = path.parent.resolve() / path.name
    return place if place.parent.is_relative_to(folder.resolve()) else None
