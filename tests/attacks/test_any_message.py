"""Whatever arrives at the body's end is refused, or becomes an observation that can be worked with."""

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Observation, Optics, Tells
from eyespot.host.clock import ManualClock
from eyespot.pipeline import Pipeline
from eyespot.ports import ModelIdentity
from eyespot.rules.line import Line, LineSettings
from eyespot.rules.queue import Queue, QueueSettings
from eyespot.rules.share import Share, ShareSettings
from eyespot.rules.zone import Zone, ZoneSettings
from eyespot.sources import wire
from eyespot.sources.screening import Overstepped, Screening, Wanted
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.topics.onvif import Onvif
from eyespot.tracking.tracker import Tracker
from fakes.eyes import CAMERA
from fakes.harm import harmed
from fakes.messages import EVERY_MESSAGE, NOW_NS

LABELS = ("person", "dog", "cat")
TELLS: dict[type, Tells] = {
    wire.SeenObjects: "objects",
    wire.SeenLabels: "labels",
    wire.SeenShares: "shares",
    wire.SeenPoses: "poses",
}
MODEL = ModelIdentity("m", "m", "1", None, LABELS, 0.35)

numbers = some.one_of(
    some.sampled_from(
        [0, 1, 0.5, -1, 2, 1e-38, 1 + 1e-9, NOW_NS, NOW_NS + 2**31, 2**63, float("nan"), 1e300]
    ),
    some.integers(-(2**63), 2**64 - 1),
    some.floats(0, 1, width=32),
)
leaves = some.one_of(numbers, some.none(), some.booleans(), some.text(max_size=8), some.binary(max_size=8))
anything = some.recursive(
    leaves, lambda inner: some.lists(inner, max_size=18) | some.dictionaries(some.text(max_size=4), inner)
)
tags = some.sampled_from(["seen", "hello", "status", "opened", "trouble", "ended", "look"])
kinds = some.sampled_from(["objects", "labels", "shares", "poses"])
fraction = some.floats(0, 1, width=32)
tables = some.one_of(
    some.lists(fraction, max_size=6),
    some.lists(some.integers(0, 4), max_size=6),
    some.lists(some.lists(fraction, min_size=4, max_size=4), max_size=6),
    some.lists(
        some.lists(some.lists(fraction, min_size=3, max_size=3), min_size=17, max_size=17), max_size=3
    ),
    anything,
)
nearly = some.one_of(
    some.tuples(tags, anything, anything),
    some.tuples(some.just("seen"), numbers, some.just("m"), some.tuples(kinds, tables)),
    some.tuples(some.just("seen"), numbers, some.just("m"), some.tuples(kinds, tables, tables)),
    some.tuples(some.just("seen"), numbers, some.just("m"), some.tuples(kinds, tables, tables, tables)),
    anything,
)


def admitted(data: bytes) -> Observation | None:
    """Return the observation that a body would make of it."""
    clock = ManualClock(NOW_NS)
    try:
        message = wire.decode_from_eye(data)
        tells = TELLS[type(message.found)] if isinstance(message, wire.Seen) else "objects"
        screening = Screening(Wanted(MODEL, tells), CAMERA, clock)
        screening.admit(wire.Hello())
        screening.admit(message)
        return screening.observation(message) if isinstance(message, wire.Seen) else None
    except (wire.WireError, Overstepped) as refused:
        reason = str(refused)
    assert reason.isprintable()
    assert len(reason) <= 300
    return None


def work(observation: Observation) -> None:
    """Have a pipeline with every rule look at it, twice."""
    line = Line(LineSettings(id="door", a=(0.1, 0.5), b=(0.9, 0.5)), LABELS, "overhead")
    rules = {"door": line, "floor": Share(ShareSettings(id="floor"), LABELS)}
    corners = ((0.1, 0.2), (0.9, 0.1), (0.5, 0.5), (0.8, 1.0), (0.0, 1.0))
    rules["hall"] = Zone(ZoneSettings(id="hall", points=corners, loiter_s=1), LABELS, "oblique")
    rules["till"] = Queue(QueueSettings(id="till", points=corners, service=(2,)), LABELS, "oblique")
    gate = Gate("eyespot/v1/x")
    native, standards = Native(gate, "0" * 16, 0), [Onvif(gate.let_out, gate.clear)]
    pipeline = Pipeline(MODEL, Tracker(0.35), rules, native, standards=standards, publishes_frames=True)
    timeline = ManualClock().timeline()
    pipeline.begin({}, NOW_NS, timeline)
    for later_ns in (0, 10**9):
        pipeline.step(observation.taken_ns + later_ns, observation, timeline)


