"""What somebody at the door says by messages, beside what the line counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from eyespot.domain.tallying import MOST_TALLIED
from fakes.daemon import LINE, write_config
from fakes.office import Office

NOBODY = "mqtt://localhost"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def says(office: Office, press: str, rule: str = "door") -> dict[str, Any]:
    req_id = f"{press}-{len(office.replies)}"
    office.told("cmd/tally", json.dumps({"req_id": req_id, "args": {"rule": rule, "press": press}}))
    return office.replies[-1]


def results(office: Office) -> list[dict[str, Any]]:
    payloads = [json.loads(one.payload) for handover in office.handovers for one in handover.messages]
    return [payload for payload in payloads if payload.get("kind") == "tallied"]


def test_presses_are_compared_with_what_is_counted_and_the_result_is_an_event(office: Office) -> None:
    assert says(office, "begin")["code"] == "ok"
    office.walks()
    assert says(office, "out")["detail"] == "0 in, 1 out"
    assert says(office, "undo")["detail"] == "0 in, 0 out"
    assert says(office, "out")["detail"] == "0 in, 1 out"
    assert says(office, "end")["detail"] == "the result comes as an event of door in 3 s"
    office.tallies.tick()
    assert results(office) == []
    office.clock.sleep(3)
    office.tallies.tick()
    office.tallies.tick()
    [result] = results(office)
    assert (result["seen"], result["counted"]) == ({"in": 0, "out": 1}, {"in": 1, "out": 0})
    assert (result["missed"], result["extra"]) == ({"in": 0, "out": 1}, {"in": 1, "out": 0})
    assert (result["n"], result["count_error"], result["wrong"]["share"]) == (1, 2.0, 1.0)
    assert (result["model"], result["changed"]) == ("m@1.0.0-0123456789ab", False)
    assert result["seq"] == office.handovers[-1].seq
    assert result["since"] < result["t"]


def test_who_was_counted_when_seen_is_neither_missed_nor_extra(office: Office) -> None:
    says(office, "begin")
    office.walks()  # is seen by the tally when the pipeline is stepped, at the clock of then
    office.clock.sleep(-20)
    says(office, "in")
    office.clock.sleep(20)
    says(office, "end")
    office.clock.sleep(3)
    office.tallies.tick()
    [result] = results(office)
    assert (result["missed"]["in"], result["extra"]["in"], result["count_error"]) == (0, 0, 0.0)


def test_one_that_is_forgotten_ends_with_what_was_said_last(office: Office) -> None:
    says(office, "begin")
    says(office, "in")
    office.clock.sleep(1700)
    office.walks()
    office.tallies.tick()
    assert results(office) == []
    office.clock.sleep(200)
    office.tallies.tick()
    [result] = results(office)
    assert (result["n"], result["counted"]) == (1, {"in": 0, "out": 0})
    assert says(office, "in")["code"] == "refused"


def test_who_begins_again_before_the_result_has_come_gets_both(office: Office) -> None:
    for press in ("begin", "in", "in", "end", "begin", "out"):
        assert says(office, press)["code"] == "ok"
    office.clock.sleep(1)
    says(office, "end")
    for _ in range(4):
        office.tallies.tick()
        office.clock.sleep(1)
    assert [result["seen"] for result in results(office)] == [{"in": 2, "out": 0}, {"in": 0, "out": 1}]


def test_who_is_counted_late_counts_in_the_tally_that_has_ended(office: Office) -> None:
    says(office, "begin")
    says(office, "in")
    says(office, "end")
    says(office, "begin")
    office.walks()
    office.tallies.tick()
    [result] = results(office)
    assert (result["seen"], result["missed"]) == ({"in": 1, "out": 0}, {"in": 0, "out": 0})


def test_who_begins_in_the_middle_begins_anew_and_is_told_what_was_until_the_last_press(
    office: Office,
) -> None:
    says(office, "begin")
    says(office, "in")
    office.clock.sleep(600)
    office.walks()
    answer = "tallying door anew, and the result until here comes as an event: say in, out, undo, and end"
    assert says(office, "begin")["detail"] == answer
    office.tallies.tick()
    [result] = results(office)
    assert (result["seen"], result["counted"]) == ({"in": 1, "out": 0}, {"in": 0, "out": 0})
    assert says(office, "out")["detail"] == "0 in, 1 out"


def test_to_begin_twice_is_to_begin(office: Office) -> None:
    says(office, "begin")
    assert says(office, "begin")["detail"] == "tallying door: say in, out, undo, and end"
    says(office, "end")
    office.clock.sleep(3)
    office.tallies.tick()
    assert len(results(office)) == 1


def test_with_all_room_taken_one_may_begin_anew_but_no_other_begin(office: Office, tmp_path: Path) -> None:
    lines = [LINE | {"id": f"line{number}"} for number in range(MOST_TALLIED + 1)]
    write_config(tmp_path, camera={"source": "scene"}, url=NOBODY, rules=lines)
    *codes, last = [says(office, "begin", str(line["id"])) for line in lines]
    assert {reply["code"] for reply in codes} == {"ok"}
    assert (last["code"], last["detail"]) == ("refused", "16 lines are looked at already")
    assert says(office, "begin", "line3")["code"] == "ok"
    says(office, "end", "line3")
    assert says(office, "begin", "line16")["code"] == "ok"


def test_a_line_that_is_moved_meanwhile_is_told(office: Office, tmp_path: Path) -> None:
    says(office, "begin")
    write_config(tmp_path, camera={"source": "scene"}, url=NOBODY, rules=[LINE | {"swap": True}])
    says(office, "end")
    office.clock.sleep(3)
    office.tallies.tick()
    [result] = results(office)
    assert (result["changed"], result["n"], result["count_error"]) == (True, 0, None)


def test_a_line_that_is_removed_meanwhile_tells_nothing(office: Office, tmp_path: Path) -> None:
    says(office, "begin")
    write_config(tmp_path, camera={"source": "scene"}, url=NOBODY, rules=[LINE | {"id": "other"}])
    says(office, "end")
    office.clock.sleep(3)
    office.tallies.tick()
    assert results(office) == []


@pytest.mark.parametrize(
    ("press", "rule", "words"),
    [
        ("in", "door", "nobody has begun to tally door; begin it first"),
        ("end", "door", "nobody has begun to tally door; begin it first"),
        ("begin", "scale", "there is no line scale; there are door"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    office: Office, press: str, rule: str, words: str
) -> None:
    reply = says(office, press, rule)
    assert (reply["code"], reply["detail"]) == ("refused", words)


def test_presses_may_come_faster_than_other_commands_but_not_as_fast_as_one_likes(office: Office) -> None:
    says(office, "begin")
    for _ in range(60):
        office.clock.sleep(0.5)
        says(office, "in")
    assert says(office, "in")["detail"] == "61 in, 0 out"
    for number in range(50):
        office.told("cmd/tally", f'{{"req_id": "x{number}", "args": {{"rule": "door", "press": "in"}}}}')
    answered = [reply for reply in office.replies if reply["req_id"].startswith("x")]
    assert len(answered) < 25


def test_what_is_no_press_is_invalid(office: Office) -> None:
    office.told("cmd/tally", '{"req_id": "1", "args": {"rule": "door", "press": "up"}}')
    assert office.replies[-1]["code"] == "invalid"
