"""Tracks of a recording with what is in doubt meanwhile: as whoever looks scene by scene would have it."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as some

from eyespot.domain.doubt import Doubt
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation, Optics, Sight, no_detections
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.drift import Drift
from eyespot.drift.cutting import doubted
from eyespot.tracking.tracker import Tracker

MONDAY = Timeline(1_767_571_200 * SECOND_NS, synced=True)
NOBODY = Tracker(0.5).step(0, None)
PARTS: list[tuple[Sight, int]] = [("clear", 70), ("dark", 90), ("clear", 60), ("covered", 80), ("clear", 40)]


def film() -> list[Scene]:
    """Some minutes, three looks a second, of which one says how the picture is."""
    looks = [sight for sight, seconds in PARTS for _ in range(3 * seconds)]
    return [
        Scene(
            step * SECOND_NS // 3,
            Observation(
                step * SECOND_NS // 3,
                "m",
                no_detections(),
                sight,
                Optics(lux=step % 7) if step % 3 == 1 else None,
            ),
            NOBODY,
            MONDAY,
        )
        for step, sight in enumerate(looks)
    ]


FILM = film()


def a_drift() -> Drift:
    drift = Drift(ZoneInfo("Europe/Berlin"))
    drift.begin("m", b"")
    return drift


def told_live() -> list[Mapping[Doubt, str]]:
    drift, told = a_drift(), []
    for scene in FILM:
        drift.step(scene)
        told.append(dict(drift.doubts))
    return told


LIVE = told_live()


@given(some.sets(some.integers(1, len(FILM) - 1), max_size=9))
@example(set(range(1, len(FILM))))
@settings(deadline=None, max_examples=30)
def test_however_a_recording_is_cut_the_same_is_in_doubt_at_each_step(cuts: set[int]) -> None:
    ends = sorted({*cuts, len(FILM)})
    strips = [Strip.of(FILM[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]
    parts = list(doubted(strips, a_drift()))
    assert [doubts for part in parts for doubts in [part.doubts] * len(part)] == LIVE
    assert [taken_ns for part in parts for taken_ns in part.taken_ns] == [scene.taken_ns for scene in FILM]
    assert {name for doubts in LIVE for name in doubts} == {"too_dark", "covered"}
