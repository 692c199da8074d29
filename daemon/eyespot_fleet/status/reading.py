"""What devices say of themselves, as far as it is shown: bounded, and fit for a terminal."""

from dataclasses import dataclass, replace

import msgspec

MOST_BYTES = 64 * 1024  # as much as `info` may take; see eyespot.topics.gate
_MOST_STATES = 8
_LONGEST = 160
_LONGEST_NAME = 64


class _Status(msgspec.Struct, frozen=True):
    state: str
    since: str


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


@dataclass(frozen=True, slots=True)
class Ill:
    """One thing that is wrong: in a word, in words, and since when (RFC 3339; empty where nobody knows)."""

    name: str
    reason: str
    since: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a device; None and empty until it has said so.

    Attributes:
        state: online, offline or stopping.
        since: since when its process runs, RFC 3339.
        model: id of its bundle.
        rate_hz: observations per second.
        ok: whether nothing is wrong with it, by its own word.
        troubles: what is, the first few.
        gone: when we saw it go, RFC 3339; empty where it was away when we came.
    """

    state: str = ""
    since: str = ""
    model: str = ""
    rate_hz: float | None = None
    ok: bool | None = None
    troubles: tuple[Ill, ...] = ()
    gone: str = ""

    @property
    def ills(self) -> tuple[Ill, ...]:
        """What is wrong with it; who is away says nothing newer than that."""
        if self.state != "online":
            reason = (
                f"is not there; came last at {self.since}" if self.since else "has not said that it is there"
            )
            return (Ill(self.state or "unknown", reason, self.gone),)
        return self.troubles or (() if self.ok is not False else (Ill("unwell", "does not say why", ""),))


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
            return replace(
                known, state=clean(status.state, _LONGEST_NAME), since=_time(status.since), gone=""
            )
        case "info":
            info = msgspec.json.decode(payload, type=_Info)
            return replace(known, model=clean(info.model.bundle, _LONGEST))
        case _:
            health = msgspec.json.decode(payload, type=_Health)
            ills = tuple(_ill(each) for each in health.states[:_MOST_STATES])
            return replace(known, rate_hz=health.observations_hz, ok=health.ok and not ills, troubles=ills)


def _ill(trouble: _Trouble) -> Ill:
    return Ill(clean(trouble.name, _LONGEST_NAME), clean(trouble.reason, _LONGEST), _time(trouble.since))


def _time(text: str) -> str:
    return clean(text, len("2026-01-01T00:00:00.000Z"))


def clean(text: str, most: int) -> str:
    """Return text that moves no cursor and turns no direction, of so many characters at most.

    What `str.isprintable` does not let pass are control and format characters (Unicode Cc, Cf), line ends,
    lone surrogates and what is not assigned.
    """
    if len(text) > most:
        text = f"{text[: most - 1]}…"
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
