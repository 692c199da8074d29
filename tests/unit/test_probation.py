"""What is kept and what is left at the end of a probation: figures in, verdict out."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from eyespot.trust.probation import (
    LONGEST_S,
    NOTHING,
    Baseline,
    Evidence,
    Level,
    Terms,
    _known,
    judge,
    spell_s,
)

TERMS = Terms(probation_s=600, patience_s=120)
BUSY = Level(600, 540, 360_000, 720_000)  # ten days of an hour: nine spells of ten, two objects a look
EMPTY = Level(600, 0, 360_000, 0)


def baseline(*, noon: Level = NOTHING, night: Level = NOTHING, **more: object) -> Baseline:
    hours = [NOTHING] * 24
    hours[12], hours[3] = noon, night
    return Baseline(spell_s=60, hours=tuple(hours), **more)


def shown(minutes: int, busy: int, objects_a_look: float = 2.0, hour: int | None = 12) -> Evidence:
    """A probation at noon, at 10 looks a second."""
    looks = minutes * 600
    level = Level(minutes, busy, looks, round(busy * 600 * objects_a_look))
    return Evidence(waited_s=minutes * 60 + 1, shown_s=minutes * 60, looks=looks, hours={hour: level})


def outcome(evidence: Evidence, before: Baseline, terms: Terms = TERMS) -> str:
    return judge(evidence, before, terms).outcome


def test_who_sees_what_was_seen_before_passes_when_the_time_is_over_and_not_before() -> None:
    before = baseline(noon=BUSY)
    assert outcome(shown(9, 8), before) == "goes_on"
    assert outcome(shown(10, 9), before) == "passed"


def test_who_sees_nothing_where_much_was_due_fails() -> None:
    verdict = judge(shown(10, 0), baseline(noon=BUSY), TERMS)
    assert (verdict.outcome, verdict.reason) == ("failed", "it saw something in 0 spells, where 9 were due")


def test_nothing_due_at_night_waits_for_the_day_and_then_tells() -> None:
    before = baseline(noon=BUSY, night=EMPTY, recent=Level(60, 0, 36_000, 0))
    at_night = shown(60, 0, hour=3)
    assert outcome(at_night, before) == "goes_on"
    by_day = replace(
        at_night, shown_s=9 * 3600.0, hours={3: Level(60, 0, 36_000, 0), 12: Level(8, 0, 4800, 0)}
    )
    assert outcome(by_day, before) == "failed"
    seeing = replace(by_day, hours={3: Level(60, 0, 36_000, 0), 12: Level(8, 7, 4800, 9600)})
    assert outcome(seeing, before) == "passed"


def test_a_shop_that_has_just_closed_is_no_fault_of_the_model() -> None:
    before = baseline(night=EMPTY, recent=Level(60, 55, 36_000, 72_000))
    assert outcome(shown(10, 0, hour=3), before) == "goes_on"


def test_without_a_clock_the_last_hour_is_compared_with_and_only_for_a_while() -> None:
    before = baseline(noon=BUSY, recent=Level(30, 27, 18_000, 36_000))
    assert outcome(shown(10, 0, hour=None), before) == "failed"
    assert outcome(shown(61, 0, hour=None), before) == "goes_on"


def test_a_place_where_hardly_anybody_comes_promises_nothing() -> None:
    before = baseline(noon=Level(600, 30, 360_000, 3000))
    assert outcome(shown(60 * 14, 0), before) == "goes_on"


def test_after_a_day_without_anything_to_compare_it_stays() -> None:
    verdict = judge(replace(shown(10, 0), shown_s=LONGEST_S), baseline(), TERMS)
    assert (verdict.outcome, verdict.reason) == ("passed", "there was nothing to compare it by")


def test_who_hardly_ever_looked_does_not_stay() -> None:
    slow = replace(shown(10, 1), looks=20)
    assert outcome(slow, baseline()) == "goes_on"
    assert outcome(replace(slow, shown_s=LONGEST_S), baseline()) == "failed"


@pytest.mark.parametrize(
    ("before", "objects", "expected"),
    [
        (baseline(noon=BUSY), 9, "passed"),
        (baseline(noon=BUSY), 11, "failed"),
        (baseline(noon=Level(600, 600, 360_000, 3_600_000)), 45, "passed"),
        (baseline(noon=EMPTY), 11, "failed"),
        (baseline(), 49, "passed"),
        (baseline(), 51, "failed"),
    ],
)
def test_who_sees_far_more_than_was_ever_there_fails(before: Baseline, objects: float, expected: str) -> None:
    assert outcome(shown(10, 10, objects), before) == expected


def test_who_sees_everything_fails_early() -> None:
    assert outcome(shown(1, 1, 100), baseline(noon=BUSY)) == "failed"


@pytest.mark.parametrize(
    ("before_us", "after_ms", "expected"),
    [(10_000, 29, "passed"), (10_000, 31, "failed"), (1_000, 20, "passed"), (None, 900, "passed")],
)
def test_who_is_three_times_as_slow_fails_unless_both_are_quick(
    before_us: int | None, after_ms: float, expected: str
) -> None:
    before = baseline(noon=BUSY, latency_us=before_us)
    assert outcome(replace(shown(10, 9), latency_ms=after_ms), before) == expected


@pytest.mark.parametrize(
    ("memory_mb", "expected"),
    [
        ([100, 160, 160, 160, 160, 160, 160, 160, 160, 160], "passed"),
        (list(range(100, 200, 10)), "failed"),
        ([100, 300], "passed"),
    ],
)
def test_memory_that_keeps_growing_fails(memory_mb: list[float], expected: str) -> None:
    assert outcome(replace(shown(10, 9), memory_mb=memory_mb), baseline(noon=BUSY)) == expected


def test_whoever_gave_nothing_has_patience_to_use_up_first() -> None:
    assert outcome(Evidence(waited_s=119), baseline()) == "goes_on"
    assert judge(Evidence(waited_s=121), baseline(), TERMS).reason == "it gave nothing within 120 s"


def test_an_error_and_the_death_of_the_process_are_named() -> None:
    assert judge(replace(shown(1, 1), error="not finite"), baseline(), TERMS).reason == "not finite"
    assert outcome(replace(shown(1, 1), losses=1), baseline()) == "goes_on"
    assert "died 2 times" in judge(replace(shown(1, 1), losses=2), baseline(), TERMS).reason


levels = some.builds(
    lambda spells, busy, a_look: Level(
        spells, min(busy, spells), spells * 600, min(busy, spells) * 600 * a_look
    ),
    some.integers(0, 800),
    some.integers(0, 800),
    some.integers(0, 9),
)
baselines = some.builds(
    lambda hours, recent, latency: Baseline(
        spell_s=60, hours=tuple(hours), recent=recent, latency_us=latency
    ),
    some.lists(levels, min_size=24, max_size=24),
    levels,
    some.none() | some.integers(1, 10**6),
)


@given(baselines, some.integers(10, 2000), some.integers(0, 23))
@example(
    baseline(recent=Level(5, 4, 3000, 0)), 10, 0
)  # an hour that nobody knows: the last one says what is usual
def test_who_sees_just_what_was_usual_never_fails(before: Baseline, minutes: int, hour: int) -> None:
    usual = _known(before, hour) or before.recent
    level = Level(
        minutes,
        -(-usual.busy * minutes // max(usual.spells, 1)),
        minutes * 600,
        int(usual.objects_a_look * minutes * 600),
    )
    latency_ms = None if before.latency_us is None else before.latency_us / 1000
    evidence = Evidence(minutes * 60, minutes * 60, minutes * 600, {hour: level}, latency_ms)
    assert outcome(evidence, before) != "failed"


@given(baselines, some.integers(0, 23))
def test_no_probation_goes_on_for_ever(before: Baseline, hour: int) -> None:
    for busy in (0, 10):
        evidence = replace(shown(10, busy, hour=hour), shown_s=LONGEST_S)
        assert outcome(evidence, before) != "goes_on"


@given(baselines, some.integers(0, 10), some.integers(0, 23))
def test_what_is_broken_fails_whatever_it_saw(before: Baseline, busy: int, hour: int) -> None:
    assert outcome(replace(shown(10, busy, hour=hour), error="it is"), before) == "failed"


@given(some.lists(levels, max_size=60))
def test_hours_stay_small_numbers_and_what_is_old_fades(spells: list[Level]) -> None:
    kept = Baseline(spell_s=60)
    for level in spells:
        kept = kept.with_spell(7, level)
        assert kept.hours[7].spells <= 840
    assert kept.hours[8] == NOTHING


def test_a_short_probation_has_short_spells() -> None:
    assert (spell_s(600), spell_s(86_400), spell_s(10)) == (60, 60, 1)
