"""A rendered shelf before the factory model: products are taken and put back, shoppers hide them."""

from collections import Counter

import msgspec
import numpy as np

from eyespot.domain.event import Threshold
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Observation
from eyespot.domain.track import Scene
from eyespot.rules.shelf import Shelf, ShelfSettings
from eyespot.tracking.tracker import Tracker
from fakes.shelves import Facing, Looker, ShelfScene, Shopper, row

RATE_HZ = 2.5
FIRST_S, END_S = 15, 115
CLASSES = ("bottle", "coffee cup")


def scene() -> ShelfScene:
    """Two are taken behind a back, one of them comes again; one more is taken while nobody is there."""
    cups, bottles = row(0, ["coffee_cup"] * 4), row(1, ["wine", "beer", "water", "beer", "wine"])
    cups[1] = Facing("coffee_cup", cups[1].x, 0, away=((76, 90),))
    bottles[3] = Facing("beer", bottles[3].x, 1, away=((40, 1e9),))
    bottles[0] = Facing("wine", bottles[0].x, 1, away=((97, 1e9),))
    shoppers = (
        Shopper("person_astronaut", 0.3, 20, 28),
        Shopper("person_camera", 0.7, 36, 44),
        Shopper("person_astronaut", 0.4, 72, 80, height=0.7),
        Shopper("person_camera", 0.15, 85, 88, height=0.7),
    )
    return ShelfScene((*cups, *bottles), shoppers, dark=(55, 63))


def test_the_factory_model_and_the_rule_count_a_shelf_and_hiding_raises_no_alarm() -> None:
    world, looker = scene(), Looker()
    low = {"bottle": 4, "coffee cup": 3}
    settings = {"kind": "shelf", "id": "drinks", "classes": CLASSES, "low": low, "settle_s": 4}
    rule = Shelf(msgspec.convert(settings, ShelfSettings), looker.labels)
    tracker, errors, events = Tracker(looker.min_score), [], []
    for number in range(round(END_S * RATE_HZ)):
        at_s, taken_ns = number / RATE_HZ, round(number / RATE_HZ * SECOND_NS)
        found = looker.look(world.draw(at_s))
        tracks = tracker.step(taken_ns, found)
        events += rule.step(Scene(taken_ns, Observation(taken_ns, "m@1-abc", found), tracks), [])
        if at_s > FIRST_S:
            truth = world.truth(at_s)
            errors.append(sum(abs(rule.state().counts[label] - truth[label]) for label in CLASSES))
    assert np.median(errors) <= 1
    assert Counter(rule.state().counts) == world.truth(END_S)
    [low_bottles] = events
    assert isinstance(low_bottles, Threshold)
    assert (low_bottles.label, low_bottles.count, low_bottles.below) == ("bottle", 3, True)
    assert low_bottles.taken_ns > 97 * SECOND_NS
