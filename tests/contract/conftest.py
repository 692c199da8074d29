"""Eye and body, joined by a real socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.eyes import Pair, PushedClock


@pytest.fixture(name="clock")
def a_clock() -> PushedClock:
    return PushedClock()


@pytest.fixture(name="pair")
def a_pair(tmp_path: Path, clock: PushedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    pair = Pair(tmp_path, clock, monkeypatch)
    yield pair
    pair.close()
