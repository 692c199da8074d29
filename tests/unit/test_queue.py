"""The queue rule: who queues, for how long, and how that ends."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.event import Event, JoinedQueue, LeftQueue
from eyespot.domain.instants import SECOND_NS
from eyespot.rules import build
from eyespot.rules.queue import Queue, QueueSettings
from fakes.visitors import LABELS, scene, wait, walk, way

# From left to right; people come from the left, the till is at the right: side 2.
PLACE = ((0.2, 0.4), (0.8, 0.4), (0.8, 0.6), (0.2, 0.6))
BEHIND, LAST, FIRST, TILL = (0.1, 0.5), (0.3, 0.5), (0.7, 0.5), (0.9, 0.5)
ASIDE = (0.3, 0.9)
COMES = way(BEHIND, LAST, 2)


def a_queue(**settings: object) -> Queue:
    given = {"kind": "queue", "id": "till", "points": PLACE, "service": (2,), **settings}
    rule = build(msgspec.convert(given, QueueSettings), LABELS, "overhead")
    assert isinstance(rule, Queue)
    return rule


def length(queue: Queue) -> int:
    state = queue.state()
    for label, number in state.length.items():
        assert (
            number == state.joined[label] - state.served[label] - state.abandoned[label] - state.lost[label]
        )
        assert number >= 0
    return state.length.get("person", 0)


def queued(queue: Queue, seconds: float = 20) -> list[Event]:
    """Let somebody come and stand at the end of the queue."""
    return [*walk(queue, COMES), *wait(queue, 2.1, seconds, (1, LAST))]


def test_who_comes_and_stays_queues_since_coming_in() -> None:
    queue = a_queue()
    [joined] = queued(queue)
    assert isinstance(joined, JoinedQueue)
    assert joined.taken_ns == pytest.approx(SECOND_NS, abs=1000)
    assert length(queue) == 1


def test_who_walks_through_does_not_queue() -> None:
    queue = a_queue()
    assert walk(queue, way(BEHIND, TILL, 8)) == []
    assert queue.state().joined == {}


def test_who_stops_for_less_than_it_takes_to_join_does_not_queue() -> None:
    queue = a_queue(join_s=5)
    events = [*queued(queue, 6), *walk(queue, way(LAST, TILL, 5), from_s=6)]
    assert events == []


def test_who_moves_on_slowly_queues() -> None:
    queue = a_queue()
    assert len(walk(queue, way(BEHIND, FIRST, 20))) == 1


def test_who_leaves_to_be_served_has_waited() -> None:
    queue = a_queue()
    queued(queue)
    [left] = walk(queue, way(LAST, TILL, 12), from_s=20)
    assert isinstance(left, LeftQueue)
    assert (left.outcome, left.found, left.rule, left.label) == ("served", False, "till", "person")
    assert left.taken_ns == pytest.approx(30 * SECOND_NS, abs=1000)
    assert left.dwell_s == pytest.approx(29, abs=1e-3)
    assert queue.state().wait_s == pytest.approx(left.dwell_s, abs=1e-3)
    assert queue.state().served == {"person": 1}
    assert length(queue) == 0


@pytest.mark.parametrize("where", [BEHIND, ASIDE, (0.3, 0.1)])
def test_who_leaves_elsewhere_has_given_up(where: tuple[float, float]) -> None:
    queue = a_queue()
    queued(queue)
    [left] = walk(queue, way(LAST, where, 4), from_s=20)
    assert isinstance(left, LeftQueue)
    assert left.outcome == "abandoned"
    assert queue.state().wait_s is None


def test_several_sides_may_be_the_service() -> None:
    queue = a_queue(service=(2, 3))
    queued(queue)
    [left] = walk(queue, way(LAST, ASIDE, 4), from_s=20)
    assert isinstance(left, LeftQueue)
    assert left.outcome == "served"


@pytest.mark.parametrize(
    ("place", "outcome"), [((0.5, 0.5), "lost"), ((0.77, 0.5), "served"), ((0.23, 0.5), "abandoned")]
)
def test_of_who_vanishes_the_side_is_known_where_it_was_near(
    place: tuple[float, float], outcome: str
) -> None:
    queue = a_queue(points=((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)))
    assert len(wait(queue, 0, 10, (1, place))) == 1
    [left] = wait(queue, 10, 20)
    assert isinstance(left, LeftQueue)
    assert left.outcome == outcome
    assert left.taken_ns == pytest.approx(9.9 * SECOND_NS)


def test_who_is_hidden_while_queueing_goes_on_queueing() -> None:
    queue = a_queue()
    queued(queue)
    wait(queue, 20, 22)
    assert wait(queue, 22, 40, (2, (0.35, 0.5))) == []
    assert wait(queue, 40, 80, silent=True) == []
    assert wait(queue, 80, 90, (3, (0.35, 0.5))) == []
    assert length(queue) == 1


def test_after_a_restart_who_still_queues_has_waited_since_before() -> None:
    queue = a_queue()
    queued(queue)
    fresh = a_queue()
    fresh.restore(json.loads(json.dumps(queue.snapshot())))
    assert length(fresh) == 1
    assert wait(fresh, 20, 30, (1, LAST)) == []
    [left] = walk(fresh, way(LAST, TILL, 12), from_s=30)
    assert isinstance(left, LeftQueue)
    assert left.dwell_s == pytest.approx(left.taken_ns / SECOND_NS - 1, abs=1e-3)


@pytest.mark.parametrize(
    "snapshot",
    [
        {},
        {"joined": {"person": 1}, "served": {}, "abandoned": {}, "lost": {}, "stays": []},
        {"joined": {}, "served": {"person": 1}, "abandoned": {}, "lost": {}, "stays": []},
        {"entered": {}, "left": {}, "stays": []},
    ],
)
def test_what_is_no_snapshot_is_refused(snapshot: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a snapshot of a queue"):
        a_queue().restore(snapshot)


def test_a_reset_counts_anew_and_forgets_nobody_who_queues() -> None:
    queue = a_queue(classes=("person",))
    queued(queue)
    queue.reset()
    state = queue.state()
    assert (state.joined, state.served, state.length) == ({"person": 1}, {"person": 0}, {"person": 1})
    walk(queue, way(LAST, TILL, 12), from_s=20)
    assert length(queue) == 0


def test_with_another_model_who_queues_stays_under_the_same_name() -> None:
    queue = a_queue()
    queued(queue)
    queue.relabel(("cat", "person"), "n@2")
    [left] = walk(queue, way(LAST, TILL, 12), from_s=20, kinds=1)
    assert left.label == "person"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"service": (5,)}, "there is no side 5; the last is 4"),
        ({"service": ()}, "length >= 1"),
        ({"points": (PLACE[0], PLACE[2], PLACE[1], PLACE[3])}, "meet"),
        ({"pace": 0}, ">= 0.05"),
        ({"join_s": float("nan")}, ">="),
    ],
)
def test_what_is_no_queue_is_refused(settings: dict[str, object], problem: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=problem):
        a_queue(**settings)


steps = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(1, 3), st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9])), max_size=3),
        st.sampled_from([0.3, 1.1, 4.0]),
    ),
    max_size=30,
)


@settings(max_examples=150)
@given(steps, st.integers(0, 30))
def test_the_length_is_always_those_that_joined_and_have_not_left(script: list, restart_at: int) -> None:
    queue, at_s = a_queue(join_s=1), 0.0
    for number, (places, pause_s) in enumerate(script):
        if number == restart_at:
            kept = queue.snapshot()
            queue = a_queue(join_s=1)
            queue.restore(json.loads(json.dumps(kept)))
        at_s += pause_s
        tracks = sorted({one: (one, (x, 0.5)) for one, x in places}.values())
        queue.step(scene(round(at_s * SECOND_NS), *tracks), [])
        length(queue)
