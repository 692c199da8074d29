"""The gate: the only way out.

A message exists only if the gate made it: it has a declared topic, is of the type declared for it, and
keeps within its bounds in bytes, text lengths and counts. Bytes that come back from the disk pass again.
"""

import re
from dataclasses import dataclass

import msgspec

from eyespot.domain.event import RULE_ID
from eyespot.domain.message import Delivery, Message
from eyespot.topics import payloads

_KIB = 1024


class GateError(ValueError):
    """Something wanted to leave that was not declared, or broke its bounds."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One kind of topic: its form below the device's root, payload type, schema, bound in bytes."""

    form: re.Pattern[str]
    payload: type[payloads.Envelope]
    schema: str
    delivery: Delivery
    most_bytes: int


def _declared(
    form: str, payload: type[payloads.Envelope], schema: str, delivery: Delivery, kib: int
) -> Declared:
    return Declared(re.compile(form), payload, f"eyespot.{schema}", delivery, kib * _KIB)


DECLARED = (
    _declared("status", payloads.Status, "status/1", Delivery.STATE, 1),
    _declared("info", payloads.Info, "info/1", Delivery.STATE, 64),
    _declared("health", payloads.Health, "health/1", Delivery.STATE, 16),
    _declared(f"rule/{RULE_ID}/state", payloads.RuleState, "rule_state/1", Delivery.STATE, 64),
    _declared(f"rule/{RULE_ID}/event", payloads.Crossed, "crossed/1", Delivery.DURABLE, 1),
    _declared("frame", payloads.Frame, "frame/1", Delivery.LIVE, 16),
)


class Gate:
    """Makes the messages of one device.

    Args:
        root: topic prefix and device id, as `eyespot/v1/entrance-1`.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def let_out(self, suffix: str, payload: payloads.Envelope) -> Message:
        """Return the message for a topic below the root.

        Raises:
            GateError: the topic is not declared, or the payload is not what was declared for it.
        """
        declared = _lookup(suffix)
        return self._message(suffix, declared, msgspec.json.encode(payload))

    def clear(self, suffix: str) -> Message:
        """Return the empty message that removes a retained topic.

        Raises:
            GateError: the topic is not declared, or is not a retained one.
        """
        declared = _lookup(suffix)
        if declared.delivery is not Delivery.STATE:
            raise GateError(f"{suffix} is not retained: there is nothing to clear")
        return Message(f"{self._root}/{suffix}", b"", declared.delivery)

    def readmit(self, topic: str, data: bytes) -> Message:
        """Return the message for bytes that were kept on disk.

        Raises:
            GateError: they are not what could have left, or belong to another device.
        """
        root, found, suffix = topic.partition(f"{self._root}/")
        if root or not found:
            raise GateError(f"{topic[:80]!r} is not a topic of this device")
        return self._message(suffix, _lookup(suffix), data)

    def _message(self, suffix: str, declared: Declared, data: bytes) -> Message:
        if len(data) > declared.most_bytes:
            raise GateError(f"{suffix}: {len(data)} bytes, at most {declared.most_bytes} may leave")
        try:
            payload = msgspec.json.decode(data, type=declared.payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise GateError(f"{suffix}: {error}") from error
        if payload.schema != declared.schema:
            raise GateError(f"{suffix}: schema {payload.schema!r}, declared is {declared.schema!r}")
        return Message(f"{self._root}/{suffix}", data, declared.delivery)


def _lookup(suffix: str) -> Declared:
    for declared in DECLARED:
        if declared.form.fullmatch(suffix):
            return declared
    raise GateError(f"{suffix[:80]!r} is not a declared topic")
