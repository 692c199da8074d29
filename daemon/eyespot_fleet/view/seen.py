"""What devices have noticed so far: boxes of tracks, bounded in bytes, gone with the page's server."""

import sys
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from eyespot.domain.observation import Indexes
from eyespot.domain.strip import Instants
from eyespot.topics.payloads import ShortBox
from eyespot_fleet.view.blocks import OPEN_BYTES, Block, Filling, Rows, unpacked

MOST_BYTES: Final = 4 * 1024 * 1024  # of one device, unpacked: an answer on as much takes long enough
MOST_BYTES_OF_ALL: Final = 32 * 1024 * 1024  # packed, with all that belongs to it
MOST_LABELS: Final = 1024
LAST_TRACK: Final = 2**40
_LAST_ID: Final = 2**53
_DEVICE_BYTES: Final = OPEN_BYTES + 2048
_SLOT_BYTES: Final = 128  # of a name in its dictionary, about


class Observation(NamedTuple):
    """What a device noticed at one instant.

    Attributes:
        boot: of the process that numbered the tracks.
        taken_ns: UTC in ns since 1970.
        tracks: ids.
        labels: class name of each.
        boxes: left, top, right and bottom of each, in thousandths of the frame.
    """

    boot: str
    taken_ns: int
    tracks: Sequence[int]
    labels: Sequence[str]
    boxes: Sequence[ShortBox]


class Observations(NamedTuple):
    """Observations one after the other, as columns.

    Attributes:
        labels: class names by label.
        taken_ns: (looks,) int64; UTC in ns since 1970.
        counts: (looks,) how many rows belong to each.
        rows: see `blocks.ROW`; tracks have ids of their own here, ascending within each look.
    """

    labels: tuple[str, ...]
    taken_ns: Instants
    counts: Indexes
    rows: Rows


@dataclass(slots=True)
class _Seen:
    """Of one device: whole blocks, and the one that is being filled.

    Attributes:
        nbytes: what all of it takes of the memory; as if the block that is being filled were full.
        unpacked_nbytes: how much whole blocks are to be looked at.
    """

    labels: dict[str, int] = field(default_factory=dict)
    boot: str = ""
    first_id: int = 0  # what the ids of this boot are counted from
    next_id: int = 0
    blocks: deque[Block] = field(default_factory=deque)
    filling: Filling = field(default_factory=Filling)
    nbytes: int = _DEVICE_BYTES
    unpacked_nbytes: int = 0

    def add(self, seen: Observation) -> None:
        if seen.boot != self.boot:
            self.boot, self.first_id = seen.boot, self.next_id
        rows = sorted(zip(seen.tracks, seen.labels, seen.boxes, strict=True))
        numbered = [(self.first_id + track, self._label(name), box) for track, name, box in rows]
        if numbered:
            self.next_id = max(self.next_id, numbered[-1][0] + 1)
        self.filling.add(seen.taken_ns, numbered)
        if self.filling.is_full:
            self._pack()

    def drop_oldest(self) -> None:
        block = self.blocks.popleft()
        self.nbytes -= block.nbytes
        self.unpacked_nbytes -= block.unpacked_nbytes

    def _label(self, name: str) -> int:
        if name not in self.labels:
            self.labels[name] = len(self.labels)
            self.nbytes += sys.getsizeof(name) + _SLOT_BYTES
        return self.labels[name]

    def _pack(self) -> None:
        block = self.filling.pack()
        self.filling = Filling()
        self.blocks.append(block)
        self.nbytes += block.nbytes
        self.unpacked_nbytes += block.unpacked_nbytes


class Sightings:
    """The newest observations of each device. Thread-safe.

    Args:
        most_bytes: of one device, unpacked; whole blocks of the oldest give way.
        most_of_all: of the memory, of all devices together; then the device that takes most gives way.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, most_of_all: int = MOST_BYTES_OF_ALL) -> None:
        self._most_bytes = most_bytes
        self._most_of_all = most_of_all
        self._lock = threading.Lock()
        self._devices: dict[str, _Seen] = {}

    @property
    def nbytes(self) -> int:
        """Return what all of it takes of the memory, in bytes."""
        with self._lock:
            return self._nbytes()

    def add(self, device: str, observation: Observation) -> None:
        """Take note of what a device noticed."""
        with self._lock:
            seen = self._devices.get(device)
            before = 0 if seen is None else seen.nbytes
            if seen is None or _is_full(seen, observation):
                seen = self._devices[device] = _Seen()
            seen.add(observation)
            if seen.nbytes > before:
                self._make_room(seen)

    def replace(self, device: str, observations: Iterable[Observation]) -> int:
        """Have others be what a device noticed, unless there are none; return how many there are.

        What it notices meanwhile is lost. May raise what the observations do; nothing has changed then.
        """
        seen, count = _Seen(), 0
        for count, observation in enumerate(observations, 1):  # noqa: B007 - how many there are
            if _is_full(seen, observation):
                seen = _Seen()
            seen.add(observation)
            while seen.unpacked_nbytes > self._most_bytes:
                seen.drop_oldest()
        if count:
            with self._lock:
                self._devices[device] = seen
                self._make_room(seen)
        return count

    def observations(self, device: str) -> Observations:
        """Return what a device noticed, the oldest first."""
        with self._lock:
            seen = self._devices.get(device) or _Seen()
            labels, blocks, newest = tuple(seen.labels), tuple(seen.blocks), seen.filling.columns()
        whole = [unpacked(blocks)] if blocks else []
        return Observations(labels, *map(np.concatenate, zip(*whole, newest, strict=True)))

    def forget(self, device: str) -> None:
        """Forget what a device noticed."""
        with self._lock:
            self._devices.pop(device, None)

    def _nbytes(self) -> int:
        return sum(seen.nbytes for seen in self._devices.values())

    def _make_room(self, newest: _Seen) -> None:
        while newest.unpacked_nbytes > self._most_bytes:
            newest.drop_oldest()
        while self._nbytes() > self._most_of_all:
            device, most = max(self._devices.items(), key=lambda one: one[1].nbytes)
            if most.blocks:
                most.drop_oldest()
            else:
                del self._devices[device]


def _is_full(seen: _Seen, observation: Observation) -> bool:
    """Return whether names or ids run out, as no device does by itself."""
    strangers = set(observation.labels) - seen.labels.keys()
    return len(seen.labels) + len(strangers) > MOST_LABELS or seen.next_id > _LAST_ID
