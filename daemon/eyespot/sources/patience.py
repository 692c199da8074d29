"""Waiting for calls that may take minutes, or hang for ever.

A camera's start sends the network to the sensor, which may take minutes, and cannot be interrupted; a
camera that is broken may never return from any call. So each runs in a thread of its own, and who waits
for it can tell how far it is, and give up. A thread that hangs cannot be ended: only a new process helps.

That is so where picamera2 waits in Python. libcamera's bindings keep the interpreter to themselves while
they wait, as they do in `Camera.start`: then no thread of this process runs, nor its signal handlers. So
what is about to be done is told before it begins, and somebody outside has to watch: see decisions/0008.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from eyespot.domain.errors import CameraError, CameraStuck, EyespotError, foreign
from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock, Tell

_T = TypeVar("_T")
_QUICK_S = 0.5
_SLICE_S = 0.5


class Patience:
    """Waits for one call at a time.

    Args:
        clock: measures how long it takes, and sleeps between looks.

    Attributes:
        hanging: what was given up and may still be under way; empty while all is well.
    """

    def __init__(self, clock: Clock) -> None:
        self.hanging = ""
        self._clock = clock

    def wait(self, call: Callable[[], _T], doing: str, limit_s: float, tell: Tell) -> _T:
        """Return what a call returns.

        Args:
            call: may hang.
            doing: what it does, as "starting the camera"; told with the seconds that it took so far.
            limit_s: how long it may take.
            tell: is called before it begins, and every half second while it lasts.

        Raises:
            CameraStuck: it took longer, or an earlier call still does.
            CameraError: whatever it raised.
        """
        if self.hanging:
            raise CameraStuck(f"the camera hangs in {self.hanging}; only a new process can use it")
        tell(doing)
        under_way = _UnderWay(call, doing)
        if under_way.done.wait(_QUICK_S):
            return under_way.outcome()
        self.hanging = doing  # also where `tell` ends the waiting by an error
        self._look_on(under_way, doing, limit_s, tell)
        self.hanging = ""
        return under_way.outcome()

    def _look_on(self, under_way: "_UnderWay[_T]", doing: str, limit_s: float, tell: Tell) -> None:
        begun_ns = self._clock.now_ns()
        while not under_way.done.is_set():
            taken_s = (self._clock.now_ns() - begun_ns) / SECOND_NS
            if taken_s > limit_s:
                raise CameraStuck(f"{doing} has not ended after {limit_s:.0f} s; only a new process can help")
            tell(f"{doing} ({taken_s:.0f} s)")
            self._clock.sleep(_SLICE_S)


class _UnderWay(Generic[_T]):
    """A call in a thread, which the interpreter does not wait for when it ends."""

    def __init__(self, call: Callable[[], _T], doing: str) -> None:
        self.done = threading.Event()
        self._doing = doing
        self._values: list[_T] = []
        self._error: EyespotError | None = None
        threading.Thread(target=self._run, args=(call,), name="camera call", daemon=True).start()

    def outcome(self) -> _T:
        """Return what it returned, or raise what it raised; once it is done."""
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
            return self._values.pop()
        finally:
            del error  # else it and its traceback hold each other, and all that the call had made

    def _run(self, call: Callable[[], _T]) -> None:
        try:
            with foreign(CameraError, f"{self._doing} failed"):
                self._values.append(call())
        except EyespotError as error:
            self._error = error
        finally:
            self.done.set()
