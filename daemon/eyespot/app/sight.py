"""`eyespot eye`: looks where the body tells it to, and sends what it sees through a socket."""

import queue
import threading
from functools import partial
from pathlib import Path

from eyespot.app.eye import can_go_over, open_source
from eyespot.app.swapping import Swapping
from eyespot.domain.errors import ConfigError, EyespotError, InputError, ModelError, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.recovery import Step
from eyespot.host.clock import SystemClock
from eyespot.host.facts import memory_mb
from eyespot.host.herald import heralded
from eyespot.host.memory import give_back_large_blocks
from eyespot.host.systemd import Notifier
from eyespot.ports import Beat, Clock, ObservationSource, Tell
from eyespot.sources.link import BodyLink
from eyespot.sources.wire import Look
from eyespot.supervisor.signals import held_back, next_wish
from eyespot.supervisor.source_worker import SourceWorker
from eyespot.supervisor.supervisor import StopStep, Supervisor
from eyespot.supervisor.threads import Watched

_SLICE_S = 0.5
_PATIENCE_S = 1.0
# a body that is started anew is back long before; one that was stopped needs no camera
_ALONE_S = 60.0
_FIRST_ORDER_S = 5.0
_AGAIN_S = 30.0


def eye(socket: Path | None) -> int:
    """Look until a signal, or until the body asks for a new process.

    Args:
        socket: where the body listens.

    Returns:
        The exit code: 0, or 70 after a bug.

    Raises:
        ConfigError: nobody said where the body listens.
        CameraStuck: the camera's software hangs; only a new process helps.
    """
    if socket is None:
        raise ConfigError("where does the body listen? name its socket with --socket")
    give_back_large_blocks()
    clock = SystemClock()
    with held_back():
        link = BodyLink(socket, clock, memory_mb)
        sight = Sight(link, clock)
        threads = [Watched("link", link, clock), Watched("camera", sight, clock)]
        return (
            Supervisor(
                threads=threads,
                stop=[
                    StopStep(lambda _: sight.stop(), threads[1], _PATIENCE_S, _PATIENCE_S),
                    StopStep(lambda _: link.stop(), threads[0], _PATIENCE_S, _PATIENCE_S),
                ],
                manager=Notifier(),
                tick=lambda: None,
                describe=sight.describe,
                reload=lambda: False,
                next_wish=next_wish,
                clock=clock,
                starting=lambda: sight.starting,
            )
            .run()
            .exit_code
        )


