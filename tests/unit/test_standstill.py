"""When a process stood still."""

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.standstill import Standstill


def test_who_asks_often_enough_never_stood_still_however_long_it_runs() -> None:
    standstill = Standstill(2.0, 0)
    assert not any(standstill.ended(second * SECOND_NS) for second in range(2, 1000, 2))


def test_a_standstill_is_told_once_when_it_ends() -> None:
    standstill = Standstill(2.0, 7 * SECOND_NS)
    told = [standstill.ended(at * SECOND_NS) for at in (9, 12, 13, 15, 20)]
    assert told == [False, True, False, False, True]
