"""What a device can be told: bytes become one of a few commands, or are refused.

No command has a URL or a path: what is installed, and from where, is not for a broker to say. None makes
an image or a file leave.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from eyespot.domain.errors import one_line
from eyespot.domain.names import RuleId
from eyespot.topics.plain_json import plain, refuse_ambiguous

MOST_BYTES = 16 * 1024
COMMANDS = "cmd/"
DESIRED = "model/desired"
REQ_ID = "[A-Za-z0-9._~:@=-]{1,64}"  # a part of a topic: no level and no wildcard

# Of the times that msgspec takes, those that are a date-time of JSON Schema: no blank for the T, no +0100.
_DATE_TIME = re.compile(r"\S+([Zz]|:\d\d)", re.ASCII)

FROM_HOME_ASSISTANT = b"latest"

ReqId = Annotated[str, Meta(pattern=rf"\A{REQ_ID}\Z")]
_Expires = Annotated[datetime, Meta(tz=True)]
_Name = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
_Version = Annotated[str, Meta(pattern=r"\A[0-9]+\.[0-9]+\.[0-9]+\Z", max_length=32)]
LogLevel = Literal["debug", "info", "warning"]
Press = Literal["begin", "in", "out", "undo", "end"]


class Kind(Enum):
    """What can be asked for, by the topic below the device's root."""

    UPDATE = "cmd/model/update"
    ROLLBACK = "cmd/model/rollback"
    RESET = "cmd/counters/reset"
    RELEARN = "cmd/view/relearn"
    RESTART = "cmd/restart"
    LOG = "cmd/log"
    MIN_SCORE = "cmd/settings/min_score"
    DIAGNOSE = "cmd/diagnose"
    TALLY = "cmd/tally"
    AIM = "cmd/aim"
    TRAJECTORIES = "cmd/trajectories"
    DESIRED = DESIRED


OF_THE_MODEL = frozenset({Kind.UPDATE, Kind.ROLLBACK, Kind.DESIRED})


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody asks for.

    Attributes:
        req_id: by which an answer is wanted; without it none is.
        expires: after which it is too late.
        bundle, version: of the model that is desired, where one is named.
        rule: whose totals are to begin at zero; None: those of all. Or which is looked at from the door.
        level: from which on the log is to be kept.
        min_score: that is desired.
        press: what somebody at the door says.
        minutes: for which it is to be kept where people go.
        since, until: of which time ways are wanted; None: as far as there are any.
        after: the cursor of the piece behind which they are wanted.
    """

    kind: Kind
    req_id: str | None = None
    expires: datetime | None = None
    bundle: str | None = None
    version: str | None = None
    rule: str | None = None
    level: LogLevel | None = None
    min_score: float | None = None
    press: Press | None = None
    minutes: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: int = 0


class InvalidCommandError(ValueError):
    """It cannot be understood.

    Attributes:
        req_id: by which an answer is wanted, as far as that could be read.
    """

    def __init__(self, reason: str, req_id: str | None = None) -> None:
        super().__init__(reason)
        self.req_id = req_id


class _Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Most commands have no arguments."""


