"""What `eyespot-fleet status` takes from devices, and what comes to a terminal of it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.message import Heard, Message
from eyespot_fleet.commands.status_view import as_objects, lines, rows, sums
from eyespot_fleet.simulating.speaking import Speaker
from eyespot_fleet.status import survey as surveying
from eyespot_fleet.status.reading import MOST_BYTES, Known, read
from eyespot_fleet.status.survey import LEAST_SILENT_S, MUTE_S, Survey

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
T, SHOWN = "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00Z"
A_MINUTE_AGO, AN_HOUR_AGO, IN_AN_HOUR = (
    f"2026-01-02T{time}.000Z" for time in ("03:03:05", "02:04:05", "04:04:05")
)


class Fleet:
    """A survey, and the hand of its clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.survey = Survey("site/eyespot", lambda: self.now_s, lambda: NOW)
        self.survey.listening()

    def say(self, topic: str, payload: object, *, retain: bool = True) -> None:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.survey.hear(Heard(f"site/eyespot/{topic}", data, retain, 0))

    @property
    def wrong(self) -> list[tuple[str, str]]:
        """Who has what."""
        return [(row[0], row[1]) for row in rows(self.survey.known(), sick=True)]

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


def well(t: str = T, clock: str = "synced") -> dict[str, object]:
    return {"ok": True, "states": [], "observations_hz": 9.5, "t": t, "clock": clock}


def test_what_a_device_says_stands_in_its_row(fleet: Fleet) -> None:
    began_ns = 1_767_323_000_000_000_000
    for message in Speaker("site/eyespot", "shop-1", "0" * 16, began_ns).states(began_ns):
        fleet.deliver(message)
    (row,) = rows(fleet.survey.known(), sick=False)
    assert row == ("shop-1", "online", "ok", "10/s", "simulated@1.0.0-000000000000", "2026-01-02T03:03:20Z")
    assert rows(fleet.survey.known(), sick=True) == ()


def test_who_is_not_well_is_told_with_what_since_when_and_why(fleet: Fleet) -> None:
    fleet.say("shop-1/status", online())
    fleet.say("shop-1/health", unwell("no_disk", "the disk is full: make room"))
    fleet.say("shop-2/status", online())
    told = (("shop-1", "no_disk", SHOWN, "the disk is full: make room"),)
    assert rows(fleet.survey.known(), sick=True) == told
    (told_programs,) = as_objects(fleet.survey.known(), sick=True)
    assert told_programs["sick"] == [{"name": "no_disk", "reason": "the disk is full: make room", "since": T}]


def test_a_device_that_goes_while_we_look_is_gone_since_now_and_another_since_its_last_word(
    fleet: Fleet,
) -> None:
    fleet.say("shop-1/status", online(), retain=False)
    fleet.say("shop-1/status", online("offline"), retain=False)
    fleet.say("shop-2/status", online("offline") | {"t": T})
    fleet.say("shop-2/health", well(AN_HOUR_AGO))
    fleet.say("shop-3/status", online("offline"))
    whens = {row[0]: row[2] for row in rows(fleet.survey.known(), sick=True)}
    assert whens == {"shop-1": "2026-01-02T03:04:05Z", "shop-2": "2026-01-02T02:04:05Z", "shop-3": ""}


def test_of_one_that_went_what_was_wrong_with_it_then_is_told_and_not_what_was_before(fleet: Fleet) -> None:
    for device, said in (("shop-1", T), ("shop-2", A_MINUTE_AGO)):
        fleet.say(f"{device}/status", online("offline") | {"t": AN_HOUR_AGO})
        fleet.say(f"{device}/health", unwell("no_disk", "the disk is full") | {"t": said})
    assert fleet.wrong == [("shop-2", "offline"), ("shop-2", "no_disk"), ("shop-1", "offline")]


