"""The boxes of one frame, as they are published: small, and still where things are."""

import json
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.track import Tracks
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native, Stamp

LABELS = ("person", "car", "dog", "computer mouse")
MODEL = "ssd-mobilenet-v2-oidv4@1.0.0-d0a5255bf8c4"


def tracks(count: int, seed: int = 0, first: int = 0) -> Tracks:
    random = np.random.default_rng(seed)
    ends = np.sort(random.uniform(0, 1, (count, 2, 2)), axis=1)
    return Tracks(
        ids=np.arange(first, first + count, dtype=np.int64),
        classes=random.integers(0, len(LABELS), count, dtype=np.intp),
        boxes_xyxy_n=ends.reshape(count, 4).astype(np.float32),
        scores=random.uniform(0, 1, count).astype(np.float32),
        seen=np.ones(count, np.bool_),
        confirmed=np.ones(count, np.bool_),
    )


def published(shown: Tracks) -> bytes:
    native = Native(Gate("eyespot/v1/entrance-1"), "24e8a49cc820ca25", 0)
    native._topic_seq["frame"] = 1_000_000
    return native.frame(shown, LABELS, MODEL, Stamp(1_800_000_000 * 10**9, synced=False)).payload


@given(seed=st.integers(0, 2**32), first=st.integers(0, 999_980))
def test_twenty_objects_take_900_bytes_at_most_on_a_device_that_has_seen_a_million(
    seed: int, first: int
) -> None:
    assert len(published(tracks(20, seed, first))) <= 900


@given(seed=st.integers(0, 2**32), count=st.integers(0, 30))
def test_what_is_published_is_what_was_seen_to_within_a_thousandth(seed: int, count: int) -> None:
    shown = tracks(count, seed)
    frame: dict[str, Any] = json.loads(published(shown))
    assert frame["tracks"] == shown.ids.tolist()
    assert [frame["labels"][index] for index in frame["classes"]] == [LABELS[i] for i in shown.classes]
    boxes = np.array(frame["boxes"], float).reshape(-1, 4) / 1000
    assert np.allclose(boxes, shown.boxes_xyxy_n, rtol=0, atol=0.00051)
    assert np.allclose(np.array(frame["scores"], float) / 100, shown.scores, rtol=0, atol=0.0051)
