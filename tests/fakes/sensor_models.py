"""Models for the sensor, and what the sensor tells when it runs them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.decoders import build
from eyespot.sources.imx500 import SensorModel
from eyespot.trust.bundle import read_bundle
from eyespot.trust.rpk import OutputTensor
from eyespot.trust.sensor_bundle import SensorBundle
from fakes.bundles import write_sensor_bundle
from fakes.rpk import SSD, make_rpk
from fakes.tensors import metadata

BOX = [0.1, 0.2, 0.3, 0.4]


def sensor_model(folder: Path, network: bytes | None = None, **changes: Any) -> SensorModel:
    """Return a model as the daemon would make it of a bundle; changes are to its manifest."""
    folder.mkdir(exist_ok=True)
    bundle = read_bundle(write_sensor_bundle(folder, network or make_rpk(), **changes))
    assert isinstance(bundle, SensorBundle)
    decoder = build(bundle.decoder, bundle.layout, floor=0.1, nms_iou=0.5)
    return SensorModel(bundle, decoder, bundle.identity)


def ssd_arrays(*boxes_xyxy: Sequence[float], score: float = 0.75) -> list[np.ndarray[Any, Any]]:
    """Return the outputs of a post-processed SSD that sees persons in these boxes of its input."""
    boxes, scores = np.zeros((100, 4)), np.zeros(100)
    for row, (x0, y0, x1, y1) in enumerate(boxes_xyxy):
        boxes[row], scores[row] = (y0, x0, y1, x1), score
    return [boxes, scores, np.zeros(100), np.array([len(boxes_xyxy)])]


def seen(
    count: int = 0, *boxes_xyxy: Sequence[float], outputs: Sequence[OutputTensor] = SSD, **changes: Any
) -> dict[str, Any]:
    """Return the metadata of a frame in which a person is seen; a change of None takes something out."""
    told = {
        **metadata(outputs, ssd_arrays(*(boxes_xyxy or [BOX])), frame_count=count),
        "SensorTemperature": 41.0,
        "ExposureTime": 20_000,
        "AnalogueGain": 2.5,
        "Lux": 120.5,
        **changes,
    }
    return {name: value for name, value in told.items() if value is not None}


def endless(first: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield frames with a person in each, without end."""
    count = first
    while True:
        yield seen(count % 256)
        count += 1
