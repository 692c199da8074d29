"""A diagnosis tells what helps, in bounded pieces, and neither a secret nor where one lies."""

import json
import logging
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from eyespot.app.diagnosis import packed
from eyespot.domain.message import Heard
from eyespot.domain.notice import NOTICE
from eyespot.host.clock import ManualClock
from eyespot.host.log_ring import MOST, LogRing
from eyespot.ports import Readings
from eyespot.supervisor.diagnosing import EVERY_S, PIECES_AT_ONCE, Diagnosing
from eyespot.supervisor.health_day import HealthDay
from eyespot.topics.diagnosis import MOST_SPELLS
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native, Trouble, Vitals
from fakes.brokers import ROOT
from fakes.daemon import write_config
from fakes.office import Office
from fakes.waiting import until

ASKED = Heard(f"{ROOT}/cmd/diagnose", b"", retain=False, qos=1)
LOG = logging.getLogger("eyespot.part")


def vitals(**more: Any) -> Vitals:
    fields = {"uptime_s": 1, "observations": 9, "observations_hz": 10.0, "dropped": 0, "backlog": 0}
    host = {"memory_mb": 60.0, "disk_free_mb": 900.0, "temperature_c": None}
    return Vitals(**(fields | host | {"readings": Readings(), "recoveries": {}} | more))


