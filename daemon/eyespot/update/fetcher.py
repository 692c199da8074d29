"""Brings files from a repository: small ones into memory, bundles into a part that a cut does not undo."""

import io
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tuf.api.exceptions import DownloadHTTPError, DownloadLengthMismatchError
from tuf.ngclient.fetcher import FetcherInterface

from eyespot.domain.errors import TrustError
from eyespot.update.commit import storing
from eyespot.update.patience import Pace, Patience
from eyespot.update.wire import BEYOND_ITS_END, Opened, Wire, WireError

_WORTH_BYTES = 64 * 1024

Tell = Callable[[int], None]


class Fetcher(FetcherInterface):
    """Brings files.

    Args:
        wire: the way to the repository.
        patience: when to give up.
        now_s: a clock that never goes back.
        sleep: waits.
        roll: a die, from 0 to 1.
    """

    def __init__(
        self,
        wire: Wire,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        roll: Callable[[], float] = random.random,
    ) -> None:
        self._wire = wire
        self._patience = patience
        self._now_s = now_s
        self._sleep = sleep
        self._roll = roll

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        """Give a small file, such as metadata.

        Raises:
            WireError: it cannot be had.
            DownloadHTTPError: the server says that it is not there.
            DownloadLengthMismatchError: it is larger than that.
        """
        yield io.BytesIO(self._whole(url, max_length))

    def bring(self, url: str, length: int, part: Path, tell: Tell = lambda _: None) -> None:
        """Bring a file, going on where an earlier try ended.

        Args:
            url: of it.
            length: in bytes.
            part: where to; who finds other bytes in it than there should be removes it.
            tell: is told how many bytes are there, each time that some came.

        Raises:
            WireError: it cannot be had; what came of it stays.
            TrustError: more is sent than there should be.
            StoreError: the disk fails.
        """
        failed = 0
        with storing(part):
            most = _size(part)  # what comes for the second time is no progress
            while _size(part) != length:
                try:
                    self._go_on(url, length, part, tell)
                except WireError as error:
                    have = _size(part)
                    failed = 0 if have - most >= _WORTH_BYTES else failed + 1
                    most = max(most, have)
                    self._sleep(self._patience.wait_s(failed, error, self._roll()))

    def _go_on(self, url: str, length: int, part: Path, tell: Tell) -> None:
        have = _size(part)
        if have > length:
            part.unlink()
            have = 0
        try:
            with self._wire.opened(url, have) as opened, part.open("ab", buffering=0) as file:
                self._write(url, length, opened, file, tell)
        except WireError as error:
            if error.status == BEYOND_ITS_END:
                part.unlink(missing_ok=True)
            raise
        except TrustError:
            part.unlink(missing_ok=True)
            raise

    def _write(self, url: str, length: int, opened: Opened, file: IO[bytes], tell: Tell) -> None:
        """Write what comes. What was there before makes way only for bytes of the right file."""
        have = opened.start
        for piece in self._paced(opened.pieces):
            if have == opened.start:
                if opened.total is not None and opened.total < length:
                    there = f"{opened.total} bytes are there, and {length} are signed; look at the mirror"
                    raise WireError(f"{url}: {there}", "wrong_bytes", passing=False)
                file.truncate(have)
            have += len(piece)
            if have > length:
                raise TrustError(f"{url} has more than the {length} bytes that are signed", "too_long")
            _write_all(file, piece)
            tell(have)
        if have < length:
            raise WireError(f"{url}: the connection was cut after {have} of {length} bytes", "cut")

    def _whole(self, url: str, most_bytes: int) -> bytes:
        failed = 0
        while True:
            try:
                return b"".join(self._capped(url, most_bytes))
            except WireError as error:
                if error.status is not None and not error.passing:
                    raise DownloadHTTPError(str(error), error.status) from error
                failed += 1
                self._sleep(self._patience.wait_s(failed, error, self._roll()))

    def _capped(self, url: str, most_bytes: int) -> Iterator[bytes]:
        have = 0
        for piece in self._fetch(url):
            have += len(piece)
            if have > most_bytes:
                raise DownloadLengthMismatchError(f"{url} has more than {most_bytes} bytes")
            yield piece

    def _fetch(self, url: str) -> Iterator[bytes]:
        with self._wire.opened(url) as opened:
            yield from self._paced(opened.pieces)

    def _paced(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        pace = Pace(self._patience, self._now_s)
        for piece in pieces:
            pace.add(len(piece))
            yield piece


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _write_all(file: IO[bytes], data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
