"""Tracks of a recording, with what is in doubt meanwhile."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from eyespot.domain.strip import Strip
from eyespot.drift import Drift


def doubted(strips: Iterable[Strip], drift: Drift) -> Iterator[Strip]:
    """Yield strips in parts, in each of which the same is in doubt, and with that.

    Args:
        strips: of one model, in order.
        drift: has begun with that model.
    """
    doubts = dict(drift.doubts)
    for strip in strips:
        begin = 0
        for step in _steps(strip, drift):
            drift.step(strip.scene(step))
            if drift.doubts != doubts:
                if step > begin:
                    yield replace(strip.between(begin, step), doubts=doubts)
                begin, doubts = step, dict(drift.doubts)
        yield replace(strip.between(begin, len(strip)) if begin else strip, doubts=doubts)


def _steps(strip: Strip, drift: Drift) -> Iterator[int]:
    """Yield the steps that are compared; of the others only how pictures are is noted."""
    all_optics = strip.optics or (None,) * len(strip)
    for step, (taken_ns, optics) in enumerate(zip(strip.taken_ns.tolist(), all_optics, strict=True)):
        if drift.is_due(taken_ns):
            yield step
        elif optics is not None:
            drift.note(optics)
