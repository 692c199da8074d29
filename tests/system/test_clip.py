"""The main job on real input with known truth: people on the reference clip, over a real broker."""

import os
from collections import Counter
from pathlib import Path

import pytest

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.topics.gate import Gate
from fakes.daemon import Daemon, Ear, write_config
from fakes.waiting import until

CLIP = os.environ.get("EYESPOT_VTEST", "")
WIDTH = 768
TRUTH = {384: (14, 18), 560: (15, 19)}  # x of the line in pixels -> left to right, right to left
WITHIN = {384: 2, 560: 3}


def line_at(x: int) -> dict[str, object]:
    """From the bottom up, so that from left to right is in."""
    return {"kind": "line", "id": f"x{x}", "a": [x / WIDTH, 1], "b": [x / WIDTH, 0], "classes": ["person"]}


@pytest.mark.timeout(300)
@pytest.mark.skipif(not CLIP, reason="EYESPOT_VTEST names no clip; tests/run obtains it")
def test_people_on_the_reference_clip_are_counted_within_two_or_three_per_direction(tmp_path: Path) -> None:
    ear = Ear()
    with LocalMosquitto() as mosquitto, Listener(mosquitto.url, "eyespot/v1/shop/#", ear):
        camera = {"source": "video", "file": CLIP, "pace": "fast"}
        config = write_config(tmp_path, camera=camera, url=mosquitto.url, rules=map(line_at, TRUTH))
        with Daemon(config) as daemon:
            assert daemon.wait(240) == 0
        until(lambda: ear.newest("/status").get("state") == "offline", "offline")
    events = Counter((event["rule"], event["direction"]) for event in ear.on("/event"))
    for x, (rightward, leftward) in TRUTH.items():
        person = ear.newest(f"/x{x}/state")["counts"]["person"]
        print(f"x = {x}: {person['in']} in, {person['out']} out; true {rightward} and {leftward}")  # noqa: T201 - the figure
        assert (events[f"x{x}", "in"], events[f"x{x}", "out"]) == (person["in"], person["out"])
        assert abs(person["in"] - rightward) <= WITHIN[x]
        assert abs(person["out"] - leftward) <= WITHIN[x]
    assert ear.numbers() == list(range(1, sum(events.values()) + 1))
    gate = Gate("eyespot/v1/shop")
    assert all(gate.readmit(heard.topic, heard.payload) for heard in ear.heard)
