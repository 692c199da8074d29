"""Networks that are swapped, again and again, leave nothing behind. Runs inside the rig."""

import gc
import statistics
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest

from eyespot.app.eye import going_over, open_source
from eyespot.host.clock import SystemClock
from eyespot.host.memory import give_back_large_blocks
from eyespot.ports import ObservationSource, silent
from eyespot.sources.settings import CameraSettings
from eyespot.sources.wire import Look
from fakes.bundles import write_sensor_bundle
from fakes.rig import Rig
from fakes.rpk import SSD, make_rpk
from fakes.tensors import frame_bytes
from fakes.waiting import until

SWAPS = 200
MIB = 1 << 20


def order(folder: Path, rig: Rig, blocks: int) -> Look:
    """Return an order for a network of its own, which sees one person."""
    rpk = make_rpk(blocks=blocks)
    boxes, scores = np.zeros((100, 4)), np.zeros(100)
    boxes[0], scores[0] = (0.4, 0.4, 0.6, 0.6), 0.9
    rig.serve(rpk, frame_bytes(SSD, (boxes, scores, np.zeros(100), [1])))
    folder.mkdir()
    write_sensor_bundle(folder, rpk, version=f"{blocks}.0.0")
    return Look(CameraSettings(source="imx500"), str(folder), None)


def sees(source: ObservationSource) -> bool:
    observation = source.take(1)
    return observation is not None and observation.bundle == source.model.bundle


@pytest.mark.timeout(600)
def test_two_hundred_swaps_leave_no_thread_no_descriptor_and_no_memory(tmp_path: Path) -> None:
    rig, process = Rig(), psutil.Process()
    give_back_large_blocks()  # as the eye does when it begins
    rig.wish("fps", 120)
    rig.wish("fw_progress", "2 1048576 4194304")
    orders = [order(tmp_path / f"bundle-{blocks}", rig, blocks) for blocks in (2, 3)]
    source = open_source(orders[0], SystemClock())
    source.open()
    sizes: list[float] = []
    kept: list[tuple[int, ...]] = []
    for number in range(1, SWAPS + 1):
        going_over(source, orders[number % 2])(silent)
        until(lambda: sees(source), "an observation of the new network")
        gc.collect()
        sizes.append(process.memory_info().rss / MIB)
        kept.append((process.num_fds(), process.num_threads(), threading.active_count()))
    source.close()
    early, late = statistics.median(sizes[20:40]), statistics.median(sizes[180:])
    # one more or less is a frame under way
    left = [statistics.median(counts) for counts in zip(*kept[20:40], strict=True)]
    left_late = [statistics.median(counts) for counts in zip(*kept[180:], strict=True)]
    print(  # noqa: T201 - the figures are asked for
        f"swaps 21-40: {early:.1f} MiB, 181-200: {late:.1f} MiB; descriptors, threads, Python's threads "
        f"{left}, then {left_late}"
    )
    assert late <= early + 2
    assert all(now <= before + 1 for now, before in zip(left_late, left, strict=True))
    assert process.children() == []
