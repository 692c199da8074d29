"""Devices that are none, and say what a page shows: names as they are told to, boxes that walk."""

import json
import threading
import time
from datetime import UTC, datetime
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from eyespot.broker.settings import endpoint

WALKERS = 6
MOST_LABEL = 64  # of a class or a direction; who says more is not heard
_STEPS = 100  # of a walk
_BUCKET = 20  # frames
_RULES = [
    {"kind": "line", "id": "door", "a": [0.1, 0.5], "b": [0.9, 0.5]},
    {"kind": "zone", "id": "hall", "points": [[0.2, 0.6], [0.8, 0.6], [0.5, 0.9]]},
]


class Chatter:
    """So many devices at a broker, while its context lasts.

    Args:
        url: of the broker.
        devices: how many, `dev-00` and on.
        words: what they call themselves and all that they have a name for; or something that is no words.
        first: number of the first of them.
        rate_hz: of the frames of each.
    """

    def __init__(self, url: str, devices: int, words: object, rate_hz: float = 10, first: int = 0) -> None:
        where = endpoint(url)
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.connect(where.host, where.port or 1)
        self._roots = [f"eyespot/v1/dev-{n:02}" for n in range(first, first + devices)]
        self._words = words
        self._pause_s = 1 / rate_hz
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._walk)

    def __enter__(self) -> Self:
        self._client.loop_start()
        for root in self._roots:
            for suffix, fields in _states(self._words).items():
                self._client.publish(f"{root}/{suffix}", json.dumps(fields), qos=1, retain=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    def _walk(self) -> None:
        seq, due = 0, time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            for n, root in enumerate(self._roots):
                self._client.publish(f"{root}/frame", json.dumps(_frame(self._words, seq, n)))
                if seq % _BUCKET == 0:
                    self._client.publish(
                        f"{root}/rule/door/bucket", json.dumps(_bucket(self._words, seq)), qos=1
                    )
            seq += 1
            due += self._pause_s


def _states(words: object) -> dict[str, dict[str, Any]]:
    key = words if isinstance(words, str) else "odd"
    ill = {"name": words, "reason": words, "since": words}
    odd = [
        {**_RULES[0], "id": words},
        {**_RULES[0], "id": "__proto__"},
        {"kind": words, "id": "odd", "points": words},
    ]
    rules = [*_RULES, *odd]
    return {
        "status": {"state": "online"},
        "info": {"name": words, "camera": {"width": words, "height": words}},
        "health": {"ok": False, "states": [ill] if words == key else [], "observations_hz": words},
        "config/reported": {"req_id": words, "code": words, "detail": words, "config": {"rules": rules}},
        "rule/door/state": {"counts": {key: {key: words}}},
        "model/state": dict.fromkeys(
            ("installed_version", "latest_version", "title", "release_summary"), words
        ),
        "model/detail": {
            **dict.fromkeys(
                ("state", "code", "reason", "looks", "good", "previous", "staged", "percent"), words
            ),
            "trial": {"bundle": words, "starts": words},
            "offer": {"name": words, "version": words, "waits_for": words},
            "last_result": dict.fromkeys(("outcome", "bundle", "reason", "at"), words),
            "quarantine": [{"bundle": words, "reason": words}],
        },
    }


def _bucket(words: object, seq: int) -> dict[str, Any]:
    label = words[:MOST_LABEL] if isinstance(words, str) else "person"
    start, end = "2026-01-01T12:00:00.000Z", "2026-01-01T12:01:00.000Z"
    return {
        "schema": "eyespot.bucket/1",
        "t": end,
        "clock": "synced",
        "boot_id": "0123456789abcdef",
        "seq": seq,
        "kind": "bucket",
        "rule": "door",
        "start": start,
        "end": end,
        "bucket_s": 60,
        "rev": 0,
        "cut": None,
        "counts": {label: {"in": 4, label: 5}},
        "gauges": {},
        "durations": {},
        "coverage": 0.9,
        "gaps": [{"start": start, "end": end, "cause": label}],
        "ambiguous": 0,
        "uncertainty": 3.0,
        "model": label,
    }


def _frame(words: object, seq: int, device: int) -> dict[str, Any]:
    step = seq % _STEPS
    corners = [(150 * k + step + 5 * device, 8 * step + 15 * (k % 3)) for k in range(WALKERS)]
    return {
        "schema": "eyespot.frame/2",
        "t": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "clock": "synced",
        "model": "people@1.1.0-3f0a91b2c7de",
        "boot_id": "0123456789abcdef",
        "seq": seq,
        "labels": [words[:MOST_LABEL] if isinstance(words, str) else "person"],
        "tracks": [k + WALKERS * (seq // _STEPS) for k in range(WALKERS)],
        "classes": [0] * WALKERS,
        "scores": [50] * WALKERS,
        "boxes": [[x, y, min(1000, x + 60), min(1000, y + 120)] for x, y in corners],
    }
