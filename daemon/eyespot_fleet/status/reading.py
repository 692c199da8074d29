"""What devices say of themselves, as far as it is shown: bounded, and fit for a terminal."""

import math
import re
from dataclasses import dataclass, replace

import msgspec

from eyespot.domain.shown import shown

MOST_BYTES = 64 * 1024  # as much as `info` may take; see eyespot.topics.gate
_MOST_STATES = 8
_LONGEST = 320
_LONGEST_NAME = 64
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)


class _Status(msgspec.Struct, frozen=True):
    state: str
    since: str
    t: str = ""
    clock: str = ""


class _Model(msgspec.Struct, frozen=True):
    bundle: str


class _Info(msgspec.Struct, frozen=True):
    model: _Model


class _Trouble(msgspec.Struct, frozen=True):
    name: str
    reason: str
    since: str


class _Health(msgspec.Struct, frozen=True):
    ok: bool
    states: list[_Trouble]
    observations_hz: float
    every_s: float = 60.0
    t: str = ""
    clock: str = ""


@dataclass(frozen=True, slots=True)
class Ill:
    """One thing that is wrong: in a word, in words, and since when (RFC 3339; empty where nobody knows)."""

    name: str
    reason: str
    since: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a device; None and empty until it has said so. Times are RFC 3339, by its own clock.

    Attributes:
        state: online, offline or stopping.
        since: since when its process runs.
        stated: when it said so; of a last will, when its process began.
        dated: whether its clock was right then.
        model: id of its bundle.
        rate_hz: observations per second.
        ok: whether nothing is wrong with it, by its own word.
        troubles: what is, the first few.
        told: when it said how it is.
        every_s: how often it says how it is, where nothing changes.
        synced: whether its clock was right then.
        gone: when we saw it go, by our clock; empty where it was away when we came.
        silent_s: for how long it has said nothing, where that is too long.
        mute: it has been there for too long without a readable word of how it is.
    """

    state: str = ""
    since: str = ""
    stated: str = ""
    dated: bool = False
    model: str = ""
    rate_hz: float | None = None
    ok: bool | None = None
    troubles: tuple[Ill, ...] = ()
    told: str = ""
    every_s: float = 60.0
    synced: bool = False
    gone: str = ""
    silent_s: float | None = None
    mute: bool = False

    @property
    def last_word(self) -> str:
        """When it was heard of last: its health, said again and again, tells of it where it vanishes, too."""
        return max(self.stated, self.told)

    @property
    def ills(self) -> tuple[Ill, ...]:
        """What is wrong with it; of one that went, also what was wrong with it then."""
        if self.state != "online":
            troubles = self.troubles if self.told >= self.stated else ()
            return (self._away(), *troubles)
        if self.mute:
            reason = "has not said how it is, or not so that it can be read: may it publish health?"
            return (Ill("no_health", reason, self.stated),)
        silence = () if self.silent_s is None else (self._silence(self.silent_s),)
        unwell = () if self.ok is not False or self.troubles else (Ill("unwell", "does not say why", ""),)
        return (*silence, *self.troubles, *unwell)

    @property
    def changed(self) -> str:
        """Since when it is what it is, there or away; of one that went before we came, its last word."""
        return self.since if self.state == "online" else self.gone or self.last_word

    def _away(self) -> Ill:
        if not self.state:
            return Ill("unknown", "has not said that it is there", "")
        when = f"; its last word is of {self.last_word}" if self.last_word else ""
        return Ill(self.state, f"is not there{when}", self.changed)

    def _silence(self, silent_s: float) -> Ill:
        reason = f"holds its connection, and has said nothing for {in_words(silent_s)}: start it again"
        return Ill("silent", reason, self.last_word)


def read(known: Known, suffix: str, payload: bytes) -> Known:
    """Return what is known once a device has said this; as before where it cannot be read."""
    if len(payload) > MOST_BYTES:
        return known
    try:
        return _read(known, suffix, payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return known


def _read(known: Known, suffix: str, payload: bytes) -> Known:
    match suffix:
        case "status":
            status = msgspec.json.decode(payload, type=_Status)
            state = shown(status.state, _LONGEST_NAME)
            return replace(
                known,
                state=state,
                since=_instant(status.since),
                stated=_instant(status.t),
                dated=status.clock == "synced",
                gone="",
            )
        case "info":
            info = msgspec.json.decode(payload, type=_Info)
            return replace(known, model=shown(info.model.bundle, _LONGEST))
        case _:
            health = msgspec.json.decode(payload, type=_Health)
            ills = tuple(_ill(each) for each in health.states[:_MOST_STATES])
            rate_hz = health.observations_hz if math.isfinite(health.observations_hz) else None
            return replace(
                known,
                rate_hz=rate_hz,
                ok=health.ok and not ills,
                troubles=ills,
                told=_instant(health.t),
                every_s=health.every_s,
                synced=health.clock == "synced",
            )


def _ill(trouble: _Trouble) -> Ill:
    return Ill(shown(trouble.name, _LONGEST_NAME), shown(trouble.reason, _LONGEST), _instant(trouble.since))


def _instant(text: str) -> str:
    return text if _INSTANT.fullmatch(text) else ""


def in_words(seconds: float) -> str:
    """Return how long something takes, roughly: 5 min, 3 h, 2 days."""
    minutes = int(seconds // 60)
    if minutes < 120:  # noqa: PLR2004 - up to two hours
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"  # noqa: PLR2004 - up to two days
