"""Probes of the model: is the configured one whole, and does this machine compute rightly?"""

import statistics
import time

import numpy as np

from eyespot.app.choice import order_of_now
from eyespot.app.eye import glance
from eyespot.app.proving import Look, differences
from eyespot.app.selftest.finding import Finding
from eyespot.app.selftest.world import World
from eyespot.config import problems_with_model
from eyespot.domain.errors import ConfigError, InputError, ModelError, one_line
from eyespot.engines.litert import LiteRtEngine
from eyespot.trust.bundle import CpuBundle, find_bundle, read_bundle

_ROUNDS = 20
_MOST_S = 5.0


def model(world: World) -> Finding:
    """Tell whether the configured model is whole, and fits the rules."""
    if world.loaded is None:
        return Finding("model", "skip", "no configuration says which")
    try:
        identity, tells = glance(order_of_now(world.loaded.config))
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
    wrong = list(differences(bundle, Look(bundle, runs), folder))
    p50_ms = _p50_ms(bundle, runs)
    facts = {"runtime": runs.runtime, "p50_ms": p50_ms, "differences": wrong}
    if wrong:
        words = f"{runs.runtime} computes wrongly here: {wrong[0]}; another runtime or version is needed"
        return Finding("engine", "fail", words, facts)
    words = f"{runs.runtime} finds what is known to be there; {p50_ms:g} ms an inference (p50)"
    return Finding("engine", "ok", words, facts)


def _p50_ms(bundle: CpuBundle, runs: LiteRtEngine) -> float:
    pixels = np.zeros((bundle.manifest.input.height, bundle.manifest.input.width, 3), np.uint8)
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < _ROUNDS and time.perf_counter() - begun < _MOST_S:
        before = time.perf_counter()
        runs.infer(pixels)
        times.append(time.perf_counter() - before)
    return round(1000 * statistics.median(times), 2)
