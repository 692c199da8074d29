"""Commands are attended to within bounds, once, and answered."""

import json
from collections import OrderedDict

import pytest

from eyespot.domain.message import Heard
from eyespot.supervisor.command_worker import AT_ONCE, Answered
from eyespot.supervisor.inbox import MOST_WAITING
from eyespot.topics.commands import MOST_BYTES
from eyespot.topics.model_payloads import Result
from eyespot.topics.payloads import LONGEST_LINE
from eyespot.update.commands import Verdict
from fakes.brokers import ROOT
from fakes.desk import RUNNING, Desk
from fakes.standings import standing


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_command_with_an_id_is_passed_on_and_answered(desk: Desk) -> None:
    desk.told("cmd/model/rollback", '{"req_id": "r-1"}')
    assert [(to, request.kind, request.req_id) for to, request in desk.passed_on] == [
        ("body", "rollback", "r-1")
    ]
    (message,) = desk.posted
    assert (message.topic, message.retain, message.qos) == (f"{ROOT}/reply/r-1", False, 1)
    (reply,) = desk.replies
    assert (reply["req_id"], reply["code"], reply["result"]) == ("r-1", "ok", {"request": "rollback"})
    assert reply["schema"] == "eyespot.reply/1"


def test_a_command_without_an_id_is_passed_on_each_time_and_never_answered(desk: Desk) -> None:
    desk.told("cmd/model/update", "latest")
    desk.told("cmd/model/update", "latest", answer_to="desk/1", correlation=b"1")
    desk.told("cmd/model/explode", "{}")
    assert desk.kinds == ["check", "check"]
    assert desk.posted == []


def test_what_was_asked_before_is_only_answered_again(desk: Desk) -> None:
    desk.told("cmd/model/rollback", '{"req_id": "r-1"}')
    desk.standing = standing()
    desk.told("cmd/model/rollback", '{"req_id": "r-1"}')
    assert desk.kinds == ["rollback"]
    assert [reply["code"] for reply in desk.replies] == ["ok", "ok"]


def test_what_was_asked_in_the_life_before_is_only_answered_again() -> None:
    answered: Answered = OrderedDict()
    Desk(answered=answered).told("cmd/model/rollback", '{"req_id": "r-1"}')
    after = Desk(answered=answered)
    after.told("cmd/model/rollback", '{"req_id": "r-1"}')
    assert (after.kinds, [reply["code"] for reply in after.replies]) == ([], ["ok"])


def test_what_was_refused_may_be_done_by_the_time_it_is_asked_again(desk: Desk) -> None:
    desk.standing = standing()
    desk.told("cmd/model/rollback", '{"req_id": "r-1"}')
    desk.standing = RUNNING
    desk.told("cmd/model/rollback", '{"req_id": "r-1"}')
    assert [reply["code"] for reply in desk.replies] == ["refused", "ok"]


def test_a_model_that_is_desired_while_there_is_too_much_to_do_is_looked_at_later(desk: Desk) -> None:
    for _ in range(AT_ONCE):
        desk.told("cmd/model/update", "latest")
    desk.told("model/desired", '{"check": true}', retain=True)
    assert len(desk.passed_on) == AT_ONCE
    desk.clock.sleep(60)
    desk.worker.turn(0)
    assert len(desk.passed_on) == AT_ONCE + 1
    desk.told("model/desired", '{"check": true}', retain=True)  # the same, with a new connection
    assert len(desk.passed_on) == AT_ONCE + 1


def test_the_same_id_for_something_else_is_something_else(desk: Desk) -> None:
    desk.told("cmd/model/rollback", '{"req_id": "1"}')
    desk.told("cmd/model/update", '{"req_id": "1"}')
    assert desk.kinds == ["rollback", "check"]


def test_who_asks_is_told_what_went_wrong(desk: Desk) -> None:
    desk.told("cmd/model/explode", '{"req_id": "1"}')
    desk.told("cmd/model/update", '{"req_id": "2", "args": {"url": "https://evil.example/m.tflite"}}')
    desk.told("cmd/model/update", '{"req_id": "3", "expires": "1969-01-01T00:00:00Z"}')
    desk.fails = True
    desk.told("cmd/model/update", '{"req_id": "4"}')
    assert desk.passed_on == []
    told = [(reply["req_id"], reply["code"], reply["result"]) for reply in desk.replies]
    assert told == [
        ("1", "invalid", None),
        ("2", "invalid", None),
        ("3", "refused", None),
        ("4", "failed", None),
    ]
    assert "no space left" in desk.replies[-1]["detail"]


def test_no_answer_is_too_long_to_leave(desk: Desk) -> None:
    desk.told("cmd/model/rollback", json.dumps({"req_id": "r-1", "x" * 5_000: 1}))
    (reply,) = desk.replies
    assert reply["code"] == "invalid"
    assert len(reply["detail"]) == LONGEST_LINE


def test_all_rules_that_a_device_can_have_are_named_where_they_begin_at_zero() -> None:
    rules = tuple(f"r{number:062d}" for number in range(100))
    desk = Desk(do=lambda *_: Verdict("ok", "100 rules begin at zero", done=Result(rules=rules)))
    desk.told("cmd/counters/reset", '{"req_id": "%s"}' % ("r" * 64))
    assert desk.replies[0]["result"] == {"rules": list(rules)}


