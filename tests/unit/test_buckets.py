"""What is counted in buckets, and what is said of what nobody saw."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from eyespot.buckets import Buckets
from eyespot.buckets.sums import Lasted
from eyespot.buckets.tally import uncertainty
from eyespot.domain.bucket import Bucket
from eyespot.domain.event import Crossed, LineState, OccupancyState, Reset
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.measures import NOTHING
from eyespot.domain.observation import Sight
from fakes.tallied import RULE, Tallied, number

MIDNIGHT = 1_767_225_600  # 2026-01-01 in UTC
CHANGES = [1_774_746_000, 1_792_890_000, 1_775_314_800, 1_791_041_400]  # of clocks, in Berlin and Lord Howe


Script = list[tuple[Any, ...]]


def span(one: Bucket) -> tuple[float, float]:
    return (one.begin_utc_ns / SECOND_NS - MIDNIGHT, one.end_utc_ns / SECOND_NS - MIDNIGHT)


def gaps(one: Bucket) -> list[tuple[float, float, str]]:
    return [
        (gap.begin_utc_ns / SECOND_NS - MIDNIGHT, gap.end_utc_ns / SECOND_NS - MIDNIGHT, gap.cause)
        for gap in one.gaps
    ]


def test_a_bucket_is_told_two_seconds_after_its_end_with_what_was_counted_in_it() -> None:
    shop = Tallied()
    shop.watch(30)
    shop.cross(0.1)
    shop.watch(31.9)
    assert not shop.told
    shop.watch(0.2)
    [one] = shop.told
    assert (span(one), one.rev, one.cut, one.counts) == ((0, 60), 0, None, {"person": {"in": 1}})
    assert (one.coverage, one.gaps, one.uncertainty, one.synced) == (1.0, (), 0.0, True)
    assert one.bundle == shop.bundle


def test_hours_in_which_not_even_the_silence_was_noted_are_one_bucket() -> None:
    shop = Tallied()
    shop.watch(30)
    shop.step(shop.taken_ns + 7200 * SECOND_NS, sees=False)
    shop.watch(60)
    half, nothing, rest = shop.told
    assert (span(half), gaps(half)) == ((0, 60), [(30.25, 60, "silent")])
    assert (span(nothing), nothing.counts, gaps(nothing)) == ((60, 7200), None, [(60, 7200, "silent")])
    assert (span(rest), gaps(rest)) == ((7200, 7260), [(7200, 7230, "silent")])


def test_who_crossed_before_the_end_counts_there_though_it_was_known_later() -> None:
    shop = Tallied()
    shop.watch(61)
    shop.cross(1.5, 0.5)
    shop.watch(60)
    assert [one.counts["person"]["in"] for one in shop.end()] == [1, 1, 0]


def test_what_is_known_very_late_corrects_the_bucket_that_was_told() -> None:
    shop = Tallied()
    shop.watch(100)
    shop.cross(70)
    first, again = shop.told
    assert (first.rev, first.counts) == (0, {"person": {"in": 0}})
    assert (again.rev, again.counts) == (1, {"person": {"in": 1}})
    assert span(again) == span(first) == (0, 60)
    assert number(shop.end()) == 1


def test_what_is_known_too_late_counts_now() -> None:
    shop = Tallied(step_s=1)
    shop.watch(20 * 60)
    shop.cross(15 * 60)
    assert [one.rev for one in shop.told] == [0] * 19
    assert number(shop.end()[-1:]) == 1


def test_a_rate_of_next_to_nothing_lets_a_look_stand_for_a_day() -> None:
    shop = Tallied()
    shop.buckets.expect(1e-300)
    shop.watch(1)
    assert shop.buckets.stands_ns == 86_400 * SECOND_NS


def test_silence_is_a_gap_and_never_nobody() -> None:
    shop = Tallied()
    shop.watch(90)
    shop.silence(100)
    shop.watch(60)
    seen, half, nothing, rest = shop.told
    assert (seen.coverage, seen.counts) == (1.0, {"person": {"in": 0}})
    assert half.coverage == pytest.approx(0.5, abs=0.01)
    assert gaps(half) == [(90.25, 120, "silent")]
    assert (nothing.coverage, nothing.counts, nothing.gauges, nothing.uncertainty) == (0, None, None, None)
    assert gaps(nothing) == [(120, 180, "silent")]
    assert gaps(rest) == [(180, 190, "silent")]


@pytest.mark.parametrize("sight", ["dark", "covered"])
def test_where_nothing_can_be_seen_looking_covers_nothing(sight: Sight) -> None:
    shop = Tallied()
    shop.watch(30)
    shop.sight = sight
    shop.watch(100)
    shop.sight = "clear"
    shop.watch(60)
    half, nothing, rest = shop.told
    assert (half.coverage, gaps(half)) == (0.5, [(30, 60, sight)])
    assert (nothing.coverage, nothing.counts, gaps(nothing)) == (0, None, [(60, 120, sight)])
    assert gaps(rest) == [(120, 130, sight)]


def test_dark_after_silence_are_two_gaps() -> None:
    shop = Tallied()
    shop.watch(10)
    shop.silence(10)
    shop.sight = "dark"
    shop.watch(10)
    shop.sight = "covered"
    shop.watch(10)
    shop.sight = "clear"
    shop.watch(25)
    assert gaps(shop.told[0]) == [(10.25, 20, "silent"), (20, 30, "dark"), (30, 40, "covered")]


def test_nobody_knows_whether_it_is_still_dark_when_nothing_comes_any_more() -> None:
    shop = Tallied()
    shop.watch(10)
    shop.sight = "dark"
    shop.watch(10)
    shop.silence(10)
    shop.watch(10)
    shop.silence(33)
    assert gaps(shop.told[0]) == [
        (10, 20.25, "dark"),
        (20.25, 30, "silent"),
        (30, 40.25, "dark"),
        (40.25, 60, "silent"),
    ]


def test_looking_at_half_the_rate_will_do_and_at_a_tenth_of_it_will_not() -> None:
    for step_s, coverage in ((0.2, 1.0), (1.0, 0.25)):
        shop = Tallied()
        shop.step_s = step_s
        shop.watch(63)
        assert shop.told[0].coverage == pytest.approx(coverage, abs=0.01)
        assert shop.told[0].gaps == ()


def test_a_gauge_has_least_most_and_a_mean_of_the_time_that_was_seen() -> None:
    shop = Tallied()
    shop.watch(10)
    shop.stand(3)
    shop.watch(20)
    shop.silence(15)
    shop.stand(1)
    shop.watch(20)
    [one] = shop.told
    level = one.gauges["occupancy"]["person"]
    assert (level.now, level.least, level.most) == (1, 0, 3)
    assert level.mean == pytest.approx((3 * 20.25 + 1 * 15) / 45.25, abs=0.02)


def test_how_long_stays_were_is_told_by_their_median_and_p90() -> None:
    lasted = Lasted()
    for seconds in (*range(1, 101), -1.0, float("nan"), float("inf")):
        lasted.add(seconds)
    number, mean, median, p90, longest = lasted.spread()
    assert (number, mean, longest) == (100, 50.5, 100)
    assert (median, p90) == (pytest.approx(50, rel=0.025), pytest.approx(90, rel=0.025))
    assert len(lasted.sizes) < 70


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=60))
def test_whatever_is_said_of_durations_lies_among_them(seconds: list[float]) -> None:
    lasted = Lasted()
    for one in seconds:
        lasted.add(one)
    number, _, median, p90, longest = lasted.spread()
    assert (number, longest) == (len(seconds), max(seconds))
    assert median <= p90 <= longest


def test_a_process_that_died_leaves_a_gap_and_the_bucket_goes_on() -> None:
    shop = Tallied()
    shop.watch(20)
    shop.cross(0.0)
    shop.kill(5)
    shop.watch(5)
    shop.cross(0.0)
    shop.watch(35)
    [one] = shop.told
    assert one.counts == {"person": {"in": 2}}
    assert gaps(one) == [(20, 25, "restart")]
    assert one.coverage == pytest.approx(55 / 60, abs=0.01)


def test_a_process_that_leaves_in_the_dark_tells_the_next_one_that_it_was_dark() -> None:
    shop = Tallied()
    shop.watch(20)
    shop.sight = "dark"
    shop.watch(10)
    shop.stop()
    shop.lose_power(3600, -7200, synced=False)
    shop.watch(1)
    [one] = shop.told
    assert (one.cut, gaps(one)) == ("restart", [(20, 30, "dark")])


def test_what_was_seen_since_the_last_count_is_lost_for_a_minute_at_most() -> None:
    shop = Tallied(bucket_s=3600)
    shop.watch(150)
    shop.cross(0.0)
    shop.watch(100)
    shop.kill(1)
    shop.watch(3400)
    [one] = shop.told
    assert gaps(one) == [(210, 251, "restart")]
    assert one.counts == {"person": {"in": 1}}


def test_hours_without_power_are_one_bucket_of_which_nothing_is_known() -> None:
    shop = Tallied()
    shop.watch(20)
    shop.cross(0.0)
    shop.lose_power(3600)
    shop.watch(60)
    before, off, after, *_ = shop.end()[:3]
    assert (span(before), gaps(before)) == ((0, 60), [(20, 60, "restart")])
    assert (span(off), off.counts, gaps(off)) == ((60, 3600), None, [(60, 3600, "restart")])
    assert (span(after), gaps(after)) == ((3600, 3660), [(3600, 3620, "restart")])


def test_what_was_counted_by_a_clock_that_nobody_trusted_goes_to_where_it_belongs() -> None:
    shop = Tallied()
    shop.watch(20)
    shop.cross(0.0)
    shop.lose_power(7200, -7195, synced=False)  # as a Pi without a battery does
    shop.watch(30)
    shop.cross(0.0)
    shop.set_clock(7195)
    shop.watch(30)
    before, off, after, *_ = shop.end()
    assert (span(before), before.cut, before.counts) == ((0, 20), "restart", {"person": {"in": 1}})
    assert (span(off), off.counts) == ((20, 7200), None)
    assert (span(after)[0], after.synced, after.counts) == (7200, True, {"person": {"in": 1}})
    assert gaps(after)[0] == (7200, 7220, "restart")


def test_what_lies_in_two_buckets_by_the_right_clock_ends_where_that_was_found() -> None:
    shop = Tallied(synced=False)
    shop.watch(20)
    shop.cross(0.0)
    shop.watch(30)
    shop.set_clock(3600 - 25)
    shop.watch(40)
    first, second = shop.told
    assert (span(first), first.cut, first.counts) == ((3540, 3625), "clock", {"person": {"in": 1}})
    assert (span(second), second.cut, number([second])) == ((3625, 3660), None, 0)
    assert gaps(first) == [(3540, 3575, "restart")]


def test_times_between_a_wrong_clock_and_the_right_one_are_of_a_clock_that_was_set() -> None:
    shop = Tallied(synced=False)
    shop.watch(70)
    shop.set_clock(3600)
    shop.watch(60)
    wrong, between, right = shop.told
    assert (span(wrong), wrong.synced) == ((0, 60), False)
    assert (span(between), gaps(between)) == ((60, 3660), [(60, 3660, "clock")])
    assert (span(right), right.synced, right.coverage, gaps(right)) == ((3660, 3720), True, 1.0, [])


def test_a_clock_that_proves_right_made_no_mistake() -> None:
    shop = Tallied(synced=False)
    shop.watch(30)
    shop.set_clock(0.0)
    shop.watch(33)
    assert shop.told[0].synced


def test_where_utc_is_never_known_a_bucket_outlives_the_process_but_not_the_machine() -> None:
    for reboots, spans in ((False, [(0, 60)]), (True, [(0, 20), (20, 60)])):
        shop = Tallied(synced=False)
        shop.watch(20)
        shop.cross(0.0)
        shop.kill(5, reboots)
        shop.watch(40)
        assert [span(one) for one in shop.told] == spans
        assert number(shop.told) == 1


def test_a_clock_that_was_set_back_while_nobody_ran_ends_the_bucket() -> None:
    shop = Tallied()
    shop.watch(40)
    shop.cross(0.0)
    shop.lose_power(5, -20)
    shop.watch(40)
    first, second = shop.told
    assert (span(first), first.cut, number([first])) == ((0, 40), "restart", 1)
    assert (span(second), number([second])) == ((25, 60), 0)


@pytest.mark.parametrize("by_s", [-7200.0, 7200.0, 86_400.0 * 365, -3.0])
def test_a_trusted_clock_that_is_set_ends_the_bucket_there_and_nothing_is_counted_twice(by_s: float) -> None:
    shop = Tallied(bucket_s=900)
    shop.watch(20)
    shop.cross(0.0)
    shop.set_clock(by_s)
    shop.watch(1)
    shop.cross(0.0)
    shop.watch(20)
    first, *_, last = shop.end()
    assert (span(first), first.cut, number([first])) == ((0, 20), "clock", 1)
    assert number([last]) == 1
    assert number(shop.newest()) == shop.totals == 2


def test_a_clock_that_is_set_right_by_little_steps_ends_nothing() -> None:
    shop = Tallied()
    for _ in range(30):
        shop.watch(4)
        shop.set_clock(0.05)
    shop.watch(10)
    assert [(span(one), one.cut) for one in shop.told] == [((0, 60), None), ((60, 120), None)]


def test_a_little_step_back_over_the_end_of_a_bucket_opens_it_no_more() -> None:
    shop = Tallied()
    shop.watch(60)
    shop.set_clock(-0.5)
    shop.change_model("b@1.0.0-000000000000")
    shop.watch(63)
    assert [span(one) for one in shop.told] == [(0, 60), (60, 120)]


def test_another_model_splits_the_bucket() -> None:
    shop = Tallied()
    shop.watch(20)
    shop.cross(0.0)
    shop.change_model("b@1.0.0-000000000000")
    shop.cross(0.0, 0.0)
    shop.watch(50)
    first, second = shop.told
    assert (span(first), first.cut, first.bundle[0], number([first])) == ((0, 20), "model", "a", 1)
    assert (span(second), second.cut, second.bundle[0], number([second])) == ((20, 60), None, "b", 2)


def test_a_reset_ends_the_bucket_at_once_and_what_comes_late_counts_from_there() -> None:
    shop = Tallied()
    shop.watch(20)
    shop.cross(0.0, 0.0)
    shop.reset()
    [first] = shop.told
    assert (span(first), first.cut, number([first])) == ((0, 20), "reset", 2)
    shop.cross(5.0)
    shop.watch(60)
    assert number(shop.end()[1:]) == shop.totals == 1


def test_a_rule_that_resets_itself_has_what_it_counted_before_and_after_in_two_buckets() -> None:
    shop = Tallied()
    shop.watch(20)
    shop.cross(0.0)
    now_ns, person = shop.taken_ns, {"person": {"in": 3, "out": 0}}
    before = Crossed(RULE, now_ns, "in", "person", 1, shop.bundle)
    reset = Reset(RULE, now_ns, "manual", LineState(person), 0, shop.bundle)
    late = structs.replace(before, taken_ns=now_ns - 5 * SECOND_NS)
    shop.totals = 2  # of which one was there already when it began anew
    shop.buckets.count(RULE, shop.state, [before, before, reset, late], 0)
    shop.watch(50)
    first, second = shop.told
    assert (first.cut, number([first]), number([second])) == ("reset", 3, 1)


def test_where_one_more_leaves_than_had_come_no_gauge_goes_below_zero() -> None:
    shop = Tallied()
    shop.watch(20)
    before = OccupancyState({"person": -1}, {"person": 0}, {"person": 1})
    shop.buckets.count(RULE, shop.state, [Reset(RULE, shop.taken_ns, "negative", before, 0, shop.bundle)], 0)
    shop.watch(50)
    gauges = shop.told[0].gauges
    assert gauges is not None
    assert (shop.told[0].cut, gauges["occupancy"]["person"].now) == ("reset", 0)


def test_nothing_of_another_length_is_gone_on_with() -> None:
    shop = Tallied()
    shop.watch(20)
    shop.cross(0.0)
    shop.bucket_s = 10
    shop.kill(1)
    shop.watch(1)
    assert [(span(one), one.cut, one.bucket_s) for one in shop.end()] == [
        ((0, 20), "changed", 10),
        ((20, 22), "end", 10),
    ]


@pytest.mark.parametrize(
    "kept",
    [{}, [], {"bucket_s": 60}, {"bucket_s": 60, "tally": {"begin_utc_ns": -1}}, {"bucket_s": 2**70}],
)
def test_what_was_not_kept_by_us_is_passed_over_and_named(kept: object) -> None:
    assert Buckets({RULE: 60}, ZoneInfo("UTC")).open(RULE, NOTHING, kept) == ""  # nothing has begun
    begun = Buckets({RULE: 60}, ZoneInfo("UTC"))
    begun.begin("m@1", 0, Timeline(0, synced=True))
    assert begun.open(RULE, NOTHING, kept)
    assert not begun.open("another", NOTHING, kept)
    shop = Tallied()
    shop.kept = (kept, 7)
    shop.kill(10)
    shop.watch(5)
    assert number(shop.end()) == 0


def test_tracks_that_nobody_could_decide_on_are_told() -> None:
    shop = Tallied()
    shop.doubt(2)
    shop.watch(70)
    shop.doubt(1)
    first, second = shop.end()
    assert (first.ambiguous, first.uncertainty, second.ambiguous) == (2, 2.0, 1)


def test_the_less_was_seen_the_less_is_certain() -> None:
    assert uncertainty(100, 3, 1.0) == 3
    assert uncertainty(100, 0, 0.5) == pytest.approx(100.5 + 2 * (100.5 * 2) ** 0.5)
    assert uncertainty(0, 0, 0.5) > uncertainty(0, 0, 0.9) > 0


def test_times_are_told_once_whatever_stands_still_or_goes_back() -> None:
    shop = Tallied()
    shop.watch(30)
    shop.silence(20)
    for _ in range(50):
        shop.step(shop.taken_ns - 20 * SECOND_NS)
        shop.cross(0.0)
    shop.watch(20)
    [one] = shop.told
    assert (span(one), number([one])) == ((0, 60), 50)
    assert one.coverage == pytest.approx(40.25 / 60, abs=0.001)


steps = st.one_of(
    st.tuples(st.just("watch"), st.floats(0.05, 400)),
    st.tuples(st.just("silence"), st.floats(0.05, 400)),
    st.tuples(st.just("cross"), st.floats(0, 200), st.floats(0, 5)),
    st.tuples(st.just("kill"), st.floats(0, 9000), st.booleans()),
    st.tuples(st.just("stop")),
    st.tuples(st.just("reset")),
    st.tuples(st.just("change_model"), st.sampled_from(["a@1.0.0-000000000000", "b@1.0.0-000000000000"])),
    st.tuples(st.just("doubt"), st.integers(1, 3)),
    st.tuples(st.just("stand"), st.integers(0, 9)),
)
jumps = st.tuples(st.just("set_clock"), st.floats(-9000, 9000), st.booleans())
strays = st.tuples(st.just("lose_power"), st.floats(0, 9000), st.floats(-9000, 9000), st.booleans())
begins_s = st.builds(
    lambda change, beside: change + beside, st.sampled_from(CHANGES), st.integers(-100_000, 20_000)
)


def live(shop: Tallied, script: Script) -> None:
    for what, *how in script:
        getattr(shop, what)(*how)


@given(
    begins_s,
    st.sampled_from([10, 60, 900, 3600, 86_400]),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    st.lists(steps, max_size=12),
)
def test_buckets_tile_time_and_add_up_whatever_dies(
    begin_s: int, bucket_s: int, zone: str, script: Script
) -> None:
    shop = Tallied(bucket_s=bucket_s, zone=zone, utc_s=begin_s, step_s=1.0)
    live(shop, script)
    shop.watch(5)
    told = shop.end()
    assert number(told) == shop.totals + shop.before_resets
    assert all(one.begin_utc_ns < one.end_utc_ns for one in told)
    assert all(first.end_utc_ns == second.begin_utc_ns for first, second in pairwise(told))
    assert all(0 <= one.coverage <= 1 for one in told)
    assert all(one.counts is None or one.coverage > 0 or number([one]) for one in told)
    assert all(one.begin_utc_ns <= gap[0] < gap[1] <= one.end_utc_ns for one in told for gap in one.gaps)
    assert abs(told[-1].end_utc_ns / SECOND_NS - shop.now_s) < 0.01
    covered_s = sum(one.coverage * (one.end_utc_ns - one.begin_utc_ns) for one in told) / SECOND_NS
    assert covered_s <= shop.looked_s + 1e-4 * (told[-1].end_utc_ns - told[0].begin_utc_ns) / SECOND_NS


@given(
    st.booleans(),
    st.sampled_from([10, 60, 900, 3600, 86_400]),
    st.lists(st.one_of(steps, jumps, strays), max_size=15),
)
def test_nothing_is_lost_or_counted_twice_however_clocks_jump(
    synced: bool, bucket_s: int, script: Script
) -> None:
    shop = Tallied(bucket_s=bucket_s, zone="Europe/Berlin", step_s=1.0, synced=synced)
    live(shop, script)
    shop.watch(5)
    shop.end()
    corrected = {
        id(one) for place, one in enumerate(shop.told) if _has_successor(shop.told[place + 1 :], one)
    }
    assert number([one for one in shop.told if id(one) not in corrected]) == shop.totals + shop.before_resets
    assert all(one.begin_utc_ns < one.end_utc_ns for one in shop.told)


def _has_successor(later: Sequence[Bucket], one: Bucket) -> bool:
    return any(
        (two.begin_utc_ns, two.end_utc_ns, two.rev) == (one.begin_utc_ns, one.end_utc_ns, one.rev + 1)
        for two in later
    )
