from typing import Any

import numpy as np
import pytest

from eyespot import decoders
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Floats, Poses

MOST, KINDS = 30, 17
COLUMNS, ROWS = 192, 144  # of 384 x 288 pixels, one cell in two
NOSE, HIP, WRIST = 0, 11, 9


class Candidates:
    """The three outputs of the network: nothing was found, until it is said."""

    def __init__(self) -> None:
        self.tags, self.places, self.scores = (np.zeros((MOST, KINDS), np.float32) for _ in range(3))

    def say(self, kind: int, tag: float, cell: tuple[int, int], score: float) -> None:
        """Add a candidate in a cell, (column, row)."""
        row = int((self.scores[:, kind] > 0).sum())
        self.tags[row, kind], self.scores[row, kind] = tag, score
        self.places[row, kind] = cell[1] * COLUMNS + cell[0]

    def say_person(self, tag: float, column: int, score: float = 0.8) -> Floats:
        """Add a whole person, and return its (17, 2) places in fractions."""
        cells = [(column + kind % 3, 10 + 7 * kind) for kind in range(KINDS)]
        for kind, cell in enumerate(cells):
            self.say(kind, tag + 0.1 * (kind % 4), cell, score)
        return (np.array(cells) + 0.5) / [COLUMNS, ROWS]

    def decoded(self, **settings: Any) -> Poses:
        outputs = dict.fromkeys(("tags", "places", "scores"), (MOST, KINDS))
        table = {"kind": "higherhrnet", "stride": 2, **settings}
        decoder = decoders.build(table, Layout(384, 288, outputs, 1), floor=0.3, nms_iou=0.5)
        return decoder.decode([self.tags, self.places, self.scores])


def test_a_person_is_put_together_from_its_candidates() -> None:
    candidates = Candidates()
    places = candidates.say_person(tag=2, column=50)
    found = candidates.decoded()
    assert found.keypoints[0, :, :2] == pytest.approx(places, abs=1e-6)
    assert found.keypoints[0, :, 2] == pytest.approx(0.8)
    assert found.scores == pytest.approx([0.8])


def test_tags_tell_persons_apart_wherever_they_are() -> None:
    candidates = Candidates()
    places = [
        candidates.say_person(tag, 50 + index, 0.9 - index / 10) for index, tag in enumerate([3, -1, 6])
    ]
    assert candidates.decoded().keypoints[..., :2] == pytest.approx(np.array(places), abs=1e-6)


def test_the_best_is_told_first() -> None:
    candidates = Candidates()
    candidates.say_person(1, 20, 0.5)
    candidates.say_person(4, 80, 0.9)
    assert candidates.decoded().scores == pytest.approx([0.9, 0.5])


def test_of_two_candidates_for_one_person_the_better_tag_wins_and_then_the_better_score() -> None:
    candidates = Candidates()
    places = candidates.say_person(tag=2, column=50)
    candidates.say(HIP, 2.7, (9, 9), 0.9)  # rounds to one away
    candidates.say(WRIST, 2.1, (9, 9), 0.7)
    found = candidates.decoded()
    assert len(found) == 1
    assert found.keypoints[0, [HIP, WRIST], :2] == pytest.approx(places[[HIP, WRIST]], abs=1e-6)


def test_a_keypoint_that_was_not_seen_has_a_score_of_zero_and_weighs_on_the_persons() -> None:
    candidates = Candidates()
    candidates.say_person(tag=2, column=50)
    candidates.scores[:, WRIST] = 0
    found = candidates.decoded()
    assert found.keypoints[0, WRIST].tolist() == [0, 0, 0]
    assert found.scores == pytest.approx([0.8 * 16 / 17])


def test_single_keypoints_are_nobody() -> None:
    candidates = Candidates()
    candidates.say(NOSE, 1, (5, 5), 0.9)
    assert len(candidates.decoded()) == 0


def test_the_threshold_says_how_far_tags_of_one_person_may_be_apart() -> None:
    candidates = Candidates()
    candidates.say_person(tag=2, column=50)
    candidates.tags[0, 9:] += 1.5
    assert len(candidates.decoded()) == 2
    assert len(candidates.decoded(tag_threshold=3)) == 1


def test_there_are_never_more_than_thirty() -> None:
    candidates = Candidates()
    for person in range(MOST):
        candidates.say_person(10 * person, 5 * person, 0.9)
    candidates.tags[:, WRIST] = np.arange(MOST) * 10 + 5  # belong to nobody
    assert len(candidates.decoded()) == 30


@pytest.mark.parametrize("place", [-1, COLUMNS * ROWS, np.nan, np.inf])
def test_a_place_outside_of_the_heatmap_was_not_seen(place: float) -> None:
    candidates = Candidates()
    candidates.say_person(tag=2, column=50)
    candidates.places[0, WRIST] = place
    assert candidates.decoded().keypoints[0, WRIST, 2] == 0
