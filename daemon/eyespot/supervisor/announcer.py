"""Tells Home Assistant of the device, and remembers what it was told, so that all of it can be taken back."""

import logging
import random
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated

import msgspec

from eyespot.domain.errors import one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Heard, Message
from eyespot.ports import Clock, Ear, Handover
from eyespot.store.memo import Memo
from eyespot.topics.gate import Gate, GateError
from eyespot.topics.home_assistant import BIRTH, Described, Discovery, Key, Platform, discovery
from eyespot.topics.home_assistant_entities import MOST_CLASSES, Announced, with_classes

_log = logging.getLogger(__name__)

MOST_KEPT_BYTES = 256 * 1024
# When Home Assistant starts, a whole fleet hears it at once.
SOONEST_S, LATEST_S = 3.0, 30.0
_GONE_S = 60
_MOST_GONE = 256


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a release, which need not be this one, kept of what Home Assistant was told."""

    prefix: str = ""
    components: Annotated[dict[str, str], msgspec.Meta(max_length=1024)] = {}
    left: Annotated[tuple[str, ...], msgspec.Meta(max_length=64)] = ()


class Told(msgspec.Struct, frozen=True):
    """What Home Assistant was told.

    Attributes:
        prefix: below which; empty: nothing.
        components: component -> platform, also of those that were taken back: whoever was not there then
            hears it later.
        left: prefixes below which something is still to be cleared.
    """

    prefix: str = ""
    components: dict[Key, Platform] = {}
    left: tuple[str, ...] = ()


class Announcer:
    """Posts the discovery message when it changes, and again when Home Assistant has begun.

    Where it would be too large, classes are left out of it, the last ones first. Without any it fits.

    Args:
        prefix: where Home Assistant looks for devices; empty: it is told nothing, and what it was told is
            taken back.
        device: as it gets to know it.
        rules: that are there now.
        gate: makes the message.
        memo: what was told, over restarts.
        post: takes messages.
        answers: how many messages the broker has taken over.
        clock: for delays.
        between: returns a random number between two.
    """

    def __init__(
        self,
        prefix: str,
        device: Described,
        rules: Callable[[], Sequence[Announced]],
        *,
        gate: Gate,
        memo: Memo,
        post: Callable[[Handover], None],
        answers: Callable[[], int],
        clock: Clock,
        between: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._prefix = prefix
        self._device = device
        self._rules = rules
        self._gate = gate
        self._memo = memo
        self._post = post
        self._answers = answers
        self._clock = clock
        self._between = between
        self._lock = threading.Lock()
        self._again_ns: int | None = None
        self._cleared_ns: int | None = None
        self._message: Message | None = None
        self._announced: Sequence[Announced] | None = None
        self._kept = _read(memo.read(), gate)
        self._told = _moved(self._kept, prefix)
        self._answered = answers()
        self._all_told = True
        if self._told.left:
            self._keep()
            self._send(*(gate.announce(left, None) for left in self._told.left))

    @property
    def birth_topic(self) -> str | None:
        """Where Home Assistant says that it has begun; None where nobody needs to listen."""
        return f"{self._prefix}/status" if self._prefix else None

    def hear(self, heard: Heard) -> None:
        """Take note of what Home Assistant says of itself. From any thread."""
        with self._lock:
            if heard.payload == BIRTH and self._again_ns is None:
                delay_s = self._between(SOONEST_S, LATEST_S)
                self._again_ns = self._clock.now_ns() + round(delay_s * SECOND_NS)

    def tick(self) -> None:
        """Post what is new or due; cheap when nothing is. To be called about once a second."""
        self._forget_what_is_cleared()
        if not self._prefix:
            return
        rules = self._rules()
        if rules != self._announced:
            self._announce(rules)
        elif self._is_due() and self._message is not None:
            self._send(self._message)

    def _announce(self, rules: Sequence[Announced]) -> None:
        payload, self._message = self._fitting(rules)
        self._announced = rules
        self._told = msgspec.structs.replace(self._told, components=_bounded(payload.platforms, payload.live))
        self._keep()  # first: what was told and is not known could never be taken back
        self._send(self._message)

    def _fitting(self, rules: Sequence[Announced]) -> tuple[Discovery, Message]:
        """Return what is said of as many classes as there is room for."""
        room = MOST_CLASSES
        while True:
            payload = discovery(self._device, with_classes(rules, room), self._told.components)
            try:
                message = self._gate.announce(self._prefix, payload)
            except GateError as error:
                if not room:
                    raise
                reason, room = one_line(error), room // 2
            else:
                break
        if room < MOST_CLASSES and self._all_told:
            _log.warning("Home Assistant is told of the first %d classes alone: %s", room, reason)
        self._all_told = room == MOST_CLASSES
        return payload, message

    def _is_due(self) -> bool:
        with self._lock:
            due = self._again_ns is not None and self._clock.now_ns() >= self._again_ns
            if due:
                self._again_ns = None
            return due

    def _forget_what_is_cleared(self) -> None:
        """Forget it a minute after the broker has begun to take what is sent."""
        if not self._told.left:
            return
        now_ns = self._clock.now_ns()
        if self._cleared_ns is None and self._answers() > self._answered:
            self._cleared_ns = now_ns
        if self._cleared_ns is not None and now_ns - self._cleared_ns >= _GONE_S * SECOND_NS:
            self._told = msgspec.structs.replace(self._told, left=())
            self._keep()

    def _keep(self) -> None:
        if self._told != self._kept and self._memo.keep(msgspec.json.encode(self._told)):
            self._kept = self._told

    def _send(self, *messages: Message) -> None:
        self._post(Handover(messages, {}, 0))


class BesideHomeAssistant:
    """Hears for two: what Home Assistant says of itself, and all else. Implements `ports.Ear`.

    Args:
        ear: hears all else.
        announcer: hears Home Assistant.
    """

    def __init__(self, ear: Ear, announcer: Announcer) -> None:
        self._ear = ear
        self._announcer = announcer

    def hear(self, heard: Heard) -> None:
        """Pass a message on."""
        ear = self._announcer if heard.topic == self._announcer.birth_topic else self._ear
        ear.hear(heard)

    def listening(self) -> None:
        """Pass it on."""
        self._ear.listening()

    def deaf(self, topic_filter: str, reason: str | None) -> None:
        """Pass it on, unless Home Assistant alone cannot be heard: it finds what is retained all the same."""
        if topic_filter == self._announcer.birth_topic:
            _log.info("the broker does not let us hear %s (%s)", topic_filter, reason or "no answer")
            self._ear.listening()
        else:
            self._ear.deaf(topic_filter, reason)


def _read(kept: bytes | None, gate: Gate) -> Told:
    """Return of what was kept all that could be told today."""
    if kept is None:
        return Told()
    try:
        said = msgspec.json.decode(kept, type=_Kept)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # another release keeps it otherwise
        _log.warning("what Home Assistant was told is not known: %s; it counts as nothing", one_line(error))
        return Told()
    prefix = said.prefix and "".join(_prefixes([said.prefix], gate))
    return Told(prefix, _components(said.components), _prefixes(said.left, gate))


def _prefixes(kept: Iterable[str], gate: Gate) -> tuple[str, ...]:
    fitting = []
    for prefix in kept:
        try:
            gate.announce(prefix, None)
        except GateError as error:
            _log.warning("Home Assistant cannot have been told there: %s", one_line(error))
        else:
            fitting.append(prefix)
    return tuple(fitting)


def _components(kept: Mapping[str, str]) -> dict[Key, Platform]:
    fitting: dict[Key, Platform] = {}
    for key, platform in kept.items():
        try:
            fitting |= msgspec.convert({key: platform}, dict[Key, Platform])
        except msgspec.ValidationError as error:
            _log.warning("Home Assistant cannot have been told of %.80a: %s", key, one_line(error))
    return fitting


def _moved(told: Told, prefix: str) -> Told:
    """Return what there is to know once the device is announced below a prefix."""
    if told.prefix == prefix:
        return told
    left = dict.fromkeys((*told.left, told.prefix))
    return Told(prefix=prefix, left=tuple(each for each in left if each not in {"", prefix}))


def _bounded(platforms: dict[Key, Platform], live: set[str]) -> dict[Key, Platform]:
    """Return all that is there, and the newest of what is not."""
    gone = [key for key in platforms if key not in live]
    return {key: platforms[key] for key in (*gone[-_MOST_GONE:], *sorted(live))}
