"""Opens the camera for some seconds and measures what it gives. It needs the camera for itself."""

import statistics
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import pairwise

from eyespot.app.choice import order_of_now
from eyespot.app.eye import open_source
from eyespot.app.power import note_power_up
from eyespot.app.selftest.finding import Finding
from eyespot.app.selftest.world import EYE, World
from eyespot.domain.errors import EyespotError, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock, ObservationSource, SourceEnded, Tell
from eyespot.sources.settings import CameraSettings
from eyespot.sources.wire import Look
from eyespot.store.settings import StateSettings

LIMIT_S = 900.0  # a network that the sensor does not keep yet takes minutes
_SECONDS = 10.0
_SLICE_S = 0.5
_BINS_MS = (20, 30, 40, 50, 70, 100, 150, 200, 500, 1000)


def looking(world: World, clock: Clock, tell: Tell) -> Finding:
    """Open the camera of the configuration, else the AI camera with the factory model, and measure.

    Args:
        world: says which.
        clock: measures.
        tell: is told how far it is.
    """
    if _is_busy():
        words = (
            f"the service has the camera: sudo systemctl stop eyespot {EYE}; start eyespot again afterwards"
        )
        return Finding("looking", "fail", words)
    look = Look(CameraSettings(source="imx500"), "factory", None)
    if world.loaded is not None and world.wants_camera:
        look = order_of_now(world.loaded.config)
    try:
        state = world.loaded.config.state if world.loaded is not None else StateSettings()
        note_power_up(look.camera, state, clock)
        return measured(open_source(look, clock), clock, _SECONDS, tell)
    except EyespotError as error:
        return Finding("looking", "fail", one_line(error))


def measured(source: ObservationSource, clock: Clock, seconds: float, tell: Tell) -> Finding:
    """Return how a source did over some seconds; it is closed afterwards.

    Raises:
        EyespotError: it could not be opened or asked.
    """
    begun_ns = clock.now_ns()
    try:
        source.open(tell)
        opened_ns = clock.now_ns()
        stamps_ns = _look(source, clock, opened_ns + round(seconds * SECOND_NS))
        looked_s = (clock.now_ns() - opened_ns) / SECOND_NS
        readings, view = source.readings, source.view
    finally:
        source.close()
    facts = {
        "bundle": source.model.bundle,
        "start_s": round((opened_ns - begun_ns) / SECOND_NS, 2),
        "observations": len(stamps_ns),
        "rate_hz": round(len(stamps_ns) / looked_s, 2) if looked_s else 0.0,
        "asked_hz": view.rate_hz if view else None,
        "gaps_ms": _gaps(stamps_ns),
        "inference_ms": readings.inference_ms,
        "sensor": asdict(readings.sensor) if readings.sensor else None,
    }
    if not stamps_ns:
        words = f"it opened in {facts['start_s']} s and then gave nothing for {looked_s:.0f} s; see dmesg"
        return Finding("looking", "fail", words, facts)
    network = readings.sensor.dnn_ms if readings.sensor else None
    words = f"{facts['rate_hz']} observations a second, {facts['start_s']} s until the camera ran"
    return Finding("looking", "ok", words + (f", network {network:g} ms" if network else ""), facts)


def _look(source: ObservationSource, clock: Clock, until_ns: int) -> list[int]:
    """Return when each observation was taken."""
    stamps_ns = []
    with suppress(SourceEnded):
        while clock.now_ns() < until_ns:
            observation = source.take(_SLICE_S)
            if observation is not None:
                stamps_ns.append(observation.taken_ns)
    return stamps_ns


def _gaps(stamps_ns: Sequence[int]) -> dict[str, object]:
    """Return how long it took from one observation to the next, in ms, and how often each."""
    gaps = sorted((later - earlier) / 1e6 for earlier, later in pairwise(stamps_ns))
    if not gaps:
        return {}
    counts = dict.fromkeys([*(f"<{edge}" for edge in _BINS_MS), f">={_BINS_MS[-1]}"], 0)
    for gap in gaps:
        edge = next((edge for edge in _BINS_MS if gap < edge), None)
        counts[f">={_BINS_MS[-1]}" if edge is None else f"<{edge}"] += 1
    return {
        "p50": round(statistics.median(gaps), 1),
        "p95": round(gaps[int(0.95 * (len(gaps) - 1))], 1),
        "longest": round(gaps[-1], 1),
        "histogram": {name: count for name, count in counts.items() if count},
    }


def _is_busy() -> bool:
    """Whether the service's eye runs."""
    ask = ("systemctl", "is-active", "--quiet", f"{EYE}.service")
    try:
        return subprocess.run(ask, check=False, timeout=10, capture_output=True).returncode == 0  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        return False
