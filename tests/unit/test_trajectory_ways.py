"""Where people went, as whole numbers: nothing is lost but what is said, and no bound is ever exceeded."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.strip import Strip
from eyespot.domain.track import Tracks
from eyespot.store.trajectories.strips import strips_of
from eyespot.store.trajectories.ways import Look, Salt, pieces_of
from eyespot.topics.trajectories import MOST_AT_ONCE, MOST_BYTES, MOST_STEPS, PARTS, Piece, Way

DAY_NS = 86_400 * SECOND_NS
BEGUN_NS = 20_000 * DAY_NS
LABELS = ("person", "dog", "car")
TIMELINE = Timeline(BEGUN_NS, synced=True)


def tracks(ids: list[int], random: np.random.Generator, *, confirmed: bool = True) -> Tracks:
    count = len(ids)
    corners = np.sort(random.random((count, 2, 2)), axis=1)
    return Tracks(
        ids=np.array(ids, np.int64),
        classes=random.integers(0, len(LABELS), count).astype(np.intp),
        boxes_xyxy_n=corners.reshape(count, 4).astype(np.float32),
        scores=np.ones(count, np.float32),
        seen=random.random(count) < 0.7,
        confirmed=np.full(count, confirmed),
    )


def look(taken_ns: int, there: Tracks, *, blind: bool = False, labels: tuple[str, ...] = LABELS) -> Look:
    return Look(
        taken_ns, BEGUN_NS + taken_ns, synced=True, blind=blind, model="m@1", labels=labels, tracks=there
    )


def strip_of(pieces: list[Piece]) -> Strip:
    """Return pieces without gaps as one strip."""
    strips = list(strips_of(pieces, {label: index for index, label in enumerate(LABELS)}, TIMELINE))
    return Strip.of([scene for strip in strips for scene in strip.scenes()])


@settings(max_examples=60, deadline=None)
@given(
    some.lists(some.sets(some.integers(1, 12), max_size=8), min_size=1, max_size=40),
    some.integers(0, 2**32 - 1),
    some.integers(0, DAY_NS - 60 * SECOND_NS),
)
def test_what_comes_back_is_what_was_kept_within_half_a_thousandth(
    there: list[set[int]], seed: int, begin_ns: int
) -> None:
    random = np.random.default_rng(seed)
    begin_ns -= begin_ns % 1_000_000
    looks = [
        look(
            begin_ns + number * SECOND_NS // 10,
            tracks(sorted(ids), random),
            blind=bool(random.random() < 0.2),
        )
        for number, ids in enumerate(there)
    ]
    salt = Salt()
    strip = strip_of(list(pieces_of(looks, salt)))
    assert strip.taken_ns.tolist() == [one.taken_ns for one in looks]
    assert strip.observed.tolist() == [not one.blind for one in looks]
    for step, one in enumerate(looks):
        got, order = strip.scene(step).tracks, {}
        for row, track in enumerate(one.tracks.ids.tolist()):
            order[salt.named(track, BEGUN_NS)] = row
        rows = [order[track] for track in got.ids.tolist()]
        assert sorted(rows) == list(range(len(one.tracks)))
        assert np.abs(got.boxes_xyxy_n - one.tracks.boxes_xyxy_n[rows]).max(initial=0) <= 0.5001 / PARTS
        for name in ("classes", "seen", "confirmed"):
            assert (getattr(got, name) == getattr(one.tracks, name)[rows]).all()


@settings(max_examples=40, deadline=None)
@given(
    some.integers(0, 700),
    some.integers(1, 60),
    some.integers(0, 2**32 - 1),
    some.sampled_from(["a", "é" * 64, "\x01" * 64, "x" * 500]),
)
def test_no_piece_is_ever_larger_than_may_be(most: int, count: int, seed: int, name: str) -> None:
    random = np.random.default_rng(seed)
    labels = tuple(f"{index}{name}" for index in range(len(LABELS)))
    looks = [
        look(
            number * int(random.integers(0, 90 * SECOND_NS)),
            tracks(
                sorted(random.choice(10**9, int(random.integers(0, most + 1)), replace=False).tolist()),
                random,
            ),
            labels=labels,
        )
        for number in range(count)
    ]
    for piece in pieces_of(looks, Salt()):
        data = msgspec.json.encode(piece)
        assert len(data) <= MOST_BYTES
        assert msgspec.json.decode(data, type=Piece) == piece
        assert len(piece.steps) <= MOST_STEPS


def test_of_a_crowd_a_hundred_are_kept() -> None:
    random = np.random.default_rng(1)
    [piece] = pieces_of([look(0, tracks(list(range(1, 300)), random))], Salt())
    assert len(piece.ways) == MOST_AT_ONCE


def test_what_was_never_confirmed_is_not_kept_but_who_may_still_be_is() -> None:
    random = np.random.default_rng(1)
    looks = [
        look(0, tracks([1, 2], random, confirmed=False)),
        look(SECOND_NS, tracks([2], random, confirmed=False)),
        look(2 * SECOND_NS, tracks([3], random, confirmed=False)),
    ]
    [piece] = pieces_of(looks, Salt())
    assert [way.begin for way in piece.ways] == [2]
    [whole] = pieces_of(looks[:2], Salt())
    assert len({way.track for way in whole.ways}) == 1
    assert sum(len(way.left) for way in whole.ways) == 2


def test_the_same_track_has_another_id_on_another_day_and_after_another_start() -> None:
    salt = Salt()
    today = [salt.named(track, BEGUN_NS) for track in range(1000)]
    assert today == [salt.named(track, BEGUN_NS + DAY_NS - 1) for track in range(1000)]
    tomorrow = [salt.named(track, BEGUN_NS + DAY_NS) for track in range(1000)]
    yesterday_again = [salt.named(track, BEGUN_NS) for track in range(1000)]
    other_start = [Salt().named(track, BEGUN_NS) for track in range(1000)]
    several = [set(ids) for ids in (today, tomorrow, yesterday_again, other_start)]
    assert len(set.union(*several)) == 4000
    assert not set.union(*several) & set(range(1000))


def test_who_walks_through_midnight_is_two() -> None:
    random = np.random.default_rng(1)
    looks = [look(DAY_NS + second * SECOND_NS, tracks([7], random)) for second in (-1, 0)]
    evening, morning = pieces_of(looks, Salt())
    assert evening.ways[0].track != morning.ways[0].track


def test_no_piece_is_longer_than_the_ten_minutes_of_a_file() -> None:
    looks = [look(minute * 59 * SECOND_NS, tracks([], np.random.default_rng(1))) for minute in range(30)]
    pieces = list(pieces_of(looks, Salt()))
    assert max(sum(piece.steps) for piece in pieces) <= 600_000
    assert sum(len(piece.steps) for piece in pieces) == 30


def test_ids_and_places_are_not_those_of_the_frame() -> None:
    random = np.random.default_rng(1)
    [piece] = pieces_of([look(0, tracks([5, 6], random))], Salt())
    assert not {way.track for way in piece.ways} & {5, 6}
    assert {field.name for field in msgspec.structs.fields(Way)} == {
        "track", "label", "begin", "tentative", "seen", "left", "top", "right", "bottom"
    }  # fmt: skip


WAY = Way(
    track=1, label=0, begin=0, tentative=0, seen=(2,), left=(1, 1), top=(1, 1), right=(5, 1), bottom=(5, 1)
)
PIECE = Piece(begun=0, synced=True, model="m", labels=("person",), steps=(0, 100), blind=(), ways=(WAY,))


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        ({"labels": ("cat",)}, "not among the labels"),
        ({"blind": (2,)}, "a step is named"),
        ({"ways": (WAY, WAY)}, "two places at once"),
        ({"steps": (0,)}, "a step or a class"),
    ],
)
def test_a_piece_that_does_not_fit_together_is_refused(piece: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        list(strips_of([msgspec.structs.replace(PIECE, **piece)], {"person": 0}, TIMELINE))


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ({"seen": (3,)}, "differ in length"),
        ({"top": (1,)}, "differ in length"),
        ({"label": 1}, "a step or a class"),
        ({"begin": 1}, "a step or a class"),
        ({"left": (999, 9)}, "inside out"),
        ({"right": (999, 9)}, "leaves the frame"),
    ],
)
def test_a_way_that_does_not_fit_together_is_refused(way: dict[str, object], words: str) -> None:
    ways = (msgspec.structs.replace(WAY, **way),)
    with pytest.raises(ValueError, match=words):
        list(strips_of([msgspec.structs.replace(PIECE, ways=ways)], {"person": 0}, TIMELINE))


def test_pieces_that_would_end_beyond_the_calendar_are_refused() -> None:
    last_ms = 2**63 // 10**6 - 7 * 86_400_000 - 1
    endless = msgspec.structs.replace(PIECE, begun=last_ms, steps=(0, *[60_000] * 1023), ways=())
    strips = strips_of([endless] * 20, {"person": 0}, Timeline(0, synced=True))
    taken_ns = [next(strips).taken_ns for _ in range(6)]
    assert all((np.diff(each) > 0).all() for each in taken_ns)
    with pytest.raises(ValueError, match="beyond the calendar"):
        list(strips)


def test_what_lies_between_pieces_was_not_observed_and_time_never_goes_back() -> None:
    later = msgspec.structs.replace(PIECE, begun=10_000)
    strips = list(strips_of([PIECE, later, PIECE], {"person": 0}, Timeline(0, synced=True)))
    assert [bool(strip.observed.all()) for strip in strips] == [True, False, True, True]
    assert len(strips[1]) == 9
    assert strips[1].taken_ns[0] == SECOND_NS + 100_000_000
    taken_ns = np.concatenate([strip.taken_ns for strip in strips])
    assert (np.diff(taken_ns) > 0).all()
