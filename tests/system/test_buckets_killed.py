"""The daemon is killed again and again while it counts into buckets: each crossing is in one, none in two."""

import random
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from eyespot.broker.local import LocalMosquitto
from fakes.daemon import LINE, Daemon, Ear, write_config, write_recording
from fakes.waiting import until

KILLS = 4
BUCKET_S = 5
SHORTEST_START_S = 0.3


def newest(ear: Ear) -> list[dict[str, Any]]:
    """Return the buckets in the order of their numbers; of each the last revision."""
    told = sorted({one["seq"]: one for one in ear.on("/door/bucket")}.items())
    return list({(one["start"], one["end"]): one for _, one in told}.values())


def starts_but_of(boot_ids: set[str], ear: Ear) -> set[str]:
    """Return where the buckets begin that another process told of."""
    return {one["start"] for one in ear.on("/door/bucket") if one["boot_id"] not in boot_ids}


def test_killed_at_any_moment_buckets_tile_time_and_add_up_to_the_totals(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    rng = random.Random()
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 60)
    config = write_config(
        tmp_path,
        camera={"source": "replay", "file": str(recording)},
        url=mosquitto.url,
        rules=[LINE | {"bucket_s": BUCKET_S}],
    )
    for _ in range(KILLS):
        with Daemon(config) as daemon:
            until(daemon.ready, "a daemon")
            time.sleep(2 + 2 * rng.random())
            daemon.signal(signal.SIGKILL)
            daemon.wait()
    before = {one["boot_id"] for one in ear.on("/status")}
    with Daemon(config) as daemon:
        until(lambda: len(starts_but_of(before, ear)) >= 3, "what was open twice, and a whole bucket")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    buckets = newest(ear)
    assert all(first["end"] == second["start"] for first, second in pairwise(buckets))
    crossed = {event["seq"]: event for event in ear.on("/door/event")}.values()
    within = [event for event in crossed if event["t"] < buckets[-1]["end"]]
    counted = sum(
        one["counts"]["person"]["in"] for one in buckets if one["counts"] and "person" in one["counts"]
    )
    assert counted == len(within) > KILLS
    causes = [gap["cause"] for one in buckets for gap in one["gaps"]]
    # What is shorter than a second, also on one side of a bucket's end, is no gap: the coverage lacks it.
    assert 0 < causes.count("restart") <= 2 * (KILLS + 1)  # on both sides of a bucket's end
    assert sum((1 - one["coverage"]) * BUCKET_S for one in buckets) > KILLS * SHORTEST_START_S
    # The last one began and ended in one process, which looked most of the time.
    assert buckets[-1]["coverage"] > 0.5
    assert "restart" not in [gap["cause"] for gap in buckets[-1]["gaps"]]
