"""What the demo shows: made from what a subscriber hears, and nothing else."""

import json
from typing import Any

from rich.console import Console

from eyespot.commands.demo_received import Received
from eyespot.commands.demo_view import LiveView, PlainView, draw_boxes
from eyespot.domain.message import Heard
from eyespot.topics.payloads import Frame

ENVELOPE = {
    "schema": "eyespot.frame/2",
    "t": "2026-01-01T00:00:00.000Z",
    "clock": "synced",
    "boot_id": "0123456789abcdef",
    "seq": 1,
}
COUNTS = {"person": {"in": 3, "out": 2}}
STATE = {"rule": "middle", "kind": "line", "counts": COUNTS, "since": ENVELOPE["t"], "model": "m"}
FRAME = {
    "model": "m",
    "labels": ["person"],
    "tracks": [7],
    "classes": [0],
    "scores": [60],
    "boxes": [[100, 0, 600, 500]],
}


def heard(suffix: str, fields: dict[str, Any]) -> Heard:
    payload = json.dumps(ENVELOPE | fields).encode() if fields else b""
    return Heard(f"eyespot/v1/demo/{suffix}", payload, retain=False, qos=1)


def test_the_summary_tells_counts_and_topics() -> None:
    received = Received()
    for message in (heard("frame", FRAME), heard("rule/middle/state", STATE), heard("frame", FRAME)):
        received.hear(message)
    assert received.counts() == [("middle", "person", 3, 2)]
    assert "middle: 3 person in, 2 out" in received.summary()
    assert "2 frame, 1 rule/middle/state" in received.summary()


def test_the_latest_topics_are_shown_without_the_envelope_and_a_cleared_one_harms_nothing() -> None:
    received = Received()
    received.hear(heard("rule/middle/state", STATE))
    received.hear(heard("model/state", {"installed_version": "1.0.0"}))
    received.hear(heard("rule/gone/state", {}))
    assert received.latest[0] == ("rule/gone/state", "{}")
    assert received.latest[2][1].startswith('{"rule":"middle"')


def test_boxes_are_drawn_where_they_are_with_class_and_track() -> None:
    frame = Frame(**(ENVELOPE | FRAME))
    rows = [row.plain for row in draw_boxes(frame, 41, 11)]
    assert rows[0][4:25] == "┌person 7───────────┐"
    assert rows[5][4:25] == "└───────────────────┘"
    assert rows[10].strip() == "┊"
    assert {len(row) for row in rows} == {41}


def test_without_a_terminal_each_message_is_one_line_and_frames_are_counted() -> None:
    console = Console(width=40)
    with console.capture() as shown, PlainView(console) as view:
        view.show(heard("frame", FRAME))
        view.show(heard("rule/middle/state", STATE))
    assert shown.get().count("\n") == 1
    assert view.received.heard["frame"] == 1


def test_the_live_view_shows_counts_topics_and_troubles() -> None:
    console = Console(width=100, height=30)
    with console.capture() as printed:
        view = LiveView(console)
        view.announce("a mosquitto of its own")
        view.show(heard("frame", FRAME))
        view.show(heard("rule/middle/state", STATE))
        console.print(view._draw())
    shown = printed.get()
    assert all(
        words in shown for words in ("a mosquitto of its own", "person 7", "middle", "1 frames looked at")
    )