def test_a_device_that_is_there_and_says_nothing_any_more_is_silent(fleet: Fleet) -> None:
    for device in ("shop-1", "shop-2"):
        fleet.say(f"{device}/status", online())
        fleet.say(f"{device}/health", well(A_MINUTE_AGO))
    fleet.now_s = 100
    fleet.say("shop-2/health", well(A_MINUTE_AGO), retain=False)
    fleet.now_s = LEAST_SILENT_S - 59
    assert fleet.wrong == [("shop-1", "silent")]
    fleet.now_s = 100 + LEAST_SILENT_S
    assert fleet.wrong == [("shop-1", "silent")]
    fleet.say("shop-1/info", {"model": {"bundle": "a"}}, retain=False)
    assert fleet.wrong == []


@pytest.mark.parametrize(("every_s", "most_s"), [(10, 180), (60, 180), (900, 2700), (3600, 10_800)])
def test_who_speaks_seldom_is_silent_once_three_of_its_messages_are_missing(
    fleet: Fleet, every_s: int, most_s: int
) -> None:
    fleet.say("shop-1/status", online())
    fleet.say("shop-1/health", well() | {"every_s": every_s}, retain=False)
    fleet.now_s = most_s
    assert fleet.wrong == []
    fleet.now_s = most_s + 1
    assert fleet.wrong == [("shop-1", "silent")]


@pytest.mark.parametrize(
    ("health", "silent"),
    [
        (well(AN_HOUR_AGO), True),
        (well(AN_HOUR_AGO) | {"every_s": 3600}, False),
        (well(AN_HOUR_AGO, "unsynced"), False),
        (well(IN_AN_HOUR), False),
        (well("yesterday"), False),
        (well("2026-02-30T00:00:00Z"), False),
    ],
)
def test_the_time_of_what_the_broker_kept_counts_where_it_can_be_right(
    fleet: Fleet, health: dict[str, Any], *, silent: bool
) -> None:
    fleet.say("shop-1/status", online())
    fleet.say("shop-1/health", health)
    assert bool(fleet.wrong) is silent
    fleet.now_s = 3 * health.get("every_s", 60) + 1
    assert fleet.wrong == [("shop-1", "silent")]


@pytest.mark.parametrize(
    ("status", "silent"),
    [
        ({"t": A_MINUTE_AGO, "clock": "synced"}, False),
        ({"t": AN_HOUR_AGO, "clock": "synced"}, True),
        ({"t": A_MINUTE_AGO, "clock": "unsynced"}, True),
        ({"t": "2026-02-30T00:00:00Z", "clock": "synced"}, True),
    ],
)
def test_who_has_come_back_since_its_health_is_not_silent_yet(
    fleet: Fleet, status: dict[str, str], *, silent: bool
) -> None:
    fleet.say("shop-1/status", online() | status)
    fleet.say("shop-1/health", well(AN_HOUR_AGO))
    assert bool(fleet.wrong) is silent
    fleet.now_s = LEAST_SILENT_S - 59
    assert fleet.wrong == [("shop-1", "silent")]


def test_nobody_is_silent_because_we_were_deaf(fleet: Fleet) -> None:
    fleet.say("shop-1/status", online(), retain=False)
    fleet.say("shop-1/health", well(), retain=False)
    fleet.survey.disconnected("it went away")
    fleet.now_s = 3600
    assert fleet.wrong == []
    fleet.survey.listening()
    fleet.now_s += LEAST_SILENT_S
    assert fleet.wrong == []
    fleet.now_s += 1
    assert fleet.wrong == [("shop-1", "silent")]


UNREADABLE = [None, b"", b"{}", b'{"ok":tru', b"\xff"]


@pytest.mark.parametrize("health", UNREADABLE)
@pytest.mark.parametrize("clock", ["synced", "unsynced"])
def test_who_was_there_before_we_came_and_never_said_how_it_is_is_not_well(
    fleet: Fleet, clock: str, health: bytes | None
) -> None:
    fleet.say("shop-1/status", online() | {"t": AN_HOUR_AGO, "clock": clock})
    if health is not None:
        fleet.say("shop-1/health", health)
    fleet.now_s = 1
    assert not fleet.survey.settled  # a slow link: the broker has not answered what was asked of the device
    (told,) = as_objects(fleet.survey.known(), sick=False)
    assert (told["ok"], told["sick"]) == (None, [])
    fleet.survey.listening()
    fleet.now_s = 2
    assert fleet.survey.settled
    (told,) = as_objects(fleet.survey.known(), sick=True)
    assert (told["ok"], told["sick"][0]["name"], told["sick"][0]["since"]) == (
        False,
        "no_health",
        AN_HOUR_AGO,
    )
    assert "may it publish health" in told["sick"][0]["reason"]
    assert sums(fleet.survey.known(), overflow=False) == "1 device, 1 online, 1 not well (no_health 1)"
    fleet.say("shop-1/health", well(A_MINUTE_AGO))
    assert fleet.wrong == []


