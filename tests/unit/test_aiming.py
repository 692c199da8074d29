"""What is switched on for some time ends by itself: after restarts, power cuts and with any clock."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from eyespot.domain.instants import SECOND_NS
from eyespot.host.clock import ManualClock
from eyespot.store.memo import Memo
from eyespot.store.trajectories.aiming import MOST_MINUTES, Aiming

HOUR_S = 3600
UTC_NS = 1_795_000_000 * SECOND_NS


def passes(aiming: Aiming, clock: ManualClock, seconds: float) -> None:
    for _ in range(int(seconds)):
        clock.sleep(1)
        aiming.tick()


def lasts_s(aiming: Aiming, clock: ManualClock, most_s: int = 2 * 86_400) -> int:
    """Return for how many seconds it goes on, at least so many more are not waited for."""
    for second in range(0, most_s, 10):
        if not aiming.active:
            return second
        clock.sleep(10)
        aiming.tick()
    return most_s


@pytest.mark.parametrize("synced", [True, False])
def test_it_ends_after_its_minutes(tmp_path: Path, *, synced: bool) -> None:
    clock, memo = ManualClock(5 * SECOND_NS, UTC_NS, synced=synced), Memo(tmp_path / "aim.json")
    aiming = Aiming(clock, memo)
    assert not aiming.active
    assert aiming.begin(60)
    assert aiming.left_ms == HOUR_S * 1000
    assert lasts_s(aiming, clock) == HOUR_S
    assert not Aiming(clock, memo).active


def test_it_can_be_ended_and_begun_anew(tmp_path: Path) -> None:
    clock = ManualClock(0, UTC_NS)
    aiming = Aiming(clock, Memo(tmp_path / "aim.json"))
    aiming.begin(60)
    passes(aiming, clock, 600)
    aiming.begin(30)
    assert lasts_s(aiming, clock) == 1800
    aiming.begin(30)
    assert aiming.begin(0)
    assert not aiming.active
    assert not Aiming(clock, Memo(tmp_path / "aim.json")).active


@settings(max_examples=40, deadline=None)
@given(
    some.integers(1, 30),
    some.lists(some.tuples(some.integers(0, 200), some.integers(0, 10**6), some.booleans()), max_size=60),
)
def test_no_row_of_power_cuts_makes_it_longer(
    tmp_path_factory: pytest.TempPathFactory, minutes: int, lives: list[tuple[int, int, bool]]
) -> None:
    memo = Memo(tmp_path_factory.mktemp("aim") / "aim.json")
    utc_ns, on_s = UTC_NS, 0
    Aiming(ManualClock(0, utc_ns, synced=False), memo).begin(minutes)
    for runs_s, off_s, synced in lives:
        clock = ManualClock(0, utc_ns, synced=synced)  # it begins with the machine, and UTC where it ended
        aiming = Aiming(clock, memo)
        for _ in range(runs_s):
            on_s += aiming.active
            clock.sleep(1)
            aiming.tick()
        utc_ns += (runs_s + (off_s if synced else 0)) * SECOND_NS
    assert on_s <= minutes * 60


def test_a_restart_takes_a_minute_at_most(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "aim.json")
    clock = ManualClock(0, UTC_NS, synced=False)
    aiming = Aiming(clock, memo)
    aiming.begin(60)
    passes(aiming, clock, 90)
    again = Aiming(ManualClock(0, UTC_NS, synced=False), memo)
    assert HOUR_S - 90 - 60 <= again.left_ms / 1000 <= HOUR_S - 90


def test_a_time_without_power_counts_once_the_clock_is_right(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "aim.json")
    Aiming(ManualClock(0, UTC_NS, synced=True), memo).begin(60)
    later_ns = UTC_NS + 2 * HOUR_S * SECOND_NS
    assert Aiming(ManualClock(0, UTC_NS + SECOND_NS, synced=False), memo).active
    assert not Aiming(ManualClock(0, later_ns, synced=True), memo).active


def test_a_clock_that_is_set_back_does_not_make_it_longer(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "aim.json")
    Aiming(ManualClock(0, UTC_NS, synced=True), memo).begin(60)
    clock = ManualClock(0, UTC_NS - 365 * 86_400 * SECOND_NS, synced=True)
    assert lasts_s(Aiming(clock, memo), clock) <= HOUR_S


def test_what_cannot_be_written_down_is_not_begun(tmp_path: Path) -> None:
    aiming = Aiming(ManualClock(0, UTC_NS), Memo(tmp_path / "missing" / "aim.json"))
    assert not aiming.begin(60)
    assert not aiming.active


@pytest.mark.parametrize("minutes", [0, 30])
def test_on_a_full_disk_an_end_is_one_and_no_restart_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    memo = Memo(tmp_path / "aim.json")
    aiming = Aiming(ManualClock(0, UTC_NS), memo)
    aiming.begin(60)

    def fails(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("eyespot.store.memo.staged", fails)
    assert aiming.begin(minutes) == (minutes == 0)
    assert not aiming.active
    assert not Aiming(ManualClock(0, UTC_NS), memo).active


def test_where_nothing_can_be_changed_an_end_is_not_said_to_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aiming = Aiming(ManualClock(0, UTC_NS), Memo(tmp_path / "aim.json"))
    aiming.begin(60)

    def fails(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("eyespot.store.memo.staged", fails)
    monkeypatch.setattr(Path, "unlink", fails)
    assert not aiming.begin(0)
    assert not aiming.active


@settings(max_examples=60, deadline=None)
@given(
    some.one_of(
        some.binary(max_size=200),
        some.builds(
            lambda left, until: f'{{"left_s": {left}, "until_ms": {until}}}'.encode(),
            some.integers(-(10**20), 10**20),
            some.integers(-(10**20), 10**20),
        ),
    )
)
def test_whatever_is_in_the_file_it_ends_within_a_day(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.mktemp("aim") / "aim.json"
    file.write_bytes(data)
    clock = ManualClock(0, UTC_NS)
    assert lasts_s(Aiming(clock, Memo(file)), clock) <= MOST_MINUTES * 60
