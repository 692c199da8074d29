"""The gate: the only way out.

A message exists only if the gate made it: it has a declared topic, is of a type declared for it, and
keeps within its bounds in bytes, text lengths and counts. Bytes that come back from the disk pass again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TypeVar

import msgspec

from eyespot.domain.event import RULE_ID
from eyespot.domain.message import Delivery, Message
from eyespot.topics import (
    bucket_payloads,
    config_payloads,
    diagnosis,
    model_payloads,
    onvif,
    payloads,
    place_payloads,
    privacy_payloads,
    trajectories,
)
from eyespot.topics.commands import REQ_ID
from eyespot.topics.home_assistant import Discovery

_KIB = 1024
_LONGEST_ANSWER_TOPIC = 256
_MOST_LEVELS = 32  # mosquitto ends the connection of who publishes on one of more than 200
_LONGEST_PREFIX = 128
_MOST_CORRELATION = 256
_DISCOVERY_PREFIX = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
MOST_DISCOVERY = 512 * _KIB

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class GateError(ValueError):
    """Something wanted to leave that was not declared, or broke its bounds."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One kind of payload: the form of its topics below the device's root, type, schema, bound in bytes.

    Topics of one form may have payloads of several schemas, with one delivery. A payload whose form others
    have laid down has no schema, and its topic to itself.
    """

    form: re.Pattern[str]
    payload: type[msgspec.Struct]
    schema: str | None
    delivery: Delivery
    most_bytes: int


def _declared(
    form: str, payload: type[msgspec.Struct], schema: str | None, delivery: Delivery, kib: int
) -> Declared:
    return Declared(re.compile(form), payload, schema and f"eyespot.{schema}", delivery, kib * _KIB)


DECLARED = (
    _declared("status", payloads.Status, "status/1", Delivery.STATE, 1),
    _declared("info", payloads.Info, "info/1", Delivery.STATE, 64),
    _declared("health", payloads.Health, "health/1", Delivery.STATE, 16),
    _declared(f"rule/{RULE_ID}/state", payloads.LineState, "rule_state/1", Delivery.STATE, 64),
    _declared(f"rule/{RULE_ID}/state", payloads.ShareState, "share_state/1", Delivery.STATE, 64),
    _declared(f"rule/{RULE_ID}/state", place_payloads.ZoneState, "zone_state/1", Delivery.STATE, 64),
    _declared(
        f"rule/{RULE_ID}/state", place_payloads.OccupancyState, "occupancy_state/1", Delivery.STATE, 64
    ),
    _declared(f"rule/{RULE_ID}/state", place_payloads.QueueState, "queue_state/1", Delivery.STATE, 128),
    _declared(f"rule/{RULE_ID}/event", payloads.Crossed, "crossed/1", Delivery.DURABLE, 2),
    _declared(f"rule/{RULE_ID}/event", place_payloads.Entered, "entered/1", Delivery.DURABLE, 2),
    _declared(f"rule/{RULE_ID}/event", place_payloads.Left, "left/1", Delivery.DURABLE, 2),
    _declared(f"rule/{RULE_ID}/event", place_payloads.Joined, "joined/1", Delivery.DURABLE, 2),
    _declared(f"rule/{RULE_ID}/event", place_payloads.LeftQueue, "left_queue/1", Delivery.DURABLE, 2),
    _declared(f"rule/{RULE_ID}/event", place_payloads.Loitering, "loitering/1", Delivery.DURABLE, 2),
    _declared(f"rule/{RULE_ID}/event", place_payloads.Intrusion, "intrusion/1", Delivery.DURABLE, 2),
    _declared(f"rule/{RULE_ID}/event", payloads.Changed, "changed/1", Delivery.DURABLE, 2),
    _declared(f"rule/{RULE_ID}/event", payloads.Split, "split/1", Delivery.DURABLE, 64),
    _declared(f"rule/{RULE_ID}/event", payloads.Reset, "reset/1", Delivery.DURABLE, 64),
    _declared(f"rule/{RULE_ID}/event", payloads.Tallied, "tallied/1", Delivery.DURABLE, 2),
    _declared(f"rule/{RULE_ID}/state", place_payloads.ShelfState, "shelf_state/1", Delivery.STATE, 64),
    _declared(f"rule/{RULE_ID}/event", place_payloads.Threshold, "threshold/1", Delivery.DURABLE, 2),
    _declared(f"heatmap/{RULE_ID}", place_payloads.HeatmapState, "heatmap/1", Delivery.STATE, 128),
    _declared(f"rule/{RULE_ID}/bucket", bucket_payloads.Bucket, "bucket/1", Delivery.DURABLE, 64),
    _declared("dropped", payloads.Dropped, "dropped/1", Delivery.DURABLE, 1),
    _declared("frame", payloads.Frame, "frame/2", Delivery.LIVE, 16),
    _declared("config/reported", config_payloads.ConfigReported, "config_reported/1", Delivery.STATE, 256),
    _declared("privacy", privacy_payloads.SelfAudit, "privacy/1", Delivery.STATE, 16),
    _declared("trajectories", trajectories.TrajectoriesState, "trajectories_state/1", Delivery.STATE, 1),
    _declared("model/state", model_payloads.UpdateState, None, Delivery.STATE, 4),
    _declared("model/detail", model_payloads.ModelDetail, "model_detail/1", Delivery.STATE, 64),
    _declared("model/event", model_payloads.ModelEvent, "model_event/1", Delivery.DURABLE, 4),
    _declared(f"reply/{REQ_ID}", model_payloads.Reply, "reply/1", Delivery.ANSWER, 8),
    _declared(f"reply/{REQ_ID}", diagnosis.Diagnosis, "diagnosis/1", Delivery.ANSWER, 32),
    _declared(f"reply/{REQ_ID}", trajectories.Trajectories, "trajectories/1", Delivery.ANSWER, 32),
    *(_declared(form, payload, None, delivery, 1) for form, payload, delivery in onvif.DECLARED),
)

SCHEMAS = {declared.payload: declared.schema for declared in DECLARED if declared.schema is not None}


class Gate:
    """Makes the messages of one device.

    Args:
        root: topic prefix and device id, as `eyespot/v1/entrance-1`.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def let_out(self, suffix: str, payload: msgspec.Struct) -> Message:
        """Return the message for a topic below the root.

        Raises:
            GateError: the topic is not declared, or the payload is not what was declared for it.
        """
        data = msgspec.json.encode(payload)
        declared = _kinds(suffix).get(getattr(payload, "schema", None))
        if declared is None or type(payload) is not declared.payload:
            return self._message(suffix, data)
        return self._checked(suffix, data, declared)

    def answer(
        self, suffix: str, payload: msgspec.Struct, wanted_at: str, correlation: bytes | None
    ) -> Message:
        """Return an answer that is wanted elsewhere than where it belongs, as MQTT 5 has it.

        Whoever may give commands could have us speak where they may not themselves. So it does not go to any
        topic of our devices but below `reply` of this one; elsewhere it is what it is everywhere: small, not
        kept, and of a form that nothing of ours takes for a command.

        Args:
            suffix: where it belongs, below the root.
            payload: the answer.
            wanted_at: the whole topic where it is wanted.
            correlation: what it gives back.

        Raises:
            GateError: it must not go there, or is not what was declared for where it belongs.
        """
        if not self._may_be_answered(wanted_at):
            raise GateError(f"no answer goes to {wanted_at[:80]!a}")
        if correlation is not None and len(correlation) > _MOST_CORRELATION:
            raise GateError(f"{len(correlation)} bytes to give back, at most {_MOST_CORRELATION} may leave")
        return msgspec.structs.replace(
            self.let_out(suffix, payload), topic=wanted_at, correlation=correlation
        )

    def _may_be_answered(self, topic: str) -> bool:
        prefix = self._root.rpartition("/")[0]
        ours = topic.startswith(f"{prefix}/") and not topic.startswith(f"{self._root}/reply/")
        whole = topic.isprintable() and not set("+#") & set(topic) and not topic.startswith("$")
        short = 0 < len(topic) <= _LONGEST_ANSWER_TOPIC and topic.count("/") < _MOST_LEVELS
        return whole and short and not ours

    def clear(self, suffix: str) -> Message:
        """Return the empty message that removes a retained topic.

        Raises:
            GateError: the topic is not declared, or is not a retained one.
        """
        declared = _lookup(suffix)[0]
        if declared.delivery is not Delivery.STATE:
            raise GateError(f"{suffix} is not retained: there is nothing to clear")
        return Message(f"{self._root}/{suffix}", b"", declared.delivery)

    def announce(self, prefix: str, payload: Discovery | None) -> Message:
        """Return what tells Home Assistant of this device; with None, what has it forget the device.

        Args:
            prefix: where it looks for devices, as `homeassistant`.
            payload: what it is told.

        Raises:
            GateError: that is among our own topics or none at all, or the payload is out of bounds.
        """
        ours = self._root.rpartition("/")[0]
        possible = len(prefix) <= _LONGEST_PREFIX and _DISCOVERY_PREFIX.fullmatch(prefix)
        if not possible or f"{prefix}/".startswith(f"{ours}/"):
            raise GateError(f"{prefix[:80]!a} is no prefix for discovery")
        topic = f"{prefix}/device/{self._root.rpartition('/')[2]}/config"
        data = b"" if payload is None else msgspec.json.encode(payload)
        _bound(topic, data, MOST_DISCOVERY)
        if payload is not None:
            _decode(topic, data, Discovery)
        return Message(topic, data, Delivery.STATE)

    def readmit(self, topic: str, data: bytes) -> Message:
        """Return the message for bytes that were kept on disk.

        Raises:
            GateError: they are not what could have left, or belong to another device.
        """
        root, found, suffix = topic.partition(f"{self._root}/")
        if root or not found:
            raise GateError(f"{topic[:80]!r} is not a topic of this device")
        return self._message(suffix, data)

    def _message(self, suffix: str, data: bytes) -> Message:
        _bound(suffix, data, _most_bytes(suffix))
        return self._checked(suffix, data, _kind(suffix, data, _kinds(suffix)))

    def _checked(self, suffix: str, data: bytes, declared: Declared) -> Message:
        _bound(suffix, data, declared.most_bytes)
        _decode(suffix, data, declared.payload)
        return Message(f"{self._root}/{suffix}", data, declared.delivery)


