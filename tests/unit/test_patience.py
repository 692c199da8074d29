"""Waiting for calls that may hang: told of, given up, and never waited for again."""

import threading
import time
from collections.abc import Callable

import pytest

from eyespot.domain.errors import CameraError, CameraStuck
from eyespot.host.clock import ManualClock
from eyespot.sources.patience import Patience
from fakes.cameras import hang


class Teller:
    """Notes what it is told, and lets a call go on after so many words."""

    def __init__(self, words: int) -> None:
        self.told: list[str] = []
        self._words = words
        self._over = threading.Event()

    def call(self) -> str:
        assert self._over.wait(30)
        return "done"

    def __call__(self, text: str) -> None:
        self.told.append(text)
        if len(self.told) == self._words:
            self._over.set()
            time.sleep(0.05)


def test_a_call_is_told_of_before_it_begins() -> None:
    events: list[str] = []
    Patience(ManualClock()).wait(lambda: events.append("begun"), "counting", 1, events.append)
    assert events == ["counting", "begun"]


def test_a_slow_call_is_told_of_twice_a_second() -> None:
    teller = Teller(6)
    assert Patience(ManualClock()).wait(teller.call, "thinking", 10, teller) == "done"
    assert teller.told[:6] == ["thinking", *[f"thinking ({second} s)" for second in (0, 0, 1, 2, 2)]]


def test_whatever_a_call_raises_becomes_an_error_with_its_name() -> None:
    def fail(error: BaseException) -> Callable[[], None]:
        def call() -> None:
            raise error

        return call

    patience = Patience(ManualClock())
    for error in (StopIteration(), OSError(5, "I/O error"), CameraError("known"), KeyError("x")):
        with pytest.raises(CameraError, match="known" if type(error) is CameraError else "trying failed: "):
            patience.wait(fail(error), "trying", 1, lambda _: None)
    assert patience.wait(lambda: 1, "trying", 1, lambda _: None) == 1


def test_a_call_that_hangs_is_given_up_and_no_other_is_made() -> None:
    told, clock = list[str](), ManualClock()
    patience = Patience(clock)
    with pytest.raises(CameraStuck, match="asking has not ended after 30 s"):
        patience.wait(hang, "asking", 30, told.append)
    assert 30 <= clock.now_ns() / 1e9 <= 31
    assert len(told) == 62
    made: list[int] = []
    with pytest.raises(CameraStuck, match="hangs in asking"):
        patience.wait(lambda: made.append(1), "asking again", 30, told.append)
    assert made == []


def test_who_is_told_may_end_the_waiting() -> None:
    class StopError(Exception):
        pass

    def tell(text: str) -> None:
        if text.endswith("s)"):
            raise StopError

    patience = Patience(ManualClock())
    with pytest.raises(StopError):
        patience.wait(hang, "asking", 30, tell)
    with pytest.raises(CameraStuck):
        patience.wait(lambda: 1, "asking again", 30, tell)
