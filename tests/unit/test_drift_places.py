"""Whether the camera was moved, by where people walk."""

from collections.abc import Iterable, Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec import structs

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.track import Tracks
from eyespot.drift.kept import KeptPlaces, Standing
from eyespot.drift.moment import Moment
from eyespot.drift.places import Places
from eyespot.drift.walks import Walk, Walks, bins_of

LOOKED = KeptPlaces(looked_s=72_000.0)
EVERY_S = 30


def box(x: float, y: float, tall: float = 0.2) -> tuple[float, float, float, float]:
    return (x - 0.03, y - tall, x + 0.03, y)


def tracks(
    *rows: tuple[int, tuple[float, float, float, float]], seen: bool = True, sure: bool = True
) -> Tracks:
    count = len(rows)
    return Tracks(
        ids=np.array([ident for ident, _ in rows], np.int64),
        classes=np.zeros(count, np.intp),
        boxes_xyxy_n=np.array([one for _, one in rows], np.float32).reshape(-1, 4),
        scores=np.ones(count, np.float32),
        seen=np.full(count, seen),
        confirmed=np.full(count, sure),
    )


def walk(y: float, tall: float = 0.2, lean: float = 0.0) -> Walk:
    """From left to right at a height of the picture."""
    boxes = [box(x, y + lean * x, tall) for x in np.linspace(0.1, 0.9, 12)]
    return Walk(tuple(dict.fromkeys(bins_of(np.array(boxes, np.float32)).tolist())))


def usual(number: int = 700, seed: int = 1) -> Iterator[Walk]:
    random = np.random.default_rng(seed)
    for _ in range(number):
        yield walk(random.choice([0.5, 0.8]) + random.normal(0, 0.02), 0.2 * random.normal(1, 0.08))


def let_walk(places: Places, walks: Iterable[Walk], begin_s: int = 0, every_s: int = EVERY_S) -> int | None:
    """One walk after the other; return which one told that the camera was moved, or is so no more."""
    before = places.words
    for number, one in enumerate(walks):
        taken_s = begin_s + number * every_s
        places.step(Moment(taken_s * SECOND_NS, taken_s), [one], sees=True)
        if bool(places.words) != bool(before):
            return number
    return None


def learned() -> Places:
    places = Places(LOOKED)
    assert let_walk(places, usual()) is None
    assert places.knows
    return places


def test_walks_elsewhere_are_told_with_their_number_once_they_are_many_and_it_lasts() -> None:
    places = learned()
    told = let_walk(places, (walk(0.65) for _ in range(100)), begin_s=86_400)
    assert told is not None
    assert 40 <= told <= 50
    assert (
        "of the last 40 walked where, or in a size in which, hardly anybody used to; usually" in places.words
    )
    assert places.words.startswith("the camera seems to look elsewhere since 1970-01-02 00:")


def test_the_same_ways_in_another_size_are_a_camera_that_came_closer() -> None:
    assert let_walk(learned(), (walk(0.8, tall=0.35) for _ in range(100)), begin_s=86_400) is not None


def test_it_is_over_when_they_walk_again_where_they_used_to() -> None:
    places = learned()
    let_walk(places, (walk(0.65) for _ in range(60)), begin_s=86_400)
    over = let_walk(places, usual(200, seed=2), begin_s=90_000)
    assert over is not None
    assert over < 60


def test_what_lasts_is_not_learned_and_lasts_over_a_restart_with_the_same_words() -> None:
    places = learned()
    let_walk(places, (walk(0.65) for _ in range(60)), begin_s=86_400)
    assert let_walk(places, (walk(0.65) for _ in range(3000)), begin_s=90_000) is None
    again = Places(places.keep())
    assert again.words == places.words
    assert let_walk(again, (walk(0.65) for _ in range(300)), begin_s=200_000) is None


def test_a_bus_whose_people_all_cross_elsewhere_at_once_is_no_moved_camera() -> None:
    places = learned()
    assert let_walk(places, (walk(0.65) for _ in range(100)), begin_s=86_400, every_s=2) is None
    assert let_walk(places, usual(100, seed=3), begin_s=86_640) is None


def test_moths_at_night_are_too_few_to_go_by() -> None:
    assert let_walk(learned(), (walk(0.65) for _ in range(60)), begin_s=86_400, every_s=3600) is None


def test_a_kept_doubt_is_nothing_without_knowing_where_they_used_to_walk() -> None:
    for kept in (KeptPlaces(), KeptPlaces(400, [1] * 50, 80_000.0), KeptPlaces(900, [9] * 50, 60_000.0)):
        places = Places(structs.replace(kept, standing=Standing(None, 0.9, 0.05)))
        assert (places.words, places.keep().standing) == ("", None)
        before = places.keep().tracks
        let_walk(places, usual(20))
        assert places.keep().tracks > before, "it is learned"


