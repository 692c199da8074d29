"""What is tried for a camera that gives nothing, and when."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.recovery import Step
from eyespot.supervisor.ladder import Ladder

STEPS = (Step.RESTART, Step.RELOAD, Step.RENEW)


def climbed(ladder: Ladder, seconds: int, begin_s: int = 0) -> list[tuple[int, Step]]:
    """The steps taken within a silence, and when."""
    times = range(begin_s, begin_s + seconds)
    due = [(second, ladder.due(second * SECOND_NS)) for second in times]
    return [(second, step) for second, step in due if step is not None]


def test_gentle_steps_come_first_and_each_round_is_more_patient_than_the_last() -> None:
    taken = climbed(Ladder(STEPS, 20, 0), 200)
    assert taken == [
        (20, STEPS[0]),
        (40, STEPS[1]),
        (60, STEPS[2]),
        (100, STEPS[0]),
        (140, STEPS[1]),
        (180, STEPS[2]),
    ]


def test_patience_has_an_end_however_long_it_lasts() -> None:
    taken = climbed(Ladder(STEPS, 20, 0), 200_000)
    gaps = [later - before for (before, _), (later, _) in itertools.pairwise(taken)]
    assert max(gaps) == gaps[-1] == 900


def test_a_camera_that_stalls_again_soon_goes_on_with_the_next_step() -> None:
    ladder = Ladder(STEPS, 20, 0)
    assert climbed(ladder, 21) == [(20, Step.RESTART)]
    ladder.seen(22 * SECOND_NS)
    assert climbed(ladder, 30, 30) == [(42, Step.RELOAD)]


def test_a_camera_that_was_well_for_a_minute_begins_at_the_foot() -> None:
    ladder = Ladder(STEPS, 20, 0)
    assert len(climbed(ladder, 50)) == 2
    for second in range(50, 120):
        ladder.seen(second * SECOND_NS)
    assert climbed(ladder, 30, 120) == [(139, Step.RESTART)]


def test_a_source_without_steps_is_left_alone() -> None:
    assert climbed(Ladder((), 20, 0), 1000) == []


@given(st.lists(st.sampled_from(["seen", "silence", "busy"]), max_size=300))
def test_no_two_steps_are_nearer_than_patience_whatever_happens(happening: list[str]) -> None:
    ladder = Ladder(STEPS, 20, 0)
    taken: list[int] = []
    for second, what in enumerate(happening):
        if what == "seen":
            ladder.seen(second * SECOND_NS)
        elif what == "busy":
            ladder.busy(second * SECOND_NS)
        if ladder.due(second * SECOND_NS) is not None:
            taken.append(second)
    assert all(later - before >= 20 for before, later in itertools.pairwise(taken))
    assert sum(ladder.taken.values()) == len(taken)
