"""Prints one table: what was asked for, what was measured. Medians of several rounds, taken alternately."""

import os
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import psutil
from decoding import decode_ms
from hop import hop_ms
from overhead import cpu_ms_per_frame
from rich.console import Console
from rich.table import Table
from sensing import sensing

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.engines.litert import LiteRtEngine
from eyespot.trust.bundle import find_bundle, read_bundle
from fakes.daemon import LINE, Daemon, Ear, write_config, write_recording
from fakes.waiting import until

CLIP = Path(os.environ["EYESPOT_VTEST"])
ROUNDS = 5
SETTLE_S = 5.0
LOOK_S = 15.0
FRAME_LIMITS_MS = {5: 1.0, 20: 1.5, 100: 3.0}


def bare_rate() -> float:
    """Return frames per second of decoding, scaling and invoking, and nothing else."""
    bundle = read_bundle(find_bundle("factory"))
    interpreter = LiteRtEngine(bundle)._interpreter  # the runtime itself, as the engine set it up
    entrance = interpreter.get_input_details()[0]["index"]
    count, begun = 0, time.perf_counter()
    with av.open(str(CLIP)) as container:
        for frame in container.decode(video=0):
            pixels = frame.reformat(300, 300, "rgb24").to_ndarray()
            interpreter.set_tensor(entrance, pixels[None].astype(np.float32) / 127.5 - 1)
            interpreter.invoke()
            count += 1
    return count / (time.perf_counter() - begun)


def daemon_rate(folder: Path, url: str) -> float:
    """Return observations per second of the whole daemon on the looped clip, between its health messages."""
    ear = Ear()
    camera = {"source": "video", "file": str(CLIP), "pace": "fast", "loop": True}
    config = write_config(folder, camera=camera, url=url, rules=[LINE])
    with Listener(url, "eyespot/#", ear), Daemon(config) as daemon:
        until(lambda: len(ear.on("/health")) > 0, "health")
        time.sleep(LOOK_S)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    until(lambda: ear.newest("/status").get("state") == "offline", "offline")
    first, last = (
        (health["observations"], datetime.fromisoformat(health["t"])) for health in ear.on("/health")[-2:]
    )
    return (last[0] - first[0]) / (last[1] - first[1]).total_seconds()


def memory_mb(folder: Path, url: str, camera: dict[str, object]) -> float:
    """Return the resident memory of a daemon that has run for some seconds, in MiB."""
    with Daemon(write_config(folder, camera=camera, url=url)) as daemon:
        until(daemon.ready, "READY=1")
        time.sleep(SETTLE_S)
        return psutil.Process(daemon.process.pid).memory_info().rss / 2**20


def seconds_to_first_state(folder: Path, camera: dict[str, object]) -> float:
    """Return the time from the start of the process to the first state that a subscriber hears."""
    ear = Ear()
    with LocalMosquitto() as fresh, Listener(fresh.url, "eyespot/#", ear):  # it has nothing retained
        config = write_config(folder, camera=camera, url=fresh.url)
        begun = time.perf_counter()
        with Daemon(config):
            until(lambda: ear.on("/door/state"), "the first state")
            return time.perf_counter() - begun


def rows(folder: Path, url: str) -> Iterator[tuple[str, str, str]]:
    """Yield what, asked, measured."""
    pairs = [(bare_rate(), daemon_rate(folder, url)) for _ in range(ROUNDS)]
    bare, whole = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one[1] / one[0] for one in pairs)
    yield "frames/s, bare LiteRT loop", "", f"{bare:.1f}"
    yield "frames/s, whole daemon", "", f"{whole:.1f}"
    yield "ratio", ">= 0.90", f"{ratio:.2f}"
    for count, limit_ms in FRAME_LIMITS_MS.items():
        yield (
            f"CPU ms per frame without inference, {count} objects, p50",
            f"<= {limit_ms}",
            f"{cpu_ms_per_frame(count):.2f}",
        )
    for what, asked, spent_ms in decode_ms():
        yield f"CPU ms to decode {what}, p50", asked, f"{spent_ms:.2f}"
    yield from sensing(folder)
    for boxes, spent_ms in hop_ms():
        yield f"ms from eye to body, {boxes} boxes, p50", "<= 0.3", f"{spent_ms:.2f}"
    replay = {
        "source": "replay",
        "file": str(write_recording(folder / "walk.eyespot.jsonl", 5)),
        "loop": True,
    }
    yield "memory with replay, MiB", "<= 60", f"{memory_mb(folder, url, replay):.0f}"
    yield (
        "memory with engine and factory model, MiB",
        "<= 150",
        f"{memory_mb(folder, url, {'source': 'scene'}):.0f}",
    )
    starts = [seconds_to_first_state(folder, replay) for _ in range(ROUNDS)]
    yield "process start to first state with replay, s", "<= 1.5", f"{statistics.median(starts):.2f}"


def main() -> int:
    """Measure everything."""
    table = Table("what", "asked", "measured", title="Eyespot on this machine")
    with TemporaryDirectory() as folder, LocalMosquitto() as mosquitto:
        for row in rows(Path(folder), mosquitto.url):
            print(*row, file=sys.stderr, flush=True)
            table.add_row(*row)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
