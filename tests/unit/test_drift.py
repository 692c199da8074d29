"""What is said when it is not seen what used to be: by light, by focus, by numbers; and what is not said."""

import math
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from eyespot.domain.doubt import DOUBTS, Doubt
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation, Optics, Sight, no_detections
from eyespot.domain.track import Scene
from eyespot.drift import Drift
from eyespot.drift.doubts import worth
from eyespot.drift.dwell import Dwell
from eyespot.drift.flow import Flow
from eyespot.drift.kept import (
    MOST_LEVELS,
    Kept,
    KeptFlow,
    KeptFocus,
    KeptMean,
    KeptModel,
    Standing,
    packed,
    unpacked,
)
from eyespot.drift.moment import Moment, moment
from eyespot.tracking.tracker import Tracker

UTC = ZoneInfo("UTC")
MONDAY = Timeline(1_767_571_200 * SECOND_NS, synced=True)
NOBODY = Tracker(0.5).step(0, None)
DAY = Optics(lux=200, focus=90)
Look = tuple[Sight | None, Optics | None]


def scene(second: float, look: Look, timeline: Timeline = MONDAY, bundle: str = "m") -> Scene:
    taken_ns, (sight, optics) = round(second * SECOND_NS), look
    seen = None if sight is None else Observation(taken_ns, bundle, no_detections(), sight, optics)
    return Scene(taken_ns, seen, NOBODY, timeline)


def a_drift(kept: bytes = b"", bundle: str = "m") -> Drift:
    drift = Drift(UTC)
    drift.begin(bundle, kept)
    return drift


def watch(
    drift: Drift, looks: Iterable[Look], begin_s: float = 0, timeline: Timeline = MONDAY
) -> list[tuple[float, set[Doubt]]]:
    """Return what came into doubt or went, and in which second."""
    told: list[tuple[float, set[Doubt]]] = []
    before = set(drift.doubts)
    for number, look in enumerate(looks):
        drift.step(scene(begin_s + number, look, timeline))
        if set(drift.doubts) != before:
            before = set(drift.doubts)
            told.append((begin_s + number, before))
    return told


def minutes(number: int, sight: Sight | None = "clear", optics: Optics | None = DAY) -> list[Look]:
    return [(sight, optics)] * (number * 60)


# --- light ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sight", "name"), [("dark", "too_dark"), ("covered", "covered")])
def test_it_takes_a_minute_of_darkness_and_half_a_minute_of_light(sight: Sight, name: Doubt) -> None:
    told = watch(a_drift(), [*minutes(1), *minutes(3, sight), *minutes(2)])
    assert told == [(120, {name}), (270, set())]


def test_a_hand_that_wipes_the_lens_and_a_light_that_flickers_are_nothing() -> None:
    flicker = [("dark", DAY) if second % 40 else ("clear", DAY) for second in range(3600)]
    assert watch(a_drift(), [*minutes(1), *minutes(1, "covered")[:50], *minutes(1), *flicker]) == []


def test_silence_is_neither_light_nor_darkness() -> None:
    dark = minutes(1, "dark")[:50]
    assert watch(a_drift(), [*dark, (None, None), *dark, (None, None), *dark]) == []
    drift = a_drift()
    assert watch(drift, [*minutes(2, "dark"), *minutes(60, None, None)]) == [(60, {"too_dark"})]


def test_without_a_clock_and_without_figures_the_words_do_without() -> None:
    drift = a_drift()
    watch(drift, minutes(2, "dark", None), timeline=Timeline(0, synced=False))
    assert drift.doubts == {"too_dark": "nothing can be seen: as the camera says"}


def test_the_usual_light_is_that_of_the_hour_and_outlives_the_process() -> None:
    drift = a_drift()
    watch(drift, minutes(60, optics=Optics(lux=30)))
    watch(drift, minutes(60, optics=Optics(lux=900)), begin_s=3600)
    again = a_drift(drift.keep())
    watch(again, minutes(2, "dark", Optics(lux=0.01)), begin_s=24 * 3600)
    assert (
        again.doubts["too_dark"]
        == "nothing can be seen since 2026-01-06 00:00 UTC: 0.01 lux; usually 30 lux at this hour"
    )