class _Named(msgspec.Struct):
    schema: str


@lru_cache(maxsize=256)
def _kinds(suffix: str) -> Mapping[str | None, Declared]:
    """Return what is declared for a topic, at least one, by its schema."""
    return {declared.schema: declared for declared in _lookup(suffix)}


@lru_cache(maxsize=256)
def _most_bytes(suffix: str) -> int:
    return max(declared.most_bytes for declared in _lookup(suffix))


def _kind(suffix: str, data: bytes, kinds: Mapping[str | None, Declared]) -> Declared:
    if None in kinds:
        return kinds[None]
    schema = _decode(suffix, data, _Named).schema
    if schema not in kinds:
        raise GateError(f"{suffix}: schema {schema[:80]!r} is not declared for it")
    return kinds[schema]


@lru_cache(maxsize=256)
def _lookup(suffix: str) -> Sequence[Declared]:
    """Return what is declared for a topic, at least one."""
    found = tuple(declared for declared in DECLARED if declared.form.fullmatch(suffix))
    if not found:
        raise GateError(f"{suffix[:80]!r} is not a declared topic")
    return found


def _bound(suffix: str, data: bytes, most_bytes: int) -> None:
    if len(data) > most_bytes:
        raise GateError(f"{suffix}: {len(data)} bytes, at most {most_bytes} may leave")


@cache
def _decoder(kind: type[_Struct]) -> msgspec.json.Decoder[_Struct]:
    return msgspec.json.Decoder(kind)


def _decode(suffix: str, data: bytes, kind: type[_Struct]) -> _Struct:
    try:
        decoded: _Struct = _decoder(kind).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GateError(f"{suffix}: {error}") from error
    return decoded
