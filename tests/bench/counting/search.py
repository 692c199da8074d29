"""Chooses the peers' knobs and tells how Eyespot's constants compare: one at a time, on half of the scenes.

Each candidate is tried with everything else at its best so far. Peers get a threshold of their line zone
for each frame rate as well, as it counts frames. `EYESPOT_COUNTING=search.py run SORT` searches for one of
them, `… run Eyespot` tries our constants.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from contestants import BYTE_TRACK, SORT, Counts, Peer, Settings, constant, eyespot_with, shipped_knobs
from material import CHOOSING, RATES_HZ, Clip, clips
from scoring import score

SEEDS = range(1)
THRESHOLDS = (1, 2, 3, 5, 8, 12, 20)
_SHARED = {
    "track_activation_threshold": (0.2, 0.3, 0.4, 0.5),
    "minimum_consecutive_frames": (1, 2, 3),
    "minimum_iou_threshold": (0.02, 0.1, 0.2, 0.3),
    "lost_track_buffer": (15, 30, 60),
    "timed": (False, True),
}
GRIDS: Mapping[str, Mapping[str, Sequence[float]]] = MappingProxyType(
    {
        BYTE_TRACK.name: {"high_conf_det_threshold": (0.2, 0.3, 0.4, 0.5), **_SHARED},
        SORT.name: _SHARED,
    }
)
EYESPOT: Mapping[str, Sequence[float]] = MappingProxyType(
    {
        "tracking.tracker._CONFIRMED_LIFE_S": (1.0, 1.5, 2.0),
        "tracking.motion._ACCELERATION_DENSITY": (0.5, 1.0, 2.0),
        "tracking.motion._COASTING_MEMORY_S": (0.4, 0.8, 1.6),
        "tracking.motion.MEASURING_VARIANCE": (0.06**2, 0.08**2, 0.1**2),
        "tracking.tracker._CONFIRMING_HITS": (2, 3, 4),
        "tracking.tracker._SAME_OVERLAP": (0.4, 0.5, 0.6),
        "tracking.tracker._TENTATIVE_LIFE_S": (0.5, 1.0, 1.5),
        "tracking.motion._SIZE_MEMORY_S": (0.2, 0.4, 0.8),
        "rules.line._BAND": (0.2, 0.25, 0.3),
    }
)


def climb(
    grid: Mapping[str, Sequence[float]], shipped: Settings, error: Callable[[Settings], float]
) -> Settings:
    """Return the best settings found beside those shipped, one knob after the other; prints each try."""
    best: dict[str, float] = {}
    least = error(best)
    print(f"start {least:6.2f} {best}", flush=True)
    for knob, values in grid.items():
        for value in values:
            if value != best.get(knob, shipped.get(knob)):
                tried = {**best, knob: value}
                wrong = error(tried)
                print(f"{knob} = {value}: {wrong:.2f}", flush=True)
                if wrong < least:
                    best, least = tried, wrong
    print(f"best {least:6.2f} {best}", flush=True)
    return best


class Peers:
    """The error of a peer, with the best threshold for each rate."""

    def __init__(self, peer: Peer, material: Sequence[Clip]) -> None:
        self._peer = peer
        self._material = [(clip, clip.truth()) for clip in material]

    def __call__(self, settings: Settings) -> float:
        """Return the count error in per cent, and print the thresholds."""
        wrong: dict[int, Counter[int]] = defaultdict(Counter)
        peer, true = self._peer.tuned(**settings), 0
        for clip, truth in self._material:
            for threshold, counts in zip(THRESHOLDS, peer.counts(clip, THRESHOLDS), strict=True):
                one = score(truth, counts.events, clip.inside, counts.thought)
                wrong[clip.rate_hz][threshold] += one.wrong
            true += one.true
        best = {rate: min(THRESHOLDS, key=wrong[rate].__getitem__) for rate in RATES_HZ}
        print(f"  thresholds {best}", flush=True)
        return 100 * sum(wrong[rate][best[rate]] for rate in RATES_HZ) / true


def mean_error(material: Sequence[Clip], count: Callable[[Clip], Counts]) -> float:
    """Return the count error in per cent over all clips."""
    scores = []
    for clip in material:
        counts = count(clip)
        scores.append(score(clip.truth(), counts.events, clip.inside, counts.thought))
    return 100 * sum(one.wrong for one in scores) / sum(one.true for one in scores)


def main() -> int:
    """Search for whom the argument names: a peer, or Eyespot."""
    name = sys.argv[1]
    material = [clip for clip in clips(CHOOSING, SEEDS) if clip.level != "light"]
    peers = {peer.name.split()[0]: peer for peer in (BYTE_TRACK, SORT)}
    if name in peers:
        peer = replace(peers[name], knobs={}, timed=False)
        climb(GRIDS[peer.name], shipped_knobs(peer), Peers(peer, material))
    else:
        shipped = {path: constant(path) for path in EYESPOT}
        climb(EYESPOT, shipped, lambda constants: mean_error(material, eyespot_with(constants)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
