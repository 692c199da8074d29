"""Single keys from a terminal; from a pipe, letters as they come."""

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_ARROWS = {b"\x1b[A": "up", b"\x1b[B": "down", b"\x1bOA": "up", b"\x1bOB": "down"}
_LONGEST = 8
END = "end"  # nothing more can come


@contextmanager
def unbuffered(stream: TextIO = sys.stdin) -> Iterator[None]:
    """Let keys come one by one meanwhile, where it is a terminal."""
    if not stream.isatty():
        yield
        return
    before = termios.tcgetattr(stream)
    try:
        tty.setcbreak(stream)
        yield
    finally:
        termios.tcsetattr(stream, termios.TCSADRAIN, before)


def keys(timeout_s: float, stream: TextIO = sys.stdin) -> list[str]:
    """Return which keys were pressed, waiting for one at most so long: letters, "up", "down", `END`."""
    ready, _, _ = select.select([stream], [], [], timeout_s)
    if not ready:
        return []
    data = os.read(stream.fileno(), _LONGEST)
    if not data:
        return [END]
    return [_ARROWS[data]] if data in _ARROWS else [chr(byte) for byte in data]
