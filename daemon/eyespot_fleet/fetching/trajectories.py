"""Fetches where people went, answer by answer, and writes it into a file that `eyespot replay` takes."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from eyespot.domain.errors import BrokerError, StorageError, one_line
from eyespot.domain.instants import rfc3339
from eyespot.domain.placing import new_file, put
from eyespot.domain.shown import shown
from eyespot.store.trajectories.file import SCHEMA, WaysHeader
from eyespot.topics.trajectories import MOST_PIECES, Piece

_MOST_TRIES: Final = 4  # at the same answer, where a connection breaks
_MOST_TWICE: Final = 16  # of those that a broker may bring again
_MOST_OF_ALL: Final = 100_000  # pieces; a device with [trajectories] mb = 1024 keeps less than half of it
_LONGEST_S: Final = 4 * 3600.0  # to tell all that takes three hours
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MS_NS: Final = 1_000_000
_RATE_HZ: Final = 10.0  # is kept, at most
_LONGEST_WORDS: Final = 200


class Device(Protocol):
    """Whom to ask; see `asking.Asking`."""

    def ask(self, command: str, args: dict[str, object]) -> None:
        """Give a command."""

    def answer(self) -> bytes | None:
        """Return what is said to that next; None where nothing is."""

    def info(self) -> bytes:
        """Return what the device says of itself; raises BrokerError."""


class _Result(msgspec.Struct, frozen=True):
    pieces: Annotated[int, Meta(ge=0, le=MOST_PIECES)] = 0


class _Reply(msgspec.Struct, frozen=True):
    code: str
    detail: str
    result: _Result | None = None

    @property
    def words(self) -> str:
        """What it says, fit for a terminal."""
        return shown(self.detail, _LONGEST_WORDS)


class _Told(msgspec.Struct, frozen=True):
    index: Annotated[int, Meta(ge=0, lt=MOST_PIECES)]
    cursor: Annotated[int, Meta(ge=0, lt=2**53)]
    more: bool
    piece: Piece


class _Model(msgspec.Struct, frozen=True):
    bundle: str
    labels: tuple[str, ...]


class _Camera(msgspec.Struct, frozen=True):
    width: int
    height: int


class _Info(msgspec.Struct, frozen=True):
    device: str
    model: _Model
    camera: _Camera | None


def aim(device: Device, minutes: int) -> str:
    """Have a device keep where people go for so many minutes, 0 for none; return what it says to that.

    Raises:
        BrokerError: it does not answer, or does not do it.
    """
    device.ask("aim", {"minutes": minutes})
    reply = _reply(device)
    if reply is None:
        raise BrokerError("the device does not answer; eyespot-fleet status tells whether it is there")
    if reply.code != "ok":
        raise BrokerError(f"the device does not do it: {reply.words}")
    return reply.words


def pieces(
    device: Device, since_ms: int, until_ms: int, clock: Callable[[], float] = time.monotonic
) -> Iterator[Piece]:
    """Yield all that a device has kept of a time, oldest first. It comes to an end whatever the device says.

    Args:
        device: whom to ask.
        since_ms: in ms since 1970, UTC.
        until_ms: likewise.
        clock: steady, in s.

    Raises:
        BrokerError: it does not answer, does not do it, or says what cannot be.
    """
    times = {"since": rfc3339(since_ms * _MS_NS), "until": rfc3339(until_ms * _MS_NS)}
    after = tries = count = 0
    ends_s = clock() + _LONGEST_S
    while True:
        device.ask("trajectories", {**times, "after": after})
        reply = _reply(device)
        told = [] if reply is None or reply.code != "ok" else list(_told(device, reply, after))
        yield from (one.piece for one in told)
        count += len(told)
        if told:
            after, tries = told[-1].cursor, 0
            if not told[-1].more and reply is not None and len(told) == _count(reply):
                return
        elif reply is not None and reply.code == "ok" and not _count(reply):
            return
        else:
            tries += 1
            if reply is not None and reply.code != "ok":
                device.answer()  # lets an answer that is still under way end: nothing of it is heard any more
        if tries > _MOST_TRIES:
            why = "it does not answer; try again" if reply is None else reply.words
            raise BrokerError(f"not all could be fetched: {why}")
        if count > _MOST_OF_ALL or clock() > ends_s:
            raise BrokerError("it tells more than a device keeps, or too slowly; ask for fewer hours")


def write(path: Path, told: bytes, kept: Iterable[Piece]) -> int:
    """Write pieces into a file, which comes into its place whole; return how many there are.

    Args:
        path: where.
        told: what the device says of itself.
        kept: in order.

    Raises:
        StorageError: it cannot be written.
        BrokerError: as `pieces`, or what the device says of itself is not understood.
    """
    pieces = iter(kept)
    first = next(pieces, None)
    if first is None:
        return 0
    count = 0
    new = path.with_name(f".{path.name}.new")
    try:
        with new_file(new) as file:
            file.write(msgspec.json.encode(_header(told, first)) + b"\n")
            for count, piece in enumerate((first, *pieces), 1):  # noqa: B007 - how many there are
                file.write(msgspec.json.encode(piece) + b"\n")
        put(new, path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {one_line(error)}; name another file") from error
    return count


def _header(told: bytes, first: Piece) -> WaysHeader:
    try:
        info = msgspec.json.decode(told, type=_Info)
    except _UNREADABLE as error:
        raise BrokerError(f"what the device says of itself is not understood ({one_line(error)})") from error
    camera = info.camera or _Camera(640, 480)  # it has not begun to look; no rule depends on it
    return WaysHeader(
        schema=SCHEMA,
        started=rfc3339(first.begun * _MS_NS),
        labels=info.model.labels,
        width=camera.width,
        height=camera.height,
        rate_hz=_RATE_HZ,
        device=info.device,
        model=first.model,
    )


def _reply(device: Device) -> _Reply | None:
    """Return what is said first; None where nothing is that can be understood."""
    answer = device.answer()
    try:
        return None if answer is None else msgspec.json.decode(answer, type=_Reply)
    except _UNREADABLE:
        return None


def _count(reply: _Reply) -> int:
    return 0 if reply.result is None else reply.result.pieces


def _told(device: Device, reply: _Reply, after: int) -> Iterator[_Told]:
    """Yield the pieces that were announced, up to the first that does not come; what comes twice, once."""
    index = 0
    for _ in range(_count(reply) + _MOST_TWICE):
        answer = device.answer() if index < _count(reply) else None
        if answer is None:
            return
        try:
            told = msgspec.json.decode(answer, type=_Told)
        except _UNREADABLE:
            return
        if told.index > index:
            return
        if told.index == index:
            if told.cursor <= after:
                raise BrokerError(
                    "the device tells again what it has told already; is another one called so?"
                )
            index, after = index + 1, told.cursor
            yield told
