"""What the eye sees crosses a real socket to the body: all kinds of it, at any pace, to the end."""

import numpy as np
import pytest

from eyespot.domain.errors import CameraError, InputError
from eyespot.domain.observation import Detections, Found, Labels, Observation, Poses, Shares, Tells
from eyespot.ports import ModelIdentity, Readings, SensorReadings, SourceEnded, View
from eyespot.sources import crossing, wire
from eyespot.sources.settings import CameraSettings
from eyespot.sources.wire import Look
from fakes.eyes import CLIP, Pair, look, see_one, stream
from fakes.script import seen
from fakes.waiting import until

THREE = ModelIdentity("m", "m", "1", None, ("person", "dog", "cat"), 0.35)
FLOATS = np.linspace(0, 1, 30 * 17 * 3, dtype=np.float32)


def columns(found: Found) -> list[np.ndarray]:
    return [getattr(found, name) for name in type(found).__dataclass_fields__]


@pytest.mark.parametrize(
    "found",
    [
        Detections(FLOATS[:1200].reshape(-1, 4), FLOATS[:300], np.arange(300) % 3),
        Detections(np.empty((0, 4), np.float32), FLOATS[:0], np.empty(0, np.intp)),
        Labels(FLOATS[:3][::-1].copy(), np.array([2, 0, 1])),
        Shares(FLOATS[:3].copy()),
        Poses(FLOATS.reshape(-1, 17, 3), FLOATS[:30]),
        Poses(np.empty((0, 17, 3), np.float32), FLOATS[:0]),
    ],
    ids=["objects", "no objects", "labels", "shares", "poses", "no poses"],
)
def test_an_order_arrives_and_what_is_seen_by_it_arrives_as_it_was(pair: Pair, found: Found) -> None:
    tells: dict[type, Tells] = {Detections: "objects", Labels: "labels", Shares: "shares", Poses: "poses"}
    body = pair.body(model=THREE, tells=tells[type(found)])
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order")
        given = Observation(pair.clock.now_ns(), "m", found)
        eye.puppet.feed(given)
        body.until(lambda: body.seen and body.source.view, "the observation")
    (taken,) = body.seen
    assert eye.looked[0][0] == look()
    assert (taken.taken_ns, taken.bundle, type(taken.found)) == (given.taken_ns, "m", type(found))
    for one, other in zip(columns(taken.found), columns(found), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    assert body.source.view == View("picamera", 640, 480, 10)


def test_troubles_and_readings_of_the_eye_reach_the_body_and_are_taken_back(pair: Pair) -> None:
    body = pair.body()
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order")
        sensor = SensorReadings(dnn_ms=14.5, lux=None, missed=3)
        eye.puppet.readings = Readings((4.0, 5.5), sensor, doing="sending the network: 3 %")
        pair.clock.sleep(1)
        body.until(lambda: body.source.readings.sensor, "the readings")
        assert body.source.readings == eye.puppet.readings
        eye.puppet.feed(CameraError("un\nplugged\x9b"))
        body.until(lambda: body.troubles, "the trouble")
        assert body.troubles == {"source_failed": "un plugged?; trying again in 1 s"}
        pair.clock.sleep(2)
        see_one(body, eye)
        body.until(lambda: not body.troubles, "it is over")


def test_a_paced_eye_drops_and_counts_what_the_body_does_not_take(pair: Pair) -> None:
    body = pair.body()
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order")
        until(lambda: eye.link._order is not None, "it may send")
        fed = stream(body, eye.puppet, 5000)
        until(lambda: eye.link.sent + eye.link._dropped == len(fed), "all are sent, or dropped")
        dropped = eye.link._dropped
        assert 0 < dropped < len(fed)
        pair.clock.sleep(1)
        body.until(lambda: body.source.readings.dropped == dropped, "the number of those dropped")


def test_an_eye_that_reads_a_file_waits_loses_nothing_and_says_when_it_is_over(pair: Pair) -> None:
    body = pair.body(look(CLIP))
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order")
        fed = stream(body, eye.puppet, 2000)
        eye.puppet.feed(SourceEnded())
        with pytest.raises(SourceEnded):
            body.until(lambda: False, "the end")
        assert [one.taken_ns for one in body.seen] == [one.taken_ns for one in fed]
        assert eye.link._dropped == 0


def test_the_end_of_a_file_is_told_to_a_body_that_has_no_time_just_then(pair: Pair) -> None:
    body = pair.body(look(CLIP))
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order")
        until(lambda: eye.link._order is not None, "it may send")
        while eye.link._send(crossing.seen(seen(pair.clock.now_ns())), 0):
            pass
        eye.puppet.feed(SourceEnded())
        until(lambda: eye.puppet.done[-1] == "close", "the file is over")
        with pytest.raises(SourceEnded):
            body.until(lambda: False, "the end")


def test_a_file_that_cannot_be_read_is_the_bodys_error(pair: Pair) -> None:
    def broken(_: Look) -> None:
        raise InputError("clip.mp4: no such file")

    body = pair.body(look(CLIP))
    with pair.eye(opening=broken), pytest.raises(InputError, match=r"^clip\.mp4: no such file$"):
        body.until(lambda: False, "the error")


def test_a_body_that_comes_after_the_end_of_a_file_has_it_read_again(pair: Pair) -> None:
    with pair.eye() as eye:
        for times in (1, 2):
            body = pair.body(look(CLIP))
            body.until(lambda least=times: len(eye.looked) == least, "the order")
            stream(body, eye.puppet, 3)
            eye.puppet.feed(SourceEnded())
            with pytest.raises(SourceEnded):
                body.until(lambda: False, "the end")
            assert len(body.seen) == 3


def test_what_was_seen_is_not_older_than_the_body_wants(pair: Pair) -> None:
    body = pair.body()
    with pair.eye() as eye:
        body.until(lambda: eye.looked and eye.link._order is not None, "the order")
        eye.puppet.feed(seen(pair.clock.now_ns() - 11 * 10**9))
        see_one(body, eye)
        assert len(body.seen) == 1
        assert body.source.readings.dropped == 1


def test_the_largest_messages_fit(pair: Pair) -> None:
    largest = [
        Detections(FLOATS[:1200].reshape(-1, 4), FLOATS[:300], np.full(300, 299)),
        Poses(FLOATS.reshape(-1, 17, 3), FLOATS[:30]),
        Labels(np.resize(FLOATS, 1024), np.arange(1024)),
    ]
    for found in largest:
        data = wire.encode(crossing.seen(Observation(2**62, "m" * 160, found)))
        assert len(data) < wire.MOST_BYTES / 2
    path = "\U0001f441" * 4096
    order = look(CameraSettings(source="video", file=path), path)
    assert len(wire.encode(order)) < wire.MOST_BYTES
    body = pair.body(order)
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order")
    assert eye.looked[0][0] == order


def test_a_body_that_was_held_up_takes_all_that_waits_and_cuts_nobody_off(pair: Pair) -> None:
    body = pair.body()
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order")
        until(lambda: eye.link._order is not None, "it may send")
        stream(body, eye.puppet, 2000)
        until(lambda: eye.link._dropped, "the socket is full")
        stream(body, eye.puppet, 1)
        until(lambda: eye.link.sent + eye.link._dropped == 2001, "all are sent, or dropped")
        sent = eye.link.sent
        body.until(lambda: len(body.seen) == sent, "all that was sent")
        assert body.troubles == {}
