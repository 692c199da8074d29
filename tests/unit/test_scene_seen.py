"""The rendered scene before the factory model: what walks there is found, where it is."""

import numpy as np

from eyespot.decoders import build
from eyespot.domain.boxes import iou_matrix
from eyespot.engines.litert import LiteRtEngine
from eyespot.host.clock import ManualClock
from eyespot.sources.inferring import CpuModel, InferringSource
from eyespot.sources.scene import SceneSource
from eyespot.trust.bundle import find_bundle, read_bundle


def test_the_factory_model_finds_nearly_everybody() -> None:
    bundle = read_bundle(find_bundle("factory"))
    manifest, model, clock = bundle.manifest, bundle.identity, ManualClock()
    decoder = build(manifest.decoder, bundle.layout, floor=model.min_score, nms_iou=manifest.nms_iou)
    frames = SceneSource(0, 1, "fast", clock)
    size = (manifest.input.width, manifest.input.height)
    source = InferringSource(
        frames, CpuModel(LiteRtEngine(bundle), decoder, model, size, manifest.input.resize), clock=clock
    )
    source.open()
    found, missed = 0, 0
    for _ in range(60):
        seen = source.take(0)
        assert seen is not None
        for walker, box in frames.world.boxes(seen.taken_ns / 1e9):
            if not np.allclose(box[2:] - box[:2], walker.size_n, atol=1e-5):
                continue  # not wholly in the frame
            named = seen.found.classes == model.labels.index(walker.look.label)
            overlaps = iou_matrix(box[None], seen.found.boxes_xyxy_n[named])
            if overlaps.max(initial=0) > 0.5:
                found += 1
            else:
                missed += 1
    source.close()
    assert found > 80
    assert missed < 0.15 * found