def test_what_nobody_sees_is_no_usual_light() -> None:
    drift = a_drift()
    watch(drift, minutes(60, "dark", Optics(lux=0.1)))
    assert "usually" not in drift.doubts["too_dark"]


def test_an_even_floor_that_is_learned_anew_covers_nothing_even_after_a_restart() -> None:
    even = Optics(brightness=70, sharpness=15)
    drift = a_drift()
    watch(drift, minutes(5, "covered", even))
    assert "an even floor" in drift.doubts["covered"]
    assert "send cmd/view/relearn" in drift.doubts["covered"]
    assert worth(drift.seen("covered"), drift.doubts) == "covered"
    drift.relearn()
    assert (drift.doubts, drift.seen("covered"), drift.seen("dark")) == ({}, "clear", "dark")
    assert watch(drift, minutes(90, "covered", even), begin_s=300) == []
    again = a_drift(drift.keep())
    assert watch(again, minutes(5, "covered", even), begin_s=6000) == []
    assert unpacked(again.keep()).models[0].focus.levels["pb3"].number > 80, "it is learned from"
    assert [told for _, told in watch(again, minutes(5, "dark"), begin_s=7000)] == [{"too_dark"}]


def test_what_is_learned_anew_with_something_to_be_seen_takes_an_even_picture_for_a_cover_again() -> None:
    drift = a_drift()
    watch(drift, minutes(5, "covered"))
    drift.relearn()
    watch(drift, minutes(5), begin_s=300)
    drift.relearn()
    assert [told for _, told in watch(drift, minutes(5, "covered"), begin_s=600)] == [{"covered"}]


# --- focus ----------------------------------------------------------------------------------------------


def test_a_blur_is_told_after_five_minutes_and_over_after_three() -> None:
    blurred = Optics(lux=200, focus=20)
    told = watch(a_drift(), [*minutes(90), *minutes(30, optics=blurred), *minutes(30)])
    assert told == [(95 * 60, {"defocused"}), (123 * 60, set())]


def test_another_light_is_compared_with_itself_only() -> None:
    night = Optics(lux=2, focus=8)
    assert watch(a_drift(), [*minutes(90), *minutes(90, optics=night), *minutes(90)]) == []
    assert watch(a_drift(), [*minutes(90), *minutes(90, optics=Optics(brightness=3, focus=8))]) == []


def test_brightness_stands_in_for_lux() -> None:
    sharp, blurred = Optics(brightness=45, focus=40), Optics(brightness=45, focus=8)
    told = watch(a_drift(), [*minutes(90, optics=sharp), *minutes(30, optics=blurred)])
    assert [doubts for _, doubts in told] == [{"defocused"}]


def test_a_crowd_that_halves_the_detail_and_one_minute_of_spray_are_nothing() -> None:
    crowd, spray = Optics(lux=200, focus=50), Optics(lux=200, focus=5)
    looks = [*minutes(90), *minutes(30, optics=crowd), *minutes(3, optics=spray), *minutes(30)]
    assert watch(a_drift(), looks) == []


def test_where_the_detail_varies_widely_more_is_asked_for() -> None:
    wide = [
        look
        for _ in range(60)
        for focus in (200, 40)
        for look in minutes(1, optics=Optics(lux=200, focus=focus))
    ]
    assert watch(a_drift(), [*wide, *minutes(30, optics=Optics(lux=200, focus=25))]) == []


def test_a_blur_lasts_over_a_restart_with_its_words_and_is_not_learned() -> None:
    drift = a_drift()
    watch(drift, [*minutes(90), *minutes(300, optics=Optics(lux=200, focus=20))])
    again = a_drift(drift.keep())
    assert again.doubts == drift.doubts
    assert "focus 20, usually 90 at this light" in again.doubts["defocused"]
    assert watch(again, minutes(600, optics=Optics(lux=200, focus=20)), begin_s=400 * 60) == []


