"""What a broken or hostile eye may say: it is cut off or passed over, and the body goes on."""

import os
from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from eyespot.domain.observation import (
    Detections,
    Found,
    Labels,
    Observation,
    Poses,
    Shares,
    Tells,
    no_detections,
)
from eyespot.sources import crossing, wire
from fakes.eyes import THREE, Body, look
from fakes.peers import Peer, is_cut_off
from fakes.script import seen

NOW_NS = 10**12
BOX = (0.1, 0.2, 0.3, 0.4)
STATUS = wire.Status(None, None, 0, "")

pack = msgspec.msgpack.encode


def objects(*boxes: object, scores: object = None, classes: object = None) -> bytes:
    """Return a message as it would be if nothing were checked."""
    scores = [0.5] * len(boxes) if scores is None else scores
    classes = [0] * len(boxes) if classes is None else classes
    return pack(["seen", NOW_NS, "m", ["objects", boxes, scores, classes]])


def poses(persons: int, keypoints: int = 17) -> bytes:
    return pack(["seen", NOW_NS, "m", ["poses", [[[0.5] * 3] * keypoints] * persons, [0.5] * persons]])


def said(doing: str) -> bytes:
    return pack(["status", None, None, 0, doing])


MALFORMED = {
    "an oversize datagram": b"\x95" + b"\0" * wire.MOST_BYTES,
    "an oversize datagram that begins well": wire.encode(STATUS) + b"\0" * wire.MOST_BYTES,
    "garbage": bytes(range(256)),
    "a byte that means nothing": b"\xc1",
    "text": b"GET / HTTP/1.1\r\n\r\n",
    "an image": b"\xff\xd8\xff\xe0" + os.urandom(20_000),
    "nested deeply": b"\x91" * 100_000,
    "nested deeply in an observation": b"\x94\xa4seen\x00\xa1m" + b"\x91" * 100_000,
    "a list that promises four billion": b"\x94\xa4seen\x00\xa1m\x92\xa6shares\xdd\xff\xff\xff\xff",
    "a map": pack({"tag": "hello"}),
    "a message nobody knows": pack(["picture", 1]),
    "what only a body says": wire.encode(look()),
    "a field too many": pack(["ended", None, 1]),
    "a field too few": pack(["status", None, None, 0]),
    "bytes for text": pack(["status", None, None, 0, b"looking"]),
    "text that is no UTF-8": b"\x95\xa6status\xc0\xc0\x00\xa2\xff\xfe",
    "a surrogate": b"\x95\xa6status\xc0\xc0\x00\xa3\xed\xa0\x80",
    "no number": objects((float("nan"), 0, 1, 1)),
    "infinite": objects((0, 0, float("inf"), 1)),
    "below 0": objects((-0.01, 0, 1, 1)),
    "above 1": objects((0, 0, 1, 1.01)),
    "a score that is no number": objects(BOX, scores=[float("nan")]),
    "a box of three": objects(BOX[:3]),
    "a box of five": objects((*BOX, 1)),
    "columns of different length": objects(BOX, scores=[0.5, 0.5]),
    "no classes": objects(BOX, classes=[]),
    "a class below 0": objects(BOX, classes=[-1]),
    "a class that is a fraction": objects(BOX, classes=[0.5]),
    "a class beyond all": objects(BOX, classes=[2**31]),
    "a class beyond the labels": objects(BOX, classes=[3]),
    "301 objects": objects(*[BOX] * 301),
    "31 persons": poses(31),
    "a person of 16 keypoints": poses(1, 16),
    "a person of 18 keypoints": poses(1, 18),
    "poses and scores of different number": pack(["seen", NOW_NS, "m", ["poses", [], [0.5]]]),
    "labels of different number": pack(["seen", NOW_NS, "m", ["labels", [0.5], []]]),
    "a label beyond the labels": pack(["seen", NOW_NS, "m", ["labels", [0.5], [3]]]),
    "fewer shares than labels": pack(["seen", NOW_NS, "m", ["shares", [0.5, 0.5]]]),
    "more shares than labels": pack(["seen", NOW_NS, "m", ["shares", [0.25] * 4]]),
    "an observation before time began": pack(["seen", -1, "m", ["shares", [1, 0, 0]]]),
    "an observation beyond all time": pack(["seen", 2**63, "m", ["shares", [1, 0, 0]]]),
    "an observation from the future": pack(["seen", 2 * NOW_NS, "m", ["shares", [1, 0, 0]]]),
    "a bundle with a name too long": pack(["seen", NOW_NS, "m" * 161, ["shares", [1, 0, 0]]]),
    "a second greeting": wire.encode(wire.Hello()),
    "the end of a camera": wire.encode(wire.Ended(None)),
    "an error of a camera's file": wire.encode(wire.Ended("no such file")),
    "a line break": said("one\ntwo"),
    "a line break of another kind": said("one\u2028two"),
    "next line": said("one\x85two"),
    "an escape": said("\x1b[2J"),
    "an escape in one character": said("\x9b2J"),
    "text from right to left": said("\u202eevil"),
    "text without end": said("x" * 321),
    "a reason without end": pack(["trouble", "source_failed", "x" * 321]),
    "a trouble of somebody else": pack(["trouble", "broker_unreachable", "ha"]),
    "readings that are no number": pack(["status", [float("nan"), 1], None, 0, ""]),
    "a count below 0": pack(["status", None, None, -1, ""]),
    "a picture without width": pack(["opened", "x", 0, 1, 1, None, None, [0, 0, 1, 1]]),
    "a picture without end": pack(["opened", "x", 10**9, 1, 1, None, None, [0, 0, 1, 1]]),
    "a name with a line break": pack(["opened", "x\n", 1, 1, 1, None, None, [0, 0, 1, 1]]),
}


