"""Supervision: readiness, heartbeats, the watchdog, the order of the stop, what ends it all."""

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eyespot.domain.errors import InputError
from eyespot.domain.notice import NOTICE, Notice, Told
from eyespot.host.clock import ManualClock
from eyespot.ports import Beat
from eyespot.supervisor.signals import Wish
from eyespot.supervisor.supervisor import START_AGAIN, Outcome, StopStep, Supervisor
from eyespot.supervisor.threads import Watched, Worker


class Manager:
    """Writes down what the service manager is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def starting(self, status: str) -> None:
        self.told.append(f"starting: {status}")

    def ready(self, status: str) -> None:
        self.told.append(f"ready: {status}")

    def status(self, text: str) -> None:
        self.told.append(text)

    def watchdog(self) -> None:
        self.told.append("watchdog")

    def stopping(self) -> None:
        self.told.append("stopping")


class Steady:
    """Beats once, then waits to be stopped."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def run(self, beat: Beat) -> None:
        beat()
        self.stopped.wait()


class Ends:
    def run(self, beat: Beat) -> None:
        beat()


class Fails:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def run(self, beat: Beat) -> None:
        raise self._error


class Stage:
    """A supervisor over workers; wishes and passing time come from a script."""

    def __init__(
        self,
        *workers: Worker,
        reload: Callable[[], bool] = lambda: False,
        starting: Callable[[], bool] = lambda: False,
    ) -> None:
        self.manager = Manager()
        self.clock = ManualClock()
        self.stops: list[str] = []
        threads = [Watched(f"{type(worker).__name__}", worker, self.clock) for worker in workers]
        self.supervisor = Supervisor(
            threads=threads,
            stop=[StopStep(self._ask(t, w), t, 0.2, 1) for t, w in zip(threads, workers, strict=True)],
            manager=self.manager,
            tick=lambda: None,
            describe=lambda: "all well",
            reload=reload,
            next_wish=self._next_wish,
            clock=self.clock,
            starting=starting,
        )
        self._script: Iterator[Wish | float | None] = iter([])

    def run(self, *script: Wish | float | None) -> Outcome:
        self._script = iter(script)
        return self.supervisor.run()

    def _next_wish(self, _: float) -> Wish | None:
        step = next(self._script, None)
        if isinstance(step, float):
            self.clock.sleep(step)
            return None
        return step

    def _ask(self, thread: Watched, worker: Worker) -> Callable[[float], None]:
        def ask(patience_s: float) -> None:
            self.stops.append(f"{thread.name} {patience_s}")
            if isinstance(worker, Steady):
                worker.stopped.set()

        return ask


def test_it_says_ready_once_the_threads_run_and_stopping_before_they_are_stopped() -> None:
    stage = Stage(Steady())
    assert stage.run(None, Wish.STOP) is Outcome.STOPPED
    assert stage.manager.told[0] == "ready: all well"
    assert stage.manager.told[-1] == "stopping"
    assert stage.stops == ["Steady 0.2"]


def test_it_says_ready_once_what_belongs_to_the_start_is_done_and_never_again() -> None:
    answers = iter([True, True, False, True])
    stage = Stage(Steady(), starting=lambda: next(answers))
    stage.run(None, None, 3.0, 3.0, Wish.STOP)
    told = [text for text in stage.manager.told if text != "watchdog"]
    assert told == ["starting: all well", "starting: all well", "ready: all well", "all well", "stopping"]


def test_the_watchdog_is_pinged_while_it_starts_too() -> None:
    stage = Stage(Steady(), starting=lambda: True)
    stage.run(None, Wish.STOP)
    assert stage.manager.told == ["starting: all well", "watchdog", "starting: all well", "stopping"]


def test_the_watchdog_is_pinged_only_while_every_heartbeat_is_fresh() -> None:
    stage = Stage(Steady(), Steady())
    stage.run(5.0, 3.0, 3.0, None, Wish.STOP)
    assert stage.manager.told.count("watchdog") == 2
    assert any("thread hangs" in told for told in stage.manager.told)


