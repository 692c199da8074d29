"""`eyespot check`: is a configuration right, and can its rules work?"""

from dataclasses import dataclass
from pathlib import Path

from eyespot.app.eye import labels_seen
from eyespot.config import load, problems_with_labels, warnings


@dataclass(frozen=True, slots=True)
class Verdict:
    """What there is to say about a configuration without errors."""

    warnings: tuple[str, ...]
    summary: str


def check(file: Path) -> Verdict:
    """Check a configuration without starting anything.

    Raises:
        ConfigError: with every error, one a line.
        ModelError: the model is missing or damaged.
        InputError: the recording that it looks at is.
    """
    loaded = load(file)
    model, labels = labels_seen(loaded.config)
    problems_with_labels(loaded, labels)
    count = len(loaded.config.rules)
    rules = f"{count} rule{'' if count == 1 else 's'}"
    summary = f"{loaded.config.camera.source}, {model}, {rules}, {loaded.config.mqtt.url}"
    return Verdict(tuple(warnings(loaded)), summary)
