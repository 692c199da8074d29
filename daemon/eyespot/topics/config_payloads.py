"""The payload about the configuration in force. As in `payloads`: what is not here cannot leave."""

from collections.abc import Mapping
from typing import Any, Literal

from eyespot.topics.commands import ReqId
from eyespot.topics.model_payloads import ReplyCode
from eyespot.topics.payloads import Envelope, Line

ConfigTable = Literal[
    "device",
    "camera",
    "model",
    "mqtt",
    "state",
    "topics",
    "trajectories",
    "home_assistant",
    "update",
    "privacy",
    "rules",
]


class ConfigReported(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of the desired configuration, and which one is in force.

    Attributes:
        req_id: of what was desired last; null where it had none, or nothing is desired.
        code: as in `Reply`, of what was desired last.
        detail: the same in words.
        config: all that is in force, defaults included, by table; no secrets, nor where they lie. Without
            `rules`, or empty, where that is too large to leave; `detail` says so then.
    """

    req_id: ReqId | None
    code: ReplyCode
    detail: Line
    config: Mapping[ConfigTable, Any]
