"""`eyespot privacy`: what this installation lets out, as far as it can be proved, and what it is to be told.

Of a finding "ok" is proved, "fail" is refuted, and "skip" cannot be known here.
"""

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from eyespot.app.privacy import traces, walls
from eyespot.app.privacy.label import Label, label
from eyespot.app.privacy.site import BODY, EYE, Site, running
from eyespot.app.selftest.finding import Finding, attempt
from eyespot.app.selftest.world import look_around
from eyespot.broker.credentials import as_the_service
from eyespot.host.processes import Process
from eyespot.store.settings import StateSettings, state_dir

__all__ = ["Finding", "Label", "audit", "label"]

_LIMIT_S = 90.0  # the sandbox is entered by a program that walks through all folders
_DAY_S = 86_400

_PROBES: Mapping[str, Callable[[Site], Finding]] = {
    "eye's sandbox": walls.sandbox,
    "eye's sockets": walls.eye_sockets,
    "body's cameras": walls.body_cameras,
    "body's sockets": walls.body_sockets,
    "schemas": traces.schemas,
    "model": traces.model,
    "frames": walls.frames,
    "files": traces.files,
    "bytes": traces.sent,
}


def audit(
    file: Path,
    *,
    optional: bool,
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
    service: Callable[[str, Path], Sequence[Process]] = running,
    only: Collection[str] = frozenset(_PROBES),
) -> Iterator[Finding]:
    """Yield one finding a probe, as soon as it is known. Nothing is changed, and nothing published.

    Args:
        file: the configuration.
        optional: whether it may be missing.
        root: where the file system begins.
        environ: of the process.
        service: returns the processes of one of the two services; none where it does not run.
        only: the probes that are wanted.
    """
    world, finding = look_around(file, root, environ, optional=optional)
    yield finding
    settings = world.loaded.config.state if world.loaded else StateSettings()
    state = state_dir(settings, as_the_service(environ, root))
    site = Site(world, service(EYE, root), service(BODY, root), state, int(time.time() // _DAY_S))
    for name in filter(only.__contains__, _PROBES):
        yield attempt(name, partial(_PROBES[name], site), _LIMIT_S)