def test_the_log_tells_of_the_start_of_what_hangs_and_of_the_stop(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(Steady())
    with caplog.at_level(NOTICE):
        stage.run(5.0, 3.0, 3.0, None, Wish.STOP)
    assert [record.eyespot for record in caplog.records] == [
        Told(Notice.READY, {}),
        Told(Notice.THREAD_HANGS, {"thread": "Steady"}),
        Told(Notice.STOPPING, {"reason": "on request"}),
    ]


def test_where_the_whole_process_stood_still_no_thread_is_to_blame(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(Steady())
    stage.run(60.0, 1.0, Wish.STOP)  # and a moment later they beat again
    assert caplog.text == ""


def test_a_source_that_has_ended_ends_it_with_more_patience() -> None:
    stage = Stage(Ends())
    assert stage.run() is Outcome.ENDED
    assert stage.stops == ["Ends 1"]


def test_a_signal_cuts_the_patience_after_the_end_short() -> None:
    lingers = Steady()
    stage = Stage(Ends(), lingers)
    asked: list[float] = []

    def ask(patience_s: float) -> None:
        asked.append(patience_s)
        if patience_s < 1:
            lingers.stopped.set()

    stage.supervisor._stop_steps = [StopStep(ask, stage.supervisor._threads[1], 0.2, 1000)]
    stage.supervisor._next_wish = lambda _: Wish.STOP if asked else None
    assert stage.supervisor.run() is Outcome.ENDED
    assert asked == [1000, 0.2]


def test_an_error_of_a_thread_is_raised_after_the_others_were_stopped() -> None:
    stage = Stage(Steady(), Fails(InputError("clip.avi: cut off")))
    with pytest.raises(InputError, match="cut off"):
        stage.run()
    assert len(stage.stops) == 2


def test_a_bug_in_a_thread_shows_its_traceback_and_is_told_as_one(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(Fails(ZeroDivisionError()))
    assert stage.run() is Outcome.BUG
    assert "a bug in the Fails thread" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_thread_past_its_deadline_is_named_and_counts_as_a_bug(caplog: pytest.LogCaptureFixture) -> None:
    class Stuck(Steady):
        pass

    stuck = Stuck()
    stage = Stage(stuck)
    stage.supervisor._stop_steps = [StopStep(lambda _: None, stage.supervisor._threads[0], 0, 0)]
    with caplog.at_level(logging.ERROR):
        assert stage.run(Wish.STOP) is Outcome.BUG
    assert "the Stuck thread does not stop" in caplog.text
    stuck.stopped.set()


def test_a_bug_in_stopping_one_thread_does_not_keep_the_others_running(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage(Steady())

    def broken(_: float) -> None:
        raise ZeroDivisionError

    thread = stage.supervisor._threads[0]
    stage.supervisor._stop_steps = [StopStep(broken, thread, 0, 0), *stage.supervisor._stop_steps]
    assert stage.run(Wish.STOP) is Outcome.BUG
    assert not thread.running
    assert "a bug in stopping the Steady thread" in caplog.text


def test_a_reload_that_is_refused_changes_nothing_and_one_that_is_taken_up_ends_this_life() -> None:
    answers = iter([False, True])
    stage = Stage(Steady(), reload=lambda: next(answers))
    assert stage.run(Wish.RELOAD, None, Wish.RELOAD) is Outcome.RELOAD
    assert "stopping" not in stage.manager.told


def test_a_restart_stops_all_in_order_and_asks_whoever_watches_to_start_it_again() -> None:
    stage = Stage(Steady())
    outcome = stage.run(None, Wish.RESTART)
    assert (outcome, outcome.exit_code) == (Outcome.RESTART, START_AGAIN)
    assert stage.manager.told[-1] == "stopping"
    unit = (Path(__file__).parents[2] / "systemd" / "eyespot.service").read_text()
    assert f"RestartForceExitStatus={START_AGAIN}\nSuccessExitStatus={START_AGAIN}\n" in unit
