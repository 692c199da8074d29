"""What devices have noticed so far: boxes of tracks, bounded in bytes, gone with the page's server."""

import struct
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from eyespot.domain.instants import SECOND_NS, parse_rfc3339
from eyespot.domain.strip import Instants
from eyespot.topics.payloads import MOST_BOXES, ShortBox

MOST_BYTES: Final = 4 * 1024 * 1024  # of one device: five hours of two people at ten looks a second
MOST_BYTES_OF_ALL: Final = 96 * 1024 * 1024
MOST_LABELS: Final = 1024
_SCHEMA: Final = "eyespot.frame/2"
_LOOKS: Final = 256  # in a block
_BLOCK_BYTES: Final = 16 * 1024  # of rows, before it is one
_LAST_ID: Final = 2**53
_LAST_TRACK: Final = 2**40
_LONGEST_LABEL: Final = 64
_LATEST_NS: Final = 2**63 - 1 - 86_400 * SECOND_NS  # in the year 2262; a day for what is added to it

# Boxes in thousandths, scores in hundredths, as devices tell them.
ROW: Final = np.dtype([("track", "<i8"), ("label", "<u2"), ("score", "u1"), ("box", "<u2", 4)])
_PACKED: Final = struct.Struct("<qHB4H")
Rows = NDArray[np.void]


class Observation(NamedTuple):
    """What a device noticed at one instant.

    Attributes:
        boot: of the process that numbered the tracks.
        taken_ns: UTC in ns since 1970.
        tracks: ids.
        labels: class name of each.
        scores: of each, in hundredths.
        boxes: left, top, right and bottom of each, in thousandths of the frame.
    """

    boot: str
    taken_ns: int
    tracks: Sequence[int]
    labels: Sequence[str]
    scores: Sequence[int]
    boxes: Sequence[ShortBox]


class Observations(NamedTuple):
    """Observations one after the other, as columns.

    Attributes:
        labels: class names by label.
        taken_ns: (looks,) int64; UTC in ns since 1970.
        counts: (looks,) how many rows belong to each.
        rows: see `ROW`; tracks have ids of their own here, ascending within each look.
    """

    labels: tuple[str, ...]
    taken_ns: Instants
    counts: NDArray[np.intp]
    rows: Rows


class _Block(NamedTuple):
    taken_ns: Instants
    counts: NDArray[np.uint8]
    rows: Rows

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self)


@dataclass(slots=True)
class _Seen:
    """Of one device: whole blocks, and the one that is being filled."""

    labels: dict[str, int] = field(default_factory=dict)
    boot: str = ""
    first_id: int = 0  # what the ids of this boot are counted from
    next_id: int = 0
    blocks: deque[_Block] = field(default_factory=deque)
    nbytes: int = 0
    taken_ns: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    rows: bytearray = field(default_factory=bytearray)

    def add(self, seen: Observation) -> None:
        if seen.boot != self.boot:
            self.boot, self.first_id = seen.boot, self.next_id
        rows = sorted(zip(seen.tracks, seen.labels, seen.scores, seen.boxes, strict=True))
        for track, name, score, box in rows:
            label = self.labels.setdefault(name, len(self.labels))
            self.rows += _PACKED.pack(self.first_id + track, label, score, *box)
            self.next_id = max(self.next_id, self.first_id + track + 1)
        self.taken_ns.append(seen.taken_ns)
        self.counts.append(len(rows))
        if len(self.counts) >= _LOOKS or len(self.rows) >= _BLOCK_BYTES:
            self.close()

    def close(self) -> None:
        block = self.open_block()
        self.blocks.append(block)
        self.nbytes += block.nbytes
        self.taken_ns, self.counts, self.rows = [], [], bytearray()

    def open_block(self) -> _Block:
        rows = np.frombuffer(bytes(self.rows), ROW)
        return _Block(np.array(self.taken_ns, np.int64), np.array(self.counts, np.uint8), rows)

    def drop_oldest(self) -> None:
        self.nbytes -= self.blocks.popleft().nbytes

    def all(self) -> Observations:
        taken_ns, counts, rows = zip(*self.blocks, self.open_block(), strict=True)
        return Observations(
            tuple(self.labels),
            np.concatenate(taken_ns),
            np.concatenate(counts).astype(np.intp),
            np.concatenate(rows),
        )


