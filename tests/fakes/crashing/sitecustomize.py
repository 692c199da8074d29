"""Planted on a path: models of some versions do what a runtime does to which a file was too much."""

import os
import signal

from eyespot.engines.litert import LiteRtEngine

_load, _infer = LiteRtEngine.__init__, LiteRtEngine.infer


def _loading(engine, bundle):  # noqa: ANN001, ANN202
    engine.version = bundle.manifest.version
    _load(engine, bundle)
    if engine.version.startswith("6."):  # loads, and takes the process with it
        os.kill(os.getpid(), signal.SIGSEGV)


def _inferring(engine, pixels):  # noqa: ANN001, ANN202
    if engine.version.startswith("7."):
        engine.looks = getattr(engine, "looks", 0) + 1
        if engine.looks > 1:  # the first one is the warming up
            os.kill(os.getpid(), signal.SIGSEGV)
    return _infer(engine, pixels)


LiteRtEngine.__init__, LiteRtEngine.infer = _loading, _inferring