def test_before_a_day_and_enough_walks_nothing_is_said() -> None:
    few, short = Places(LOOKED), Places(KeptPlaces(looked_s=3600.0))
    for places in (few, short):
        let_walk(places, usual(500 if places is few else 2000))
        assert let_walk(places, (walk(0.65) for _ in range(100)), begin_s=86_400) is None


def test_another_way_that_is_taken_up_slowly_becomes_usual() -> None:
    places = learned()
    random = np.random.default_rng(4)
    mixed = (walk(0.65) if random.random() < 0.3 else one for one in usual(1500, seed=4))
    assert let_walk(places, mixed, begin_s=86_400) is None
    assert let_walk(places, (walk(0.65) for _ in range(60)), begin_s=200_000) is None


def test_what_is_learned_stays_bounded_and_forgets() -> None:
    places = Places(LOOKED)
    let_walk(places, usual(20_500))
    kept = places.keep()
    assert 10_000 <= kept.tracks < 20_000
    assert kept.looked_s >= 72_000
    assert let_walk(places, (walk(0.65) for _ in range(90)), begin_s=10**6, every_s=10) is not None


def test_time_in_which_nothing_can_be_seen_is_not_learned_from() -> None:
    places = Places(KeptPlaces())
    for second in range(100):
        places.step(Moment(second * SECOND_NS), [], sees=second < 50)
    places.step(Moment(10**6 * SECOND_NS), [], sees=True)
    places.step(Moment((10**6 + 3600) * SECOND_NS), [], sees=True)
    assert places.keep().looked_s == 51


def test_whoever_stays_about_where_he_is_walks_not() -> None:
    walks = Walks()
    for second in range(50):
        assert (
            walks.step(tracks((1, box(0.5 + 0.01 * (second % 3), 0.5)), (2, box(0.01 * second + 0.2, 0.8))))
            == []
        )
    assert walks.step(tracks((2, box(0.7, 0.8)))) == []
    [one] = walks.step(tracks())
    assert len(one.bins) == len(set(one.bins)) >= 10
    assert walks.step(tracks()) == []


def test_tracks_that_are_only_thought_of_are_no_walks() -> None:
    walks = Walks()
    for second in range(20):
        rows = (1, box(0.1 + 0.04 * second, 0.5)), (2, box(0.9 - 0.04 * second, 0.5))
        walks.step(tracks(*rows, seen=False) if second % 2 else tracks(*rows, sure=False))
    assert walks.step(tracks()) == []


def test_walks_are_bounded_in_number_and_length() -> None:
    walks, random = Walks(), np.random.default_rng(1)
    for _ in range(300):
        walks.step(tracks(*((ident, box(*random.random(2), random.random())) for ident in range(400))))
    ended = walks.step(tracks())
    assert len(ended) == 300
    assert max(len(one.bins) for one in ended) == 200


def test_those_under_way_when_nothing_can_be_seen_are_forgotten() -> None:
    walks = Walks()
    for second in range(10):
        walks.step(tracks((1, box(0.1 + 0.08 * second, 0.5))))
    assert walks.stop() == []
    assert walks.step(tracks()) == []


Path = list[tuple[float, float]]
_PLACE = some.tuples(*[some.integers(0, 24 * 8 - 1).map(lambda n: (n + 0.5) / (24 * 8))] * 2)


@settings(max_examples=40, deadline=None)
@given(
    some.lists(some.lists(_PLACE, min_size=2, max_size=6), min_size=1, max_size=8), some.integers(0, 2**20)
)
def test_seen_in_a_mirror_the_same_is_told_at_the_same_walk(paths: list[Path], seed: int) -> None:
    """Some ways until they are usual, then others: a mirror changes nothing of it."""
    told = []
    for mirrored in (False, True):
        random, places = np.random.default_rng(seed), Places(LOOKED)
        ways = [[(1 - x if mirrored else x, y) for x, y in path] for path in paths]
        walks = [
            Walk(tuple(dict.fromkeys(bins_of(np.array([box(*at) for at in way], np.float32)).tolist())))
            for way in ways
        ]
        half = max(len(walks) // 2, 1)
        first = (walks[random.integers(half)] for _ in range(700))
        let_walk(places, first)
        then = let_walk(places, (walks[random.integers(len(walks))] for _ in range(150)), begin_s=86_400)
        told.append((then, bool(places.words), sorted(count for _, count in places.keep().bins)))
    assert told[0] == told[1]


@settings(max_examples=40, deadline=None)
@given(some.integers(0, 2**30), some.integers(0, 10**9))
def test_usual_walks_are_never_a_moved_camera_whenever_they_are(seed: int, begin_s: int) -> None:
    places = Places(LOOKED)
    assert let_walk(places, usual(1200, seed), begin_s=begin_s) is None