def check(data: bytes) -> None:
    observation = admitted(data)
    if observation is not None:
        found = observation.found
        for name in type(found).__dataclass_fields__:
            column = getattr(found, name)
            assert np.isfinite(column).all()
            assert not column.flags.writeable
            assert (column >= 0).all()
        work(observation)


@settings(max_examples=250)
@given(nearly)
def test_whatever_is_built_like_a_message(built: object) -> None:
    try:
        data = msgspec.msgpack.encode(built)
    except (OverflowError, ValueError):
        return
    check(data)


@settings(max_examples=200)
@given(some.binary(max_size=200))
def test_whatever_bytes_there_are(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize("name", EVERY_MESSAGE)
def test_every_message_that_came_to_harm(name: str) -> None:
    for data in harmed(wire.encode(EVERY_MESSAGE[name]), random.Random(1), 300):
        check(data)


def test_messages_of_a_good_eye_are_admitted_as_they_are() -> None:
    for message in EVERY_MESSAGE.values():
        data = wire.encode(message)
        assert wire.encode(wire.decode_from_eye(data)) == data
        assert not isinstance(message, wire.Seen) or admitted(data) is not None


def test_of_what_could_be_seen_three_words_cross_and_no_other() -> None:
    whole = msgspec.msgpack.decode(wire.encode(EVERY_MESSAGE["dark"]))
    *whole, optics = whole
    assert (whole[-1], optics) == ("dark", None)
    for last, sight in (
        (["covered"], "covered"),
        ([], "clear"),
        (["foggy"], None),
        ([1], None),
        ([b""], None),
    ):
        seen = admitted(msgspec.msgpack.encode([*whole[:-1], *last]))
        assert (seen.sight if seen else None) == sight


def test_of_how_a_picture_is_five_rough_figures_cross_and_nothing_finer() -> None:
    *whole, figures = msgspec.msgpack.decode(wire.encode(EVERY_MESSAGE["optics"]))
    assert figures == [12.0, 20.0, 2.0, 96.0, 47.0, None], "one measure of focus at most"
    fine = admitted(msgspec.msgpack.encode([*whole, [12.3456, 20.4567, 2.0123, None, 47.1234, 96.789]]))
    assert fine is not None
    assert fine.optics == Optics(12.0, 20.0, 2.0, None, 47.0, 97.0)
    for evil in (
        [1.0] * 5,
        [1.0] * 7,
        [*figures[:4], 101.0, None],
        [-1.0, *figures[1:]],
        [1e300, *figures[1:]],
        b"12345",
    ):
        assert admitted(msgspec.msgpack.encode([*whole, evil])) is None


def test_figures_of_pictures_cross_twice_a_second_at_most_whatever_the_eye_sends() -> None:
    screening = Screening(Wanted(MODEL, "objects"), CAMERA, ManualClock(NOW_NS + SECOND_NS))
    whole = msgspec.msgpack.decode(wire.encode(EVERY_MESSAGE["optics"]))
    told = []
    for tenth in range(10):
        message = wire.decode_from_eye(msgspec.msgpack.encode([whole[0], NOW_NS + tenth * 10**8, *whole[2:]]))
        assert isinstance(message, wire.Seen)
        seen = screening.observation(message)
        told.append(seen is not None and seen.optics is not None)
    assert told == [number in {0, 5} for number in range(10)]


def test_a_refusal_does_not_quote_at_length() -> None:
    with pytest.raises(wire.WireError) as refused:
        wire.decode_from_eye(msgspec.msgpack.encode(["picture" * 10_000]))
    assert len(str(refused.value)) <= 300
