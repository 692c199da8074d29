"""`eyespot check`: is a configuration right, and can its rules work?"""

from dataclasses import dataclass
from pathlib import Path

from eyespot.app.eye import glance, order
from eyespot.broker.paho import PahoBroker
from eyespot.config import Loaded, load, problems_with_model, warnings
from eyespot.domain.errors import ConfigError, InputError, ModelError
from eyespot.domain.observation import Tells
from eyespot.ports import ModelIdentity


@dataclass(frozen=True, slots=True)
class Verdict:
    """What there is to say about a configuration without errors."""

    warnings: tuple[str, ...]
    summary: str


def check(file: Path) -> Verdict:
    """Check a configuration without starting anything; the files that it names are read.

    Raises:
        ConfigError: with every error, one a line; what the files are wrong in follows once it has none.
    """
    loaded = load(file)
    model, tells = _look(loaded)
    problems_with_model(loaded, model.labels, tells)
    PahoBroker(loaded.config.mqtt, "check")
    count = len(loaded.config.rules)
    rules = f"{count} rule{'' if count == 1 else 's'}"
    summary = f"{loaded.config.camera.source}, {model.bundle}, {rules}, {loaded.config.mqtt.url}"
    return Verdict(tuple(warnings(loaded)), summary)


def _look(loaded: Loaded) -> tuple[ModelIdentity, Tells]:
    """Return the model and what it tells; name the line of the file that cannot be used."""
    try:
        return glance(order(loaded.config))
    except ModelError as error:
        raise ConfigError(f"{loaded.at('model', 'bundle')}: {error}") from error
    except InputError as error:
        raise ConfigError(f"{loaded.at('camera', 'file')}: {error}") from error
