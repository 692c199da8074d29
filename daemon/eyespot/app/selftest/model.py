"""Probes of the model: is the configured one whole, and does this machine compute rightly?"""

import json
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.app.eye import glance, order
from eyespot.app.selftest.finding import Finding
from eyespot.app.selftest.world import World
from eyespot.config import problems_with_model
from eyespot.decoders import Decoder, build
from eyespot.domain.boxes import iou_matrix
from eyespot.domain.errors import ConfigError, InputError, ModelError, one_line
from eyespot.domain.observation import Detections, Found
from eyespot.engines.litert import LiteRtEngine
from eyespot.trust.bundle import CpuBundle, find_bundle, read_bundle

_ROUNDS = 20
_MOST_S = 5.0


def model(world: World) -> Finding:
    """Tell whether the configured model is whole, and fits the rules."""
    if world.loaded is None:
        return Finding("model", "skip", "no configuration says which")
    try:
        identity, tells = glance(order(world.loaded.config))
        problems_with_model(world.loaded, identity.labels, tells)
    except (ModelError, InputError, ConfigError) as error:
        return Finding("model", "fail", one_line(error))
    facts = {"bundle": identity.bundle, "sha256": identity.sha256, "labels": len(identity.labels)}
    return Finding("model", "ok", f"{identity.bundle}, {len(identity.labels)} classes", facts)


def engine(world: World) -> Finding:
    """Tell whether this machine's processor finds in known pictures what is known to be there."""
    folder = find_bundle("factory")
    bundle = read_bundle(folder)
    if not isinstance(bundle, CpuBundle):
        return Finding("engine", "fail", f"{folder} is not for the processor: install Eyespot anew")
    try:
        runs = LiteRtEngine(bundle)
    except ModelError as error:
        return Finding("engine", "skip" if world.wants_sensor else "fail", one_line(error))
    golden = json.loads((folder / "golden" / "vectors.json").read_bytes())
    wrong = list(_differences(bundle, runs, folder / "golden", golden))
    p50_ms = _p50_ms(bundle, runs)
    facts = {"runtime": runs.runtime, "p50_ms": p50_ms, "differences": wrong}
    if wrong:
        words = f"{runs.runtime} computes wrongly here: {wrong[0]}; another runtime or version is needed"
        return Finding("engine", "fail", words, facts)
    words = f"{runs.runtime} finds what is known to be there; {p50_ms:g} ms an inference (p50)"
    return Finding("engine", "ok", words, facts)


def _differences(
    bundle: CpuBundle, runs: LiteRtEngine, folder: Path, golden: Mapping[str, Any]
) -> Iterator[str]:
    """Yield for each golden picture in what the outcome differs from what it has to be."""
    manifest = bundle.manifest
    decoder: Decoder[Found] = build(
        bundle.decoder, bundle.layout, floor=manifest.min_score, nms_iou=manifest.nms_iou
    )
    for vector in golden["vectors"]:
        found = decoder.decode(runs.infer(np.load(folder / vector["picture"])))
        difference = _difference(bundle, found, vector["detections"], golden)
        if difference:
            yield f"{vector['picture']}: {difference}"


def _difference(
    bundle: CpuBundle, found: Found, wanted: list[dict[str, Any]], bounds: Mapping[str, Any]
) -> str:
    if not isinstance(found, Detections):
        return "no detections"
    labels = [bundle.labels[index] for index in found.classes]
    if labels != [want["class"] for want in wanted]:
        return f"found {labels or 'nothing'}"
    for row, want in enumerate(wanted):
        if abs(found.scores[row] - want["score"]) > bounds["score_tolerance"]:
            return f"a score of {found.scores[row]:.3f}, not {want['score']:.3f}"
        box = np.array([want["box"]], np.float32)
        if iou_matrix(found.boxes_xyxy_n[[row]], box)[0, 0] < bounds["least_iou"]:
            return f"a {want['class']} elsewhere"
    return ""


def _p50_ms(bundle: CpuBundle, runs: LiteRtEngine) -> float:
    pixels = np.zeros((bundle.manifest.input.height, bundle.manifest.input.width, 3), np.uint8)
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < _ROUNDS and time.perf_counter() - begun < _MOST_S:
        before = time.perf_counter()
        runs.infer(pixels)
        times.append(time.perf_counter() - before)
    return round(1000 * statistics.median(times), 2)