def test_the_measure_of_the_camera_is_never_compared_with_that_of_the_picture() -> None:
    by_camera, by_picture = Optics(lux=200, focus=1200), Optics(lux=200, sharpness=30)
    drift = a_drift()
    assert watch(drift, [*minutes(90, optics=by_camera), *minutes(90, optics=by_picture)]) == []
    assert set(unpacked(drift.keep()).models[0].focus.levels) == {"cl5", "pl5"}
    blurred = minutes(30, optics=Optics(lux=200, sharpness=6))
    assert [doubts for _, doubts in watch(drift, blurred, begin_s=12_000)] == [{"defocused"}]


@pytest.mark.parametrize("optics", [None, Optics(), Optics(lux=200), Optics(focus=3), Optics(sharpness=3)])
def test_who_tells_no_focus_or_no_light_is_never_out_of_focus(optics: Optics | None) -> None:
    assert watch(a_drift(), [*minutes(90), *minutes(90, optics=optics)]) == []


LASTS = msgspec.json.encode(
    {"models": [{"bundle": "m", "focus": {"levels": {"cl5": [90, 4.5]}, "standing": [None, 20.0, 90.0]}}]}
)


@pytest.mark.parametrize(
    "look",
    [
        ("clear", None),
        ("clear", Optics(lux=200)),
        ("clear", Optics(lux=200, sharpness=20)),
        ("clear", Optics(brightness=45, focus=20)),
    ],
    ids=["nothing", "no focus", "another measure", "another light"],
)
def test_a_blur_with_which_nothing_can_be_compared_any_more_ends_in_an_hour_and_says_so(look: Look) -> None:
    drift = a_drift(LASTS)
    assert watch(drift, [look] * 1800) == []
    assert (
        "nothing comes that could be compared; so this ends in an hour of such pictures"
        in (drift.doubts["defocused"])
    )
    assert watch(drift, [look] * 3600, begin_s=1800) == [(3600, set())]
    assert unpacked(drift.keep()).models[0].focus.standing is None


def test_few_looks_end_a_blur_as_well() -> None:
    few: list[Look] = [
        ("clear", Optics(lux=200, focus=20)) if second % 10 == 0 else (None, None) for second in range(7200)
    ]
    assert [doubts for _, doubts in watch(a_drift(LASTS), few)] == [set()]


def test_a_sharp_picture_in_a_light_that_is_known_every_other_minute_ends_a_blur() -> None:
    light: list[Look] = [*minutes(1), *minutes(1, optics=Optics(lux=2, focus=90))]
    assert [doubts for _, doubts in watch(a_drift(LASTS), light * 70)] == [set()]


def test_a_night_or_one_comparison_an_hour_keeps_a_blur() -> None:
    blurred = Optics(lux=200, focus=20)
    night = [*minutes(50, optics=None), *minutes(600, "dark"), *minutes(2, optics=blurred)]
    drift = a_drift(LASTS)
    told = watch(drift, [*night, *minutes(50, optics=None), *minutes(2, optics=blurred)])
    assert all("defocused" in doubts for _, doubts in told)
    assert "nothing comes" not in drift.doubts["defocused"], "it is compared again"


@pytest.mark.parametrize("kept", [{}, {"levels": {"cl5": [59, 4.5], "l5": [90, 4.5]}}])
def test_a_kept_blur_is_nothing_without_knowing_what_is_usual(kept: dict[str, Any]) -> None:
    focus = kept | {"standing": [None, 1.0, 9.0]}
    drift = a_drift(msgspec.json.encode({"models": [{"bundle": "m", "focus": focus}]}))
    assert drift.doubts == {}


def test_a_blur_names_the_way_back_where_it_is_meant() -> None:
    assert a_drift(LASTS).doubts["defocused"].endswith("Where that is meant, send cmd/view/relearn")


def test_a_blur_before_a_silence_and_one_after_it_are_two() -> None:
    blurred = Optics(lux=200, focus=20)
    parts = [*minutes(90), *minutes(4, optics=blurred), *minutes(30, None, None), *minutes(4, optics=blurred)]
    assert watch(a_drift(), parts) == []


def test_few_looks_make_no_minute() -> None:
    few = [look if second % 10 == 0 else (None, None) for second, look in enumerate(minutes(200))]
    drift = a_drift()
    watch(drift, few)
    assert unpacked(drift.keep()).models[0].focus == KeptFocus()


# --- numbers --------------------------------------------------------------------------------------------