@pytest.mark.parametrize("attack", MALFORMED)
def test_it_is_cut_off_for(body: Body, attack: str) -> None:
    peer = Peer.ordered(body)
    peer.end.send(MALFORMED[attack], 1)
    reason = is_cut_off(body, peer)
    assert reason.startswith("the eye was cut off: ")
    assert reason.isprintable()
    assert len(reason) < 300


@pytest.mark.parametrize(
    "first",
    [STATUS, wire.Ended(None), wire.Trouble("source_failed", "x"), crossing.seen(seen(NOW_NS))],
    ids=["status", "ended", "trouble", "seen"],
)
def test_it_is_cut_off_for_what_comes_before_its_greeting(body: Body, first: wire.FromEye) -> None:
    is_cut_off(body, Peer(body, first))


@pytest.mark.parametrize(
    "odd",
    [
        Observation(NOW_NS, "another", no_detections()),
        Observation(NOW_NS - 11 * 10**9, "m", no_detections()),
        Observation(0, "m", no_detections()),
    ],
    ids=["another bundle", "late", "of long ago"],
)
def test_what_may_have_been_on_its_way_is_passed_over_and_counted(body: Body, odd: Observation) -> None:
    peer = Peer.ordered(body)
    peer.say(crossing.seen(odd))
    body.turn()
    assert (body.seen, body.troubles, body.source.readings.dropped) == ([], {}, 1)


def test_time_does_not_go_back(body: Body) -> None:
    peer = Peer.ordered(body)
    now_ns = body.clock.now_ns()
    for shift_ns in (500, 400, 501, 501):
        peer.say(crossing.seen(Observation(now_ns + shift_ns, "m", no_detections())))
    body.turn()
    assert [one.taken_ns - now_ns for one in body.seen] == [500, 501, 501]


BOXES = np.array([[0.9, 0.9, 0.1, 0.1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1e-38, 1e-38]], np.float32)


@pytest.mark.parametrize(
    ("tells", "found"),
    [
        ("objects", Detections(BOXES, np.array([0, 0.5, 1, 0.5], np.float32), np.array([0, 1, 2, 0]))),
        ("labels", Labels(np.array([0.1, 0.9, 0.9], np.float32), np.array([1, 1, 1]))),
        ("shares", Shares(np.ones(3, np.float32))),
        ("poses", Poses(np.zeros((2, 17, 3), np.float32), np.ones(2, np.float32))),
    ],
)
def test_boxes_turned_inside_out_and_scores_in_disorder_are_nobodys_harm(
    make_body: Callable[..., Body], tells: Tells, found: Found
) -> None:
    body = make_body(model=THREE, tells=tells)
    peer = Peer.ordered(body)
    peer.say(crossing.seen(Observation(body.clock.now_ns(), "m", found)))
    body.turn(9)
    assert [type(one.found) for one in body.seen] == [type(found)]


def test_what_a_model_of_another_kind_tells_is_refused(body: Body) -> None:
    peer = Peer.ordered(body)
    found = Poses(np.zeros((1, 17, 3), np.float32), np.ones(1, np.float32))
    peer.say(crossing.seen(Observation(body.clock.now_ns(), "m", found)))
    assert "of a model that tells" in is_cut_off(body, peer)


@pytest.mark.parametrize("name", ["source", "engine"])
def test_a_name_that_could_not_be_published_does_not_come_in(body: Body, name: str) -> None:
    peer = Peer.ordered(body)
    fields = {"source": "x", "engine": "x", name: "x" * 100}
    peer.say(wire.Opened(width=1, height=1, rate_hz=1, mode=None, roi=(0, 0, 1, 1), **fields))
    is_cut_off(body, peer)


def test_a_refusal_is_never_too_long_to_be_published(body: Body) -> None:
    peer = Peer.ordered(body)
    peer.send(msgspec.msgpack.encode(["x" * 1000]))
    is_cut_off(body, peer)
