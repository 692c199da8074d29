"""The eye's end of the socket: sends what is seen, and hears what is to be looked at."""

import logging
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Observation
from eyespot.domain.recovery import Step
from eyespot.ports import Beat, Clock, ObservationSource, Readings, View
from eyespot.sources import crossing, wire
from eyespot.sources.datagrams import Datagrams, Gone

_log = logging.getLogger(__name__)

_EXPECTED_WITHIN_S = 10.0
_SLICE_S = 0.2
_AGAIN_S = 0.5
_ANSWER_S = 0.5
_STATUS_EVERY_S = 1.0
_LONGEST_REASON = 300
_TROUBLES: tuple[wire.TroubleName, ...] = get_args(wire.TroubleName)


class BodyLink:
    """Keeps connected to the body. `run` is the body of its thread; the camera's thread sends.

    It is the outlet of what is seen, and the board of the source's troubles.

    Args:
        path: of the socket on which the body listens.
        clock: for the status, once a second.
        memory_mb: what this process holds in memory, in MiB.

    Attributes:
        on_order: is given each order; from this thread.
        on_step: is given each step of recovery; from this thread.
        source: what looks just now; None while nothing does.
        follows: the order by which it looks. What is seen by one for another camera than the newest
            order's is not sent.
        model_error: why the ordered model cannot be loaded; empty where it could be.
        doing: tells what takes long just now.
        away_since_ns: since when the body is away; None while it is there.
        sent: how many observations went out.
    """

    def __init__(
        self, path: Path, clock: Clock, memory_mb: Callable[[], float | None] = lambda: None
    ) -> None:
        self.on_order: Callable[[wire.Look], None] = lambda _: None
        self.on_step: Callable[[Step], None] = lambda _: None
        self.source: ObservationSource | None = None
        self.follows: wire.Look | None = None
        self.model_error = ""
        self.doing: Callable[[], str] = str
        self.away_since_ns: int | None = clock.now_ns()
        self.sent = 0
        self._path = path
        self._clock = clock
        self._memory_mb = memory_mb
        self._lock = threading.Lock()
        self._body: Datagrams | None = None
        self._order: wire.Look | None = None  # the newest of this body
        self._troubles: dict[str, str] = {}
        self._told_view: View | None = None
        self._told_troubles: dict[str, str | None] = {}
        self._told_ns = 0
        self._dropped = 0
        self._ended: tuple[wire.Look | None, wire.Ended] | None = None
        self._asked = False
        self._answers: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._said = ""
        self._stopping = threading.Event()

    def run(self, beat: Beat) -> None:
        """Connect, keep connected, hear what the body says, until stopped."""
        while not self._stopping.is_set():
            beat()
            try:
                self._connect()
                self._listen()
                self._tell_news()
            except (Gone, wire.WireError):
                self._hang_up()
                self._stopping.wait(_AGAIN_S)
        self._hang_up()

    def stop(self) -> None:
        """Let `run` return soon; from any thread."""
        self._stopping.set()

    @property
    def descriptor(self) -> int | None:
        """A file descriptor of the connection, which the caller closes; None where there is none."""
        with self._lock:
            return os.dup(self._body.descriptor) if self._body is not None else None

    @property
    def troubled(self) -> bool:
        """Whether the source has a trouble."""
        return bool(self._troubles)

    # --- from the camera's thread -------------------------------------------------------------------------

    def put(self, observation: Observation, timeout_s: float) -> bool:
        """Send an observation. Where time does not wait, one for which there is no room is dropped.

        Returns:
            False when it was not sent in time and is to be tried again.
        """
        source = self.source
        if source is None or self._looks_elsewhere():
            return True
        sent = self._send(crossing.seen(observation), 0 if source.paced else timeout_s)
        self.sent += sent
        if source.paced and not sent:
            self._dropped += 1
        return sent or source.paced

    def _looks_elsewhere(self) -> bool:
        """Whether something else is to be looked at by now; with another model is no matter yet."""
        order, follows = self._order, self.follows
        return order is not None and (follows is None or follows.camera != order.camera)

    def may_power_up(self) -> float:
        """Ask the body whether the camera may be powered up.

        Returns:
            0 where it may; else the seconds to wait before asking again, few where the body is away.
        """
        # who asked and was not answered yet does not ask again: each leave is counted
        self._asked = self._asked or self._send(wire.MayPowerUp(), 0)
        try:
            wait_s = self._answers.get(timeout=_ANSWER_S)
        except queue.Empty:
            return _AGAIN_S
        self._asked = False
        return wait_s

    def close(self) -> None:
        """Say nothing: whoever stops looking has more to say than that it stops; see `ended`."""

    def ended(self, order: wire.Look | None, reason: str | None = None) -> None:
        """Have it said that the file of an order is over, or, with a reason, cannot be read."""
        self._ended = order, wire.Ended(reason and _short(reason))

    def raise_state(self, name: str, reason: str) -> None:
        """Name a trouble of the source; the body has its own eyes for silence."""
        if name in _TROUBLES:
            self._troubles[name] = reason

    def clear_state(self, name: str) -> None:
        """Take it back."""
        self._troubles.pop(name, None)

    # --- from its own -------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if self._body is not None:
            return
        body = self._dial()
        try:
            body.send(wire.encode(wire.Hello()), _AGAIN_S)
        except Gone:
            body.close()
            raise
        self.away_since_ns, self._said = None, ""
        self._dropped = 0  # the body adds up what each connection tells
        with self._lock:
            self._body = body

    def _dial(self) -> Datagrams:
        """Connect; say once why that cannot be, where it is more than a body that is still to come."""
        try:
            return Datagrams.dial(self._path, wire.MOST_BYTES)
        except Gone as error:
            away_ns = self._clock.now_ns() - (self.away_since_ns or 0)
            if str(error) != self._said and away_ns > _EXPECTED_WITHIN_S * SECOND_NS:
                self._said = str(error)
                _log.warning("no body at %s: %s; is eyespot run there?", self._path, error)
            raise

    def _hang_up(self) -> None:
        with self._lock:
            if self._body is not None:
                self._body.close()
            self._body = self._order = self._told_view = None
        self._asked = False
        self._told_troubles.clear()
        if self.away_since_ns is None:
            self.away_since_ns = self._clock.now_ns()

    def _listen(self) -> None:
        if self._body is None:
            return
        data = self._body.receive(_SLICE_S)
        if data is None:
            return
        match wire.decode_from_body(data):
            case wire.Look() as order:
                self._troubles.pop("swap_refused", None)  # that was about another
                self._order = order
                self.on_order(order)
            case wire.Recover() as leave:
                self.on_step(leave.step)
            case wire.Leave() as answer:
                self._answers.put(answer.wait_s)

    def _tell_news(self) -> None:
        """Tell what this body does not know yet; what does not get through is told again."""
        source, ended, is_followed = self.source, self._ended, self.follows == self._order is not None
        view = source.view if source and is_followed else None
        if view is not None and view != self._told_view:
            self._told_view = view if self._send(crossing.opened(view), 0) else None
        for name in _TROUBLES:
            reason = self._troubles.get(name)
            trouble = wire.Trouble(name, reason and _short(reason))
            if reason != self._told_troubles.get(name) and self._send(trouble, 0):
                self._told_troubles[name] = reason
        # an order that is given again is another one
        if ended is not None and ended[0] is self._order is not None and self._send(ended[1], 0):
            self._ended = None
        now_ns = self._clock.now_ns()
        if now_ns - self._told_ns >= _STATUS_EVERY_S * SECOND_NS:
            self._told_ns = now_ns
            self._send(crossing.status(self._readings(source)), 0)

    def _readings(self, source: ObservationSource | None) -> Readings:
        has = source.readings if source else Readings()
        return Readings(
            has.inference_ms,
            has.sensor,
            self._dropped,
            _short(self.doing()),
            _short(has.model_error or self.model_error),
            self._memory_mb(),
        )

    def _send(self, message: wire.FromEye, timeout_s: float) -> bool:
        with self._lock:
            body = self._body
        if body is None or (isinstance(message, wire.Seen | wire.MayPowerUp) and self._order is None):
            if timeout_s:
                self._stopping.wait(timeout_s)
            return False
        try:
            return body.send(wire.encode(message), timeout_s)
        except Gone:
            return False  # the link's own thread finds out, too


def _short(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:_LONGEST_REASON])
