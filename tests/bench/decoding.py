"""What decoding costs, by family: tensors of the real networks' sizes, as full as they get in daily life."""

import statistics
import time
from collections.abc import Iterator

import numpy as np

from eyespot.decoders import Decoder, build
from eyespot.domain.layout import Layout, Shape
from eyespot.domain.observation import Floats, Found

ROUNDS = 200
PERSONS = 15

_POSTPROCESSED = {"boxes": (100, 4), "scores": (100,), "classes": (100,), "count": (1,)}


def _built(
    kind: str, outputs: dict[str, Shape], labels: int, size: tuple[int, int], **settings: object
) -> Decoder[Found]:
    return build({"kind": kind, **settings}, Layout(*size, outputs, labels), floor=0.2, nms_iou=0.5)


def _cpu_ms(decoder: Decoder[Found], tensors: list[Floats]) -> float:
    """Return the median CPU time of a decoding, by the thread's clock."""
    spent = []
    for _ in range(ROUNDS):
        begun = time.thread_time()
        decoder.decode(tensors)
        spent.append(time.thread_time() - begun)
    return statistics.median(spent) * 1000


def _postprocessed(persons: int) -> list[Floats]:
    chance = np.random.default_rng(0)
    corners = chance.uniform(0, 0.7, (100, 2))
    scores = np.where(np.arange(100) < persons, 0.8, 0.05)
    tensors = [np.hstack([corners, corners + 0.2]), scores, np.zeros(100), np.array([100.0])]
    return [np.asfortranarray(tensor, np.float32) for tensor in tensors]


def _nanodet(persons: int) -> list[Floats]:
    """Each person is seen by nine cells; the sensor's tensors lie in memory column by column."""
    chance = np.random.default_rng(0)
    predictions = np.full((3598, 112), -8, np.float32)
    predictions[:, 80:] = chance.normal(0, 3, (3598, 32))
    predictions[chance.permutation(3598)[: 9 * persons], 0] = 1
    return [np.asfortranarray(predictions)]


def decode_ms() -> Iterator[tuple[str, str, float]]:
    """Yield what, asked, median CPU ms."""
    postprocessed = _built("ssd_postprocess", _POSTPROCESSED, 90, (320, 320))
    yield "post-processed SSD, 15 objects", "<= 0.5", _cpu_ms(postprocessed, _postprocessed(PERSONS))
    yield "post-processed SSD, 100 objects", "<= 0.5", _cpu_ms(postprocessed, _postprocessed(100))
    outputs = {"predictions": (3598, 112)}
    nanodet = _built("nanodet", outputs, 80, (416, 416), strides=[8, 16, 32, 64])
    yield "NanoDet raw, 15 objects", "<= 15", _cpu_ms(nanodet, _nanodet(PERSONS))
    yield "NanoDet raw, objects everywhere", "<= 15", _cpu_ms(nanodet, _nanodet(400))
