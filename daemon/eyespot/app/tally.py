"""`eyespot tally`: what a person at the door sees, beside what a rule counts and tells over MQTT."""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from eyespot.app.listening import listening
from eyespot.app.plan import device_id
from eyespot.config import Loaded, load
from eyespot.domain.errors import ConfigError
from eyespot.domain.event import Direction
from eyespot.domain.message import Heard
from eyespot.domain.nearest import hint
from eyespot.domain.shown import shown
from eyespot.domain.tally_result import TallyResult
from eyespot.domain.tallying import MOST_MARKS, Mark, Tallying
from eyespot.host.clock import SystemClock
from eyespot.ports import Clock
from eyespot.rules.line import LineSettings
from eyespot.topics import payloads

_HASH_DIGITS = 12
_MOST_MODELS = 8
_LONGEST_MODEL = 160


class _Camera(msgspec.Struct):
    mount: str = ""


class _Config(msgspec.Struct):
    camera: _Camera
    rules: list[dict[str, Any]]


class _Reported(msgspec.Struct):
    config: _Config


class Tally:
    """Takes down what is seen and what is counted. Thread-safe.

    Args:
        root: where the device's topics begin.
        rule: whose events count.
        clock: both are timed by it: the clock of the device may be another one.

    Attributes:
        models: ids of the bundles that counted, and the one that looks, fit for a terminal; the first few.
        rule_hash: of the rule's settings in force, and of which point of a box counts; empty until known.
        changed: whether the rule was changed meanwhile.
    """

    def __init__(self, root: str, rule: str, clock: Clock) -> None:
        self._root = root
        self._rule = rule
        self._clock = clock
        self._lock = threading.Lock()
        self._tallying = Tallying()
        self.models: list[str] = []
        self.rule_hash = ""
        self.changed = False

    def saw(self, direction: Direction) -> None:
        """Take down that somebody went through."""
        with self._lock:
            self._tallying.seen.append(Mark(direction, self._clock.now_ns()))

    def undo(self) -> None:
        """Take the last one back."""
        with self._lock:
            self._tallying.undo()

    def hear(self, heard: Heard) -> None:
        """Take in a message of the device; what is no such thing is passed over."""
        with suppress(msgspec.DecodeError, RecursionError), self._lock:
            if heard.topic == f"{self._root}/rule/{self._rule}/event":
                self._count(heard.payload)
            elif heard.topic == f"{self._root}/info":
                self._note_model(msgspec.json.decode(heard.payload, type=payloads.Info).model.bundle)
            elif heard.topic == f"{self._root}/config/reported":
                self._note_rule(msgspec.json.decode(heard.payload, type=_Reported).config)

    def result(self) -> TallyResult:
        """Return what came of it so far."""
        with self._lock:
            return self._tallying.result()

    def _count(self, payload: bytes) -> None:
        event = msgspec.json.decode(payload, type=payloads.Crossed)
        if len(self._tallying.counted) < MOST_MARKS:
            self._tallying.counted.append(Mark(event.direction, self._clock.now_ns()))
        self._note_model(event.model)

    def _note_model(self, bundle: str) -> None:
        name = shown(bundle, _LONGEST_MODEL)
        if name not in self.models and len(self.models) < _MOST_MODELS:
            self.models.append(name)

    def _note_rule(self, config: _Config) -> None:
        told = hash_of_rule(msgspec.to_builtins(config), self._rule)
        self.changed = self.changed or self.rule_hash not in {"", told}
        self.rule_hash = told


def hash_of_rule(config: Mapping[str, Any], rule: str) -> str:
    """Return a short name for a rule's settings, and for which point of a box counts.

    Args:
        config: in force, by table, as it is reported.
        rule: its id.
    """
    own = [one for one in config["rules"] if one.get("id") == rule]
    data = msgspec.json.encode([config["camera"].get("mount"), own], order="sorted")
    return hashlib.sha256(data).hexdigest()[:_HASH_DIGITS]


@contextmanager
def tally(config: Path, rule: str) -> Iterator[Tally]:
    """Yield a tally that hears what the device counts while its context lasts.

    Args:
        config: of the device; its broker, id and credentials.
        rule: id of a line.

    Raises:
        ConfigError: it cannot be used, or there is no such line.
        BrokerError: the broker cannot be reached, or does not let us listen.
    """
    loaded = load(config)
    _check(loaded, rule)
    mqtt = loaded.config.mqtt
    root = f"{mqtt.prefix}/{device_id(loaded.config)}"
    taking = Tally(root, rule, SystemClock())
    topics = (f"{root}/rule/{rule}/event", f"{root}/info", f"{root}/config/reported")
    with listening(mqtt, topics, taking.hear):
        yield taking


def _check(loaded: Loaded, rule: str) -> None:
    lines = [one.id for one in loaded.config.rules if isinstance(one, LineSettings)]
    if rule not in lines:
        known = hint(rule, lines) or f"; there are {', '.join(lines) or 'none'}"
        raise ConfigError(f'{loaded.file}: there is no line "{rule}"{known}')