def test_it_has_the_selftest_the_configuration_the_log_and_a_day_of_health(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.steward.day.note(vitals(), [Trouble("source_failed", "unplugged", 0)])
    with office.steward.listening():
        LOG.warning("it was unplugged")
        office.told("cmd/diagnose", '{"req_id": "d"}')
        pieces = office.diagnosed()
    assert (office.replies[0]["code"], office.replies[0]["req_id"]) == ("ok", "d")
    assert [(one["index"], one["of"], one["req_id"]) for one in pieces] == [
        (index, len(pieces), "d") for index in range(len(pieces))
    ]
    told = {one["piece"]["about"]: one["piece"] for one in pieces}
    assert set(told) == {"selftest", "config", "log", "health"}
    assert {"machine", "clock", "disk"} <= {found["name"] for found in told["selftest"]["found"]}
    assert told["config"]["config"]["rules"][0]["id"] == "door"
    assert told["log"]["lines"][-1] | {"t": ""} == {
        "t": "", "level": "warning", "source": "eyespot.part", "text": "it was unplugged"
    }  # fmt: skip
    assert told["health"]["spells"][0]["states"] == ["source_failed"]


def test_no_secret_is_told_nor_where_one_lies(tmp_path: Path) -> None:
    office = Office(tmp_path)
    secrets = tmp_path / "hidden-place"
    secrets.mkdir()
    (secrets / "pass").write_text("correct-horse\n")
    (secrets / "mqtt-key").write_text("a key")
    text = office.file.read_text().replace(
        "[mqtt]", f'[mqtt]\nusername = "shop"\npassword_file = "{secrets / "pass"}"'
    )
    office.file.write_text(text)
    office.environ["CREDENTIALS_DIRECTORY"] = str(secrets)
    with office.steward.listening():
        LOG.error("%s correct-horse", "x" * 290)  # where a line is cut
        LOG.error("cannot read %s, nor %s: it says correct-horse", secrets / "pass", secrets / "mqtt-key")
        office.told("cmd/diagnose", '{"req_id": "d"}')
        pieces = office.diagnosed()
    told = json.dumps(pieces)
    assert "it says" in told
    for secret in ("correct", "hidden-place", "a key"):
        assert secret not in told


def test_of_rules_that_are_too_large_for_a_piece_what_has_room_is_told_and_the_rest_is_named(
    tmp_path: Path,
) -> None:
    slots = [[0.12345678901234567, 0.12345678901234567, 0.98765432109876543, 0.98765432109876543]] * 200
    shelf = {"kind": "shelf", "classes": ["bottle"], "slots": slots}
    rules = [
        {**shelf, "id": "left"},
        {"kind": "line", "id": "door", "a": [0, 0], "b": [1, 1]},
        {**shelf, "id": "right"},
    ]
    write_config(tmp_path, camera={"source": "scene"}, url="mqtt://localhost", rules=rules)
    office = Office(tmp_path)
    office.told("cmd/diagnose", '{"req_id": "d"}')
    pieces = office.diagnosed()
    tables = [one["piece"]["config"] for one in pieces if one["piece"]["about"] == "config"]
    told = [rule for table in tables for rule in table.get("rules", ())]
    assert [(rule["id"], rule.get("left_out")) for rule in told] == [
        ("left", ["slots"]), ("door", None), ("right", ["slots"])
    ]  # fmt: skip
    assert told[0]["classes"] == ["bottle"]


def test_it_is_told_where_the_answer_was_wanted_bit_by_bit(tmp_path: Path) -> None:
    office = Office(tmp_path)
    with office.steward.listening():
        for number in range(MOST):
            LOG.warning("%d %s", number, "x" * 1000)
        office.told("cmd/diagnose", '{"req_id": "d"}', answer_to="clerk/1", correlation=b"c")
        office.gathered()
        before = len(office.posted)
        office.diagnosing.tick()
        assert len(office.posted) - before == PIECES_AT_ONCE
        pieces = office.diagnosed()
    assert {message.topic for message in office.posted} == {"clerk/1"}
    assert {message.correlation for message in office.posted} == {b"c"}
    assert all(len(message.payload) <= 16 * 1024 for message in office.posted)
    lines = [line for one in pieces if one["piece"]["about"] == "log" for line in one["piece"]["lines"]]
    assert [line["text"].split()[0] for line in lines] == [str(number) for number in range(MOST)]
    assert all(len(line["text"]) == 300 for line in lines)


def test_one_at_a_time_and_one_a_minute(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.told("cmd/diagnose", '{"req_id": "1"}')
    office.told("cmd/diagnose", '{"req_id": "2"}')
    assert office.replies[-1]["detail"] == "that of 1 is still under way"
    office.diagnosed()
    office.told("cmd/diagnose", '{"req_id": "3"}')
    assert (office.replies[-1]["req_id"], office.replies[-1]["code"]) == ("3", "refused")
    office.clock.sleep(EVERY_S)
    office.told("cmd/diagnose", '{"req_id": "4"}')
    assert office.replies[-1]["code"] == "ok"
    office.diagnosed()


def test_what_goes_wrong_is_told_and_the_next_one_may_come() -> None:
    posted: list[dict[str, Any]] = []
    clock = ManualClock(0)

    def fails() -> Any:
        raise OSError("the disk is gone")

    diagnosing = Diagnosing(
        fails,
        native=Native(Gate(ROOT), "0" * 16, 0),
        post=lambda handover: posted.extend(json.loads(message.payload) for message in handover.messages),
        clock=clock,
    )
    diagnosing.begin("d", ASKED)
    until(lambda: not diagnosing.gathers, "an end")
    diagnosing.tick()
    [reply] = posted
    assert (reply["code"], reply["detail"]) == ("failed", "nothing could be found out: the disk is gone")
    clock.sleep(EVERY_S)
    assert diagnosing.begin("e", ASKED).code == "ok"


def test_what_hangs_holds_up_nobody() -> None:
    posted: list[object] = []
    hangs = threading.Event()

    def gather() -> Any:
        hangs.wait()
        return ()

    diagnosing = Diagnosing(
        gather, native=Native(Gate(ROOT), "0" * 16, 0), post=posted.append, clock=ManualClock(0)
    )
    assert diagnosing.begin("d", ASKED).code == "ok"
    diagnosing.tick()
    assert posted == []
    hangs.set()


@given(some.lists(some.text(max_size=20_000), max_size=8))
def test_pieces_are_bounded_and_what_fits_is_in_order(rows: list[str]) -> None:
    pieces = list(packed(rows))
    assert all(pieces)
    assert all(len(msgspec.json.encode(piece)) <= 12 * 1024 + 2 for piece in pieces)
    fit = [row for row in rows if len(msgspec.json.encode(row)) < 12 * 1024]
    assert [row for piece in pieces for row in piece] == fit


def test_the_newest_lines_are_kept_whatever_they_hold() -> None:
    ring = LogRing(most=4)
    log = logging.Logger("eyespot.part", NOTICE)  # noqa: LOG001 - one of its own, that nobody else finds
    log.addHandler(ring)
    log.info("below the level")
    for text in ("gone", "two\nlines", "caf\udce9", "a \x1b[31m"):
        log.warning(text)
    log.warning("%d is no number", "this")
    log.error("a bug", exc_info=ValueError("why"))
    assert [line.text for line in ring.lines][:2] == ["caf?", "a ?[31m"]
    assert "cannot be put into words" in ring.lines[2].text
    assert ring.lines[3].text == "a bug: ValueError: why"
    assert all(msgspec.json.encode(line.text) for line in ring.lines)


def test_a_day_has_a_row_for_each_five_minutes_with_the_worst_of_them() -> None:
    clock = ManualClock(0)
    day = HealthDay(clock)
    day.note(vitals(observations_hz=9.0, disk_free_mb=None), [])
    clock.sleep(100)
    day.note(vitals(backlog=7, memory_mb=90.0), [Trouble("broker_unreachable", "refused", 0)])
    clock.sleep(100)
    day.note(vitals(temperature_c=51.5), [Trouble("source_failed", "unplugged", 0)])
    clock.sleep(100)
    day.note(vitals(), [])
    first, second = day.spells()
    assert first.states == ("broker_unreachable", "source_failed")
    assert (first.observations_hz, first.backlog, first.memory_mb) == (9.0, 7, 90.0)
    assert (first.disk_free_mb, first.temperature_c) == (900.0, 51.5)
    assert (second.t, second.states, second.backlog) == ("1970-01-01T00:05:00.000Z", (), 0)


@pytest.mark.parametrize("every_s", [1, 60, 301])
def test_a_day_is_bounded_however_often_health_is_said(every_s: int) -> None:
    clock = ManualClock(0)
    day = HealthDay(clock)
    for number in range(100_000 // every_s):
        day.note(vitals(), [Trouble("source_failed" if number % 2 else "eye_missing", "x", 0)])
        clock.sleep(every_s)
    assert len(day.spells()) <= MOST_SPELLS
    clock.sleep(86_400)
    assert day.spells() == []
