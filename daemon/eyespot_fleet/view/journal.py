"""What devices told since we listen and no broker keeps: buckets, stays and steps of models."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

import msgspec

BUCKET: Final = "bucket"
STAY: Final = "stay"
STEP: Final = "step"
MOST: Final = {BUCKET: 400, STAY: 2000, STEP: 40}  # of one rule, of one device's model
MOST_SERIES: Final = 128  # of one device
MOST_ENTRY_BYTES: Final = 32 * 1024  # a bucket of a hundred classes with all their gauges
MOST_BYTES: Final = 64 * 1024 * 1024  # of all devices
MOST_TOLD: Final = 1000  # at once
MOST_TOLD_BYTES: Final = 1024 * 1024
_ENTRY_BYTES: Final = 400  # of an entry beside what it is known by and what is told of it, about
_SERIES_BYTES: Final = 600  # of a series without entries, likewise

Kind = Literal["bucket", "stay", "step"]
_Short = Annotated[str, msgspec.Meta(max_length=128)]
_Series = tuple[Kind, str]
_Key = tuple[object, ...]


class _Bucket(msgspec.Struct, frozen=True):
    start: _Short
    end: _Short
    model: _Short
    rev: int


class _Numbered(msgspec.Struct, frozen=True):
    boot_id: _Short
    seq: int


class _Left(msgspec.Struct, frozen=True):
    kind: Literal["left"]
    boot_id: _Short
    seq: int
    t: _Short
    label: _Short = msgspec.field(name="class")
    dwell_s: Annotated[float, msgspec.Meta(ge=0)]
    found: bool
    lost: bool = False  # a queue has an outcome instead
    outcome: Literal["served", "abandoned", "lost"] | None = None


class _Entry(msgspec.Struct, frozen=True):
    serial: int
    rev: int
    told: bytes


@dataclass(slots=True)
class _Told:
    """What one device told: series in no order, the oldest of each first.

    Attributes:
        newest: the number of what came last.
        nbytes: what all of it takes of the memory.
    """

    series: dict[_Series, dict[_Key, _Entry]] = field(default_factory=dict)
    newest: int = 0
    nbytes: int = 0

    def put(self, name: _Series, key: _Key, entry: _Entry) -> None:
        """Add the newest; the oldest of its series gives way where there are enough."""
        if name not in self.series:
            self.series[name] = {}
            self.nbytes += _SERIES_BYTES
        series = self.series[name]
        self.newest = entry.serial
        if key in series:
            self.nbytes -= _size(key, series.pop(key))
        series[key] = entry
        self.nbytes += _size(key, entry)
        if len(series) > MOST[name[0]]:
            self._drop_oldest_of(name)

    def drop_oldest(self) -> None:
        """Let the oldest of all series give way."""
        self._drop_oldest_of(min(self.series, key=lambda name: next(iter(self.series[name].values())).serial))

    def _drop_oldest_of(self, name: _Series) -> None:
        series = self.series[name]
        key = next(iter(series))
        self.nbytes -= _size(key, series.pop(key))
        if not series:
            del self.series[name]
            self.nbytes -= _SERIES_BYTES


class Journal:
    """The newest of each, numbered in the order in which they came. Not thread-safe.

    Of what comes twice, as QoS 1 has it, one is kept, and of a bucket its last revision. Where all is full,
    the device of which most is kept loses its oldest.
    """

    def __init__(self) -> None:
        self._devices: dict[str, _Told] = {}
        self._serial = 0

    def newest(self, device: str) -> int:
        """Return the number of what came last of a device; 0 where nothing did."""
        return self._devices[device].newest if device in self._devices else 0

    def take(self, device: str, kind: Kind, rule: str, payload: bytes) -> bool:
        """Keep what a device said; False where it cannot be read, is known already, or is too much.

        Args:
            device: who said it.
            kind: what it may be: of the events of a rule stays alone are kept.
            rule: whose it is; empty for a step of the model.
            payload: as it came, JSON in one line.
        """
        read = _read(kind, payload)
        if read is None:
            return False
        key, rev, said = read
        of_device = self._devices.setdefault(device, _Told())
        series = of_device.series.get((kind, rule))
        if series is None and len(of_device.series) >= MOST_SERIES:
            return False
        if series and key in series and series[key].rev >= rev:
            return False
        told = b'{"kind":"%b","rule":"%b","said":%b}' % (kind.encode(), rule.encode(), said)
        if len(told) > MOST_ENTRY_BYTES:
            return False
        self._serial += 1
        of_device.put((kind, rule), key, _Entry(self._serial, rev, told))
        while sum(each.nbytes for each in self._devices.values()) > MOST_BYTES:
            max(self._devices.values(), key=lambda each: each.nbytes).drop_oldest()
        return True

    def after(self, device: str, serial: int) -> bytes:
        """Return what came of a device after that number, oldest first, as JSON; not all at once.

        `serial` in it is the number to go on from; where that is `newest`, there is no more.
        """
        found = [
            entry
            for series in self._devices.get(device, _Told()).series.values()
            for entry in series.values()
            if entry.serial > serial
        ]
        told: list[bytes] = []
        size, last = 0, min(serial, self._serial)
        for entry in sorted(found, key=lambda each: each.serial)[:MOST_TOLD]:
            size += len(entry.told)
            if told and size > MOST_TOLD_BYTES:
                break
            told.append(entry.told)
            last = entry.serial
        return b'{"serial":%d,"newest":%d,"entries":[%b]}' % (last, self.newest(device), b",".join(told))


def _size(key: _Key, entry: _Entry) -> int:
    """Return what an entry takes of the memory, in bytes."""
    return sum(sys.getsizeof(part) for part in key) + len(entry.told) + _ENTRY_BYTES


def _read(kind: Kind, payload: bytes) -> tuple[_Key, int, bytes] | None:
    """Return by what it is known, its revision, and what is told of it; None where it is none."""
    try:
        return _READERS[kind](payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _bucket(payload: bytes) -> tuple[_Key, int, bytes]:
    said = msgspec.json.decode(payload, type=_Bucket)
    return (said.start, said.end, said.model), said.rev, payload


def _stay(payload: bytes) -> tuple[_Key, int, bytes]:
    said = msgspec.json.decode(payload, type=_Left)
    short: dict[str, Any] = {"t": said.t, "class": said.label, "dwell_s": said.dwell_s, "found": said.found}
    short["outcome"] = said.outcome or ("lost" if said.lost else "left")
    return (said.boot_id, said.seq), 0, msgspec.json.encode(short)


def _step(payload: bytes) -> tuple[_Key, int, bytes]:
    said = msgspec.json.decode(payload, type=_Numbered)
    return (said.boot_id, said.seq), 0, payload


_READERS: Final[dict[Kind, Callable[[bytes], tuple[_Key, int, bytes]]]] = {
    BUCKET: _bucket,
    STAY: _stay,
    STEP: _step,
}
