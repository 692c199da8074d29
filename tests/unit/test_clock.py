"""The machine's clock and the manual one."""

import threading
import time
from pathlib import Path

import pytest

from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.host import clock as module
from eyespot.host.clock import ManualClock, SystemClock, may_soon_be_set
from eyespot.ports import Clock


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()])
def test_a_clock_moves_on_by_what_was_slept(clock: Clock) -> None:
    before_ns = clock.now_ns()
    clock.sleep(0.01)
    assert clock.now_ns() - before_ns >= 10_000_000


def test_the_systems_timeline_leads_to_its_utc() -> None:
    clock = SystemClock()
    assert clock.timeline().utc_ns(clock.now_ns()) == pytest.approx(time.time_ns(), abs=SECOND_NS)


def test_the_manual_clock_moves_only_when_somebody_sleeps() -> None:
    clock = ManualClock(now_ns=5, utc_at_zero_ns=100, synced=False)
    assert (clock.now_ns(), clock.timeline()) == (5, Timeline(100, synced=False))
    clock.sleep(1.5)
    assert clock.now_ns() == 5 + SECOND_NS * 3 // 2


def test_the_manual_clock_loses_no_step_between_threads() -> None:
    clock = ManualClock()
    sleepers = [threading.Thread(target=lambda: [clock.sleep(1e-9) for _ in range(2000)]) for _ in range(4)]
    for sleeper in sleepers:
        sleeper.start()
    for sleeper in sleepers:
        sleeper.join()
    assert clock.now_ns() == 8000


def test_whether_utc_is_right_is_asked_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True])
    clock = SystemClock(is_synced=lambda: next(answers))
    now_ns = 0
    monkeypatch.setattr(clock, "now_ns", lambda: now_ns)
    assert [clock.timeline().synced, clock.timeline().synced] == [False, False]
    now_ns = SECOND_NS
    assert [clock.timeline().synced, clock.timeline().synced] == [True, True]


@pytest.mark.parametrize(
    ("result", "error_us", "flag", "synced"),
    [
        (0, 1000, False, True),
        (5, 15_999_999, False, True),  # the kernel was told not to touch the hardware clock
        (5, 16_000_000, False, False),
        (-1, 0, False, False),  # ProtectClock=
        (-1, 0, True, True),
    ],
)
def test_utc_is_right_when_the_kernel_or_timesyncd_says_so(
    result: int, error_us: int, flag: bool, synced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Library:
        def __init__(self, _: None) -> None: ...

        @staticmethod
        def adjtimex(reference: object) -> int:
            reference._obj.maxerror = error_us  # type: ignore[attr-defined]
            return result

    path = tmp_path / "synchronized"
    if flag:
        path.touch()
    monkeypatch.setattr(module, "_TIMESYNCD_FLAG", path)
    monkeypatch.setattr(module.ctypes, "CDLL", Library)
    assert module.utc_is_synced() is synced


def test_utc_is_not_right_where_nobody_can_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TIMESYNCD_FLAG", tmp_path / "nothing")
    monkeypatch.setattr(module.ctypes, "CDLL", lambda _: object())
    assert module.utc_is_synced() is False


@pytest.mark.parametrize(
    ("up_s", "synced", "waits"), [(5, False, True), (5, True, False), (119, False, True), (121, False, False)]
)
def test_a_clock_that_nobody_sets_within_two_minutes_is_not_waited_for(
    up_s: int, synced: bool, waits: bool
) -> None:
    assert may_soon_be_set(ManualClock(up_s * SECOND_NS, synced=synced)) is waits