def hour(flow: Flow, at: int, walks: int, seen: float = 1.0) -> None:
    """An hour, counted from Monday's midnight, with a step a second of which a share sees something."""
    for second in range(3600):
        taken_s = at * 3600 + second
        now = Moment(taken_s * SECOND_NS, taken_s, at % 168)
        flow.step(now, int(second < walks), sees=second < seen * 3600)


def weeks(counts: list[list[int]], seen: float = 1.0) -> Flow:
    """Three hours of each of some Mondays."""
    flow = Flow(KeptFlow())
    for week, hours in enumerate(counts):
        for of_day, walks in enumerate([*hours, 0]):
            hour(flow, week * 168 + of_day, walks, seen)
    return flow


def test_two_empty_hours_are_told_once_three_weeks_are_known() -> None:
    usual = [[100, 120], [90, 110], [110, 130]]
    assert weeks([*usual, [2, 3]]).words == (
        "5 walked by in the last 2 hours, usually 220 at these hours of the week (3 weeks); counts go on"
    )
    assert weeks([*usual, [2, 90]]).words == ""
    assert weeks([*usual[:2], [2, 3]]).words == ""
    assert weeks([*usual, [900, 900]]).words.startswith("1800 walked by")
    assert weeks([*usual, [2, 3], [90, 110]]).words == "", "the next hour that is as usual ends it"


def test_unusual_numbers_end_a_week_after_the_last_hours_that_were_unusual() -> None:
    for clock in (True, False):
        flow = weeks([[100, 120], [90, 110], [110, 130], [2, 3]])
        told_s = (3 * 168 + 2) * 3600
        for at in range(told_s + 60, told_s + 167 * 3600, 600):
            flow.step(Moment(at * SECOND_NS, at if clock else None), 0, sees=True)
        assert flow.words
        flow.step(Moment((told_s + 168 * 3600) * SECOND_NS), 0, sees=True)
        assert flow.words == ""


def test_two_unusual_hours_with_one_between_that_tells_nothing_are_not_in_a_row() -> None:
    usual = [[100, 10, 120], [90, 10, 110], [110, 10, 130]]
    assert weeks([*usual, [2, 0, 3]]).words == ""


def test_few_and_half_seen_hours_are_not_compared() -> None:
    assert weeks([[10, 10], [10, 10], [10, 10], [0, 0]]).words == ""
    assert weeks([[100, 120], [90, 110], [110, 130], [2, 3]], seen=0.8).words == ""


def test_numbers_outlive_the_process_and_without_a_clock_nothing_is_compared() -> None:
    kept = weeks([[100, 120]] * 3).keep()
    again = Flow(kept)
    hour(again, 3 * 168, 2)
    hour(again, 3 * 168 + 1, 3)
    hour(again, 3 * 168 + 2, 0)
    assert again.words
    unsynced = Flow(kept)
    for second in range(3 * 3600):
        unsynced.step(Moment(second * SECOND_NS), 0, sees=True)
    assert (unsynced.words, unsynced.keep()) == ("", kept)


# --- all together ---------------------------------------------------------------------------------------


def test_of_what_is_in_doubt_only_unusual_numbers_leave_a_look_its_worth() -> None:
    assert [worth("clear", {name}) for name in DOUBTS] == ["clear", "clear", "defocused", "moved", "clear"]
    assert worth("dark", {"moved", "defocused"}) == "dark"


def test_each_model_has_its_own_usual_and_the_way_back_forgets_nothing() -> None:
    drift = a_drift()
    watch(drift, minutes(90))
    drift.change_model("n")
    assert watch(drift, minutes(90, optics=Optics(lux=200, focus=20)), begin_s=6000) == []
    drift.change_model("m")
    assert [
        told for _, told in watch(drift, minutes(30, optics=Optics(lux=200, focus=20)), begin_s=12_000)
    ] == [{"defocused"}]
    drift.change_model("n")
    assert drift.doubts == {}
    drift.change_model("third")
    assert [one.bundle for one in unpacked(drift.keep()).models] == ["n", "third"]


def test_what_is_learned_anew_is_in_doubt_no_more() -> None:
    drift = a_drift()
    watch(drift, [*minutes(90), *minutes(30, optics=Optics(lux=200, focus=20))])
    drift.relearn()
    assert drift.doubts == {}
    assert watch(drift, minutes(90, optics=Optics(lux=200, focus=20)), begin_s=8000) == []