@pytest.mark.parametrize("said", [{"t": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}, {"t": IN_AN_HOUR}, {}])
def test_who_has_just_come_has_half_a_minute_to_say_how_it_is(fleet: Fleet, said: dict[str, str]) -> None:
    fleet.say("shop-1/status", online() | {"clock": "synced"} | said, retain="t" in said)
    fleet.survey.listening()
    fleet.now_s = MUTE_S - 1
    assert fleet.wrong == []
    (told,) = as_objects(fleet.survey.known(), sick=False)
    assert told["ok"] is None
    fleet.now_s = MUTE_S
    assert fleet.wrong == [("shop-1", "no_health")]
    fleet.say("shop-1/status", online("offline"), retain=False)
    fleet.say("shop-1/status", online(), retain=False)
    assert fleet.wrong == []


def test_nobody_has_no_health_before_the_broker_has_told_what_it_keeps(fleet: Fleet) -> None:
    fleet.say("shop-1/status", online(), retain=False)
    fleet.survey.disconnected("it went away")
    fleet.now_s = 3600
    assert fleet.wrong == []
    fleet.survey.listening()
    assert fleet.wrong == []
    fleet.now_s += 1
    assert fleet.wrong == [("shop-1", "no_health")]


def test_who_is_worst_off_comes_first(fleet: Fleet) -> None:
    fleet.say("a-well/status", online())
    fleet.say("b-unwell/status", online())
    fleet.say("b-unwell/health", unwell("hot", "too hot"))
    fleet.say("c-silent/status", online())
    fleet.say("c-silent/health", well(AN_HOUR_AGO))
    fleet.say("d-away/status", online("offline"))
    shown = [row[0] for row in rows(fleet.survey.known(), sick=False)]
    assert shown == ["d-away", "c-silent", "b-unwell", "a-well"]
    told = sums(fleet.survey.known(), overflow=False)
    assert told == "4 devices, 3 online, 3 not well (hot 1, offline 1, silent 1)"


def test_one_device_is_one_device(fleet: Fleet) -> None:
    fleet.say("shop-1/status", online())
    assert sums(fleet.survey.known(), overflow=False) == "1 device, 1 online, 0 not well"


def test_where_there_is_nobody_it_is_said_what_to_look_at(fleet: Fleet) -> None:
    assert "--prefix" in sums(fleet.survey.known(), overflow=False)


def test_what_is_left_at_the_broker_of_a_removed_device_makes_no_device(fleet: Fleet) -> None:
    fleet.say("shop-1/status", online())
    fleet.say("shop-1/health", well())
    fleet.say("shop-1/status", b"", retain=False)
    fleet.say("shop-1/health", well())
    fleet.say("shop-2/health", well())
    assert not fleet.survey.known()


def test_a_device_that_was_removed_from_the_broker_is_forgotten(fleet: Fleet) -> None:
    fleet.say("shop-1/status", online())
    fleet.say("shop-1/status", b"")
    assert not fleet.survey.known()


def test_it_has_settled_when_nothing_kept_came_for_a_second(fleet: Fleet) -> None:
    fleet.now_s = 0.9
    fleet.say("shop-1/status", online())
    fleet.survey.listening()
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
            assert all(line.isprintable() and len(line) < 560 for line in told)


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


def test_a_rate_beyond_all_bounds_is_none(fleet: Fleet) -> None:
    fleet.say("shop-1/health", b'{"ok":true,"states":[],"observations_hz":1e999}')
    fleet.say("shop-1/status", online())
    fleet.say("shop-1/health", b'{"ok":true,"states":[],"observations_hz":1e999}')
    assert "Infinity" not in json.dumps(as_objects(fleet.survey.known(), sick=False))
