"""Ten thousand devices and twenty rollouts: who is in, when they come, and what they cost."""

import math
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from eyespot.trust.desired import BUCKETS, Desired, bucket, delay_s
from eyespot.update.wire import Opened, Wire
from fakes.fleet import desired
from fakes.repository import FakeRepository
from fakes.updates import Fitted, committed, offer

DEVICES = [f"shop-{number:05}" for number in range(10_000)]
ROLLOUTS = [f"1.{number}.0-5eed" for number in range(20)]
STEPS = (1.0, 5.0, 25.0, 50.0)
WINDOW_S = 6 * 3600
BINS = 72  # of five minutes


def members(rollout: str, percent: float) -> set[str]:
    wanted: Desired = desired(percent, rollout)
    return {one for one in DEVICES if wanted.includes(one)}


@pytest.mark.parametrize("rollout", ROLLOUTS)
def test_cohorts_are_as_large_as_they_should_be_and_nobody_falls_out_as_they_grow(rollout: str) -> None:
    before: set[str] = set()
    for percent in STEPS:
        now = members(rollout, percent)
        share = percent / 100
        deviation = math.sqrt(len(DEVICES) * share * (1 - share))
        assert abs(len(now) - len(DEVICES) * share) < 4 * deviation
        assert before <= now
        before = now
    assert members(rollout, 0) == set()
    assert members(rollout, 100) == set(DEVICES)


def test_each_rollout_draws_anew_who_comes_first() -> None:
    """Of one per cent each, two have one in a hundred in common: 1 device of 100 on average."""
    first = [members(rollout, 1) for rollout in ROLLOUTS]
    in_common = [len(one & other) for n, one in enumerate(first) for other in first[:n]]
    assert sum(in_common) / len(in_common) == pytest.approx(1.0, abs=0.5)
    often = Counter(one for members_of in first for one in members_of)
    assert max(often.values()) <= 5, "nobody is always the first to try"


@pytest.mark.parametrize("rollout", ROLLOUTS)
def test_devices_come_evenly_over_the_window(rollout: str) -> None:
    """Pearson's chi-square against an even spread, 71 degrees of freedom: 143 is one in a million."""
    for percent in (100.0, 25.0):
        bins = Counter(
            delay_s(one, rollout, WINDOW_S) * BINS // WINDOW_S for one in members(rollout, percent)
        )
        expected = bins.total() / BINS
        assert sum((bins[n] - expected) ** 2 / expected for n in range(BINS)) < 143
        assert max(bins) < BINS


def test_who_comes_first_in_the_lot_does_not_come_first_in_the_window() -> None:
    """The delay is drawn apart from the bucket: correlation within 4 standard deviations of none."""
    for rollout in ROLLOUTS:
        pairs = [
            (bucket(one, rollout) / BUCKETS, delay_s(one, rollout, WINDOW_S) / WINDOW_S) for one in DEVICES
        ]
        covariance = sum((x - 0.5) * (y - 0.5) for x, y in pairs) / len(pairs)
        assert abs(covariance * 12) < 4 / math.sqrt(len(pairs))


class CountingWire(Wire):
    """Takes note of what is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def opened(self, url: str, start: int = 0) -> AbstractContextManager[Opened]:
        self.asked.append(url.rpartition("/")[2])
        return super().opened(url, start)


@pytest.mark.parametrize("percent", [0, 100])
def test_a_look_that_finds_nothing_new_costs_two_requests(tmp_path: Path, percent: float) -> None:
    repository = FakeRepository(tmp_path / "repository")
    offer(repository, percent=percent)
    device = Fitted(tmp_path / "device", repository)
    device.update()
    if percent:
        committed(device.slots)
    for _ in range(3):
        wire = device.wire = CountingWire()
        device.later(3600)
        device.update()
        assert wire.asked == ["2.root.json", "timestamp.json"]
