"""A video file as a camera, scaled by PyAV's scaler straight to what the model wants."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.domain.errors import InputError
from eyespot.domain.geometry import Resize, scaled_size
from eyespot.domain.instants import SECOND_NS
from eyespot.frames import Frame, Pixels
from eyespot.ports import Clock, SourceEnded, Tell, View, silent
from eyespot.sources.film import Film, Picture, pyav
from eyespot.sources.pacing import wait_until
from eyespot.sources.settings import Pace


class VideoSource:
    """Gives the frames of a video as if the first were taken when the source was opened.

    Args:
        path: the file.
        pace: "real" gives the newest frame that is due; "fast" all of them, without waiting.
        loop: begins again, one frame's time after the last.
        clock: when frames are due.

    Raises:
        ConfigError: PyAV is not installed.
        InputError: the file is missing, or no video.
    """

    def __init__(self, path: Path, pace: Pace, *, loop: bool, clock: Clock) -> None:
        self._scaler: Any = pyav().video.reformatter.VideoReformatter()
        self._path = path
        self._pace = pace
        self._loop = loop
        self._clock = clock
        self._size = (0, 0)
        self._quarter_turns = 0
        self._rate_hz = 0.0
        self._film: Film | None = None
        self._pictures: Iterator[Picture] = iter(())
        self._next: Picture | None = None
        self._failure: InputError | None = None
        Film(path).close()  # a wrong name is told before anything has begun

    @property
    def paced(self) -> bool:
        """Return whether time does not wait."""
        return self._pace == "real"

    @property
    def sensor(self) -> None:
        """Return nothing: there is no camera."""

    def open(self, width: int, height: int, resize: Resize, tell: Tell = silent) -> View:  # noqa: ARG002
        """Open the file, and scale its frames for a model input of this size.

        Raises:
            InputError: it is missing, or no video.
        """
        self.close()
        film = self._film = Film(self._path)
        self._quarter_turns = film.quarter_turns
        self._rate_hz = film.rate_hz
        self._pictures = self._played(film, self._clock.now_ns())
        return self.fit(width, height, resize)

    def fit(self, width: int, height: int, resize: Resize, tell: Tell = silent) -> View:
        """Scale frames for another model input from the next one on.

        Raises:
            InputError: the file is not open, and cannot be opened.
        """
        film = self._film
        if film is None:
            return self.open(width, height, resize, tell)
        self._size = scaled_size((film.width, film.height), (width, height), resize)
        return View("video", film.width, film.height, film.rate_hz)

    def take(self, timeout_s: float) -> Frame | None:
        """Return the next frame; None where it is not due within the time.

        Raises:
            SourceEnded: the video is over.
            InputError: it ended before its declared end; all that it holds has been given.
        """
        if self._failure is not None:
            raise self._failure
        picture = self._next or next(self._pictures, None)
        if picture is None:
            raise SourceEnded
        if self.paced and not wait_until(picture.shown_ns, self._clock, timeout_s):
            self._next = picture
            return None
        picture, self._next = self._newest_due(picture) if self.paced else (picture, None)
        return Frame(picture.shown_ns, self._scaled(picture))

    def close(self) -> None:
        """Close the file. Harmless when not open."""
        self._pictures, self._next, self._failure = iter(()), None, None
        if self._film is not None:
            self._film.close()
            self._film = None

    def _played(self, film: Film, begin_ns: int) -> Iterator[Picture]:
        """Yield pictures in the clock's time, again and again if asked to."""
        while True:
            newest_ns = begin_ns
            for picture in film.pictures():
                newest_ns = begin_ns + picture.shown_ns
                yield Picture(newest_ns, picture.decoded)
            if not self._loop:
                return
            begin_ns = newest_ns + round(SECOND_NS / film.rate_hz)
            film.close()
            film = self._film = Film(self._path)

    def _newest_due(self, picture: Picture) -> tuple[Picture, Picture | None]:
        """Pass over what came too late; return what is due, and what comes after it if that was looked at."""
        now_ns, period_ns = self._clock.now_ns(), SECOND_NS / self._rate_hz
        while picture.shown_ns + period_ns <= now_ns:
            following = self._look_ahead()
            if following is None or following.shown_ns > now_ns:
                return picture, following
            picture = following
        return picture, None

    def _look_ahead(self) -> Picture | None:
        """Return the next picture; an error waits until its turn comes."""
        try:
            return next(self._pictures, None)
        except InputError as error:
            self._failure = error
            return None

    def _scaled(self, picture: Picture) -> Pixels:
        width, height = self._size[::-1] if self._quarter_turns % 2 else self._size
        scaled = self._scaler.reformat(picture.decoded, width=width, height=height, format="rgb24")
        pixels: Pixels = np.ascontiguousarray(np.rot90(scaled.to_ndarray(), self._quarter_turns))
        return pixels
