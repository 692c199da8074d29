"""What a tensor frame of the AI camera costs, from what picamera2 hands over to an observation."""

import statistics
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.host.clock import ManualClock
from eyespot.sources.imx500 import Imx500Source, SensorModel
from eyespot.sources.settings import CameraSettings
from eyespot.trust.rpk import InputTensor, OutputTensor
from fakes.cameras import FakeCameras
from fakes.rpk import make_rpk
from fakes.sensor_models import seen, sensor_model
from fakes.tensors import metadata, tensor_info

ROUNDS = 200
TAKES_HZ = 60
TAKES_S = 5
PERSONS = 15

_RAW = OutputTensor("predictions", (3598, 112), 8, is_signed=True, scale=0.125, shift=0)
_INPUT = InputTensor("input:0", 416, 416, is_signed=True, scale=0.0078125, shift=0)


def _raw_model(folder: Path) -> SensorModel:
    intrinsics = {
        "task": "object detection",
        "cpu": {"post_processing": "nanodet"},
        "classes": {"labels": [f"class {number}" for number in range(80)]},
    }
    return sensor_model(
        folder,
        make_rpk((_RAW,), picture=_INPUT, intrinsics=intrinsics),
        input={"width": _INPUT.width, "height": _INPUT.height, "resize": "stretch"},
        outputs=[{"role": "predictions", "shape": list(_RAW.shape)}],
        decoder={"kind": "nanodet", "strides": [8, 16, 32, 64]},
    )


def _raw_frames() -> list[dict[str, Any]]:
    """Each person is seen by nine cells."""
    chance = np.random.default_rng(0)
    predictions = np.full(_RAW.shape, -8.0)
    predictions[:, 80:] = chance.normal(0, 3, (3598, 32))
    predictions[chance.permutation(3598)[: 9 * PERSONS], 0] = 1
    first = metadata((_RAW,), [predictions])
    return [{**first, "CnnOutputTensorInfo": tuple(tensor_info((_RAW,), number))} for number in range(256)]


def _ssd_frames() -> list[dict[str, Any]]:
    corners = np.random.default_rng(0).uniform(0, 0.7, (PERSONS, 2))
    boxes = np.hstack([corners, corners + 0.2]).tolist()
    return [seen(number, *boxes) for number in range(256)]


def _source(model: SensorModel, frames: list[dict[str, Any]]) -> Imx500Source:
    clock = ManualClock()
    source = Imx500Source(model, CameraSettings(source="imx500"), clock, FakeCameras(clock, cycle(frames)))
    source.open()
    return source


def _frame_ms(source: Imx500Source) -> float:
    """Return the median CPU time of a frame, by the thread's clock."""
    spent = []
    for _ in range(ROUNDS):
        begun = time.thread_time()
        assert source.take(1) is not None
        spent.append(time.thread_time() - begun)
    return statistics.median(spent) * 1000


def _percent_of_a_core(source: Imx500Source) -> float:
    """Return what the capturing thread takes of a core when it is given so many frames a second."""
    begun_cpu, begun = time.thread_time(), time.perf_counter()
    for number in range(TAKES_HZ * TAKES_S):
        time.sleep(max(begun + number / TAKES_HZ - time.perf_counter(), 0))
        assert source.take(1) is not None
    return 100 * (time.thread_time() - begun_cpu) / (time.perf_counter() - begun)


def sensing(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield what, asked, measured."""
    ssd = _source(sensor_model(folder / "ssd"), _ssd_frames())
    raw = _source(_raw_model(folder / "raw"), _raw_frames())
    what = "CPU ms per tensor frame, all in"
    yield f"{what}, post-processed SSD, {PERSONS} objects, p50", "<= 0.5", f"{_frame_ms(ssd):.2f}"
    yield f"{what}, NanoDet raw, {PERSONS} objects, p50", "<= 15", f"{_frame_ms(raw):.2f}"
    percent = _percent_of_a_core(ssd)
    yield f"capturing thread at {TAKES_HZ} frames/s, % of a core", "<= 15", f"{percent:.1f}"
