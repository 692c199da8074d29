"""Stands between eye and body, passes on what each says, and keeps it."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from eyespot.sources import wire
from eyespot.sources.datagrams import Datagrams, Gone, Listener

_SLICE_S = 0.02


class Relay:
    """Runs while its context lasts; one eye at a time.

    Args:
        path: where the eye is to connect.
        body: where the body listens.

    Attributes:
        said: all that crossed, each datagram with who said it, "eye" or "body".
    """

    def __init__(self, path: Path, body: Path) -> None:
        self.said: list[tuple[str, bytes]] = []
        self._path, self._body = path, body
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._listener = Listener(self._path, wire.MOST_BYTES)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            if (eye := self._listener.accept(_SLICE_S)) is None:
                continue
            with eye, suppress(Gone), Datagrams.dial(self._body, wire.MOST_BYTES) as body:
                self._pass_on(eye, body)

    def _pass_on(self, eye: Datagrams, body: Datagrams) -> None:
        """Until one of them is gone.

        Raises:
            Gone: it is.
        """
        while not self._ended.is_set():
            for who, said_by, other in (("eye", eye, body), ("body", body, eye)):
                if (data := said_by.receive(_SLICE_S)) is not None:
                    self.said.append((who, data))
                    other.send(data, 1)
