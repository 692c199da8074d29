"""Who cannot listen to the fleet is told at which broker, why, and what to do."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import pytest

from eyespot.broker import hearing
from eyespot.broker.settings import MqttSettings
from eyespot.domain.errors import BrokerError
from eyespot_fleet import listening
from eyespot_fleet.status.survey import Survey
from fakes.scripted import SUBSCRIBE, WELCOME, Peer, ScriptedBroker


def never_answers_subscribe(peer: Peer) -> None:
    peer.say(WELCOME)
    peer.hear_out()


def refuses_subscribe(peer: Peer) -> None:
    peer.say(WELCOME)
    asked = peer.next(SUBSCRIBE).body[:2]
    peer.say(b"\x90\x04" + asked + b"\x00\x87")
    peer.hear_out()


def denies_login(peer: Peer) -> None:
    peer.say(b"\x20\x03\x00\x86\x00")


@pytest.mark.parametrize(
    ("script", "patience_s", "said"),
    [
        (
            never_answers_subscribe,
            0.5,
            "it does not answer whether we may read eyespot/v1/+/status; see its log",
        ),
        (
            never_answers_subscribe,
            60.0,
            "it lets us in, but has not answered yet whether we may listen; see its log",
        ),
        (
            refuses_subscribe,
            60.0,
            "it does not let us read eyespot/v1/+/status (not authorized); allow this login to",
        ),
        (denies_login, 60.0, "login denied; check username and the password, "),
    ],
)
def test_the_broker_is_named_once(
    script: Callable[[Peer], None], patience_s: float, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_FIRST_S", 2.0)
    monkeypatch.setattr(hearing, "_MOST_ANSWERING_S", patience_s)
    survey = Survey("eyespot/v1", time.monotonic, lambda: datetime.now(UTC))
    with (
        closing(ScriptedBroker(script)) as server,
        pytest.raises(BrokerError) as told,
        listening.listening(MqttSettings(url=server.url), survey),
    ):
        pass
    assert str(told.value).startswith(f"cannot listen to the devices: {server.url}: {said}")
    assert str(told.value).count(server.url) == 1