def test_how_a_picture_is_may_be_told_of_a_scene_that_is_not_compared() -> None:
    drift = a_drift()
    for half in range(2 * 7200):
        optics = DAY if half % 2 else None
        drift.step(scene(half / 2, ("clear", optics)))
    assert unpacked(drift.keep()).models[0].focus.levels["cl5"].number > 100


def test_what_goes_back_in_time_is_compared_all_the_same() -> None:
    drift = a_drift()
    watch(drift, minutes(2), begin_s=10_000)
    assert watch(drift, minutes(2, "dark"), begin_s=0) == [(60, {"too_dark"})]


@settings(max_examples=30, deadline=None)
@given(
    some.lists(
        some.tuples(
            some.sampled_from(["clear", "dark", "covered", None]), some.integers(1, 5), some.integers(1, 100)
        ),
        max_size=30,
    ),
    some.integers(0, 10**9),
)
def test_a_shift_in_time_changes_nothing_but_when(
    parts: list[tuple[Sight | None, int, int]], shift_s: int
) -> None:
    looks = [
        look for sight, long, focus in parts for look in minutes(long, sight, Optics(lux=100, focus=focus))
    ]
    unsynced = Timeline(0, synced=False)
    here = watch(a_drift(), looks, timeline=unsynced)
    there = watch(a_drift(), looks, begin_s=shift_s, timeline=unsynced)
    assert there == [(second + shift_s, told) for second, told in here]


@settings(max_examples=50, deadline=None)
@given(some.lists(some.tuples(some.booleans() | some.none(), some.integers(1, 400))))
def test_nothing_turns_before_its_time(told: list[tuple[bool | None, int]]) -> None:
    dwell, turned_ns, now_ns = Dwell(60, 30), 0, 0
    for value, seconds in told:
        now_ns += seconds * SECOND_NS
        held = dwell.holds
        if dwell.note(now_ns, told=value):
            assert now_ns - turned_ns >= (30 if held else 60) * SECOND_NS
            assert value is dwell.holds
            turned_ns = now_ns


def test_since_when_is_told_with_its_day_as_a_doubt_may_last_for_weeks() -> None:
    assert Moment(0, 1_767_571_200).since == " since 2026-01-05 00:00 UTC"
    assert Moment(0).since == ""


def test_instants_of_any_clock_have_a_moment() -> None:
    assert moment(scene(0, ("clear", None)), UTC) == Moment(0, 1_767_571_200, 0)
    assert moment(scene(0, ("clear", None)), ZoneInfo("Europe/Berlin")).hour == 1
    for far in (-(2**63), 2**68):
        assert moment(scene(0, ("clear", None), Timeline(far, synced=True)), UTC) == Moment(0)


# --- what comes from a disk -----------------------------------------------------------------------------

WHOLE = packed(
    Kept(
        (KeptMean(700, 5.0, 0.2),) * 24,
        (
            KeptModel(
                "m",
                KeptFocus({"cl5": KeptMean(90, 4.5), "evil": KeptMean(90, 4.5)}, Standing(None, 2.0, 90.0)),
            ),
        ),
    )
)


@pytest.mark.parametrize(
    "evil",
    [
        b"",
        b"\xff" * 9,
        b"[" * 100_000,
        b"[]",
        WHOLE[:-5],
        WHOLE.replace(b"4.5", b"1e999"),
        WHOLE.replace(b"4.5", b"NaN"),
        WHOLE.replace(b"4.5", b"-21"),
        WHOLE.replace(b"[null,2.0", b'["<script>",2.0'),
        WHOLE.replace(b"90", b"-90"),
        WHOLE.replace(b'"bundle"', b'"more"'),
        WHOLE.replace(b"700", b"7" * 400),
        msgspec.json.encode({"models": [{"bundle": "m", "places": {"bins": [[24 * 18 * 24, 1]]}}]}),
        msgspec.json.encode({"models": [{"bundle": "m", "places": {"bins": [[-1, 1]]}}]}),
        msgspec.json.encode({"models": [{"bundle": "m"}] * 3}),
        msgspec.json.encode({"light": [[1, 1.0]] * 25}),
        msgspec.json.encode({"models": [{"bundle": "m", "flow": {"hours": [[1, 1.0]] * 169}}]}),
    ],
)
def test_what_is_no_such_thing_counts_as_nothing(evil: bytes) -> None:
    assert unpacked(evil) == Kept()
    assert a_drift(evil).doubts == {}


