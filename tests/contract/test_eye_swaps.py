"""Another model through a real socket: the eye looks on meanwhile, the body takes the right one's word."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from eyespot.app import sight, swapping
from eyespot.domain.errors import ModelError
from eyespot.domain.observation import Observation, no_detections
from eyespot.domain.recovery import Step
from eyespot.ports import ObservationSource, Readings, Tell
from eyespot.sources.screening import Wanted
from eyespot.sources.wire import Look
from fakes.eyes import Body, Eye, Pair, look, see_one
from fakes.script import MODEL

NEW = Wanted(replace(MODEL, bundle="new"), "objects")
ORDER = look(bundle="/models/new")


@pytest.fixture(autouse=True)
def goes_over(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let puppets go over to any order, once this is set."""
    loaded = threading.Event()

    def going_over(_: ObservationSource, order: Look) -> Callable[[Tell], None]:
        assert loaded.wait(10)
        if order.bundle == "/models/broken":
            raise ModelError("model.tflite: cannot be run")
        return lambda _: None

    monkeypatch.setattr(sight, "can_go_over", lambda *_: True)
    monkeypatch.setattr(swapping, "going_over", going_over)
    return loaded


def shown(body: Body, eye: Eye, bundle: str) -> bool:
    """Let the eye see something by a model; return whether the body takes it."""
    before, misfits = len(body.seen), body.source.readings.dropped
    eye.puppet.feed(Observation(body.clock.now_ns(), bundle, no_detections()))

    def taken() -> bool:  # what was on its way before does not count
        return any(observation.bundle == bundle for observation in body.seen[before:])

    body.until(lambda: taken() or body.source.readings.dropped > misfits, "it arrives")
    return taken()


def begun(pair: Pair, eye: Eye) -> Body:
    body = pair.body()
    body.until(lambda: eye.looked, "the order")
    see_one(body, eye)
    return body


def test_the_old_model_is_taken_until_the_new_one_is_seen_and_only_the_new_one_after_that(
    pair: Pair, goes_over: threading.Event
) -> None:
    with pair.eye() as eye:
        body = begun(pair, eye)
        body.source.swap(ORDER, NEW)
        body.until(lambda: eye.link._order == ORDER, "the order arrives")
        assert shown(body, eye, "m"), "it looks on while the new one is loaded"
        assert not shown(body, eye, "a third")
        goes_over.set()
        body.until(lambda: eye.link.follows == ORDER, "it goes over")
        assert body.source.model.bundle == "m"
        assert shown(body, eye, "new")
        assert body.source.model.bundle == "new"
        assert not shown(body, eye, "m")
        assert (len(eye.looked), eye.puppet.done) == (1, ["open"]), "the camera stayed open"


def test_a_model_that_the_eye_cannot_load_is_refused_and_the_way_back_changes_nothing(
    pair: Pair, goes_over: threading.Event
) -> None:
    goes_over.set()
    with pair.eye() as eye:
        body = begun(pair, eye)
        body.source.swap(look(bundle="/models/broken"), NEW)
        body.until(lambda: body.source.refusal, "the refusal")
        assert body.source.refusal == "model.tflite: cannot be run"
        assert body.troubles == {}, "who gave the order acts on it"
        body.source.swap(look(), Wanted(MODEL, "objects"))
        assert body.source.refusal == ""
        assert shown(body, eye, "m")
        assert eye.puppet.done == ["open"]


def test_the_newest_of_several_orders_is_the_one_that_is_followed(
    pair: Pair, goes_over: threading.Event
) -> None:
    with pair.eye() as eye:
        body = begun(pair, eye)
        newest = look(bundle="/models/newest")
        for order in (ORDER, newest):
            body.source.swap(order, NEW)
            body.until(lambda order=order: eye.link._order == order, "the order arrives")
            see_one(body, eye)
        goes_over.set()
        body.until(lambda: eye.link.follows == newest, "it goes over")
        see_one(body, eye)
        assert eye.link.follows == newest


def test_an_eye_that_vanishes_counts_against_the_model_unless_it_was_sent_away(
    pair: Pair, goes_over: threading.Event
) -> None:
    goes_over.set()
    with pair.eye() as eye:
        body = begun(pair, eye)
        body.source.swap(ORDER, NEW)
        body.until(lambda: eye.link.follows == ORDER, "it goes over")
    body.until(lambda: body.source.losses == 1, "it is missed")
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the next one has the same order")
        assert eye.looked[0][0] == ORDER
        body.source.recover(Step.RENEW)
        body.until(lambda: not eye.threads[0].running, "it goes")
    body.until(lambda: body.source.readings.doing == "waiting for the eye", "it has gone")
    assert body.source.losses == 1


def test_what_the_eye_holds_and_why_its_model_fails_reach_the_body(pair: Pair) -> None:
    with pair.eye() as eye:
        body = begun(pair, eye)
        eye.link._memory_mb = lambda: 123.5
        eye.puppet.readings = Readings(model_error="the model's boxes are not finite")
        pair.clock.sleep(1)
        body.until(lambda: body.source.readings.memory_mb, "the readings")
        assert body.source.readings == Readings(
            model_error="the model's boxes are not finite", memory_mb=123.5
        )
