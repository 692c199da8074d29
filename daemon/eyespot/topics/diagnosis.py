"""What a device says of itself when somebody looks for a trouble: text and numbers, in pieces.

As in `payloads`: what is not here cannot leave. Each list and each text is bounded, and so is each piece.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from eyespot.topics.commands import ReqId
from eyespot.topics.config_payloads import ConfigTable
from eyespot.topics.payloads import Count, Envelope, Line, Short, Utc

MOST_LINES = 200
MOST_SPELLS = 288

_StateName = Annotated[str, Meta(pattern="^[a-z_]{1,64}$")]


class _Piece(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="about"):
    """What one message is about."""


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of many of its kind."""


class Found(_Row, frozen=True, kw_only=True):
    """What one probe of the self-test found, in words that say what to do."""

    name: Short
    verdict: Literal["ok", "warn", "fail", "skip"]
    words: Line


class LogLine(_Row, frozen=True, kw_only=True):
    """A line of the log, cut to a length; `source` is the part of the program that wrote it."""

    t: Utc
    level: Literal["debug", "info", "notice", "warning", "error"]
    source: Short
    text: Line


class Spell(_Row, frozen=True, kw_only=True):
    """How the device was for five minutes: all troubles that there were, the worst of each figure."""

    t: Utc
    states: Annotated[tuple[_StateName, ...], Meta(max_length=64)]
    observations_hz: float
    dropped: Count
    backlog: Count
    memory_mb: float | None
    disk_free_mb: float | None
    temperature_c: float | None


class Selftest(_Piece, frozen=True, kw_only=True, tag="selftest"):
    """What was found just now, as far as that can be looked at beside the running service."""

    found: Annotated[tuple[Found, ...], Meta(max_length=32)]


class Settings(_Piece, frozen=True, kw_only=True, tag="config"):
    """Tables of the configuration in force, as in `ConfigReported`; `left_out` names what has no room."""

    config: Mapping[ConfigTable, Any]


class Log(_Piece, frozen=True, kw_only=True, tag="log"):
    """The newest lines of the log, oldest first."""

    lines: Annotated[tuple[LogLine, ...], Meta(max_length=MOST_LINES)]


class HealthDay(_Piece, frozen=True, kw_only=True, tag="health"):
    """The last day, or what there is of it since the service was started, oldest first."""

    spells: Annotated[tuple[Spell, ...], Meta(max_length=MOST_SPELLS)]


Piece = Selftest | Settings | Log | HealthDay


class Diagnosis(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One piece of the answer to `cmd/diagnose`; `index` counts from 0, `of` is how many there are."""

    req_id: ReqId
    index: Count
    of: Count
    piece: Piece
