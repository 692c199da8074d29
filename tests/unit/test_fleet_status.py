"""What `eyespot-fleet status` takes from devices, and what comes to a terminal of it."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.message import Heard, Message
from eyespot_fleet.commands.status_view import as_objects, lines, rows
from eyespot_fleet.simulating.speaking import Speaker
from eyespot_fleet.status import survey as surveying
from eyespot_fleet.status.reading import MOST_BYTES, Known, read
from eyespot_fleet.status.survey import Survey

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
T = "2026-01-01T00:00:00.000Z"


class Fleet:
    """A survey, and the hand of its clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.survey = Survey("site/eyespot", lambda: self.now_s, lambda: NOW)
        self.survey.listening()

    def say(self, topic: str, payload: object, *, retain: bool = True) -> None:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.survey.hear(Heard(f"site/eyespot/{topic}", data, retain, 0))

    def deliver(self, message: Message) -> None:
        self.survey.hear(Heard(message.topic, message.payload, message.retain, 0))


@pytest.fixture(name="fleet")
def a_fleet() -> Fleet:
    return Fleet()


def online(state: str = "online") -> dict[str, str]:
    return {"state": state, "since": T}


def unwell(name: str, reason: str) -> dict[str, object]:
    states = [{"name": name, "reason": reason, "since": T}]
    return {"ok": False, "states": states, "observations_hz": 9.5}


def test_what_a_device_says_stands_in_its_row(fleet: Fleet) -> None:
    for message in Speaker("site/eyespot", "shop-1", "0" * 16, 1_767_225_600_000_000_000).states(
        1_767_225_660_000_000_000
    ):
        fleet.deliver(message)
    (row,) = rows(fleet.survey.known(), sick=False)
    assert row == ("shop-1", "online", "simulated@1.0.0-000000000000", "10/s", "ok", T)
    assert rows(fleet.survey.known(), sick=True) == ()


def test_who_is_not_well_is_told_with_what_since_when_and_why(fleet: Fleet) -> None:
    fleet.say("shop-1/status", online())
    fleet.say("shop-1/health", unwell("no_disk", "the disk is full: make room"))
    fleet.say("shop-2/status", online())
    assert rows(fleet.survey.known(), sick=True) == (("shop-1", "no_disk", T, "the disk is full: make room"),)
    (told,) = as_objects(fleet.survey.known(), sick=True)
    assert told["sick"] == [{"name": "no_disk", "reason": "the disk is full: make room", "since": T}]


def test_a_device_that_goes_while_we_look_is_gone_since_now(fleet: Fleet) -> None:
    fleet.say("shop-1/status", online(), retain=False)
    fleet.say("shop-1/status", online("offline"), retain=False)
    fleet.say("shop-2/status", online("offline"))
    whens = {row[0]: row[2] for row in rows(fleet.survey.known(), sick=True)}
    assert whens == {"shop-1": "2026-01-02T03:04:05Z", "shop-2": ""}


def test_a_device_that_was_removed_from_the_broker_is_forgotten(fleet: Fleet) -> None:
    fleet.say("shop-1/status", online())
    fleet.say("shop-1/status", b"")
    assert not fleet.survey.known()


def test_it_has_settled_when_nothing_kept_came_for_a_second(fleet: Fleet) -> None:
    fleet.now_s = 0.9
    fleet.say("shop-1/status", online())
    fleet.now_s = 1.5
    assert not fleet.survey.settled
    fleet.say("shop-1/health", unwell("a", "b"), retain=False)
    fleet.now_s = 2.0
    assert fleet.survey.settled
    fleet.survey.disconnected("it went away")
    assert not fleet.survey.settled


def test_more_devices_than_there_is_room_for_are_not_noted(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveying, "MOST_DEVICES", 3)
    for number in range(10):
        fleet.say(f"shop-{number}/status", online())
    assert len(fleet.survey.known()) == 3
    assert len(fleet.survey.subscriptions) == 7
    assert fleet.survey.overflow


@pytest.mark.parametrize("name", ["\x1b[2J", "Shop", "a" * 64, "", "a/b", "a\u202eb"])
def test_a_name_that_is_none_of_a_device_is_not_noted(fleet: Fleet, name: str) -> None:
    fleet.say(f"{name}/status", online())
    assert not fleet.survey.known()


@given(st.text(), st.text(), st.text(max_size=2000))
def test_nothing_that_a_device_says_moves_the_cursor_or_has_no_end(
    state: str, name: str, reason: str
) -> None:
    fleet = Fleet()
    fleet.say("shop-1/status", {"state": state, "since": reason})
    fleet.say("shop-1/info", {"model": {"bundle": reason}})
    for presence in (state, "online"):
        fleet.say("shop-1/status", {"state": presence, "since": reason})
        fleet.say("shop-1/health", unwell(name, reason))
        for sick in (False, True):
            told = lines(rows(fleet.survey.known(), sick=sick), sick=sick)
            assert all(line.isprintable() and len(line) < 400 for line in told)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_payload_change_nothing(payload: bytes) -> None:
    before = Known(state="online", since=T)
    for suffix in ("status", "info", "health"):
        if b"{" not in payload:
            assert read(before, suffix, payload) is before


@pytest.mark.parametrize(
    "payload",
    [b"[" * 60_000, b'{"state":"offline","since":"' + b"a" * MOST_BYTES + b'"}', b'{"state":NaN}', b"\xff"],
)
def test_a_hostile_payload_changes_nothing(payload: bytes) -> None:
    before = Known(state="online", since=T)
    assert read(before, "status", payload) is before
