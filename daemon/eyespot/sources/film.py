"""A video file, decoded by PyAV: pictures with their times."""

import importlib
import logging
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from eyespot.domain.errors import ConfigError, InputError, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.paths import is_file

_log = logging.getLogger(__name__)

_WHOLE = 0.9  # of what is declared: containers round, and may count frames that are not shown
_USUAL_RATE_HZ = 25.0


class Picture(NamedTuple):
    """A frame as PyAV decoded it, and when it is shown, in ns since the first."""

    shown_ns: int
    decoded: Any


def pyav() -> ModuleType:
    """Return PyAV, which is imported by those alone who look at videos.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise ConfigError("a video needs PyAV: pip install 'eyespot[video]'") from error


class Film:
    """An open video file.

    Attributes:
        quarter_turns: anticlockwise, which bring a decoded picture upright.
        width: of its pictures when upright, in pixels.
        height: of its pictures when upright, in pixels.
        rate_hz: pictures per second, on average.

    Args:
        path: the file.

    Raises:
        InputError: it is missing, or no video.
        ConfigError: PyAV is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._av = pyav()
        self._container = self._opened()
        decoder = self._decoder()
        if decoder is None:
            self.close()
            raise InputError(f"{path}: there are no pictures in it that can be decoded; name a video")
        decoder.thread_count = 1  # the other cores are for the model
        self.quarter_turns = self._turns()
        sides = (decoder.width, decoder.height)
        self.width, self.height = sides[::-1] if self.quarter_turns % 2 else sides
        self._stream = self._container.streams.video[0]
        self.rate_hz = float(self._stream.average_rate or _USUAL_RATE_HZ)
        self._damaged = 0

    def pictures(self) -> Iterator[Picture]:
        """Yield every picture that can be decoded; once. Times never decrease.

        Raises:
            InputError: after the last one, if the file ended before the end that it declares.
        """
        count, first, newest_ns = 0, None, 0
        for decoded in self._decoded():
            if decoded.pts is not None:
                at = decoded.pts * decoded.time_base
                first = at if first is None else first
                newest_ns = max(newest_ns, int((at - first) * SECOND_NS))
            elif count:
                newest_ns += int(SECOND_NS / self.rate_hz)
            count += 1
            yield Picture(newest_ns, decoded)
        if self._damaged:
            _log.warning("%s: passed over %d damaged frames", self._path, self._damaged)
        self._check_whole(count, newest_ns)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _opened(self) -> Any:
        if not is_file(self._path, InputError):
            raise InputError(f"{self._path}: no such file; name a video")
        try:
            # no playlist in a file may lead to the network
            return self._av.open(f"file:{self._path}", options={"protocol_whitelist": "file"})
        except self._av.FFmpegError as error:
            raise InputError(f"{self._path}: not a video, or not a whole one: {error.strerror}") from error

    def _decoder(self) -> Any:
        """Return the decoder of the first video stream, None if there is none that knows its pictures."""
        streams = self._container.streams.video
        decoder = streams[0].codec_context if streams else None
        return decoder if decoder is not None and decoder.width and decoder.height else None

    def _turns(self) -> int:
        """Return how a telephone was held: PyAV tells it by the picture, so the first is looked at ahead."""
        try:
            with self._opened() as ahead:
                first = next(ahead.decode(video=0), None)
        except self._av.FFmpegError:
            return 0
        return 0 if first is None else round(first.rotation / 90) % 4

    def _decoded(self) -> Iterator[Any]:
        for packet in self._packets():
            try:
                frames = packet.decode()
            except self._av.FFmpegError:
                self._damaged += 1
                continue
            intact = [frame for frame in frames if not frame.is_corrupt]
            self._damaged += len(frames) - len(intact)
            yield from intact

    def _packets(self) -> Iterator[Any]:
        try:
            yield from self._container.demux(self._stream)
        except self._av.FFmpegError as error:
            _log.warning("%s: cannot be read any further: %s", self._path, one_line(error))

    def _check_whole(self, count: int, newest_ns: int) -> None:
        """Compare with what the container says of its length: in frames, in time, or not at all."""
        if not count:
            raise InputError(f"{self._path}: no picture in it can be decoded; name another video")
        shares = [1.0]
        if self._stream.frames:
            shares.append((count + self._damaged) / self._stream.frames)
        if self._stream.duration or self._container.duration:
            shares.append((newest_ns / SECOND_NS + 1 / self.rate_hz) / self._declared_s())
        if min(shares) < _WHOLE:
            raise InputError(
                f"{self._path}: cut off at about {min(shares):.0%} of its length, after {count} frames; "
                "all of which were looked at; get the whole file"
            )

    def _declared_s(self) -> float:
        if self._stream.duration:
            return float(self._stream.duration * self._stream.time_base)
        return float(self._container.duration / self._av.time_base)
