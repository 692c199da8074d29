"""A configuration becomes a plan: everything that can fail has been built, nothing has been touched yet."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eyespot.app.eye import Eye, open_eye
from eyespot.config import Config, Loaded, problems_with_model
from eyespot.host.identity import default_device_id
from eyespot.ports import Clock, ModelIdentity
from eyespot.rules import Rule, build
from eyespot.store.settings import state_dir


@dataclass(frozen=True, slots=True)
class Plan:
    """What one life of the daemon is made of.

    Attributes:
        config: the whole configuration.
        device: the device's id.
        eye: what looks.
        rules: by id, at zero.
        state_dir: the folder for the store.
    """

    config: Config
    device: str
    eye: Eye
    rules: Mapping[str, Rule]
    state_dir: Path

    @property
    def root(self) -> str:
        """Where the device's topics begin."""
        return f"{self.config.mqtt.prefix}/{self.device}"


def plan(loaded: Loaded, clock: Clock) -> Plan:
    """Build what a configuration asks for.

    Raises:
        ConfigError: a rule names a class that the model lacks, or cannot work with such a model.
        ModelError: the model cannot be loaded.
        InputError: a recording cannot be read.
    """
    config = loaded.config
    eye = open_eye(config, clock)
    problems_with_model(loaded, eye.model.labels, eye.tells)
    return Plan(
        config=config,
        device=device_id(config),
        eye=eye,
        rules=rules(config, eye.model),
        state_dir=state_dir(config.state, os.environ),
    )


def device_id(config: Config) -> str:
    """Return the configured id of the device, else the machine's own."""
    return config.device.id or default_device_id()


def rules(config: Config, model: ModelIdentity) -> dict[str, Rule]:
    """Return the rules by id, in the order of the configuration."""
    mount = config.camera.mount
    return {settings.id: build(settings, model.labels, mount) for settings in config.rules}
