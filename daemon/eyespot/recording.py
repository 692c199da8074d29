"""Recordings: what a model saw, never pixels. JSON lines, also compressed with zstd; read and written.

The first line is a `Header`, each other line one observation: `t_ns` since the header's `started`,
`boxes` as rows of x0, y0, x1, y1 in fractions of the full frame, `scores`, and `classes` as indexes
into the header's `labels`. See config/README.md for the format as its writers need it.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from errno import ENOSPC
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import msgspec
import numpy as np
import zstandard
from msgspec import Meta

from eyespot.domain.errors import InputError, StorageError
from eyespot.domain.instants import SECOND_NS, parse_rfc3339
from eyespot.domain.objects import objects_of
from eyespot.domain.observation import Detections, Floats, Observation, Optics, Sight
from eyespot.ports import ModelIdentity

SCHEMA: Final = "eyespot.recording/1"
_NAME = "recording"

_LONGEST_LINE = 1_000_000
_MOST_BOXES = 1000
_LONGEST_NS = 10 * 366 * 86_400 * SECOND_NS
_LATEST_START_NS = 8_000 * 366 * 86_400 * SECOND_NS
_LONGEST_BUNDLE = 160

_CHUNK = 65_536
_COMPRESSED_CHUNK = 512  # 4 bytes can stand for 128 kB (RFC 8878, 3.1.1.2): so a bomb stays below 16 MB
_FRAME_BYTES = 131_072
_FRAME_NS = 5 * SECOND_NS
_UNREADABLE = (ValueError, RecursionError)  # the second: brackets within brackets within brackets
_BOM = b"\xef\xbb\xbf"

# Some tools write every number with a point.
_Side = Annotated[float, Meta(ge=1, le=65_535)]
_Label = Annotated[str, Meta(min_length=1, max_length=64)]
_Score = Annotated[float, Meta(ge=0, le=1)]
_Index = Annotated[float, Meta(ge=0, le=1023)]
_Box = tuple[float, float, float, float]


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first line of a recording. Fields that are not known here are passed over.

    Attributes:
        schema: name and version of the format.
        started: RFC 3339 time, with its offset from UTC, from which `t_ns` counts.
        labels: class names by class index.
        width: of the full frame, in pixels.
        height: of the full frame, in pixels.
        rate_hz: observations per second, nominally.
        device: whatever tells where it was made.
        model: id of the bundle that made the observations, if it is known.
    """

    schema: Literal["eyespot.recording/1"]
    started: str
    labels: Annotated[tuple[_Label, ...], Meta(max_length=1024)]
    width: _Side
    height: _Side
    rate_hz: Annotated[float, Meta(gt=0, le=1000)]
    device: object = None
    model: object = None

    def __post_init__(self) -> None:
        """Check the time, and that pixels are whole."""
        if self.width != int(self.width) or self.height != int(self.height):
            raise ValueError("`width` and `height` are whole numbers of pixels")
        try:
            fits = 0 <= self.started_utc_ns <= _LATEST_START_NS
        except ValueError as error:
            raise ValueError(f"{error} - at `$.started`; such as 2026-01-01T00:00:00Z") from error
        if not fits:
            raise ValueError("the time is before 1970 or too late - at `$.started`")

    @property
    def started_utc_ns(self) -> int:
        """Return `started` in ns since 1970, UTC."""
        return parse_rfc3339(self.started)

    @property
    def bundle(self) -> str:
        """Return the model's id where it can serve as one, else "recording"."""
        given = self.model
        usable = isinstance(given, str) and given.isprintable() and 0 < len(given) <= _LONGEST_BUNDLE
        return str(given) if usable else _NAME

    def identity(self, min_score: float) -> ModelIdentity:
        """Return what a rule may know of the model: labels in lower case, no file.

        Args:
            min_score: a recording names none, so that it comes from elsewhere.
        """
        labels = tuple(label.lower() for label in self.labels)
        return ModelIdentity(self.bundle, _NAME, "unknown", None, labels, min_score)


_Figure = Annotated[float, Meta(ge=0, le=1e6)]


class _Optics(msgspec.Struct, omit_defaults=True):
    """See `domain.observation`."""

    lux: _Figure | None = None
    exposure_ms: _Figure | None = None
    gain: _Figure | None = None
    focus: _Figure | None = None
    brightness: Annotated[float, Meta(ge=0, le=100)] | None = None
    sharpness: _Figure | None = None


