"""What the page is told of buckets, stays and models, and what it may say to a device about its model."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot_fleet.view import journal as journal_of
from eyespot_fleet.view.bridge import MOST_WISHES, Bridge
from eyespot_fleet.view.browsers import Browser
from eyespot_fleet.view.journal import MOST, MOST_SERIES, MOST_TOLD, Journal
from fakes.page import CHANGE, HOSTILE, Reply, ask, hear, published, watching

BUCKET: dict[str, Any] = {
    "schema": "eyespot.bucket/1", "boot_id": "b", "seq": 1, "kind": "bucket", "rule": "door",
    "start": "2026-01-01T12:00:00.000Z", "end": "2026-01-01T12:15:00.000Z", "bucket_s": 900, "rev": 0,
    "cut": None, "counts": {"person": {"in": 3, "out": 2}}, "coverage": 1.0, "gaps": [], "model": "m@1.0.0-0",
}  # fmt: skip
LEFT: dict[str, Any] = {
    "schema": "eyespot.left/1", "boot_id": "b", "seq": 7, "t": "2026-01-01T12:00:00.000Z", "kind": "left",
    "rule": "hall", "class": "person", "track": 1, "dwell_s": 61.5,
    "found": False, "lost": True, "model": "m",
}  # fmt: skip
STEP = {"schema": "eyespot.model_event/1", "boot_id": "b", "seq": 9, "kind": "committed", "bundle": "m"}
ORDER = b'{"req_id": "17"}'


@pytest.fixture(name="bridge")
def a_bridge() -> Bridge:
    bridge = Bridge("eyespot/v1")
    bridge.listening()
    hear(bridge, "door/status", {"state": "online"})
    return bridge


def told(bridge: Bridge, after: int = 0) -> dict[str, Any]:
    reply = ask(bridge, f"/devices/door/journal?after={after}")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    answer: dict[str, Any] = json.loads(reply.body)
    return answer


def said(bridge: Bridge, after: int = 0) -> list[dict[str, Any]]:
    return [entry["said"] for entry in told(bridge, after)["entries"]]


def pass_by(bridge: Bridge, topic: str, payload: object) -> None:
    hear(bridge, f"door/{topic}", payload, retain=False)


# --- what is kept -----------------------------------------------------------------------------------------


def test_a_page_asks_for_what_came_since_it_asked_last(bridge: Bridge) -> None:
    browser = watching(bridge)
    pass_by(bridge, "rule/door/bucket", BUCKET)
    assert browser.take() == [("door", "journal", b"1")]
    first = told(bridge)
    assert first == {
        "serial": 1, "newest": 1, "entries": [{"kind": "bucket", "rule": "door", "said": BUCKET}],
    }  # fmt: skip
    pass_by(bridge, "model/event", STEP)
    second = told(bridge, first["serial"])
    assert second["entries"] == [{"kind": "step", "rule": "", "said": STEP}]
    assert told(bridge, second["serial"])["entries"] == []


def test_a_page_that_opens_later_is_told_that_there_is_something(bridge: Bridge) -> None:
    pass_by(bridge, "rule/door/bucket", BUCKET)
    browser = Browser(lambda: None)
    bridge.open(browser)
    assert ("door", "journal", b"1") in browser.take()


def test_a_correction_takes_the_place_of_its_bucket_and_an_older_one_does_not(bridge: Bridge) -> None:
    pass_by(bridge, "rule/door/bucket", BUCKET)
    pass_by(bridge, "rule/door/bucket", BUCKET | {"rev": 2})
    pass_by(bridge, "rule/door/bucket", BUCKET | {"rev": 1})
    assert [one["rev"] for one in said(bridge)] == [2]


def test_buckets_of_two_models_stand_side_by_side(bridge: Bridge) -> None:
    pass_by(bridge, "rule/door/bucket", BUCKET)
    pass_by(bridge, "rule/door/bucket", BUCKET | {"model": "m@2.0.0-0"})
    assert [one["model"] for one in said(bridge)] == ["m@1.0.0-0", "m@2.0.0-0"]


@pytest.mark.parametrize(
    ("event", "outcome"),
    [(LEFT, "lost"), (LEFT | {"lost": False}, "left"), (LEFT | {"outcome": "served"}, "served")],
)
def test_of_a_stay_comes_how_long_it_was_and_how_it_ended(
    bridge: Bridge, event: dict[str, Any], outcome: str
) -> None:
    pass_by(bridge, "rule/hall/event", event)
    assert said(bridge) == [
        {"t": LEFT["t"], "class": "person", "dwell_s": 61.5, "found": False, "outcome": outcome}
    ]


def test_what_comes_twice_is_kept_once(bridge: Bridge) -> None:
    for _ in range(2):
        pass_by(bridge, "rule/door/bucket", BUCKET)
        pass_by(bridge, "rule/hall/event", LEFT)
        pass_by(bridge, "model/event", STEP)
    assert [one.get("seq") for one in said(bridge)] == [1, None, 9]


@pytest.mark.parametrize("kind", ["crossed", "entered", "intrusion"])
def test_of_other_events_nothing_is_kept(bridge: Bridge, kind: str) -> None:
    pass_by(bridge, "rule/door/event", LEFT | {"kind": kind})
    assert said(bridge) == []


def test_of_who_never_said_that_he_is_there_nothing_is_kept(bridge: Bridge) -> None:
    hear(bridge, "window/rule/door/bucket", BUCKET, retain=False)
    assert ask(bridge, "/devices/window/journal").status == 404
    hear(bridge, "window/status", {"state": "online"})
    assert json.loads(ask(bridge, "/devices/window/journal").body)["entries"] == []


# --- hostile devices, hostile pages -----------------------------------------------------------------------


def packed(payload: object) -> bytes:
    return json.dumps(payload).encode()


def all_told(journal: Journal, device: str = "door") -> Iterator[dict[str, Any]]:
    serial = 0
    while serial < journal.newest(device):
        part = json.loads(journal.after(device, serial))
        assert 0 < len(part["entries"]) <= MOST_TOLD
        yield from part["entries"]
        serial = part["serial"]


def test_a_device_that_counts_without_end_loses_its_oldest() -> None:
    journal = Journal()
    for number in range(MOST["stay"] + 500):
        assert journal.take("door", "stay", "hall", packed(LEFT | {"seq": number, "dwell_s": number}))
    assert [entry["said"]["dwell_s"] for entry in all_told(journal)] == list(range(500, MOST["stay"] + 500))


def test_countless_rules_are_kept_in_bounds() -> None:
    journal = Journal()
    for number in range(2 * MOST_SERIES):
        journal.take("door", "bucket", f"r{number}", packed(BUCKET))
    assert len(list(all_told(journal))) == MOST_SERIES


def test_who_says_too_much_loses_his_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_of, "MOST_BYTES", journal_of.MOST_ENTRY_BYTES + 20_000)
    journal = Journal()
    assert journal.take("quiet", "bucket", "door", packed(BUCKET))
    for number in range(200):
        journal.take("door", "bucket", f"r{number % 3}", packed(BUCKET | {"end": str(number)}))
    ends = [entry["said"]["end"] for entry in all_told(journal)]
    assert ends == [str(number) for number in range(200 - len(ends), 200)]
    assert 5 < len(ends) < 60
    assert len(list(all_told(journal, "quiet"))) == 1
    journal.take("late", "bucket", "door", packed(BUCKET))
    assert len(list(all_told(journal, "late"))) == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"null", b"[]", b"{", b"\xff", b"[" * 100_000,
        packed(BUCKET | {"start": 1}), packed(BUCKET | {"end": "x" * 200}), packed(BUCKET | {"rev": "1"}),
        packed(BUCKET | {"counts": {"person": "x" * journal_of.MOST_ENTRY_BYTES}}),
    ],
)  # fmt: skip
def test_what_is_no_bucket_is_not_kept(bridge: Bridge, payload: bytes) -> None:
    pass_by(bridge, "rule/door/bucket", payload)
    assert said(bridge) == []


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_no_class_and_no_number_breaks_what_is_told(label: str, dwell_s: float) -> None:
    journal = Journal()
    kept = journal.take("door", "stay", "hall", packed(LEFT | {"class": label, "dwell_s": dwell_s}))
    assert kept == (dwell_s >= 0 and len(label) <= 128)
    assert [entry["said"]["class"] for entry in all_told(journal)] == [label] * kept


def test_a_hostile_class_stays_a_string(bridge: Bridge) -> None:
    pass_by(bridge, "rule/door/bucket", BUCKET | {"counts": {HOSTILE: {"in": 1}}})
    assert said(bridge)[0]["counts"] == {HOSTILE: {"in": 1}}


@pytest.mark.parametrize("after", ["-1", "x", "1" * 16, "1.5", ""])
def test_what_is_no_number_is_refused(bridge: Bridge, after: str) -> None:
    assert ask(bridge, f"/devices/door/journal?after={after}").status == 400


# --- what is said to a device about its model -------------------------------------------------------------


def order(bridge: Bridge, name: str = "update", body: bytes = ORDER, **headers: str) -> Reply:
    return ask(bridge, f"/devices/door/model/{name}", CHANGE | headers, method="POST", body=body)


@pytest.mark.parametrize("name", ["update", "rollback"])
def test_an_order_is_a_command_that_no_broker_keeps(bridge: Bridge, name: str) -> None:
    assert order(bridge, name).status == 202
    (message,) = published(bridge)
    assert message.topic == f"eyespot/v1/door/cmd/model/{name}"
    assert json.loads(message.payload) == {"req_id": "17"}
    assert (message.retain, message.qos) == (False, 1)


def test_the_answer_comes_to_the_page_and_that_to_others_does_not(bridge: Bridge) -> None:
    browser = watching(bridge)
    order(bridge)
    pass_by(bridge, "reply/18", {"req_id": "18", "code": "ok"})
    pass_by(bridge, "reply/17", {"req_id": "17", "code": "refused"})
    pass_by(bridge, "reply/17", {"index": 0, "of": 2})
    assert browser.take() == [("door", "reply/17", b'{"req_id":"17","code":"refused"}')]


def test_an_order_that_the_broker_did_not_hear_is_not_done_later(bridge: Bridge) -> None:
    order(bridge)
    assert bridge.desire("door", b"{}")
    bridge.disconnected("gone")
    bridge.listening()
    assert [message.topic for message in published(bridge)] == ["eyespot/v1/door/config/desired"]


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("restart", ORDER, 404),
        ("..%2frestart", ORDER, 404),
        ("update", b"{", 400),
        ("update", b"{}", 400),
        ("update", b'{"req_id": "a/b"}', 400),
        ("update", b'{"req_id": "17", "args": {}}', 400),
    ],
)
def test_what_is_no_order_is_not_said(bridge: Bridge, name: str, body: bytes, status: int) -> None:
    assert order(bridge, name, body).status == status
    assert published(bridge) == []


def test_another_site_orders_nothing(bridge: Bridge) -> None:
    assert order(bridge, origin="http://evil.example").status == 403
    assert ask(bridge, "/devices/door/journal", {"host": "evil.example"}).status == 403
    assert published(bridge) == []


def test_nothing_is_ordered_while_the_broker_is_away_or_busy(bridge: Bridge) -> None:
    for _ in range(MOST_WISHES):
        bridge.desire("door", b"{}")
    assert order(bridge).status == 503
    bridge.disconnected("gone")
    assert order(bridge).status == 503
