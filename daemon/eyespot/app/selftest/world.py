"""What probes look at: the machine, and what the configuration asks of it."""

import pwd
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from eyespot.app.selftest.finding import Finding
from eyespot.app.twin import in_force_over
from eyespot.config import Loaded, load, warnings
from eyespot.domain.errors import ConfigError

BODY, EYE = "eyespot", "eyespot-eye"


@dataclass(frozen=True, slots=True)
class World:
    """What probes look at.

    Attributes:
        root: where the file system begins.
        loaded: the configuration; None where there is none that could be used.
        environ: of the process.
    """

    root: Path
    loaded: Loaded | None
    environ: Mapping[str, str]

    @property
    def source(self) -> str:
        """What the configuration looks at; empty without one."""
        return self.loaded.config.camera.source if self.loaded else ""

    @property
    def wants_sensor(self) -> bool:
        """Whether the model is to run on the AI camera's sensor."""
        return self.source == "imx500"

    @property
    def wants_camera(self) -> bool:
        """Whether a camera is looked at, and not a file or a scene."""
        return self.loaded is not None and self.loaded.config.camera.is_camera


def look_around(
    file: Path, root: Path, environ: Mapping[str, str], *, optional: bool
) -> tuple[World, Finding]:
    """Read the configuration, and return the world with it and what there is to say of it.

    Args:
        file: the configuration.
        root: where the file system begins.
        environ: of the process.
        optional: whether it may be missing.
    """
    if optional and not file.exists():
        words = f"there is no {file}; what depends on it is left out; name another with --config"
        return World(root, None, environ), Finding("configuration", "warn", words)
    try:
        loaded = load(file)
    except ConfigError as error:
        first, *more = str(error).splitlines()
        words = f"{first}{f' (and {len(more)} more)' if more else ''}; see `eyespot check {file}`"
        return World(root, None, environ), Finding("configuration", "fail", words)
    config, doubts = loaded.config, list(warnings(loaded))
    facts = {"file": str(file), "source": config.camera.source, "bundle": config.model.bundle}
    count = len(config.rules)
    rules = f"{count} rule{'' if count == 1 else 's'}"
    summary = f"{file}: {config.camera.source}, {rules}, {config.mqtt.where}"
    desired = in_force_over(loaded, environ)
    words = "; ".join(filter(None, (summary, *doubts, desired)))
    return World(root, loaded, environ), Finding("configuration", "warn" if doubts else "ok", words, facts)


def listed(names: Iterable[object], most: int = 4) -> str:
    """Return some names in words, and how many more there are."""
    all_of_them = [str(name) for name in names]
    rest = len(all_of_them) - most
    return ", ".join(all_of_them[:most]) + (f" and {rest} more" if rest > 0 else "")


def user_id(name: str) -> int | None:
    """Return a user's number; None where there is no such user."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None
