"""What the page of `eyespot-fleet view` gets and gives, and whom it keeps out."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot_fleet.view.application import MOST_DESIRED_BYTES
from eyespot_fleet.view.bridge import MOST_BROWSERS, MOST_BYTES, MOST_STATES, MOST_WISHES, Bridge, in_one_line
from eyespot_fleet.view.browsers import MOST_FRAMES, Browser
from fakes.page import CHANGE, HOST, HOSTILE, PAGE, Reply, ask, hear, published, watching

WISH = b'{"req_id": "1", "config": {"rules": []}}'


def change(
    bridge: Bridge, headers: dict[str, str] | None = None, body: bytes = WISH, device: str = "door"
) -> Reply:
    return ask(bridge, f"/devices/{device}/desired", headers or CHANGE, method="POST", body=body)


def frame(step: int, track: int = 3, x: int = 400) -> dict[str, Any]:
    """Somebody is seen, further down at each step of the first forty."""
    down = min(800, 20 * step)
    return {
        "schema": "eyespot.frame/2",
        "t": f"2026-01-01T00:{step // 600:02}:{step // 10 % 60:02}.{step % 10}00Z",
        "clock": "synced", "boot_id": "0" * 16, "seq": step, "model": "m",
        "labels": ["person"], "tracks": [track], "classes": [0],
        "scores": [50], "boxes": [[x, down, x + 50, 100 + down]],
    }  # fmt: skip


@pytest.fixture(name="bridge")
def a_bridge() -> Bridge:
    bridge = Bridge("eyespot/v1")
    bridge.listening()
    hear(bridge, "door/status", {"state": "online"})
    return bridge


# --- what comes to a browser ------------------------------------------------------------------------------


def test_a_page_that_opens_is_told_all_that_devices_have_said(bridge: Bridge) -> None:
    reply = ask(bridge, "/events")
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert (
        b'event: state\ndata: {"device":"door","name":"status","payload":{"state":"online"}}\n\n'
        in reply.body
    )
    assert b'{"device":"","name":"broker","payload":{"trouble":""}}' in reply.body


def test_who_has_left_makes_room_for_the_next(bridge: Bridge) -> None:
    for _ in range(MOST_BROWSERS + 1):
        assert ask(bridge, "/events").status == 200


def test_too_many_pages_are_told_so(bridge: Bridge) -> None:
    for _ in range(MOST_BROWSERS):
        watching(bridge)
    assert ask(bridge, "/events").status == 503


def test_a_slow_browser_loses_frames_and_no_state(bridge: Bridge) -> None:
    browser = watching(bridge)
    for number in range(1000):
        hear(bridge, "door/frame", frame(number), retain=False)
        hear(bridge, "door/health", {"seq": number})
    hear(bridge, "door/rule/way-in/state", {"seq": 7})
    taken = browser.take()
    assert taken[:2] == [("door", "health", b'{"seq":999}'), ("door", "rule/way-in/state", b'{"seq":7}')]
    assert [json.loads(each[2])["seq"] for each in taken[2:]] == list(range(1000 - MOST_FRAMES, 1000))
    assert browser.take() == []


def test_what_a_device_takes_back_is_taken_back_in_the_page(bridge: Bridge) -> None:
    hear(bridge, "door/rule/way-in/state", {"seq": 7})
    browser = watching(bridge)
    hear(bridge, "door/rule/way-in/state", b"")
    assert browser.take() == [("door", "rule/way-in/state", b"null")]
    later = Browser(lambda: None)
    bridge.open(later)
    assert [each[1] for each in later.take()] == ["status", "broker"]


def test_a_browser_is_told_that_the_broker_is_away(bridge: Bridge) -> None:
    browser = watching(bridge)
    bridge.disconnected("gone")
    assert browser.take() == [("", "broker", b'{"trouble":"gone"}')]


def test_the_rest_is_asked_for_device_by_device(bridge: Bridge) -> None:
    topics = [each.topic_filter for each in bridge.subscriptions]
    assert topics[:2] == ["eyespot/v1/+/status", "eyespot/v1/+/frame"]
    assert "eyespot/v1/door/config/reported" in topics


def test_of_who_never_said_that_he_is_there_nothing_comes(bridge: Bridge) -> None:
    browser = watching(bridge)
    hear(bridge, "window/frame", {"seq": 1}, retain=False)
    hear(bridge, "window/health", {"seq": 1})
    assert browser.take() == []


# --- hostile devices --------------------------------------------------------------------------------------


@given(st.one_of(st.binary(max_size=200), st.text().map(lambda text: json.dumps(text).encode())))
def test_no_payload_breaks_out_of_its_event(payload: bytes) -> None:
    line = in_one_line(payload)
    assert line is None or (b"\n" not in line and b"\r" not in line)
    assert line is None or json.loads(line) == (json.loads(payload) if payload else None)


def test_a_hostile_payload_stays_a_string(bridge: Bridge) -> None:
    hear(bridge, "door/info", {"name": HOSTILE})
    events = ask(bridge, "/events").body.split(b"\n\n")[:-1]
    assert len(events) == 3
    told = [json.loads(each.split(b"data: ", 1)[1]) for each in events]
    assert {"device": "door", "name": "info", "payload": {"name": HOSTILE}} in told


@pytest.mark.parametrize("device", ["<script>", "a b", "A", "-", "é", "a" * 64])
def test_a_hostile_device_name_is_not_heard(bridge: Bridge, device: str) -> None:
    browser = watching(bridge)
    hear(bridge, f"{device}/status", {"state": "online"})
    assert browser.take() == []
    assert not bridge.knows(device)


@pytest.mark.parametrize("payload", [b"[" * 100_000, b"{", b"\xff", b"1" * (MOST_BYTES + 1), b"NaN"])
def test_what_is_no_json_is_not_passed_on(bridge: Bridge, payload: bytes) -> None:
    browser = watching(bridge)
    hear(bridge, "door/health", payload)
    hear(bridge, "door/frame", payload, retain=False)
    assert browser.take() == []


def test_a_device_with_countless_rules_is_kept_in_bounds(bridge: Bridge) -> None:
    for number in range(2 * MOST_STATES):
        hear(bridge, f"door/rule/r{number}/state", {})
    browser = Browser(lambda: None)
    bridge.open(browser)
    assert len(browser.take()) == MOST_STATES + 1  # and how the broker is


# --- hostile pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1:8090", "localhost:1", "[::1]:8090", "localhost"])
def test_the_page_opens_on_this_machine_under_any_port(bridge: Bridge, host: str) -> None:
    assert ask(bridge, "/", {"host": host}).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example:8090", "127.0.0.1.evil.example", "", "[::1", "localhost@evil.example"]
)
@pytest.mark.parametrize("path", ["/", "/events"])
def test_a_rebound_name_gets_nothing(bridge: Bridge, host: str, path: str) -> None:
    assert ask(bridge, path, {"host": host}).status == 403
    assert change(bridge, CHANGE | {"host": host, "origin": f"http://{host}"}).status == 403
    assert published(bridge) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_site_neither_reads_nor_changes(bridge: Bridge, headers: dict[str, str]) -> None:
    assert ask(bridge, "/events", PAGE | headers).status == 403
    assert change(bridge, CHANGE | headers).status == 403
    assert published(bridge) == []


def test_a_change_without_an_origin_is_refused(bridge: Bridge) -> None:
    assert change(bridge, {"host": HOST, "content-type": "application/json"}).status == 403


@pytest.mark.parametrize("path", ["/", "/events", "/nothing"])
def test_every_answer_lets_the_page_load_only_its_own(bridge: Bridge, path: str) -> None:
    headers = ask(bridge, path).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


# --- what is desired --------------------------------------------------------------------------------------


def test_what_is_saved_is_retained_on_config_desired(bridge: Bridge) -> None:
    assert change(bridge).status == 202
    (message,) = published(bridge)
    assert message.topic == "eyespot/v1/door/config/desired"
    assert json.loads(message.payload) == json.loads(WISH)
    assert message.retain
    assert message.qos == 1
    assert published(bridge) == []


def test_what_the_broker_does_not_take_waits(bridge: Bridge) -> None:
    change(bridge)
    bridge.carry(lambda _message, _token: False)
    assert len(published(bridge)) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"req_id": "1"}', 400),
        (b'{"req_id": "1", "config": {}, "more": 1}', 400),
        (b'{"req_id": "1", "config": []}', 400),
        (b" " * (MOST_DESIRED_BYTES + 1), 413),
    ],
)
def test_what_cannot_be_desired_is_not_said(bridge: Bridge, body: bytes, status: int) -> None:
    assert change(bridge, body=body).status == status
    assert published(bridge) == []


def test_a_form_of_another_page_is_not_taken(bridge: Bridge) -> None:
    assert change(bridge, CHANGE | {"content-type": "text/plain"}).status == 415


def test_nothing_is_desired_of_who_is_not_known(bridge: Bridge) -> None:
    assert change(bridge, device="window").status == 404


def test_nothing_is_promised_while_the_broker_is_away(bridge: Bridge) -> None:
    bridge.disconnected("gone")
    assert change(bridge).status == 503
    bridge.listening()
    assert published(bridge) == []


def test_wishes_do_not_pile_up(bridge: Bridge) -> None:
    for _ in range(MOST_WISHES):
        assert bridge.desire("door", WISH)
    assert change(bridge).status == 503


# --- what if ----------------------------------------------------------------------------------------------

DOOR = {"kind": "line", "id": "door", "a": [0.1, 0.5], "b": [0.9, 0.5]}
INFO = {
    "timezone": "Europe/Berlin",
    "camera": {"width": 768, "height": 576, "rate_hz": 10},
    "model": {"labels": ["person", "dog"]},
}


def walk_down(bridge: Bridge, track: int = 3, x: int = 400) -> None:
    """Somebody goes down the picture, frame by frame."""
    for step in range(40):
        hear(bridge, "door/frame", frame(step, track, x), retain=False)


def what_if(bridge: Bridge, *rules: object, **asked: object) -> Any:
    body = json.dumps({"rules": rules, **asked}).encode()
    reply = ask(bridge, "/devices/door/what-if", CHANGE, method="POST", body=body)
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def test_a_drawing_is_answered_by_what_it_would_have_counted(bridge: Bridge) -> None:
    hear(bridge, "door/info", INFO)
    walk_down(bridge)
    told = what_if(
        bridge, DOOR, DOOR | {"id": "back", "swap": True}, DOOR | {"id": "dogs", "classes": ["dog"]}
    )
    assert told["span"] == {
        "since": "2026-01-01T00:00:00.000Z",
        "until": "2026-01-01T00:00:03.900Z",
        "tracks": 1,
    }
    assert told["counts"] == {
        "door": {"in": 1, "out": 0},
        "back": {"in": 0, "out": 1},
        "dogs": {"in": 0, "out": 0},
    }
    assert told["refused"] == {}


def test_while_one_is_moved_it_alone_is_counted(bridge: Bridge) -> None:
    told = what_if(bridge, DOOR, DOOR | {"id": "back"}, only="back", doubts=False)
    assert told["counts"] == {"back": {"in": 0, "out": 0}}
    assert told["doubts"] is None


def test_doubts_of_the_linter_come_with_it(bridge: Bridge) -> None:
    told = what_if(bridge, DOOR, DOOR | {"id": "again"}, DOOR | {"id": "edge", "a": [0.1, 0], "b": [0.9, 0]})
    assert told["doubts"]["again"] == ['is the same as "door"; remove one, or move it']
    assert "lies within 0.1 of the top edge of the frame" in told["doubts"]["edge"][0]


def test_what_the_device_would_refuse_is_said_before_it_is_saved(bridge: Bridge) -> None:
    hear(bridge, "door/info", INFO)
    told = what_if(bridge, DOOR, DOOR | {"id": "cats", "classes": ["cat"]})
    assert told["refused"] == {"cats": "the model lacks cat, which rule cats uses"}
    assert told["counts"] == {"door": {"in": 0, "out": 0}}  # the others go on


def test_what_builds_on_a_refused_line_is_refused_with_it(bridge: Bridge) -> None:
    inside = {"kind": "occupancy", "id": "inside", "from": ["door"]}
    told = what_if(bridge, DOOR | {"b": DOOR["a"]}, inside, DOOR | {"id": "back"})
    assert told["refused"].keys() == {"door", "inside"}
    assert told["counts"].keys() == {"back"}


def test_the_mount_is_the_reported_one(bridge: Bridge) -> None:
    walk_down(bridge)
    low = DOOR | {"a": [0.1, 0.85], "b": [0.9, 0.85]}  # feet pass there, middles do not
    assert what_if(bridge, low)["counts"]["door"] == {"in": 1, "out": 0}
    hear(bridge, "door/config/reported", {"config": {"camera": {"mount": "overhead"}}})
    assert what_if(bridge, low)["counts"]["door"] == {"in": 0, "out": 0}


@pytest.mark.parametrize("info", [{"camera": HOSTILE}, {"model": {"labels": 3}}, [], {"camera": None}])
def test_hostile_facts_are_none(bridge: Bridge, info: object) -> None:
    hear(bridge, "door/info", info)
    hear(bridge, "door/config/reported", {"config": {"camera": {"mount": HOSTILE}}})
    assert what_if(bridge, DOOR)["refused"] == {}


def test_lines_are_suggested_with_what_they_would_have_counted(bridge: Bridge) -> None:
    for track in range(6):
        walk_down(bridge, track, 300 + 50 * track)
    told = json.loads(ask(bridge, "/devices/door/suggestions").body)
    assert told["span"]["tracks"] == 6
    (line,) = told["lines"]
    assert line["counts"] == {"in": 6, "out": 0}
    assert line["a"][1] == pytest.approx(line["b"][1], abs=0.01)


@pytest.mark.parametrize("size", [(5e-324, 1e308), (1e308, 1e-308), (1e308, 1e308), (-1, 5), (1, 65_536)])
def test_lines_are_suggested_whatever_frame_a_device_claims(
    bridge: Bridge, size: tuple[float, float]
) -> None:
    hear(bridge, "door/info", {"camera": dict(zip(("width", "height"), size, strict=True))})
    for track in range(6):
        walk_down(bridge, track, 300 + 50 * track)
    assert len(json.loads(ask(bridge, "/devices/door/suggestions").body)["lines"]) == 1


def test_where_people_went_is_told_to_a_page_that_opens_later(bridge: Bridge) -> None:
    walk_down(bridge, 3)
    walk_down(bridge, 4)
    told = json.loads(ask(bridge, "/devices/door/seen").body)
    assert [path["label"] for path in told["paths"]] == ["person", "person"]
    assert {(arrow["dx"], arrow["dy"], arrow["tracks"]) for arrow in told["arrows"]} == {(0, 1, 2)}
    assert max(told["heat"]) == 100


def test_what_was_seen_is_forgotten_when_the_page_says_so(bridge: Bridge) -> None:
    walk_down(bridge)
    assert ask(bridge, "/devices/door/forget", CHANGE, method="POST").status == 204
    assert what_if(bridge, DOOR)["span"] == {"since": None, "until": None, "tracks": 0}


@pytest.mark.parametrize("path", ["what-if", "forget"])
def test_another_site_asks_nothing_and_forgets_nothing(bridge: Bridge, path: str) -> None:
    walk_down(bridge)
    foreign = CHANGE | {"origin": "http://evil.example"}
    assert ask(bridge, f"/devices/door/{path}", foreign, method="POST", body=b'{"rules":[]}').status == 403
    assert what_if(bridge, DOOR)["span"]["tracks"] == 1


@pytest.mark.parametrize("path", ["seen", "suggestions"])
def test_another_site_sees_nothing(bridge: Bridge, path: str) -> None:
    assert ask(bridge, f"/devices/door/{path}", {"host": "evil.example"}).status == 403
    assert ask(bridge, f"/devices/window/{path}").status == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"rules": 1}', 400),
        (b'{"rules": [], "more": 1}', 400),
        (b'{"rules": [' + b'{"points": [[0, 0]]},' * 2000 + b"{}]}", 413),
    ],
)
def test_what_is_no_drawing_is_not_answered(bridge: Bridge, body: bytes, status: int) -> None:
    assert ask(bridge, "/devices/door/what-if", CHANGE, method="POST", body=body).status == status


_PLACE = st.tuples(st.floats(0, 1), st.floats(0, 1))
_ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.integers(), max_size=3)
)
_RULE = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["line", "zone", "queue", "occupancy", "heatmap", "share", "shelf", "x"]),
        "id": st.sampled_from(["a", "b", "A"]),
    },
    optional={
        "a": _PLACE | _ANYTHING,
        "b": _PLACE | _ANYTHING,
        "points": st.lists(_PLACE, max_size=9) | _ANYTHING,
        "from": st.lists(st.sampled_from(["a", "b"]), max_size=2) | _ANYTHING,
        "mode": st.sampled_from(["late", "immediate", ""]),
        "classes": _ANYTHING,
    },
)


@given(st.lists(_RULE, max_size=4))
@settings(max_examples=150, deadline=None)
def test_whatever_is_drawn_is_refused_or_counted(rules: list[dict[str, object]]) -> None:
    bridge = Bridge("eyespot/v1")
    hear(bridge, "door/status", {"state": "online"})
    walk_down(bridge)
    told = what_if(bridge, *rules)
    named = {str(rule["id"]) for rule in rules}
    assert told["counts"].keys() | told["refused"].keys() <= named
    assert not told["counts"].keys() & told["refused"].keys()
