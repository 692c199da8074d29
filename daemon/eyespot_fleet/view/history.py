"""What devices told since we listen and no broker keeps: buckets, stays and steps of models."""

from collections.abc import Callable
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
_OVERHEAD_BYTES: Final = 400  # of an entry beside its payload, about

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


class History:
    """The newest of each, numbered in the order in which they came. Not thread-safe.

    Of what comes twice, as QoS 1 has it, one is kept, and of a bucket its last revision. Where all is full,
    who says more loses his own oldest.
    """

    def __init__(self) -> None:
        self._devices: dict[str, dict[_Series, dict[_Key, _Entry]]] = {}
        self._newest: dict[str, int] = {}
        self._serial = 0
        self._bytes = 0

    def newest(self, device: str) -> int:
        """Return the number of what came last of a device; 0 where nothing did."""
        return self._newest.get(device, 0)

    def take(self, device: str, kind: Kind, rule: str, payload: bytes) -> bool:
        """Keep what a device said; False where it cannot be read, is known already, or there is no room.

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
        series = self._series_of(device, (kind, rule))
        if series is None or (key in series and series[key].rev >= rev):
            return False
        told = b'{"kind":"%b","rule":"%b","said":%b}' % (kind.encode(), rule.encode(), said)
        if len(told) > MOST_ENTRY_BYTES or not self._room(device, series, key, kind):
            return False
        self._serial += 1
        series[key] = _Entry(self._serial, rev, told)
        self._newest[device] = self._serial
        self._bytes += len(told) + _OVERHEAD_BYTES
        return True

    def after(self, device: str, serial: int) -> bytes:
        """Return what came of a device after that number, oldest first, as JSON; not all at once.

        `serial` in it is the number to go on from; where that is `newest`, there is no more.
        """
        found = [
            entry
            for series in self._devices.get(device, {}).values()
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

    def _series_of(self, device: str, name: _Series) -> dict[_Key, _Entry] | None:
        of_device = self._devices.setdefault(device, {})
        if name not in of_device and len(of_device) >= MOST_SERIES:
            return None
        return of_device.setdefault(name, {})

    def _room(self, device: str, series: dict[_Key, _Entry], key: _Key, kind: Kind) -> bool:
        if key in series:
            self._drop(series, key)
        elif len(series) >= MOST[kind]:
            self._drop(series, next(iter(series)))
        while self._bytes > MOST_BYTES - MOST_ENTRY_BYTES:
            kept = [each for each in self._devices[device].values() if each]
            if not kept:
                return False
            oldest = min(kept, key=lambda each: next(iter(each.values())).serial)
            self._drop(oldest, next(iter(oldest)))
        return True

    def _drop(self, series: dict[_Key, _Entry], key: _Key) -> None:
        self._bytes -= len(series.pop(key).told) + _OVERHEAD_BYTES


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
