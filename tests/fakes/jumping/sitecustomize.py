"""Planted on a path: UTC is ahead or behind by the seconds in a file, and nothing else is."""

import os
import time
from pathlib import Path

_hand = Path(os.environ["EYESPOT_HAND"])
_time_ns = time.time_ns


def _jumping() -> int:
    return _time_ns() + int(_hand.read_text() or 0) * 10**9


time.time_ns = _jumping
time.time = lambda: _jumping() / 1e9