def test_the_most_that_can_be_kept_is_read_again_and_goes_on() -> None:
    most = 2**40
    kept: dict[str, Any] = {
        "light": [[most, 20.0, 40.0]] * 24,
        "models": [
            {
                "bundle": name,
                "focus": {
                    "levels": {f"cl{level}": [most, 20.0, 40.0] for level in range(13)},
                    "standing": [None, 1e9, 1e9],
                },
                "places": {
                    "tracks": most,
                    "scores": [most] * 52,
                    "looked_s": 1e12,
                    "bins": [[one, most] for one in range(24 * 18 * 24)],
                    "standing": [253_000_000_000, 1e9, 1e9],
                },
                "flow": {"hours": [[most, 1e9]] * 168},
            }
            for name in ("m", "n")
        ],
    }
    drift = a_drift(msgspec.json.encode(kept))
    assert set(drift.doubts) == {"defocused", "moved"}
    assert all(len(words) < 320 for words in drift.doubts.values())
    watch(drift, [*minutes(3), *minutes(2, "dark")])
    assert unpacked(drift.keep()) != Kept()


def test_all_levels_that_can_be_learned_are_read_again() -> None:
    lights = [
        *({"lux": 10 ** (half / 2)} for half in range(-2, 13)),
        *({"brightness": b} for b in range(10, 100, 20)),
    ]
    drift = a_drift()
    for number, light in enumerate([*lights, *lights]):
        measure = {"focus" if number < len(lights) else "sharpness": 50.0}
        watch(drift, minutes(2, optics=Optics(**light, **measure)), begin_s=number * 120)
    [model] = unpacked(drift.keep()).models
    assert len(model.focus.levels) == MOST_LEVELS


_MEANS = some.tuples(some.integers(0, 2**40), some.floats(-20, 20), some.floats(0, 40))


@settings(max_examples=25, deadline=None)
@given(
    some.dictionaries(some.sampled_from(["cl5", "pl5", "cb2", "pb2", "l5"]), _MEANS),
    some.tuples(some.none() | some.integers(0, 10**9), some.floats(0, 1e9), some.floats(0, 1e9)),
    some.lists(some.integers(0, 1000), max_size=52),
    some.floats(0, 1e6),
)
def test_whatever_was_kept_there_is_a_way_back(
    levels: dict[str, Any], standing: Any, scores: list[int], looked_s: float
) -> None:
    focus = {"levels": levels, "standing": standing}
    places = {"tracks": sum(scores), "scores": scores, "looked_s": looked_s, "standing": standing}
    kept = msgspec.json.encode({"models": [{"bundle": "m", "focus": focus, "places": places}]})
    drift = a_drift(kept)
    assert ("moved" in drift.doubts) == (sum(scores) >= 300 and looked_s >= 72_000)
    watch(drift, minutes(62, optics=Optics(lux=2, focus=90)))
    assert "defocused" not in drift.doubts
    drift.relearn()
    assert drift.doubts == {}


def test_words_are_made_of_numbers_and_nothing_from_the_disk_is_quoted() -> None:
    drift = a_drift(WHOLE)
    assert drift.doubts["defocused"].startswith("the picture is not sharp: focus 2, usually 90")
    assert b"evil" not in drift.keep()


def test_figures_keep_two_digits_and_means_forget_slowly() -> None:
    assert Optics(123.4, 16.66, 1.049, 0.0123, 99.6) == Optics(120, 17, 1, 0.012, 100)
    mean = KeptMean(0, 0.0)
    for value in [1.0] * 100 + [3.0] * 100:
        mean = mean.with_one(value, 50)
    assert (mean.number, math.isclose(mean.mean, 3 - 2 * (1 - 1 / 50) ** 100)) == (50, True)
    assert np.isfinite(mean.spread)
