"""How often a second the page draws, of twenty devices with ten frames a second each, and its memory.

`python watch_fleet.py [SECONDS]`, with what tests/system/browser/run sets. What was seen takes room until
as much is kept as may be, as trails in the page and as boxes in the server, which also unpacks those of the
device that is shown, to answer: that is not held against them.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from eyespot.broker.local import LocalMosquitto
from fakes.chatter import WALKERS, Chatter
from fakes.viewing import viewing

DEVICES, RATE_HZ = 20, 10.0
LEAST_FPS = 30
SHORT_S = 30
MOST_POINTS = {"heap_mb": 500_000, "rss_mb": 4_000_000}  # page/trails.js; an hour in the server
POINT_MB = {"heap_mb": 80e-6, "rss_mb": 15e-6}  # a pair of numbers in V8; a box in the server, with answers
SLACK_MB = 2.0
HERE = Path(__file__).parent


def watched(seconds: float) -> Iterator[dict[str, Any]]:
    """Yield the limit of this machine, then a sample every five seconds."""
    with (
        LocalMosquitto(("allow_anonymous true", "max_queued_messages 10000")) as mosquitto,
        Chatter(mosquitto.url, DEVICES, "Entrance", RATE_HZ),
        viewing(mosquitto.url) as (server, url),
    ):
        process, began = psutil.Process(server.pid), time.monotonic()
        command = ["node", str(HERE / "fleet.mjs"), url, str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as browser:
            for line in browser.stdout or ():
                rss_mb = process.memory_info().rss / 1e6
                yield {"s": time.monotonic() - began, "rss_mb": rss_mb, **json.loads(line)}
        if browser.returncode != 0:
            sys.exit("the browser did not see it through; what is wrong is said above")
        cpu = process.cpu_times()
        print(f"the server took {(cpu.user + cpu.system) / (time.monotonic() - began):.0%} of a core")


def grown(samples: list[dict[str, Any]], what: str) -> float:
    """Return by how many MB more something grew in the last third than what was seen explains."""
    third = max(1, len(samples) // 3)
    begin, end = samples[-third - 1], samples[-1]
    points_s = WALKERS * DEVICES * RATE_HZ
    kept = [min(points_s * sample["s"], MOST_POINTS[what]) for sample in (begin, end)]
    return float(end[what] - begin[what] - POINT_MB[what] * (kept[1] - kept[0]))


def told(limit: float, samples: list[dict[str, Any]], seconds: float) -> Iterator[str]:
    """Yield in words what was measured."""
    fps = [sample["fps"] for sample in samples]
    yield f"{DEVICES} devices, {RATE_HZ:.0f} frames/s each, {seconds:.0f} s; load {os.getloadavg()[0]:.1f}"
    yield f"drawn a second: {statistics.median(fps):.0f} (median), {min(fps):.0f} (least); empty: {limit:.0f}"
    for sample in samples[:: max(1, len(samples) // 10)]:
        yield "after {s:4.0f} s: heap {heap_mb:5.1f} MB, server {rss_mb:5.1f} MB".format(**sample)


def wrong_with(limit: float, samples: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is not as it should be."""
    for what in ("heap_mb", "rss_mb"):
        if (by_mb := grown(samples, what)) > SLACK_MB:
            yield f"{what} grows: by {by_mb:.1f} in the last third"
    if statistics.median(sample["fps"] for sample in samples) < min(LEAST_FPS, 0.8 * limit):
        yield f"fewer than {LEAST_FPS} frames a second are drawn, and this machine does {limit:.0f}"


def main(seconds: float) -> int:
    first, *samples = watched(seconds)
    print(*told(first["limit"], samples, seconds), sep="\n")
    wrong = list(wrong_with(first["limit"], samples))
    print("; ".join(wrong) or "it draws, and memory grows by no more than what is kept")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else SHORT_S))