class Sight:
    """Looks by one order after the other. `run` is the body of the camera's thread, which alone decides.

    Args:
        link: brings orders, and takes what is seen.
        clock: for everything.
    """

    def __init__(self, link: BodyLink, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._orders: queue.SimpleQueue[Look] = queue.SimpleQueue()
        self._worker: SourceWorker | None = None
        self._swapping: Swapping | None = None
        self._next: tuple[Look, ObservationSource] | None = None
        self._loading = False
        self._stopping = threading.Event()
        self._begun_ns = clock.now_ns()
        link.on_order = self._orders.put
        link.on_step = self._take_step
        link.doing = self._doing

    @property
    def starting(self) -> bool:
        """Whether the first order is awaited, for a while, or the camera is started for the first time."""
        source = self._link.source
        if source is not None:
            return source.view is None and not self._link.troubled
        waited_s = (self._clock.now_ns() - self._begun_ns) / SECOND_NS
        return self._loading or (self._link.follows is None and waited_s < _FIRST_ORDER_S)

    def describe(self) -> str:
        """Return in one line how it goes."""
        doing, source = self._doing(), self._link.source
        if source is None:
            return doing or "waiting for the body"
        return doing or f"looking: {source.model.bundle}, {self._link.sent} observations sent"

    def stop(self) -> None:
        """Let `run` return soon; from any thread."""
        self._stopping.set()
        worker = self._worker
        if worker is not None:
            worker.stop()

    def run(self, beat: Beat) -> None:
        """Look by the newest order, until stopped.

        Raises:
            CameraStuck: only a new process helps.
        """
        while not self._stopping.is_set():
            beat()
            loaded, self._next = self._next, None
            order = loaded[0] if loaded else self._newest_order(_SLICE_S)
            if order is not None:
                self._look(order, loaded[1] if loaded else None, beat)

    def _newest_order(self, timeout_s: float) -> Look | None:
        order = None
        try:
            while True:
                order = self._orders.get(timeout=0 if order else timeout_s)
        except queue.Empty:
            return order

    def _look(self, order: Look, source: ObservationSource | None, beat: Beat) -> None:
        """Look by an order until it is over, or another one is loaded."""
        try:
            source = source or self._load(order)
        except InputError as error:
            self._link.ended(order, one_line(error))
        except (ModelError, ConfigError) as error:
            self._link.model_error = one_line(error)
            self._link.raise_state("source_failed", one_line(error))
            self._try_later(order, beat)
        else:
            if self._orders.empty():
                self._work(order, source, beat)
            else:
                source.close()  # something else is wanted by now

    def _work(self, order: Look, source: ObservationSource, beat: Beat) -> None:
        leave = self._link.may_power_up if order.camera.wears else None
        worker = SourceWorker(source, self._link, self._link, self._clock, replaceable=True, leave=leave)
        self._swapping = Swapping(source, worker, self._clock, self._over, self._refused)
        self._link.follows, self._link.source, self._worker = order, source, worker
        self._link.model_error = ""
        if self._stopping.is_set():
            worker.stop()
        try:
            worker.run(partial(self._beat, worker, beat))
            if not worker.stopped:
                self._link.ended(self._link.follows)
        except InputError as error:
            self._link.ended(self._link.follows, one_line(error))
        finally:
            self._link.source = self._link.follows = self._worker = None

    def _load(self, order: Look) -> ObservationSource:
        self._loading = True
        try:
            return open_source(order, self._clock, lambda: heralded(self._link.descriptor))
        finally:
            self._loading = False

    def _try_later(self, order: Look, beat: Beat) -> None:
        """Give an order again after a while, unless another has come: what was wrong may be mended."""
        until_ns = self._clock.now_ns() + round(_AGAIN_S * SECOND_NS)
        while self._clock.now_ns() < until_ns and not self._stopping.wait(_SLICE_S):
            beat()
            if not self._orders.empty():
                return
        self._orders.put(order)

    def _beat(self, worker: SourceWorker, beat: Beat) -> None:
        """Look after orders while looking, and rest once the body has been away for long."""
        beat()
        order = self._newest_order(0)
        if order is not None:
            self._follow(worker, order)
        away_ns = self._link.away_since_ns
        if away_ns is not None and self._clock.now_ns() - away_ns > _ALONE_S * SECOND_NS:
            worker.stop()

    def _follow(self, worker: SourceWorker, order: Look) -> None:
        """Follow an order; what looks goes on until the new one is loaded, and where it cannot be."""
        source, before, swapping = self._link.source, self._link.follows, self._swapping
        if source is None or before is None or swapping is None:
            return
        if order == before:
            swapping.forget()
            self._over(order)
        elif can_go_over(source, before, order):
            swapping.begin(order)
        else:
            swapping.forget()
            worker.request(partial(self._replace, worker, order))

    def _replace(self, worker: SourceWorker, order: Look, _: Tell) -> None:
        """Load what an order wants, and look with that instead."""
        try:
            self._next = (order, self._load(order))
        except (ModelError, ConfigError, InputError) as error:
            self._refused(order, error)
        else:
            worker.stop()

    def _over(self, order: Look) -> None:
        self._link.follows = order

    def _refused(self, _: Look, error: EyespotError) -> None:
        self._link.raise_state("swap_refused", one_line(error))

    def _doing(self) -> str:
        worker = self._worker
        if self._loading:
            return "loading the model"
        return worker.readings.doing if worker is not None else ""

    def _take_step(self, step: Step) -> None:
        """Take a step of recovery; from the link's thread."""
        worker = self._worker
        if step is Step.RENEW:
            self._link.stop()  # ends the process; the service manager starts the next
        elif worker is not None:
            worker.recover(step)
