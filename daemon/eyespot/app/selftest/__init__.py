"""`eyespot selftest`: what works on this machine, in words. One small function a probe; none raises."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path

from eyespot.app.selftest import access, camera, looking, machine, model, way_out
from eyespot.app.selftest.finding import Finding, Probe, Verdict, attempt
from eyespot.app.selftest.world import World, look_around
from eyespot.host.clock import SystemClock
from eyespot.ports import Tell, silent

__all__ = ["BESIDE_THE_SERVICE", "Finding", "Verdict", "selftest"]

_LIMIT_S = 10.0
_SLOW_S = 30.0  # imports, and what waits for others

_PROBES: Mapping[str, tuple[Callable[[World], Finding], float]] = {
    "machine": (machine.machine, _LIMIT_S),
    "camera": (camera.camera, _LIMIT_S),
    "firmware": (camera.firmware, _LIMIT_S),
    "library": (camera.library, _SLOW_S),
    "sensor model": (camera.sensor_model, _LIMIT_S),
    "permissions": (access.permissions, _LIMIT_S),
    "model": (model.model, _LIMIT_S),
    "engine": (model.engine, _SLOW_S),
    "certificates": (way_out.certificates, _LIMIT_S),
    "broker": (way_out.broker, _SLOW_S),
    "clock": (machine.clock, _LIMIT_S),
    "disk": (machine.disk, _LIMIT_S),
    "watchdog": (machine.watchdog, _LIMIT_S),
    "heat": (machine.heat, _LIMIT_S),
}


# What loads no library and asks nobody else: the service has camera and model already, and little memory.
BESIDE_THE_SERVICE = frozenset(
    {"machine", "camera", "firmware", "permissions", "clock", "disk", "watchdog", "heat"}
)


def selftest(
    file: Path,
    *,
    optional: bool,
    only: Collection[str] = frozenset(_PROBES),
    limit_s: float = _SLOW_S,
    open_camera: bool = False,
    tell: Tell = silent,
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
) -> Iterator[Finding]:
    """Yield one finding a probe, as soon as it is known.

    Args:
        file: the configuration.
        optional: whether it may be missing.
        only: the probes that are wanted.
        limit_s: how long each may take at most.
        open_camera: also open the camera for some seconds, which turns it on once.
        tell: is told how far that is.
        root: where the file system begins.
        environ: of the process.
    """
    world, finding = look_around(file, root, environ, optional=optional)
    yield finding
    for name, (probe, usual_s) in _PROBES.items():
        if name in only:
            yield attempt(name, partial(probe, world), min(usual_s, limit_s))
    if open_camera:
        look: Probe = partial(looking.looking, world, SystemClock(), tell)
        yield attempt("looking", look, looking.LIMIT_S)
