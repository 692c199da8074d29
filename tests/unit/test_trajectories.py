"""A device keeps where people went only while that is wanted, tells it in pieces, and counts on."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from eyespot.domain.message import Message
from eyespot.host.clock import ManualClock
from eyespot.store.trajectories import keeper as keeping
from eyespot.store.trajectories.keeper import FOLDER
from eyespot.supervisor import tracing_desk
from eyespot.supervisor.tracing_desk import PIECES_AT_ONCE, TELL_EVERY_S
from eyespot.topics.trajectories import MOST_BYTES
from fakes.office import Office

UTC_S = 1_795_000_000
MOST_PIECES = 6


def office_with(folder: Path, table: str = "", clock: ManualClock | None = None) -> Office:
    office = Office(folder, clock=clock or ManualClock(0, UTC_S * 10**9))
    before = office.file.read_text().partition("[trajectories]")[0]
    office.file.write_text(f"{before}[trajectories]\n{table}\n")
    (folder / "state").mkdir(exist_ok=True)
    office.tracing.desk.tick()
    return office


def lives(office: Office, walks: int = 1) -> None:
    """Let people walk, each in half a minute."""
    for _ in range(walks):
        office.walks()
        office.clock.sleep(10)
        office.tracing.desk.tick()


def states(office: Office) -> list[dict[str, Any]]:
    return [said for said in office.replies if said["schema"] == "eyespot.trajectories_state/1"]


def sent(office: Office) -> list[dict[str, Any]]:
    before = -1
    while before != len(office.posted):
        before = len(office.posted)
        office.tracing.desk.tick()
    return [said for said in office.replies if said["schema"] == "eyespot.trajectories/1"]


def on_disk(folder: Path) -> int:
    kept = folder / "state" / FOLDER
    return sum(file.stat().st_size for file in kept.iterdir()) if kept.exists() else 0


def test_off_by_default_nothing_is_kept_and_that_is_told(tmp_path: Path) -> None:
    office = office_with(tmp_path)
    lives(office, 3)
    assert [state["keeps"] for state in states(office)] == ["off"]
    assert on_disk(tmp_path) == 0
    office.told("cmd/trajectories", '{"req_id": "1"}')
    assert office.replies[-1] | {"t": ""} == office.replies[-1] | {
        "code": "ok", "detail": "nothing is kept of that time", "result": {"pieces": 0}, "t": ""
    }  # fmt: skip
    assert sent(office) == []


def test_switched_on_by_one_command_it_ends_by_itself(tmp_path: Path) -> None:
    office = office_with(tmp_path)
    office.told("cmd/aim", '{"req_id": "1", "args": {"minutes": 2}}')
    until = office.replies[-1]["result"]["until"]
    assert datetime.fromisoformat(until) == datetime.fromtimestamp(UTC_S + 120, UTC)
    assert (states(office)[-1]["keeps"], states(office)[-1]["until"]) == ("aim", until)
    lives(office, 10)
    assert (states(office)[-1]["keeps"], states(office)[-1]["until"]) == ("off", None)
    kept = on_disk(tmp_path)
    assert 0 < kept == states(office)[-1]["kept_bytes"]
    lives(office, 3)
    assert on_disk(tmp_path) == kept


def test_all_of_it_is_told_some_pieces_a_second_and_the_rest_behind_the_cursor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing_desk, "MOST_PIECES", MOST_PIECES)
    office = office_with(tmp_path, "keep = true")
    lives(office, 2 * MOST_PIECES)
    office.told("cmd/trajectories", '{"req_id": "1"}', answer_to="clerk/1", correlation=b"c")
    office.told("cmd/trajectories", '{"req_id": "2"}')
    assert office.replies[-1]["detail"] == "that of 1 is still under way"
    before = len(office.posted)
    office.tracing.desk.tick()
    assert len(office.posted) - before == PIECES_AT_ONCE
    first = sent(office)
    assert [(one["index"], one["of"], one["more"]) for one in first] == [
        (index, MOST_PIECES, True) for index in range(MOST_PIECES)
    ]
    pieces = [message for message in office.posted if b"eyespot.trajectories/1" in message.payload]
    assert {(message.topic, message.correlation) for message in pieces} == {("clerk/1", b"c")}
    assert all(len(message.payload) <= MOST_BYTES + 512 for message in pieces)
    office.clock.sleep(60)
    after = {"req_id": "3", "args": {"after": first[-1]["cursor"]}}
    office.told("cmd/trajectories", json.dumps(after))
    rest = sent(office)[MOST_PIECES:]
    assert rest[0]["piece"]["begun"] > first[-1]["piece"]["begun"]
    begun = [one["piece"]["begun"] for one in (*first, *rest)]
    assert begun == sorted(set(begun))
    assert sum(len(one["piece"]["ways"]) for one in (*first, *rest)) >= MOST_PIECES


def test_a_time_can_be_asked_for(tmp_path: Path) -> None:
    office = office_with(tmp_path, "keep = true")
    lives(office, 8)
    since, until = (datetime.fromtimestamp(UTC_S + s, UTC).isoformat() for s in (80, 140))
    office.told("cmd/trajectories", json.dumps({"req_id": "1", "args": {"since": since, "until": until}}))
    begun = [one["piece"]["begun"] / 1000 - UTC_S for one in sent(office)]
    assert begun
    assert all(50 < second <= 140 for second in begun)


def test_once_as_much_has_left_as_may_in_a_day_nothing_of_it_is_told(tmp_path: Path) -> None:
    office = office_with(tmp_path, "keep = true")
    lives(office, 2)
    office.health.raise_state("over_daily_cap", "all has left")
    office.told("cmd/trajectories", '{"req_id": "1"}')
    assert office.replies[-1]["code"] == "refused"
    assert "daily_mb" in office.replies[-1]["detail"]
    assert sent(office) == []
    office.health.clear_state("over_daily_cap")
    office.told("cmd/trajectories", '{"req_id": "2"}')
    assert sent(office)


def test_the_farthest_times_are_all_of_it(tmp_path: Path) -> None:
    office = office_with(tmp_path, "keep = true")
    lives(office, 2)
    args = {"since": "0001-01-01T00:00:00+23:59", "until": "9999-12-31T23:59:59-23:59", "after": 0}
    office.told("cmd/trajectories", json.dumps({"req_id": "1", "args": args}))
    assert sent(office)


def test_the_configuration_may_forbid_it_and_then_what_was_kept_goes(tmp_path: Path) -> None:
    office = office_with(tmp_path, "keep = true")
    lives(office, 3)
    assert on_disk(tmp_path) > 0
    office = office_with(tmp_path, "aim = false", office.clock)
    assert on_disk(tmp_path) == 0
    office.told("cmd/aim", '{"req_id": "1"}')
    assert office.replies[-1]["code"] == "refused"
    lives(office)
    assert on_disk(tmp_path) == 0


def test_aiming_ends_where_it_is_forbidden_meanwhile(tmp_path: Path) -> None:
    office = office_with(tmp_path)
    office.told("cmd/aim", '{"req_id": "1"}')
    lives(office)
    office = office_with(tmp_path, "aim = false", office.clock)
    assert states(office)[-1]["keeps"] == "off"


def test_a_restart_goes_on_aiming_and_has_what_was_kept(tmp_path: Path) -> None:
    office = office_with(tmp_path)
    office.told("cmd/aim", '{"req_id": "1"}')
    lives(office, 3)
    again = office_with(tmp_path, clock=office.clock)
    assert states(again)[-1]["keeps"] == "aim"
    assert states(again)[-1]["since"] is not None
    again.told("cmd/trajectories", '{"req_id": "1"}')
    assert sent(again)


def test_what_is_older_than_its_hours_goes(tmp_path: Path) -> None:
    office = office_with(tmp_path, "keep = true\nhours = 1")
    lives(office, 5)
    oldest = min((tmp_path / "state" / FOLDER).iterdir())
    office.clock.sleep(3600)
    lives(office)
    assert not oldest.exists()
    office.told("cmd/trajectories", '{"req_id": "1"}')
    hour_ago_ms = (UTC_S * 10**9 + office.clock.now_ns()) // 10**6 - 3_600_000
    assert all(one["piece"]["begun"] >= hour_ago_ms for one in sent(office))


def test_what_is_older_than_its_hours_goes_although_the_clock_was_never_set(tmp_path: Path) -> None:
    office = office_with(tmp_path, "keep = true\nhours = 1")
    lives(office, 5)
    assert on_disk(tmp_path) > 0
    years_ago = ManualClock(0, (UTC_S - 10**8) * 10**9, synced=False)
    office = office_with(tmp_path, "hours = 1", years_ago)
    years_ago.sleep(3599)
    office.tracing.desk.tick()
    assert on_disk(tmp_path) > 0
    years_ago.sleep(31)
    office.tracing.desk.tick()
    assert on_disk(tmp_path) == 0


def test_it_never_takes_more_of_the_disk_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = office_with(tmp_path, "keep = true\nmb = 1")
    monkeypatch.setattr(keeping, "_span", lambda piece: (piece.begun, piece.begun, b"x" * 60_000))
    for _ in range(20):
        lives(office)
        assert on_disk(tmp_path) <= 1_000_000
    office.clock.sleep(TELL_EVERY_S)
    office.tracing.desk.tick()
    assert states(office)[-1]["given_up"] > 0


@pytest.mark.parametrize("name", ["pwrite", "fdatasync"])
def test_a_disk_that_fails_is_named_and_counting_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    office = office_with(tmp_path, "keep = true")

    def fails(*_: object) -> int:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as full:
        full.setattr(os, name, fails)
        lives(office, 3)
    assert "No space left" in office.health.lasting["trajectories_failed"]
    assert office.pipeline.states["door"].counts["person"]["in"] == 3
    assert states(office)[0]["lost"] == 0
    lives(office, 1)
    assert "trajectories_failed" not in office.health.lasting
    office.clock.sleep(TELL_EVERY_S)
    office.tracing.desk.tick()
    assert states(office)[-1]["lost"] >= 3


def test_a_disk_that_failed_is_named_no_longer_once_nothing_is_to_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = office_with(tmp_path)
    office.told("cmd/aim", '{"req_id": "1", "args": {"minutes": 2}}')
    with monkeypatch.context() as full:
        full.setattr("eyespot.app.tracing.enough_disk_mb", lambda _: 1e12)
        lives(office, 3)
        assert "trajectories_failed" in office.health.lasting
    office.told("cmd/aim", '{"req_id": "2", "args": {"minutes": 0}}')
    lives(office, 2)
    assert "trajectories_failed" not in office.health.lasting


def test_what_cannot_be_removed_is_named_until_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = office_with(tmp_path, "keep = true")
    lives(office, 3)

    def fails(*_: object, **__: object) -> None:
        raise OSError(30, os.strerror(30))

    with monkeypatch.context() as readonly:
        readonly.setattr(Path, "unlink", fails)
        office = office_with(tmp_path, "aim = false", office.clock)
        lives(office, 4)
        assert "Read-only" in office.health.lasting["trajectories_failed"]
    lives(office, 4)
    assert "trajectories_failed" not in office.health.lasting
    assert on_disk(tmp_path) == 0


def test_where_there_is_hardly_any_room_it_is_for_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = office_with(tmp_path, "keep = true")
    monkeypatch.setattr("eyespot.app.tracing.enough_disk_mb", lambda _: 1e12)
    lives(office, 2)
    assert "room" in office.health.lasting["trajectories_failed"]
    assert on_disk(tmp_path) == 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    office = office_with(tmp_path, "keep = true")
    (tmp_path / "state" / FOLDER).write_text("in the way")
    lives(office, 2)
    assert "trajectories_failed" in office.health.lasting


def test_what_was_kept_and_makes_no_sense_is_left_out_and_counted(tmp_path: Path) -> None:
    office = office_with(tmp_path, "keep = true")
    keeper = office.tracing.desk._keeper
    keeper._segments.add([(UTC_S * 1000, UTC_S * 1000, data) for data in (b"", b"\xff" * 99, b"(\xb5/\xfd")])
    lives(office)
    office.told("cmd/trajectories", '{"req_id": "1"}')
    assert [one["index"] for one in sent(office)] == [0]
    assert keeper.damaged == 3


def test_an_end_that_cannot_be_written_down_is_no_beginning(tmp_path: Path) -> None:
    office = office_with(tmp_path)
    (tmp_path / "state" / ".aim.json.new").mkdir()
    office.told("cmd/aim", '{"req_id": "1"}')
    assert office.replies[-1]["code"] == "failed"
    assert states(office)[-1]["keeps"] == "off"


def test_nothing_but_numbers_class_and_model_leaves(tmp_path: Path) -> None:
    office = office_with(tmp_path, "keep = true")
    lives(office, 2)
    office.told("cmd/trajectories", '{"req_id": "1"}')
    pieces = sent(office)
    texts = {text for one in pieces for text in _texts(one["piece"])}
    assert texts == {"person", office.pipeline.model.bundle}


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


def test_messages_are_those_that_are_declared(tmp_path: Path) -> None:
    office = office_with(tmp_path, "keep = true")
    lives(office)
    assert all(isinstance(message, Message) and message.qos == 1 for message in office.posted)
