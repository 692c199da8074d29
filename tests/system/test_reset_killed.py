"""The daemon is killed while its totals are reset: each crossing is in one total, none in two."""

import random
import signal
import time
from pathlib import Path
from typing import Any

from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from fakes.brokers import say
from fakes.daemon import Daemon, Ear, write_config, write_recording
from fakes.waiting import until

RESET = "eyespot/v1/shop/cmd/counters/reset"
KILLS = 5


def by_number(ear: Ear) -> list[dict[str, Any]]:
    """Return the events in the order of their numbers, each once."""
    return [event for _, event in sorted({event["seq"]: event for event in ear.on("/door/event")}.items())]


def counts_anew(ear: Ear) -> None:
    """Wait until a process that has just been started has counted."""
    before = {event["boot_id"] for event in ear.on("/door/event")}
    until(lambda: any(event["boot_id"] not in before for event in ear.on("/door/event")), "a crossing")


def test_killed_at_any_moment_a_reset_is_whole_or_not_there(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    rng = random.Random()
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 60)
    config = write_config(tmp_path, camera={"source": "replay", "file": str(recording)}, url=mosquitto.url)
    for number in range(KILLS):
        with Daemon(config) as daemon:
            counts_anew(ear)
            say(mosquitto.url, Heard(RESET, b'{"req_id": "r%d"}' % number, retain=False, qos=1))
            if number == 0:
                until(lambda: ear.on("/reply/r0"), "an answer")
            time.sleep(rng.random() * 0.05)
            daemon.signal(signal.SIGKILL)
            daemon.wait()
    with Daemon(config) as daemon:
        counts_anew(ear)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    since = resets = 0
    events = by_number(ear)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    for event in events:
        if event["kind"] == "reset":
            assert event["counts"] == ({"person": {"in": since, "out": 0}} if since else {})
            since, resets = 0, resets + 1
        else:
            since += 1
    assert ear.newest("/door/state")["counts"]["person"]["in"] == since
    answered = [number for number in range(KILLS) if ear.newest(f"/reply/r{number}").get("code") == "ok"]
    assert 0 < len(answered) <= resets <= KILLS
