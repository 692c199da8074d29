"""What kinds of messages leave a device, for whoever pays by the byte."""

from typing import get_args

from eyespot.domain.message import Delivery, Message, Traffic
from eyespot.topics import onvif

THINNED_S = 900  # over the daily cap, between two messages of a retained topic
KINDS: tuple[Traffic, ...] = get_args(Traffic)

_AT_ONCE = {"status", "config/reported"}
_BY_DELIVERY: dict[Delivery, Traffic] = {
    Delivery.DURABLE: "events",
    Delivery.STATE: "states",
    Delivery.LIVE: "live",
    Delivery.ANSWER: "answers",
}


def kind_of(message: Message, root: str) -> Traffic:
    """Return the kind of a message.

    Args:
        message: which leaves.
        root: where the topics of the device begin; what is elsewhere is in the form of somebody else.
    """
    if message.delivery is Delivery.ANSWER:
        return "answers"
    if not message.topic.startswith(root) or _is_said_twice(message, root):
        return "standards"
    return "health" if _suffix(message, root) == "health" else _BY_DELIVERY[message.delivery]


def is_optional(message: Message, root: str) -> bool:
    """Return whether it is the first to be done without: boxes of frames, heatmaps, what is said twice."""
    is_heatmap = _suffix(message, root).startswith("heatmap/")
    return is_heatmap or message.delivery is Delivery.LIVE or _is_said_twice(message, root)


def _is_said_twice(message: Message, root: str) -> bool:
    return _suffix(message, root).startswith(onvif.PREFIX)


def may_wait(message: Message, root: str) -> bool:
    """Return whether it is a value that the next one replaces, and nobody has to hear of at once.

    Somebody waits for the report of a configuration, and its trial for the broker to take it.
    """
    return message.retain and bool(message.payload) and _suffix(message, root) not in _AT_ONCE


def _suffix(message: Message, root: str) -> str:
    return message.topic.removeprefix(f"{root}/")