class Sightings:
    """The newest observations of each device. Thread-safe.

    Args:
        most_bytes: of one device; whole blocks of the oldest give way.
        most_of_all: of all devices together; then the device with most gives way.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, most_of_all: int = MOST_BYTES_OF_ALL) -> None:
        self._most_bytes = most_bytes
        self._most_of_all = most_of_all
        self._lock = threading.Lock()
        self._devices: dict[str, _Seen] = {}

    def add(self, device: str, observation: Observation) -> None:
        """Take note of what a device noticed."""
        with self._lock:
            seen = self._devices.get(device)
            if seen is None or self._is_full(seen, observation):
                seen = self._devices[device] = _Seen()
            before = seen.nbytes
            seen.add(observation)
            if seen.nbytes != before:
                self._make_room(seen)

    def replace(self, device: str, observations: Iterable[Observation]) -> int:
        """Have others be what a device noticed, unless there are none; return how many there are.

        What it notices meanwhile is lost. May raise what the observations do; nothing has changed then.
        """
        seen, count = _Seen(), 0
        for count, observation in enumerate(observations, 1):  # noqa: B007 - how many there are
            if self._is_full(seen, observation):
                seen = _Seen()
            seen.add(observation)
            while seen.nbytes > self._most_bytes:
                seen.drop_oldest()
        if count:
            with self._lock:
                self._devices[device] = seen
                self._make_room(seen)
        return count

    def observations(self, device: str) -> Observations:
        """Return what a device noticed, the oldest first."""
        with self._lock:
            return (self._devices.get(device) or _Seen()).all()

    def forget(self, device: str) -> None:
        """Forget what a device noticed."""
        with self._lock:
            self._devices.pop(device, None)

    def _is_full(self, seen: _Seen, observation: Observation) -> bool:
        """Return whether names or ids run out, as no device does by itself."""
        strangers = set(observation.labels) - seen.labels.keys()
        return len(seen.labels) + len(strangers) > MOST_LABELS or seen.next_id > _LAST_ID

    def _make_room(self, newest: _Seen) -> None:
        while newest.nbytes > self._most_bytes:
            newest.drop_oldest()
        while sum(seen.nbytes for seen in self._devices.values()) > self._most_of_all:
            max(self._devices.values(), key=lambda seen: seen.nbytes).drop_oldest()


class _Frame(msgspec.Struct, frozen=True):
    """What matters here of a `topics.payloads.Frame`."""

    schema: str
    t: str
    boot_id: Annotated[str, Meta(max_length=64)]
    labels: Annotated[tuple[str, ...], Meta(max_length=MOST_BOXES)]
    tracks: Annotated[tuple[Annotated[int, Meta(ge=0, lt=_LAST_TRACK)], ...], Meta(max_length=MOST_BOXES)]
    classes: Annotated[tuple[Annotated[int, Meta(ge=0, lt=MOST_BOXES)], ...], Meta(max_length=MOST_BOXES)]
    scores: Annotated[tuple[Annotated[int, Meta(ge=0, le=100)], ...], Meta(max_length=MOST_BOXES)]
    boxes: Annotated[tuple[ShortBox, ...], Meta(max_length=MOST_BOXES)]


def observation_in(payload: bytes) -> Observation | None:
    """Return what a device says on `frame`; None where that is no frame of ours."""
    try:
        frame = msgspec.json.decode(payload, type=_Frame)
        taken_ns = parse_rfc3339(frame.t)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    columns = {len(frame.tracks), len(frame.classes), len(frame.scores), len(frame.boxes)}
    known = all(index < len(frame.labels) for index in frame.classes)
    timely = 0 <= taken_ns <= _LATEST_NS
    whole = all(left <= right and top <= low for left, top, right, low in frame.boxes)
    numbered = len(set(frame.tracks)) == len(frame.tracks)
    if frame.schema != _SCHEMA or len(columns) != 1 or not (timely and known and whole and numbered):
        return None
    labels = [frame.labels[index][:_LONGEST_LABEL] for index in frame.classes]
    return Observation(frame.boot_id, taken_ns, frame.tracks, labels, frame.scores, frame.boxes)