class _Line(msgspec.Struct):
    t_ns: int | float
    boxes: Annotated[list[_Box], Meta(max_length=_MOST_BOXES)]
    scores: Annotated[list[_Score], Meta(max_length=_MOST_BOXES)]
    classes: Annotated[list[_Index], Meta(max_length=_MOST_BOXES)]
    sight: Sight = "clear"
    optics: _Optics | None = None


def digest(path: Path) -> str:
    """Return the sha256 of a file, in hex.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; name a recording") from error


class RecordingReader:
    """A recording, read line by line; memory stays the same however long it is.

    Iterating gives an `Observation` for each line, with `taken_ns` since the start of the recording;
    each iteration begins at the first again. A file that was cut off gives all its whole lines first.

    Args:
        path: compressed if it ends in .zst.

    Raises:
        InputError: here or on iteration, as "FILE:LINE: what is wrong".
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = msgspec.json.Decoder(_Line)
        if path.is_fifo():
            raise InputError(f"{path}: a pipe can be read only once; name a file")
        first = next(self._numbered(), None)
        if first is None:
            raise InputError(f"{path}: empty; a recording begins with a header line")
        self.header = self._read_header(first[1])

    def __iter__(self) -> Iterator[Observation]:
        newest_ns = 0
        lines = self._numbered()
        next(lines)
        for number, text in lines:
            observation = self._read(number, text)
            if observation.taken_ns < newest_ns:
                raise self._error(number, f"t_ns goes back, from {newest_ns} to {observation.taken_ns}")
            newest_ns = observation.taken_ns
            yield observation

    def _read_header(self, text: bytes) -> Header:
        try:
            return msgspec.json.decode(text, type=Header)
        except _UNREADABLE as error:
            raise self._error(1, f"not the header of a recording: {error}") from error

    def _read(self, number: int, text: bytes) -> Observation:
        try:
            line = self._lines.decode(text)
            optics = None if line.optics is None else Optics(**msgspec.structs.asdict(line.optics))
            found = self._detections(line)
            return Observation(_instant(line.t_ns), self.header.bundle, found, line.sight, optics)
        except _UNREADABLE as error:
            raise self._error(number, f"not an observation: {error}") from error

    def _detections(self, line: _Line) -> Detections:
        count = len(line.boxes)
        if len(line.scores) != count or len(line.classes) != count:
            raise ValueError(f"{count} boxes, {len(line.scores)} scores, {len(line.classes)} classes")
        if count and max(line.classes) >= len(self.header.labels):
            raise ValueError(
                f"class {max(line.classes)}, but the header has {len(self.header.labels)} labels"
            )
        if any(index != int(index) for index in line.classes):
            raise ValueError("`classes` are indexes into the labels: whole numbers")
        boxes = np.array(line.boxes, np.float64).reshape(count, 4)
        if (boxes[:, :2] > boxes[:, 2:]).any():
            raise ValueError("a box is turned inside out; it is x0, y0, x1, y1 with x0 <= x1 and y0 <= y1")
        np.minimum(np.maximum(boxes, 0, out=boxes), 1, out=boxes)
        scores = np.array(line.scores, np.float32)
        return Detections(boxes.astype(np.float32), scores, np.array(line.classes, np.intp))

    def _numbered(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and text of each line that is not blank; then complain if the file was cut off."""
        number, rest = 0, b""
        try:
            for chunk in _chunks(self._path):
                *whole, rest = (rest + chunk).split(b"\n")
                for number, text in enumerate(whole, number + 1):  # noqa: B020 - counts on
                    yield from self._bounded(number, text)
                next(self._bounded(number + 1, rest), None)
        except EOFError:
            raise self._cut_off(number + 1) from None
        except zstandard.ZstdError as error:
            raise self._error(number + 1, f"damaged, or not compressed with zstd: {error}") from error
        except OSError as error:
            raise InputError(f"{self._path}: {error.strerror}; name a recording") from error
        yield from self._last(number + 1, rest)

    def _bounded(self, number: int, text: bytes) -> Iterator[tuple[int, bytes]]:
        if len(text) > _LONGEST_LINE:
            raise self._error(number, f"longer than {_LONGEST_LINE} bytes; is this a recording?")
        if number == 1:
            text = text.removeprefix(_BOM)
        if text and not text.isspace():
            yield number, text

    def _last(self, number: int, text: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the last line, where no line end follows; it may be whole."""
        for _, line in self._bounded(number, text):
            try:
                msgspec.json.decode(line)
            except _UNREADABLE as error:
                raise self._cut_off(number) from error
            yield number, line

    def _cut_off(self, number: int) -> InputError:
        return self._error(number, "cut off here; the lines before this one are whole")

    def _error(self, number: int, what: str) -> InputError:
        return InputError(f"{self._path}:{number}: {what}")


def _instant(t_ns: float) -> int:
    if t_ns != int(t_ns) or not 0 <= t_ns <= _LONGEST_NS:
        raise ValueError(f"t_ns is {t_ns}; it is whole nanoseconds from `started` on, below ten years")
    return int(t_ns)


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield what a file holds, unpacked, in pieces of bounded size.

    Raises:
        EOFError: a compressed file ends too early.
        zstandard.ZstdError: it is damaged, or not compressed.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if path.suffix != ".zst":
            yield from iter(lambda: file.read(_CHUNK), b"")
            return
        frame = None
        for packed in iter(lambda: file.read(_COMPRESSED_CHUNK), b""):
            while packed:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(packed)
                packed = frame.unused_data  # noqa: PLW2901 - the next frame's begin
                frame = None if frame.eof else frame
        if frame is not None:
            raise EOFError


class RecordingWriter:
    """Writes a recording; a context manager. An existing file is overwritten.

    Plain files grow line by line, compressed ones by small zstd frames of whole lines: so a stop without
    warning costs no more than the end. When the disk is full, the file is cut back to whole lines.

    Args:
        path: compressed if it ends in .zst.
        header: its `started` is the instant `zero_ns`.
        zero_ns: the `taken_ns` from which `t_ns` counts.

    Raises:
        StorageError: the file cannot be written; the text names it and what to do.
    """

    def __init__(self, path: Path, header: Header, zero_ns: int = 0) -> None:
        self._path = path
        self._labels = header.labels
        self._zero_ns = zero_ns
        self._packs = path.suffix == ".zst"
        self._pending = bytearray()
        self._encoder = msgspec.json.Encoder()
        try:
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise self._error(error) from error
        self._whole_bytes = 0
        self._kept_ns = 0
        self._pending += self._encoder.encode(header) + b"\n"
        self._flush()

    def write(self, observation: Observation) -> None:
        """Add an observation; numbers are kept as exactly as they are, poses as boxes of persons.

        Raises:
            StorageError: the disk is full or failing; the file is closed, and holds whole lines only.
            ValueError: it was taken before `zero_ns`.
        """
        t_ns = observation.taken_ns - self._zero_ns
        if t_ns < 0:
            raise ValueError(f"observed {-t_ns} ns before the recording started")
        objects = objects_of(observation.found, self._labels)
        line: dict[str, object] = {
            "t_ns": t_ns,
            "boxes": _decimal(objects.boxes_xyxy_n),
            "scores": _decimal(objects.scores),
            "classes": objects.classes.tolist(),
        }
        if observation.sight != "clear":
            line["sight"] = observation.sight
        if observation.optics is not None:
            line["optics"] = _Optics(**asdict(observation.optics))
        self._pending += self._encoder.encode(line) + b"\n"
        enough = len(self._pending) >= _FRAME_BYTES or t_ns - self._kept_ns >= _FRAME_NS
        if enough or not self._packs:
            self._kept_ns = t_ns
            self._flush()

    def close(self) -> None:
        """Write what is left and close the file. Harmless when closed.

        Raises:
            StorageError: as `write`.
        """
        if not self._file.closed:
            self._flush()
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _flush(self) -> None:
        block = bytes(self._pending)
        if self._packs and block:
            block = zstandard.compress(block)
        self._pending.clear()
        try:
            written = 0
            while written < len(block):
                written += self._file.write(block[written:])
        except OSError as error:
            with self._file, suppress(OSError):
                self._file.truncate(self._whole_bytes)
            raise self._error(error) from error
        self._whole_bytes += len(block)

    def _error(self, error: OSError) -> StorageError:
        advice = "free some space" if error.errno == ENOSPC else "name a file that can be written"
        return StorageError(f"{self._path}: cannot record: {error.strerror}; {advice}")


def _decimal(numbers: Floats) -> list[object]:
    """Return the shortest decimals that become the same float32 again."""
    exact: list[object] = numbers.astype("U").astype(np.float64).tolist()
    return exact
