"""What `eyespot watch` takes from devices, and what comes to a terminal of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from eyespot.app.tally import hash_of_rule
from eyespot.app.watched import MOST_DEVICES, Watched
from eyespot.commands.watch_desk import Desk
from eyespot.commands.watch_view import Choice, screen
from eyespot.domain.event import Crossed
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.message import Heard
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from fakes.entrance import FRAMES, KEPT, SIZE

PREFIX = "site/eyespot"
HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202e\r\n\u200b門👪e\u0301"
CONFIG: dict[str, Any] = {
    "camera": {"mount": "oblique"},
    "topics": {"frame": True},
    "rules": [
        {"kind": "line", "id": "door", "a": [0.1, 0.5], "b": [0.9, 0.5]},
        {"kind": "zone", "id": "hall", "points": [[0.2, 0.6], [0.8, 0.6], [0.5, 0.9]]},
        {"kind": "line", "id": "gate", "points": [[0.1, 0.1], [0.5, 0.2], [0.9, 0.1]]},
        {"kind": "share", "id": "floor"},
    ],
}


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.ns = 0

    def now_ns(self) -> int:
        return self.ns

    def timeline(self) -> Timeline:
        return Timeline(0, synced=True)

    def pass_s(self, seconds: float) -> None:
        self.ns += round(seconds * SECOND_NS)


def heard(topic: str, payload: object) -> Heard:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Heard(f"{PREFIX}/{topic}", data, retain=False, qos=0)


def frame(*boxes: list[int], first: int = 7) -> dict[str, Any]:
    tracks = list(range(first, first + len(boxes)))
    return {"labels": ["person"], "tracks": tracks, "classes": [0] * len(boxes), "boxes": list(boxes)}


@pytest.fixture(name="clock")
def a_clock() -> Hand:
    return Hand()


@pytest.fixture(name="watched")
def what_is_watched(clock: Hand) -> Watched:
    return Watched(PREFIX, lambda: clock.ns / SECOND_NS)


@pytest.fixture(name="desk")
def a_desk(clock: Hand) -> Desk:
    desk = Desk(PREFIX, clock)
    for name in ("shop", "yard"):
        desk.hear(heard(f"{name}/status", {"state": "online"}))
        desk.hear(heard(f"{name}/config/reported", {"config": CONFIG}))
        desk.hear(heard(f"{name}/rule/door/state", {"counts": {"person": {"in": 3, "out": 2}}}))
    return desk


def shown(desk: Desk, size: tuple[int, int] = (100, 30)) -> str:
    return "\n".join(row.plain for row in screen(*desk.look(""), size, ascii_only=False))


def test_a_trail_leads_to_where_the_feet_are_and_ends_when_the_track_is_gone(watched: Watched) -> None:
    watched.hear(heard("shop/frame", frame([100, 0, 300, 500])))
    watched.hear(heard("shop/frame", frame([200, 100, 400, 600])))
    assert watched.devices()["shop"].seen[0].trail == ((0.2, 0.5), (pytest.approx(0.3), 0.6))
    watched.hear(heard("shop/frame", frame()))
    watched.hear(heard("shop/frame", frame([200, 100, 400, 600])))
    assert watched.devices()["shop"].seen[0].trail == ((pytest.approx(0.3), 0.6),)


def test_seen_from_above_the_centre_leads(watched: Watched) -> None:
    watched.hear(heard("shop/config/reported", {"config": {"camera": {"mount": "overhead"}}}))
    watched.hear(heard("shop/frame", frame([100, 0, 300, 500])))
    assert watched.devices()["shop"].seen[0].trail == ((0.2, 0.25),)


def test_what_is_old_is_not_shown_as_if_it_were_so_now(watched: Watched, clock: Hand) -> None:
    watched.hear(heard("shop/frame", frame([100, 0, 300, 500])))
    assert watched.devices()["shop"].frames_hz == pytest.approx(0.2)
    clock.pass_s(4)
    assert watched.devices()["shop"].seen == ()
    clock.pass_s(2)
    assert watched.devices()["shop"].frames_hz == 0


def test_rules_are_drawn_where_they_look_and_those_without_a_place_are_not(watched: Watched) -> None:
    watched.hear(heard("shop/config/reported", {"config": CONFIG}))
    device = watched.devices()["shop"]
    assert [place.rule for place in device.places] == ["door", "hall", "gate"]
    assert device.places[1].points[0] == device.places[1].points[-1]
    assert device.lines == ("door", "gate")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"counts": {"person": {"in": 3, "out": 2}}}, "person 3 in, 2 out"),
        ({"counts": {"bottle": 7}}, "bottle 7"),
        ({"occupancy": {"person": 4}, "entered": {"person": 9}}, "person 4 inside"),
        ({"length": {"person": 5}, "wait_s": 3.0}, "person 5 waiting"),
        ({"shares": {"floor": 0.25}, "top": "floor"}, "floor 25%"),
    ],
)
def test_every_kind_of_state_is_put_in_words(watched: Watched, state: dict[str, Any], words: str) -> None:
    watched.hear(heard("shop/rule/r/state", state))
    assert watched.devices()["shop"].rules == {"r": (words,)}


def test_a_rule_that_was_removed_is_gone(watched: Watched) -> None:
    watched.hear(heard("shop/rule/r/state", {"counts": {"person": 1}}))
    watched.hear(heard("shop/rule/r/state", b""))
    assert watched.devices()["shop"].rules == {}


def test_no_number_of_devices_rules_or_tracks_fills_the_memory(watched: Watched) -> None:
    for number in range(MOST_DEVICES + 10):
        watched.hear(heard(f"d{number}/status", {"state": "online"}))
    assert len(watched.devices()) == MOST_DEVICES
    for number in range(100):
        watched.hear(heard(f"d1/rule/r{number}/state", {"counts": {}}))
        watched.hear(heard("d1/frame", frame(*[[0, 0, 9, 9]] * 200)))
    device = watched.devices()["d1"]
    assert (len(device.rules), len(device.seen), len(device.seen[0].trail)) == (64, 64, 40)


@given(
    topic=st.sampled_from(["status", "info", "health", "config/reported", "frame", "rule/door/state"]),
    payload=st.one_of(
        st.binary(max_size=64).filter(lambda data: b"{" not in data),  # {} can be read
        st.sampled_from([b"[" * 10_000, b'{"counts":{"a":"b"}}']),
    ),
)
def test_what_cannot_be_read_changes_nothing(topic: str, payload: bytes) -> None:
    watched = Watched(PREFIX, lambda: 0.0)
    watched.hear(heard(f"shop/{topic}", payload))
    watched.hear(heard("shop/config/reported", {"config": {"rules": [{"id": 3}]}}))
    assert watched.devices() == {}


def test_a_device_that_was_removed_from_the_broker_is_gone(watched: Watched) -> None:
    watched.hear(heard("shop/status", {"state": "online"}))
    watched.hear(heard("shop/status", b""))
    assert watched.devices() == {}


# --- the screen ---------------------------------------------------------------------------------------------

TEXT = st.one_of(st.text(max_size=30), st.just(HOSTILE))
MESSAGES = st.one_of(
    st.tuples(st.just("status"), st.fixed_dictionaries({"state": TEXT})),
    st.tuples(st.just("info"), st.fixed_dictionaries({"name": TEXT, "model": st.just({"bundle": HOSTILE})})),
    st.tuples(
        st.just("health"),
        st.fixed_dictionaries(
            {
                "ok": st.booleans(),
                "states": st.lists(st.fixed_dictionaries({"name": TEXT, "reason": TEXT}), max_size=3),
                "observations_hz": st.floats(allow_nan=False, allow_infinity=False),
            }
        ),
    ),
    st.tuples(
        st.just("rule/door/state"),
        st.fixed_dictionaries({"counts": st.dictionaries(TEXT, st.integers(0, 2**63 - 1), max_size=3)}),
    ),
    st.tuples(
        st.just("config/reported"),
        st.builds(
            lambda rule, kind, points: {"config": {"rules": [{"id": rule, "kind": kind, "points": points}]}},
            TEXT,
            st.sampled_from(["line", "zone", HOSTILE]),
            st.lists(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=2), max_size=5),
        ),
    ),
    st.tuples(
        st.just("frame"),
        st.lists(st.lists(st.integers(-(2**40), 2**40), min_size=4, max_size=4), max_size=4).map(
            lambda boxes: frame(*boxes)
        ),
    ),
)


@given(
    messages=st.lists(st.tuples(st.sampled_from(["shop", "yard", "a-b"]), MESSAGES), max_size=12),
    size=st.tuples(st.integers(1, 130), st.integers(1, 40)),
    ascii_only=st.booleans(),
    tally=TEXT.filter(str.isprintable),
    trouble=TEXT,
)
def test_whatever_comes_every_line_fits_and_nothing_of_it_moves_the_cursor(
    messages: list[tuple[str, tuple[str, dict[str, Any]]]],
    size: tuple[int, int],
    *,
    ascii_only: bool,
    tally: str,
    trouble: str,
) -> None:
    watched = Watched(PREFIX, lambda: 0.0)
    for device, (suffix, fields) in messages:
        watched.hear(heard(f"{device}/{suffix}", fields))
    choice = Choice("yard", "door", tally, (), trouble)
    rows = screen(watched.devices(), choice, size, ascii_only=ascii_only)
    assert len(rows) <= size[1]
    for row in rows:
        assert row.cell_len == size[0]
        assert row.plain.isprintable()
        assert row.plain.isascii() or not ascii_only


def test_the_scene_shows_boxes_trails_lines_and_zones(desk: Desk) -> None:
    desk.hear(heard("shop/frame", frame([400, 100, 600, 400], first=42)))
    text = shown(desk)
    assert "door" in text
    assert "hall" in text
    assert "42" in text
    assert any("\u2801" <= one <= "\u28ff" for one in text)


def test_a_small_terminal_shows_counts_and_a_scene(desk: Desk) -> None:
    rows = shown(desk, (60, 20)).splitlines()
    assert len(rows) <= 20
    assert any("person 3 in, 2 out" in row for row in rows)
    assert any(row.startswith("┌") for row in rows)


def test_a_device_that_publishes_no_boxes_is_said_to_do_so(desk: Desk) -> None:
    desk.hear(heard("shop/config/reported", {"config": CONFIG | {"topics": {"frame": False}}}))
    assert "no boxes: [topics] frame is off" in shown(desk)


def test_a_device_that_is_away_has_no_rate_and_is_not_well(desk: Desk) -> None:
    desk.hear(heard("shop/health", {"ok": True, "states": [], "observations_hz": 9.5}))
    assert "9.5 looks/s" in shown(desk)
    desk.hear(heard("shop/status", {"state": "offline"}))
    text = shown(desk)
    assert "not there: its last words" in text
    assert "9.5" not in text
    assert "health ok" not in text


def test_of_many_devices_those_around_the_chosen_one_are_listed(desk: Desk) -> None:
    for number in range(30):
        desk.hear(heard(f"d{number:02}/status", {"state": "online"}))
    for _ in range(20):
        desk.press("down")
    text = shown(desk)
    assert "> d20" in text
    assert "21 of 32 devices" in text


def test_nobody_there_is_said(clock: Hand) -> None:
    assert "no device has said anything yet" in shown(Desk(PREFIX, clock))


# --- keys ---------------------------------------------------------------------------------------------------


def test_keys_go_round_devices_and_lines(desk: Desk) -> None:
    assert desk.look("")[1].device == "shop"
    desk.press("\t")
    assert desk.look("")[1].device == "yard"
    desk.press("up")
    assert desk.look("")[1] == Choice("shop", "door")
    desk.press("n")
    desk.press("n")
    assert desk.look("")[1].rule == "gate"


def crossed(native: Native) -> Heard:
    message = native.event(
        Crossed("door", 5 * SECOND_NS, "in", "person", 7, "m@1-a"), Timeline(0, synced=True)
    )
    return Heard(message.topic, message.payload, retain=False, qos=1)


def test_a_tally_hides_the_counts_and_then_says_how_right_they_are(desk: Desk, clock: Hand) -> None:
    native = Native(Gate(f"{PREFIX}/shop"), "0123456789abcdef", 0)
    desk.look("")
    desk.press("t")
    for key in ("i", "o", "u", "\t"):
        desk.press(key)
    desk.hear(crossed(native))
    text = shown(desk)
    assert "tallying door: in 1, out 0" in text
    assert "3 in" not in text
    desk.press("t")
    desk.press("i")
    assert "waiting" in shown(desk)
    clock.pass_s(4)
    text = shown(desk)
    assert "count error 0.0% of 1" in text
    assert f"rule {hash_of_rule(CONFIG, 'door')}" in " ".join(desk.look("")[1].said)
    assert "count error 0.0% of 1" in shown(desk, (60, 20))
    assert "person 3 in, 2 out" in text


def test_what_comes_of_a_tally_moves_no_cursor(desk: Desk, clock: Hand) -> None:
    native = Native(Gate(f"{PREFIX}/shop"), "0123456789abcdef", 0)
    event = json.loads(crossed(native).payload)
    desk.look("")
    desk.press("t")
    desk.press("i")
    for number in range(20):
        desk.hear(heard("shop/rule/door/event", event | {"model": f"{number}{HOSTILE}"}))
    desk.press("t")
    clock.pass_s(60)
    _, choice = desk.look("")
    assert all(one.isprintable() for one in choice.said)
    assert len(choice.said[0]) < 500
    assert any("do it again" in one for one in choice.said)
    rows = screen({}, Choice(said=(HOSTILE,)), (100, 30), ascii_only=False)
    assert all(row.plain.isprintable() for row in rows)


def test_without_a_line_there_is_nothing_to_tally(clock: Hand) -> None:
    desk = Desk(PREFIX, clock)
    for key in ("t", "n", "\t", "up", "end", "x"):
        desk.press(key)
    assert desk.look("")[1] == Choice()


def test_rows_are_text_that_markup_does_not_change(desk: Desk) -> None:
    desk.hear(heard("shop/info", {"name": "[red]x[/]", "model": {"bundle": "m"}}))
    rows = screen(*desk.look(""), (100, 30), ascii_only=False)
    assert all(isinstance(row, Text) for row in rows)
    assert "[red]x[/]" in rows[0].plain


# --- the picture in the README ------------------------------------------------------------------------------


def picture() -> str:
    """Return what the devices of `fakes.entrance` look like."""
    desk = Desk(PREFIX, Hand())
    for topic, fields in (*KEPT, *FRAMES):
        desk.hear(heard(topic, fields))
    return "\n".join(row.rstrip() for row in shown(desk, SIZE).splitlines())


def test_the_picture_in_the_readme_is_what_is_shown() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"```\n{picture()}\n```" in readme, f"put this into README.md:\n{picture()}"
