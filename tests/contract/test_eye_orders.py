"""What the body asks the eye for, over a real socket: who may come and go, and who is obeyed."""

import random
import threading
import time

import pytest

from eyespot.app import sight, swapping
from eyespot.domain.errors import CameraError, ModelError, ModelRefused
from eyespot.domain.recovery import Step
from eyespot.ports import Tell
from eyespot.sources.settings import CameraSettings
from eyespot.sources.wire import Look
from fakes.eyes import Ledger, Pair, look, see_one, stream
from fakes.waiting import until

SCENE = CameraSettings(source="scene")


def no_scene(order: Look) -> None:
    if order == look(SCENE):
        raise ModelError("model.tflite: damaged")


def test_a_body_that_is_started_anew_finds_the_eye_looking_and_changes_nothing(pair: Pair) -> None:
    ledger = Ledger()
    body = pair.body(ledger=ledger)
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order")
        see_one(body, eye)
        body = pair.body(ledger=ledger)
        see_one(body, eye)
        body.until(lambda: body.source.view, "the view is told to the new body, too")
        assert (len(eye.looked), eye.puppet.done, ledger.asked) == (1, ["open"], 1)


def test_another_order_makes_the_eye_look_anew_once_it_is_loaded(pair: Pair) -> None:
    goes_on = threading.Event()
    body = pair.body()
    with pair.eye(opening=lambda order: goes_on.wait(5) if order == look(SCENE) else None) as eye:
        body.until(lambda: eye.looked, "the order")
        first = eye.puppet
        see_one(body, eye)
        body = pair.body(look(SCENE))
        body.until(lambda: eye.sight.describe() == "loading the model", "the second is loaded")
        assert first.done == ["open"]
        goes_on.set()
        body.until(lambda: len(eye.looked) == 2, "the second order")
        see_one(body, eye)
        assert (first.done, eye.looked[1][0]) == (["open", "close"], look(SCENE))


def test_an_order_that_cannot_be_followed_is_refused_and_the_one_before_goes_on(pair: Pair) -> None:
    body = pair.body()
    with pair.eye(opening=no_scene) as eye:
        body.until(lambda: eye.looked, "the order")
        see_one(body, eye)
        body = pair.body(look(SCENE))
        body.until(lambda: body.troubles, "the refusal")
        assert body.troubles == {"swap_refused": "model.tflite: damaged"}
        body = pair.body()
        see_one(body, eye)
        assert (eye.puppet.done, body.troubles) == (["open"], {})


def test_a_refusal_ends_a_source_whose_owner_goes_back_to_the_order_of_before(pair: Pair) -> None:
    body = pair.body()
    with pair.eye(opening=no_scene) as eye:
        body.until(lambda: eye.looked, "the order")
        body = pair.body(look(SCENE), goes_back=True)
        with pytest.raises(ModelRefused, match="damaged"):
            body.until(lambda: False, "the refusal")
        body = pair.body(goes_back=True)
        see_one(body, eye)