def test_what_cannot_be_answered_ends_nothing_and_is_named(caplog: pytest.LogCaptureFixture) -> None:
    rules = tuple(f"r{number:062d}" for number in range(200))  # nobody can have so many
    desk = Desk(do=lambda *_: Verdict("ok", "200 rules begin at zero", done=Result(rules=rules)))
    desk.told("cmd/counters/reset", '{"req_id": "r-1"}')
    assert desk.posted == []
    assert "no answer to" in caplog.text
    desk.told("cmd/model/rollback", '{"req_id": "r-2"}')
    assert desk.answered == ["r-2"]


def test_an_answer_goes_where_it_is_wanted_with_what_is_to_be_given_back(desk: Desk) -> None:
    desk.told("cmd/model/update", '{"req_id": "1"}', answer_to="clerk/desk-7", correlation=b"\x00\xff")
    (message,) = desk.posted
    assert (message.topic, message.correlation, message.retain) == ("clerk/desk-7", b"\x00\xff", False)


def test_what_is_desired_is_a_hint_that_is_heard_once(desk: Desk) -> None:
    desk.told("model/desired", '{"check": true}', retain=True)
    desk.told("model/desired", '{"check": true}', retain=True)  # the same, with a new connection
    assert desk.kinds == ["check"]
    desk.told("model/desired", '{"check": true}')  # said anew
    desk.told("model/desired", "")
    desk.told("model/desired", '{"bundle": "people", "version": "2.0.0", "req_id": "d"}', retain=True)
    assert desk.kinds == ["check"] * 3
    assert [reply["req_id"] for reply in desk.replies] == ["d"]


def test_too_many_commands_are_not_looked_at_and_that_is_named_until_it_is_over(desk: Desk) -> None:
    for _ in range(AT_ONCE + 5):
        desk.told("cmd/model/update", "latest")
    assert len(desk.passed_on) == AT_ONCE
    desk.clock.sleep(10)
    desk.worker.turn(0)
    assert "too many commands, or too large: not looked at 5;" in desk.health.lasting["commands_dropped"]
    desk.told("cmd/model/update", "latest")
    assert len(desk.passed_on) == AT_ONCE + 1
    desk.clock.sleep(60)
    desk.worker.turn(0)
    assert desk.health.lasting == {}


def test_what_is_desired_waits_for_its_turn_and_the_last_word_counts() -> None:
    heard: list[Heard] = []
    desk = Desk(desire=heard.append)
    for number in range(AT_ONCE + 5):
        desk.told("cmd/model/update", "latest")
        desk.hears("config/desired", b"%d" % number)
    heard.clear()
    desk.worker.turn(0)
    assert heard == []
    desk.clock.sleep(6)
    desk.worker.turn(0)
    desk.worker.turn(0)
    assert [each.payload for each in heard] == [b"%d" % (AT_ONCE + 4)]


@pytest.mark.parametrize("repeated", [False, True])
def test_whether_the_broker_repeats_what_is_desired_is_passed_on(repeated: bool) -> None:
    heard: list[Heard] = []
    Desk(desire=heard.append).told("config/desired", b"{}", retain=repeated)
    assert [each.retain for each in heard] == [repeated]


def test_of_what_is_desired_too_large_enough_is_passed_on_to_say_so() -> None:
    heard: list[Heard] = []
    desk = Desk(desire=heard.append)
    desk.told("config/desired", b"x" * 5_000_000, retain=True)
    assert [len(each.payload) for each in heard] == [MOST_BYTES + 1]
    assert desk.health.lasting == {}


def test_what_finds_no_room_is_counted(desk: Desk) -> None:
    for _ in range(MOST_WAITING + 7):
        desk.hears("cmd/model/update", b"latest")
    desk.hears("cmd/model/update", b"x" * 16_385)
    desk.hears("cmd/" + "x" * 600, b"latest")
    desk.worker.turn(0)
    assert "not looked at 9;" in desk.health.lasting["commands_dropped"]


def test_a_broker_that_lets_nobody_speak_to_us_is_named(desk: Desk) -> None:
    desk.worker.deaf(f"{ROOT}/cmd/#", "not authorized")
    assert (
        "does not let us hear eyespot/v1/shop-1/cmd/# (not authorized)"
        in desk.health.lasting["commands_denied"]
    )
    desk.worker.listening()
    assert desk.health.lasting == {}


def test_a_broker_that_does_not_say_whether_anybody_may_speak_to_us_is_named(desk: Desk) -> None:
    desk.worker.deaf(f"{ROOT}/cmd/#", None)
    assert (
        "does not answer whether we may hear eyespot/v1/shop-1/cmd/#; see its log;"
        in desk.health.lasting["commands_denied"]
    )
    desk.worker.listening()
    assert desk.health.lasting == {}


def test_it_returns_when_asked_to(desk: Desk) -> None:
    beats: list[int] = []
    desk.worker.stop(0.1)
    desk.worker.run(lambda: beats.append(1))
    assert beats == []