class _Which(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which rule; all that count where none is named."""

    rule: RuleId | None = None


class _Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which level on."""

    level: LogLevel


class _Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which score on a detection can start a track."""

    value: Annotated[float, Meta(ge=0.01, le=0.99)]


class _AtTheDoor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody at the door says of a line."""

    rule: RuleId
    press: Press


class _ForSoLong(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many minutes; 0 ends it."""

    minutes: Annotated[int, Meta(ge=0, le=1440)] = 60


class _OfWhen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of which time, and behind which piece; without them, from the oldest on."""

    since: _Expires | None = None
    until: _Expires | None = None
    after: Annotated[int, Meta(ge=0, lt=1 << 53)] = 0


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    req_id: ReqId | None = None
    expires: _Expires | None = None


class Asked(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What goes with a command; all of it may be left out."""

    args: _Nothing | None = None


class AskedReset(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What goes with `cmd/counters/reset`: without a rule, all that count begin at zero."""

    args: _Which | None = None


class AskedLog(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What goes with `cmd/log`."""

    args: _Level


class AskedScore(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What goes with `cmd/settings/min_score`."""

    args: _Score


class AskedTally(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What goes with `cmd/tally`."""

    args: _AtTheDoor


class AskedAim(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What goes with `cmd/aim`: without minutes, it is an hour."""

    args: _ForSoLong | None = None


class AskedTrajectories(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What goes with `cmd/trajectories`: without an id nobody could be answered."""

    req_id: ReqId
    args: _OfWhen | None = None


class AskedDiagnosis(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What goes with `cmd/diagnose`: without an id nobody could be answered."""

    req_id: ReqId
    args: _Nothing | None = None


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`model/desired` in its short form."""

    check: Literal[True]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`model/desired` in its long form."""

    bundle: _Name
    version: _Version
    req_id: ReqId | None = None


class _Numbered(msgspec.Struct, frozen=True):
    req_id: ReqId | None = None


_Form = type[
    Asked | AskedReset | AskedLog | AskedScore | AskedDiagnosis | AskedTally | AskedAim | AskedTrajectories
]
FORMS: Mapping[Kind, _Form] = {
    Kind.UPDATE: Asked,
    Kind.ROLLBACK: Asked,
    Kind.RESET: AskedReset,
    Kind.RELEARN: Asked,
    Kind.RESTART: Asked,
    Kind.LOG: AskedLog,
    Kind.MIN_SCORE: AskedScore,
    Kind.DIAGNOSE: AskedDiagnosis,
    Kind.TALLY: AskedTally,
    Kind.AIM: AskedAim,
    Kind.TRAJECTORIES: AskedTrajectories,
}


def parse(suffix: str, payload: bytes) -> Command:
    """Return what is asked for.

    Args:
        suffix: the topic below the device's root.
        payload: as it came.

    Raises:
        InvalidCommandError: there is no such command, or it is not as it should be.
    """
    if len(payload) > MOST_BYTES:
        raise InvalidCommandError(f"larger than {MOST_BYTES} bytes")
    try:
        kind = Kind(suffix)
    except ValueError:
        known = ", ".join(k.value for k in Kind if k is not Kind.DESIRED)
        text = one_line(ValueError(f"there is no command {suffix[:80]!a}; there are {known}"))
        raise InvalidCommandError(text, req_id_in(payload)) from None
    if kind is Kind.UPDATE and payload == FROM_HOME_ASSISTANT:
        return Command(kind)
    try:
        said = plain(payload)
        return _desired(said) if kind is Kind.DESIRED else _command(kind, said)
    except (ValueError, RecursionError) as error:
        raise InvalidCommandError(f"not as it should be: {one_line(error)}", req_id_in(payload)) from error


def _command(kind: Kind, said: Any) -> Command:
    asked = msgspec.convert(said, FORMS[kind])
    _refuse_other_times(said, asked)
    rule = asked.args.rule if isinstance(asked, AskedReset) and asked.args is not None else None
    level = asked.args.level if isinstance(asked, AskedLog) else None
    score = asked.args.value if isinstance(asked, AskedScore) else None
    command = Command(kind, asked.req_id, asked.expires, rule=rule, level=level, min_score=score)
    if isinstance(asked, AskedTally):
        return replace(command, rule=asked.args.rule, press=asked.args.press)
    if isinstance(asked, AskedAim):
        return replace(command, minutes=(asked.args or _ForSoLong()).minutes)
    if isinstance(asked, AskedTrajectories):
        of = asked.args or _OfWhen()
        return replace(command, since=of.since, until=of.until, after=of.after)
    return command


def _refuse_other_times(said: Mapping[str, Any], taken: msgspec.Struct) -> None:
    for name, value in msgspec.structs.asdict(taken).items():
        if isinstance(value, msgspec.Struct):
            _refuse_other_times(said[name], value)
        elif isinstance(value, datetime) and not _DATE_TIME.fullmatch(said[name]):
            raise ValueError(f"{name}: want a time as 2026-11-26T12:00:00Z")


def _desired(said: Any) -> Command:
    if isinstance(said, dict) and "check" in said:
        msgspec.convert(said, Look)
        return Command(Kind.DESIRED)
    wanted = msgspec.convert(said, Wanted)
    return Command(Kind.DESIRED, wanted.req_id, bundle=wanted.bundle, version=wanted.version)


def req_id_in(payload: bytes) -> str | None:
    """Return by which an answer is wanted, as far as that can be read of what cannot be understood."""
    try:
        refuse_ambiguous(payload)
        return msgspec.json.decode(payload, type=_Numbered).req_id
    except (ValueError, RecursionError):
        return None
