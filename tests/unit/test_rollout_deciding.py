"""A rollout never widens on failures, impatience or silence, and nobody who is away holds it up for ever."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot_fleet.rollout.deciding import Device, Finish, Limit, Stop, Terms, View, Wait, Widen, decide
from eyespot_fleet.rollout.standing import Phase, Standing
from fakes.fleet import TERMS, device, view

SOAKED_S = TERMS.soak_s + 1
PATIENCE_OVER_S = TERMS.patience_s + 1

times = st.floats(0, 3 * TERMS.patience_s)
percents = st.integers(0, 10_000).map(lambda hundredths: hundredths / 100)
standings = st.sampled_from(get_args(Phase)).map(lambda phase: Standing(phase, phase))
devices = st.builds(
    Device, id=st.uuids().map(str), bucket=st.integers(0, 9999), standing=standings, online=st.booleans(),
    moved_s=times,
)  # fmt: skip
fleets = st.lists(devices, max_size=40, unique_by=lambda one: one.id).map(tuple)
views = st.builds(
    View, percent=percents, since_s=times, jitter_s=st.sampled_from([0.0, 3600.0]), hears=st.booleans(),
    devices=fleets,
)  # fmt: skip
limits = st.builds(Limit, most=st.floats(0, 100), of_hundred=st.booleans())
terms = st.builds(
    Terms,
    steps=st.lists(percents.filter(bool), min_size=1, max_size=5, unique=True).map(sorted).map(tuple),
    soak_s=st.just(1800.0), patience_s=st.just(86400.0), limit=limits,
)  # fmt: skip


def there(seen: View) -> list[Device]:
    return [d for d in seen.devices if d.is_in(seen.percent) and (d.online or d.has_failed or d.is_done)]


@given(views, terms, times)
def test_a_rollout_stops_and_never_widens_while_too_many_have_failed(
    seen: View, given_terms: Terms, now_s: float
) -> None:
    failed = [one for one in seen.devices if one.has_failed]
    if given_terms.limit.is_passed(len(failed), len(there(seen))):
        action = decide(seen, given_terms, now_s)
        assert isinstance(action, Stop)
        assert {one.id for one in failed} <= {one.id for one in action.failed}


@given(views, terms, times)
def test_a_rollout_widens_after_the_soak_alone_and_only_grows_up_to_its_last_step(
    seen: View, given_terms: Terms, now_s: float
) -> None:
    action = decide(seen, given_terms, now_s)
    if isinstance(action, Widen):
        assert seen.percent < action.percent <= given_terms.steps[-1]
        assert seen.hears
        assert seen.percent == 0 or now_s - seen.since_s >= given_terms.soak_s


@given(views, terms, times)
def test_silence_is_no_success(seen: View, given_terms: Terms, now_s: float) -> None:
    action = decide(seen, given_terms, now_s)
    here = there(seen)
    done = sum(one.is_done for one in here)
    if isinstance(action, Widen) and seen.percent > 0 and not (done and 2 * done >= len(here)):
        assert not here
        newly = [
            d for d in seen.devices if d.online and d.is_in(action.percent) and not d.is_in(seen.percent)
        ]
        assert len({one.bucket for one in newly}) == 1, "it came to more than one device on no evidence"
    if isinstance(action, Finish):
        assert done
        assert 2 * done >= len(here)


@given(st.lists(devices, min_size=1, max_size=40), terms)
def test_nobody_who_is_away_holds_a_rollout_up(fleet: list[Device], given_terms: Terms) -> None:
    """However many are away: if one is there and does well with it, it goes on after a soak."""
    away = [Device(d.id, d.bucket, Standing("waits", ""), online=False, moved_s=d.moved_s) for d in fleet]
    percent = given_terms.steps[0]
    well = Device("well", 0, Standing("done", ""), online=True, moved_s=0.0)
    action = decide(view(percent, [*away, well]), given_terms, SOAKED_S)
    assert isinstance(action, Finish if len(given_terms.steps) == 1 else Widen)


def test_a_step_waits_for_those_who_are_there_and_have_not_come_to_an_end() -> None:
    fleet = [device(1, "done"), device(2, "moves"), device(3, "done")]
    assert decide(view(1, fleet), TERMS, SOAKED_S) == Wait("waits for 1 of 3 that are there")
    assert decide(view(1, [device(1, "done"), device(2, "done"), device(200, "waits")]), TERMS, SOAKED_S) == (
        Widen(5.0)
    )


def test_who_is_there_and_does_not_move_is_waited_for_until_patience_is_over() -> None:
    fleet = [device(1, "done"), device(2, "waits"), device(999, "waits")]
    assert isinstance(decide(view(1, fleet), TERMS, TERMS.patience_s - 1), Wait)
    assert decide(view(1, fleet), TERMS, PATIENCE_OVER_S) == Widen(25.0)
    spread = view(1, fleet, jitter_s=7200.0)
    assert isinstance(decide(spread, TERMS, PATIENCE_OVER_S), Wait)
    assert decide(spread, TERMS, PATIENCE_OVER_S + 7200) == Widen(25.0)


def test_it_does_not_widen_on_the_word_of_a_few_however_long_the_others_say_nothing() -> None:
    fleet = [device(1, "done"), device(2, "waits"), device(3, "waits"), device(999, "waits")]
    assert decide(view(1, fleet), TERMS, PATIENCE_OVER_S) == Wait(
        "1 of 3 that are there have done well, want half of them"
    )


@pytest.mark.parametrize("percent", [0, 1])
def test_where_no_device_is_heard_cohort_and_prefix_are_asked_about_at_once(percent: float) -> None:
    waits = decide(view(percent, []), TERMS, 0.0)
    assert waits == Wait("no device of this cohort has been heard: are --cohort and --prefix right?")


def test_a_step_that_would_come_to_nobody_new_is_passed_over() -> None:
    fleet = [device(50, "done"), device(3000, "waits")]
    assert decide(view(1, fleet), TERMS, SOAKED_S) == Widen(100.0)


def test_where_few_devices_are_it_begins_with_the_one_that_comes_first() -> None:
    fleet = [device(730, "waits"), device(400, "waits", online=False), device(9000, "waits")]
    assert decide(view(0, fleet), TERMS, 0) == Widen(7.31)
    assert decide(view(7.31, fleet), TERMS, SOAKED_S) == Wait("waits for 1 of 1 that are there")


def test_where_nobody_of_a_step_is_there_it_comes_to_one_device_more() -> None:
    fleet = [device(5, "waits", online=False), device(300, "waits"), device(301, "waits")]
    assert decide(view(1, fleet), TERMS, TERMS.soak_s - 1) == Wait("soaks for 1 s more")
    assert decide(view(1, fleet), TERMS, SOAKED_S) == Widen(3.01)
    nobody = decide(view(100, [device(5, "waits", online=False)]), TERMS, SOAKED_S)
    assert nobody == Wait("no device that it has come to, or may come to, is there")


def test_who_goes_away_on_probation_and_stays_away_has_failed() -> None:
    fleet = [device(1, "trial", online=False, moved_s=600.0), *(device(n, "done") for n in range(2, 12))]
    assert isinstance(decide(view(1, fleet), TERMS, 600 + TERMS.soak_s), Widen)
    action = decide(view(1, fleet), TERMS, 601 + TERMS.soak_s)
    assert isinstance(action, Stop)
    (gone,) = action.failed
    assert (gone.id, gone.standing.words) == ("shop-1", "has been gone since it began its probation")


def test_failures_are_told_by_those_who_are_there_not_by_those_who_keep_silent() -> None:
    silent = [device(n, "waits", online=False) for n in range(900)]
    fleet = [*silent, device(1, "failed"), *(device(n, "done") for n in range(900, 940))]
    assert isinstance(decide(view(100, fleet), TERMS, 1.0), Stop)
    more = [*fleet, *(device(n, "done") for n in range(940, 980))]
    assert isinstance(decide(view(100, more), TERMS, 1.0), Wait)


def test_nothing_widens_while_the_broker_is_silent_but_what_is_known_stops_it() -> None:
    assert decide(view(1, [device(1, "done")], hears=False), TERMS, SOAKED_S) == Wait(
        "waits for what the broker has to tell"
    )
    assert isinstance(decide(view(1, [device(1, "failed")], hears=False), TERMS, 0), Stop)


def test_it_is_finished_when_its_last_step_has_gone_well() -> None:
    fleet = [device(1, "done"), device(2, "done"), device(3, "waits", online=False)]
    assert isinstance(decide(view(100, fleet), TERMS, TERMS.soak_s - 1), Wait)
    assert decide(view(100, fleet), TERMS, SOAKED_S) == Finish()
