"""A configuration becomes a plan: all that can be wrong has been tried, nothing has been touched yet."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from eyespot.app.choice import Choice
from eyespot.app.eye import glance, open_source, order, sealed
from eyespot.config import Config, Loaded, problems_with_model
from eyespot.domain.observation import Tells
from eyespot.host.identity import board, default_device_id
from eyespot.host.timezone import zone_of
from eyespot.pipeline import Standard
from eyespot.ports import CameraLedger, Clock, HealthBoard, ModelIdentity, ObservationSource
from eyespot.rules import Rule, build, ordered
from eyespot.sources.eye import EyeSource
from eyespot.sources.screening import Wanted
from eyespot.sources.wire import Look
from eyespot.store.identity import kept_id
from eyespot.store.settings import StateSettings, state_dir
from eyespot.topics.gate import Gate
from eyespot.topics.onvif import Onvif

EYE_SOCKET = "EYESPOT_EYE_SOCKET"  # set by the unit: then another process looks, except at recordings

SourceMaker = Callable[[HealthBoard, CameraLedger], ObservationSource]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one life of the daemon is made of.

    Attributes:
        config: the whole configuration.
        device: the device's id.
        choice: which bundle looks, and who says so.
        look: by which order.
        model: what makes the observations at first.
        tells: what it tells.
        source: makes what looks, not opened yet.
        looks_itself: whether this process looks; else the eye does, which is another one.
        rules: by id, at zero.
        state_dir: the folder for the store.
    """

    config: Config
    device: str
    choice: Choice
    look: Look
    model: ModelIdentity
    tells: Tells
    source: SourceMaker
    looks_itself: bool
    rules: Mapping[str, Rule]
    state_dir: Path

    @property
    def root(self) -> str:
        """Where the device's topics begin."""
        return f"{self.config.mqtt.prefix}/{self.device}"


def plan(
    loaded: Loaded,
    clock: Clock,
    eye_socket: Path | None = None,
    *,
    choice: Choice | None = None,
    goes_back: bool = False,
) -> Plan:
    """Build what a configuration asks for.

    Args:
        loaded: the configuration.
        clock: for the source.
        eye_socket: where the eye connects; without it this process looks for itself.
        choice: which bundle looks; None: the configuration's, without any slots.
        goes_back: whether there is a plan to go back to when the eye refuses this one.

    Raises:
        ConfigError: a rule names a class that the model lacks, or cannot work with such a model.
        ModelError: the model cannot be loaded.
        InputError: a recording cannot be read.
        StorageError: the device was restored with an id that cannot be read.
    """
    config = loaded.config
    choice = choice or Choice(config.model.bundle)
    look = order(config, choice.bundle)
    model, tells = glance(look)
    if look.camera.source != "replay":
        look = sealed(look)
    problems_with_model(loaded, model.labels, tells)
    looks_itself = eye_socket is None or config.camera.source == "replay"
    if eye_socket is None or looks_itself:
        source = _own_source(look, clock)
    else:
        source = _eye_source(eye_socket, look, (model, tells), clock, goes_back=goes_back)
    return Plan(
        config=config,
        device=device_id(config),
        choice=choice,
        look=look,
        model=model,
        tells=tells,
        source=source,
        looks_itself=looks_itself,
        rules=rules(config, model),
        state_dir=state_dir(config.state, os.environ),
    )


def eye_socket() -> Path | None:
    """Return where the eye connects, if the unit says that there is one."""
    path = os.environ.get(EYE_SOCKET)
    return Path(path) if path else None


def device_id(config: Config) -> str:
    """Return the configured id of the device, else the one that it was restored with, else the machine's own.

    Raises:
        StorageError: it was restored with one, and that cannot be read.
    """
    return given_id(config.device.id, config.state)


def given_id(
    configured: str | None,
    state: StateSettings,
    environ: Mapping[str, str] = os.environ,
    root: Path = Path("/"),
) -> str:
    """Return the id in force; as `device_id`."""
    return configured or kept_id(state_dir(state, environ), board(root)) or default_device_id(root)


def rules(config: Config, model: ModelIdentity) -> dict[str, Rule]:
    """Return the rules by id, each after those that it builds on."""
    mount = config.camera.mount
    zone = zone_of(config.device)
    return {settings.id: build(settings, model.labels, mount, zone) for settings in ordered(config.rules)}


def standards(config: Config, gate: Gate) -> list[Standard]:
    """Return what speaks to those who do not know our own topics, as far as that is wanted."""
    return [Onvif(gate.let_out, gate.clear)] if config.topics.onvif else []


def _own_source(look: Look, clock: Clock) -> SourceMaker:
    source = open_source(look, clock)  # now, so that what is wrong with it is told before anything begins
    return lambda _health, _ledger: source


def _eye_source(
    path: Path, look: Look, told: tuple[ModelIdentity, Tells], clock: Clock, *, goes_back: bool
) -> SourceMaker:
    def make(health: HealthBoard, ledger: CameraLedger) -> ObservationSource:
        return EyeSource(
            path,
            look,
            Wanted(*told),
            steps=look.camera.steps,
            clock=clock,
            health=health,
            ledger=ledger if look.camera.wears else None,
            goes_back=goes_back,
        )

    return make