def test_a_camera_that_runs_neither_the_new_order_nor_the_old_is_told_to_who_knows_the_way_back(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def neither(_: Tell) -> None:
        raise CameraError("neither runs")

    body = pair.body()
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order")
        monkeypatch.setattr(sight, "can_go_over", lambda *_: True)
        monkeypatch.setattr(swapping, "going_over", lambda *_: neither)
        body = pair.body(look(bundle="/another"), goes_back=True)
        with pytest.raises(ModelRefused, match="neither runs"):
            body.until(lambda: False, "the refusal")
        body = pair.body()
        see_one(body, eye)


def test_an_order_that_comes_while_the_one_before_is_loaded_is_the_one_that_is_followed(pair: Pair) -> None:
    goes_on = threading.Event()
    slow = pair.eye(opening=lambda order: goes_on.wait(5) if order == look() else None)
    body = pair.body()
    with slow as eye:
        body.until(lambda: eye.sight.describe() == "loading the model", "the first is loaded")
        body = pair.body(look(SCENE))
        body.until(lambda: not eye.sight._orders.empty(), "the second arrives")
        goes_on.set()
        body.until(lambda: len(eye.looked) == 2, "the second is followed")
        see_one(body, eye)
        assert eye.looked[0][1].done == ["close"]


def test_an_eye_that_vanishes_and_comes_back_is_told_to_look_again(pair: Pair) -> None:
    body = pair.body(ledger=Ledger())
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order")
        see_one(body, eye)
    body.until(lambda: body.source.readings.doing, "it is gone")
    body.passes(6)
    assert set(body.troubles) == {"eye_absent"}
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order once more")
        see_one(body, eye)
        assert body.troubles == {}


def test_a_model_that_cannot_be_loaded_is_named_and_tried_again(pair: Pair) -> None:
    failures = iter([ModelError("model.tflite: damaged")])

    def opening(_: Look) -> None:
        for failure in failures:
            raise failure

    body = pair.body()
    with pair.eye(opening=opening) as eye:
        body.until(lambda: body.troubles, "the trouble")
        assert body.troubles == {"source_failed": "model.tflite: damaged"}
        pair.clock.sleep(31)
        body.until(lambda: eye.looked, "it is tried again")
        see_one(body, eye)
        body.until(lambda: not body.troubles, "it is over")


def test_an_order_that_comes_while_another_waits_to_be_tried_again_is_followed(pair: Pair) -> None:
    def opening(order: Look) -> None:
        if order == look():
            raise ModelError("model.tflite: damaged")

    body = pair.body()
    with pair.eye(opening=opening) as eye:
        body.until(lambda: body.troubles, "the trouble")
        body = pair.body(look(SCENE))
        body.until(lambda: eye.looked, "the other order")
        pair.clock.sleep(31)
        see_one(body, eye)
        assert [order for order, _ in eye.looked] == [look(SCENE)]


def test_steps_of_recovery_reach_the_source_and_the_last_one_ends_the_eye(pair: Pair) -> None:
    body = pair.body()
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order")
        body.source.recover(Step.RESTART)
        body.until(lambda: "restart_stream" in eye.puppet.done, "the stream is started anew")
        body.source.recover(Step.RELOAD)
        body.until(lambda: "reload_network" in eye.puppet.done, "the network is loaded anew")
        body.source.recover(Step.RENEW)
        body.until(lambda: not eye.threads[0].running, "the eye ends")


def test_the_camera_is_powered_up_only_once_the_ledger_allows_it(pair: Pair) -> None:
    ledger = Ledger([600.0, 60.0])
    body = pair.body(ledger=ledger)
    with pair.eye() as eye:
        body.until(lambda: body.troubles, "the camera rests")
        assert body.troubles["camera_resting"].endswith("again in 10 min")
        body.turn(50)
        assert (ledger.asked, eye.puppet.done) == (1, [])
        assert body.source.readings.doing == "waiting until the camera may be powered up"
        for _ in range(2):
            asked = ledger.asked
            for _ in range(61):  # at once it would look as if the body had been away for a minute
                pair.clock.sleep(1)
                body.take(0.01)
            body.until(lambda least=asked: ledger.asked > least, "the ledger is asked again")
        see_one(body, eye)
        assert (ledger.asked, eye.puppet.done, body.troubles) == (3, ["open"], {})


def test_an_eye_that_never_comes_to_open_its_camera_costs_no_power_up(pair: Pair) -> None:
    def opening(_: Look) -> None:
        raise ModelError("model.tflite: damaged")

    ledger = Ledger()
    body = pair.body(ledger=ledger)
    for _ in range(3):
        with pair.eye(opening=opening):
            body.until(lambda: "source_failed" in body.troubles, "the trouble")
        body.passes(2)
    assert ledger.asked == 0


def test_an_eye_rests_after_a_minute_without_a_body_and_looks_again_for_the_next_one(pair: Pair) -> None:
    ledger = Ledger()
    body = pair.body(ledger=ledger)
    with pair.eye() as eye:
        body.until(lambda: eye.looked, "the order")
        first = eye.puppet
        body.close()
        until(lambda: eye.link.away_since_ns is not None, "the body is missed")
        pair.clock.sleep(59)
        stream(body, first, 3)
        assert first.done == ["open"]
        pair.clock.sleep(2)
        until(lambda: first.done == ["open", "close"], "it rests")
        until(lambda: eye.sight.describe() == "waiting for the body", "and says so")
        body = pair.body(ledger=ledger)
        body.until(lambda: len(eye.looked) == 2, "it looks again")
        see_one(body, eye)
        assert ledger.asked == 2


def test_an_eye_that_is_stopped_while_it_loads_ends_without_looking(pair: Pair) -> None:
    goes_on = threading.Event()
    body = pair.body()
    with pair.eye(opening=lambda _: goes_on.wait(5)) as eye:
        body.until(lambda: eye.sight.describe() == "loading the model", "the model is loaded")
        eye.sight.stop()
        goes_on.set()
        until(lambda: not eye.threads[1].running, "the camera's thread ends")
    assert eye.puppet.done == ["close"]


def test_the_same_order_again_and_again_never_makes_it_look_anew(pair: Pair) -> None:
    with pair.eye() as eye:
        for _ in range(20):
            body = pair.body()
            body.until(lambda: eye.looked and eye.link._order is not None, "the order")
            body.close()
            until(lambda: eye.link.away_since_ns is not None, "the body is missed")
    assert len(eye.looked) == 1


@pytest.mark.parametrize("seed", range(3))
def test_whatever_comes_in_between_the_last_order_is_the_one_that_is_followed(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    orders = [look(CameraSettings(source="scene", seed=number)) for number in range(3)]
    with pair.eye(opening=lambda _: time.sleep(chance.choice((0, 0.01)))) as eye:
        for _ in range(15):
            body = pair.body(chance.choice(orders))
            for _ in range(chance.choice((0, 1, 2, 5, 10))):
                body.take(0.01)
        body = pair.body(orders[0])
        body.until(
            lambda: eye.looked and eye.looked[-1][0] == orders[0] and eye.link._order is not None,
            "the last order",
        )
        see_one(body, eye)
        assert [puppet.done[-1] for _, puppet in eye.looked[:-1]] == ["close"] * (len(eye.looked) - 1)
