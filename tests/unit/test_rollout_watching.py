"""What is made of what the broker tells."""

import json

import pytest

from eyespot.domain.message import Delivery, Heard, Message
from eyespot_fleet.rollout.watching import SETTLED_S, Watch

SAYS = b'{"state": "idle", "cohort": "shops", "current": null, "good": null}'


class Hearing:
    """A watch, and the hand of its clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.watch = Watch("site/eyespot", lambda: self.now_s)

    def hear(self, topic: str, payload: bytes, at_s: float = 0.0) -> None:
        self.now_s = at_s
        self.watch.hear(Heard(f"site/eyespot/{topic}", payload, retain=True, qos=0))


@pytest.fixture(name="hearing")
def someone_who_hears() -> Hearing:
    return Hearing()


def test_a_device_moves_when_it_says_something_new_and_when_it_comes_or_goes(hearing: Hearing) -> None:
    hearing.hear("a/model/detail", SAYS, 1)
    hearing.hear("a/model/detail", SAYS, 2)
    assert hearing.watch.known()["a"].moved_s == 1
    hearing.hear("a/status", b'{"state": "online", "since": "long ago"}', 3)
    hearing.hear("a/status", b'{"state": "online", "since": "long ago"}', 4)
    known = hearing.watch.known()["a"]
    assert (known.online, known.moved_s) == (True, 3)
    hearing.hear("a/status", b'{"state": "offline", "since": "now"}', 5)
    assert not hearing.watch.known()["a"].online


@pytest.mark.parametrize("payload", [b"{", b"\xff", b'{"state": 1}', b"[" * 5000, b"null"])
def test_what_cannot_be_read_changes_nothing(hearing: Hearing, payload: bytes) -> None:
    hearing.hear("a/model/detail", SAYS)
    hearing.hear("a/model/detail", payload, 9)
    hearing.hear("a/status", payload, 9)
    assert hearing.watch.known()["a"].moved_s == 0


@pytest.mark.parametrize("topic", ["A\x1b[2J/model/detail", "a/b/model/detail", "a/model/state", "/status"])
def test_what_is_no_device_is_not_heard(hearing: Hearing, topic: str) -> None:
    hearing.hear(topic, SAYS)
    assert not hearing.watch.known()


def test_a_device_that_was_removed_from_the_broker_is_forgotten(hearing: Hearing) -> None:
    hearing.hear("a/model/detail", SAYS)
    hearing.hear("a/model/detail", b"")
    assert not hearing.watch.known()


def test_nothing_is_believed_before_the_broker_has_told_what_it_had_kept(hearing: Hearing) -> None:
    assert not hearing.watch.hears
    hearing.watch.listening()
    assert not hearing.watch.hears
    hearing.now_s = SETTLED_S
    assert hearing.watch.hears
    hearing.watch.disconnected("it went")
    assert (hearing.watch.hears, hearing.watch.trouble) == (False, "it went")


def test_hints_are_handed_over_as_fast_as_the_broker_takes_them(hearing: Hearing) -> None:
    taken: list[Message] = []
    hearing.watch.hint(["a", "b", "c"])
    hearing.watch.carry(lambda message, _: len(taken) < 2 and not taken.append(message))  # type: ignore[func-returns-value]
    assert [message.topic for message in taken] == [
        "site/eyespot/a/model/desired",
        "site/eyespot/b/model/desired",
    ]
    hearing.watch.carry(lambda message, _: not taken.append(message))  # type: ignore[func-returns-value]
    assert len(taken) == 3
    assert all(json.loads(message.payload) == {"check": True} for message in taken)
    assert {message.delivery for message in taken} == {Delivery.ANSWER}, "kept, it would come again and again"


def test_each_device_is_asked_once_what_it_has_said_of_its_model_so_far(hearing: Hearing) -> None:
    at_first = len(hearing.watch.subscriptions)
    for payload in (b'{"state": "online"}', b'{"state": "offline"}'):
        hearing.hear("a/status", payload)
        hearing.hear("a/model/detail", b"")
        hearing.hear("b/status", payload)
    asked = hearing.watch.subscriptions[at_first:]
    assert [one.topic_filter for one in asked] == [
        "site/eyespot/a/model/detail",
        "site/eyespot/b/model/detail",
    ]
