"""The shelf rule: how many stand there, though a detector misses and mistakes, and people hide them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.event import Event, Threshold
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections, Labels, Observation, Sight, no_detections
from eyespot.domain.track import Scene
from eyespot.rules import build
from eyespot.rules.shelf import Shelf, ShelfSettings
from eyespot.tracking.tracker import Tracker

LABELS = ("person", "bottle", "mug", "box")
PERSON, BOTTLE, MUG, BOX = range(4)
WIDTH, HEIGHT = 0.06, 0.2
NO_TRACKS = Tracker(0.5).step(0, None)
Box = tuple[float, float, float, float]


def a_shelf(**more: object) -> Shelf:
    given = {"kind": "shelf", "id": "drinks", "settle_s": 5, **more}
    rule = build(msgspec.convert(given, ShelfSettings), LABELS, "oblique")
    assert isinstance(rule, Shelf)
    return rule


def place(column: int, row: int = 0) -> Box:
    """One of 10 by 3 facings."""
    left, top = 0.05 + column * 0.09, 0.1 + row * 0.3
    return (left, top, left + WIDTH, top + HEIGHT)


@dataclass
class Detector:
    """Finds what stands there as a detector does: with jitter, and misses, doubles and flips of classes."""

    standing: dict[Box, int]
    misses: float = 0.2
    doubles: float = 0.1
    flips: float = 0.05
    strays: float = 0.2
    rate_hz: float = 10.0
    people: list[Box] = field(default_factory=list)
    seen_people: float = 0.7
    at_s: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    def look(self) -> Detections:
        found: list[tuple[Box, int]] = []
        for box, label in self.standing.items():
            hidden = any(_covers(person, box) for person in self.people)
            if hidden or self._rng.random() < self.misses:
                continue
            kind = int(self._rng.integers(1, 4)) if self._rng.random() < self.flips else label
            found.append((box, kind))
            if self._rng.random() < self.doubles:
                found.append((box, kind if self._rng.random() < 0.5 else 1 + kind % 3))
        found += [(box, PERSON) for box in self.people if self._rng.random() < self.seen_people]
        if self._rng.random() < self.strays:
            x, y = self._rng.uniform(0, 0.8, 2)
            found.append(((x, y, x + WIDTH, y + HEIGHT), BOTTLE))
        boxes = np.array([box for box, _ in found], np.float32).reshape(-1, 4)
        boxes += (self._rng.normal(0, 0.05, boxes.shape) * [WIDTH, HEIGHT, WIDTH, HEIGHT]).astype(np.float32)
        scores = self._rng.uniform(0.3, 0.7, len(boxes)).astype(np.float32)
        return Detections(boxes.clip(0, 1), scores, np.array([kind for _, kind in found], np.intp))

    def watch(self, rule: Shelf, seconds: float) -> list[Event]:
        events: list[Event] = []
        for _ in range(round(seconds * self.rate_hz)):
            self.at_s += 1 / self.rate_hz
            events += look(rule, self.at_s, self.look())
        return events


def _covers(person: Box, box: Box) -> bool:
    return person[0] < box[2] and box[0] < person[2] and person[1] < box[3] and box[1] < person[3]


def look(rule: Shelf, at_s: float, found: Detections | None, sight: Sight = "clear") -> list[Event]:
    taken_ns = round(at_s * SECOND_NS)
    observation = None if found is None else Observation(taken_ns, "m@1-abc", found, sight)
    return rule.step(Scene(taken_ns, observation, NO_TRACKS), [])


def thirty() -> dict[Box, int]:
    return {place(column, row): BOTTLE + row for row in range(3) for column in range(10)}


def told(events: Sequence[Event]) -> list[tuple[str, int, bool]]:
    return [(event.label, event.count, event.below) for event in events if isinstance(event, Threshold)]


def restarted(rule: Shelf, **more: object) -> Shelf:
    fresh = a_shelf(**more)
    fresh.restore(json.loads(json.dumps(rule.snapshot())))
    return fresh


TEN_OF_EACH = {"bottle": 10, "mug": 10, "box": 10}


@pytest.mark.parametrize("rate_hz", [1.0, 5.0, 10.0, 30.0])
def test_thirty_facings_are_counted_though_one_of_five_looks_misses_each(rate_hz: float) -> None:
    rule, detector = a_shelf(), Detector(thirty(), rate_hz=rate_hz)
    detector.watch(rule, 30)
    errors = []
    for _ in range(60):
        detector.watch(rule, 1)
        errors.append(sum(abs(rule.state().counts.get(label, 0) - 10) for label in TEN_OF_EACH))
    assert np.mean(errors) < 0.5
    assert rule.state().slots == pytest.approx(30, abs=1)


def test_what_is_taken_is_missed_after_a_while_and_what_is_put_back_is_there_again() -> None:
    rule, detector = a_shelf(), Detector(thirty())
    detector.watch(rule, 30)
    for column in (2, 7):
        del detector.standing[place(column)]
    detector.watch(rule, 10)
    assert rule.state().counts == {**TEN_OF_EACH, "bottle": 8}
    assert rule.state().slots == 30
    detector.standing[place(2)] = BOTTLE
    detector.watch(rule, 10)
    assert rule.state().counts == {**TEN_OF_EACH, "bottle": 9}


def test_what_somebody_hides_is_as_it_was_and_raises_no_alarm() -> None:
    rule, detector = a_shelf(low=10), Detector(thirty())
    detector.watch(rule, 30)
    detector.people = [(0.3, 0.0, 0.7, 1.0)]
    assert told(detector.watch(rule, 300)) == []
    assert rule.state().counts == TEN_OF_EACH
    assert rule.state().unseen == pytest.approx(15, abs=3)
    detector.people = []
    detector.watch(rule, 5)
    assert rule.state().unseen == 0
    assert rule.state().counts == TEN_OF_EACH


def test_somebody_who_is_seldom_seen_hides_all_the_same() -> None:
    rule, detector = a_shelf(low=10), Detector(thirty(), seen_people=0.1)
    detector.watch(rule, 30)
    detector.people = [(0.3, 0.0, 0.7, 1.0)]
    assert told(detector.watch(rule, 60)) == []


def test_what_is_taken_behind_a_back_is_missed_once_that_is_gone() -> None:
    rule, detector = a_shelf(low={"bottle": 10}), Detector(thirty())
    detector.watch(rule, 30)
    detector.people = [(0.3, 0.0, 0.7, 1.0)]
    detector.watch(rule, 5)
    del detector.standing[place(4)]
    assert told(detector.watch(rule, 20)) == []
    detector.people = []
    assert told(detector.watch(rule, 15)) == [("bottle", 9, True)]


def test_what_a_person_hid_may_be_missing_all_at_once() -> None:
    rule, detector = a_shelf(low={"bottle": 10}), Detector(thirty())
    detector.watch(rule, 30)
    detector.people = [(0.0, 0.0, 1.0, 1.0)]
    detector.watch(rule, 5)
    detector.standing, detector.people = {place(column, 2): BOX for column in range(10)}, []
    detector.watch(rule, 20)
    assert rule.state().counts == {"bottle": 0, "box": 10, "mug": 0}


def test_too_few_are_told_of_once_and_so_is_that_there_are_enough_again() -> None:
    rule, detector = a_shelf(low={"bottle": 9, "mug": 2}), Detector(thirty())
    assert told(detector.watch(rule, 60)) == []
    removed = [place(0), place(1)]
    for box in removed:
        del detector.standing[box]
    assert told(detector.watch(rule, 90)) == [("bottle", 8, True)]
    assert rule.state().low == ("bottle",)
    detector.standing |= dict.fromkeys(removed, BOTTLE)
    assert told(detector.watch(rule, 60)) == [("bottle", 9, False)]
    assert rule.state().low == ()


def test_a_shelf_that_is_empty_from_the_start_has_too_few_of_what_is_named() -> None:
    rule = a_shelf(low=1, classes=["bottle"])
    assert told(Detector({}, strays=0).watch(rule, 10)) == []
    assert told(Detector({}, strays=0, at_s=10).watch(rule, 10)) == [("bottle", 0, True)]


def test_when_the_light_goes_off_nothing_has_been_taken() -> None:
    rule, detector = a_shelf(low=10), Detector(thirty())
    detector.watch(rule, 30)
    stood, detector.standing, detector.strays, detector.rate_hz = detector.standing, {}, 0, 1
    assert told(detector.watch(rule, 3600)) == []
    assert rule.state().unseen == 30
    rule = restarted(rule, low=10)
    assert told(detector.watch(rule, 3600)) == []
    detector.standing = stood
    assert told(detector.watch(rule, 30)) == []
    assert rule.state().counts == TEN_OF_EACH


@pytest.mark.parametrize("sight", ["dark", "covered"])
def test_where_nothing_could_be_seen_nothing_has_been_taken(sight: Sight) -> None:
    rule, detector = a_shelf(low=1), Detector({place(0): BOTTLE})
    detector.watch(rule, 30)
    for at_s in range(31, 200):
        assert look(rule, at_s, no_detections(), sight) == []
    assert (rule.state().counts["bottle"], rule.state().unseen) == (1, 1)


def test_neighbours_that_vanish_at_once_may_be_hidden_but_not_for_ever() -> None:
    rule, detector = a_shelf(low={"bottle": 5}), Detector(thirty(), flips=0)
    detector.watch(rule, 30)
    detector.standing = {place(column, 2): BOX for column in range(10)}
    assert told(detector.watch(rule, 40)) == []
    [(label, count, below)] = told(detector.watch(rule, 60))
    assert (label, count < 5, below) == ("bottle", True, True)
    assert rule.state().counts == {"bottle": 0, "box": 10, "mug": 0}


def test_the_last_one_that_is_taken_is_missed() -> None:
    rule, detector = a_shelf(low=1), Detector({place(0): BOTTLE}, strays=0)
    detector.watch(rule, 30)
    detector.standing = {}
    assert told(detector.watch(rule, 30)) == [("bottle", 0, True)]


def test_where_another_product_stands_now_it_is_that_which_counts() -> None:
    rule, detector = a_shelf(), Detector({place(0): BOTTLE, place(3): MUG}, flips=0.2)
    detector.watch(rule, 30)
    detector.standing[place(0)] = BOX
    detector.watch(rule, 60)
    assert rule.state().counts == {"bottle": 0, "box": 1, "mug": 1}


def test_a_box_that_shows_up_now_and_then_is_no_product() -> None:
    rule, detector = a_shelf(), Detector({place(0): BOTTLE}, misses=0.85, doubles=0, flips=0, strays=0)
    detector.watch(rule, 300)
    assert rule.state().slots == 0


def test_what_somebody_holds_is_not_on_the_shelf() -> None:
    rule = a_shelf()
    detector = Detector({place(0): BOTTLE}, people=[(0.4, 0.2, 0.8, 1.0)], seen_people=1)
    for at in range(100):
        found = detector.look()
        boxes = np.vstack([found.boxes_xyxy_n, [(0.5, 0.5, 0.56, 0.7)]]).astype(np.float32)
        scores, classes = np.append(found.scores, np.float32(0.6)), np.append(found.classes, BOTTLE)
        look(rule, at / 10, Detections(boxes, scores, classes))
    assert rule.state().counts == {"bottle": 1}


def test_only_what_is_on_the_shelf_counts_and_only_what_is_named() -> None:
    left_half = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
    rule, detector = (
        a_shelf(points=left_half, classes=["bottle", "mug"]),
        Detector(thirty(), strays=0, flips=0),
    )
    detector.watch(rule, 30)
    assert rule.state().counts == {"bottle": 5, "mug": 5}


def test_slots_that_are_given_are_the_only_ones_and_known_from_the_start() -> None:
    rule = a_shelf(slots=[place(0), place(1), place(2)])
    assert rule.state().slots == 3
    detector = Detector({place(0): BOTTLE, place(2): MUG, place(5): BOX}, strays=0)
    detector.watch(rule, 30)
    assert rule.state().counts == {"bottle": 1, "mug": 1}
    assert rule.state().slots == 3


def test_a_camera_that_sinks_slowly_does_not_lose_the_shelf() -> None:
    rule, detector = a_shelf(low=10), Detector(thirty(), rate_hz=2)
    detector.watch(rule, 30)
    events: list[Event] = []
    for _ in range(20):
        detector.standing = {
            (x0, y0 + 0.003, x1, y1 + 0.003): kind for (x0, y0, x1, y1), kind in detector.standing.items()
        }
        events += detector.watch(rule, 60)
    assert told(events) == []
    assert rule.state().counts == TEN_OF_EACH


def test_a_restart_changes_nothing() -> None:
    rule, detector = a_shelf(low=10), Detector(thirty())
    detector.watch(rule, 30)
    del detector.standing[place(0)]
    detector.watch(rule, 30)
    fresh = restarted(rule, low=10)
    assert (fresh.state().counts, fresh.state().low) == (rule.state().counts, ("bottle",))
    assert told(detector.watch(fresh, 30)) == []


def test_what_lies_outside_of_a_shelf_that_was_moved_is_forgotten_and_not_missed() -> None:
    rule, detector = a_shelf(low=5), Detector(thirty())
    detector.watch(rule, 30)
    moved = restarted(rule, low=5, points=[[0, 0], [0.5, 0], [0.5, 1], [0, 1]])
    assert moved.state().counts == {"bottle": 5, "box": 5, "mug": 5}
    assert told(detector.watch(moved, 30)) == []


def test_with_another_model_what_stands_there_stays_by_name() -> None:
    rule, detector = a_shelf(low=10), Detector(thirty())
    detector.watch(rule, 30)
    rule.relabel(("box", "mug", "bottle", "person"), "m@2-abc")
    for at in range(300):
        found = detector.look()
        mapped = np.array([3, 2, 1, 0])[found.classes]
        assert (
            look(rule, 31 + at / 10, Detections(found.boxes_xyxy_n.copy(), found.scores.copy(), mapped)) == []
        )
    assert rule.state().counts == TEN_OF_EACH


def test_what_another_model_does_not_know_is_not_there_any_more() -> None:
    rule = a_shelf()
    Detector(thirty()).watch(rule, 30)
    rule.relabel(("person", "bottle"), "m@2-abc")
    look(rule, 31, no_detections())
    assert rule.state().counts == {"bottle": 10, "box": 0, "mug": 0}


def test_silence_and_models_that_find_no_objects_change_nothing() -> None:
    rule, detector = a_shelf(low=10), Detector(thirty())
    detector.watch(rule, 30)
    before = rule.state()
    classified = Observation(0, "m@1-abc", Labels(np.ones(1, np.float32), np.zeros(1, np.intp)))
    assert rule.step(Scene(31 * SECOND_NS, classified, NO_TRACKS), []) == []
    assert all(look(rule, at_s, None) == [] for at_s in range(31, 1000))
    assert rule.state() == before


@pytest.mark.parametrize(
    "harm",
    [
        {"places": [{"box": [0, 0, 2, 1]}]},
        {"low": 3},
        {"watched_s": -1},
        {"more": 1},
    ],
)
def test_what_no_shelf_has_kept_is_refused(harm: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a snapshot of a shelf"):
        a_shelf().restore({**a_shelf().snapshot(), **harm})


def test_a_snapshot_of_other_slots_is_refused() -> None:
    kept = a_shelf(slots=[place(0)]).snapshot()
    for other in ([], [place(1)], [place(0), place(1)]):
        with pytest.raises(ValueError, match="slots are others"):
            a_shelf(slots=other).restore(kept)


def test_slots_whose_products_are_not_looked_for_any_more_are_refused() -> None:
    rule = a_shelf(slots=[place(0)])
    Detector({place(0): MUG}, flips=0).watch(rule, 10)
    with pytest.raises(ValueError, match="not looked for"):
        a_shelf(slots=[place(0)], classes=["bottle"]).restore(rule.snapshot())


def test_a_box_around_two_of_a_class_is_none_of_them() -> None:
    rule, detector = a_shelf(), Detector({place(0): BOTTLE, place(0, 1): BOTTLE, place(3): MUG}, flips=0)
    detector.standing[place(0)[:2] + place(0, 1)[2:]] = BOTTLE
    detector.watch(rule, 60)
    assert rule.state().counts == {"bottle": 2, "mug": 1}
    assert rule.state().slots == 3


def test_two_that_overlap_too_much_are_one() -> None:
    rule, (x0, y0, x1, y1) = a_shelf(), place(0)
    boxes = np.array([(x0, y0, x0 + 0.48 * WIDTH, y1), (x0, y0, x1, y1)], np.float32)
    for at in range(200):
        found = Detections(boxes[[at % 2]], np.ones(1, np.float32), np.array([BOTTLE]))
        look(rule, at / 10, found)
    assert rule.state().counts == {"bottle": 1}


def test_ten_thousand_boxes_are_bounded_work() -> None:
    rule, rng = a_shelf(), np.random.default_rng(0)
    for at in range(3):
        low = rng.uniform(0, 0.9, (10_000, 2)).astype(np.float32)
        boxes = np.hstack([low, low + 0.05])
        found = Detections(boxes, np.ones(10_000, np.float32), np.full(10_000, BOTTLE, np.intp))
        look(rule, at, found)
    assert len(json.dumps(rule.snapshot())) < 100_000


def strange_boxes() -> st.SearchStrategy[list[Box]]:
    side = st.one_of(st.just(float("nan")), st.floats(0, 1, width=32))
    return st.lists(st.tuples(side, side, side, side), max_size=8)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 10**11), strange_boxes()), max_size=12))
def test_whatever_is_found_and_whenever_nothing_breaks(looks: list[tuple[int, list[Box]]]) -> None:
    rule = a_shelf(low=1)
    for taken_ns, boxes in looks:
        count = len(boxes)
        found = Detections(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.ones(count, np.float32),
            np.arange(count, dtype=np.intp) % 4,
        )
        rule.step(Scene(taken_ns, Observation(taken_ns, "m@1-abc", found), NO_TRACKS), [])
        json.dumps(rule.snapshot(), allow_nan=False)
        assert rule.state().slots <= 300


def test_settings_that_make_no_shelf_are_refused() -> None:
    for wrong in ({"slots": [[0.5, 0, 0.5, 1]]}, {"points": [[0, 0], [1, 1], [1, 1]]}):
        with pytest.raises(msgspec.ValidationError):
            a_shelf(**wrong)
