"""How many messages may come."""

from eyespot.host.clock import ManualClock
from eyespot.sources.quota import Quota


def allowed(quota: Quota, tries: int) -> int:
    return sum(quota.allows() for _ in range(tries))


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    clock = ManualClock()
    quota = Quota(clock, per_s=5, at_once=20)
    assert allowed(quota, 100) == 20
    clock.sleep(1)
    assert allowed(quota, 100) == 5
    clock.sleep(0.1)
    assert allowed(quota, 100) == 0
    clock.sleep(0.1)
    assert allowed(quota, 100) == 1


def test_what_was_not_used_is_not_saved_up_without_end() -> None:
    clock = ManualClock()
    quota = Quota(clock, per_s=5, at_once=20)
    clock.sleep(3600)
    assert allowed(quota, 100) == 20
