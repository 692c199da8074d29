"""Prints how well Eyespot and its peers count the same detections, and what it costs.

`run [SEEDS] [FRAMES]`: so many seeds of each scene (12), so many frames for the cost (600).
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping

from contestants import AS_SHIPPED, TUNED, Counts, eyespot
from cost import COUNTS, growth_kb, milliseconds
from material import REPORTING, Clip, clips
from scoring import Score, score

PEERS = [AS_SHIPPED, *TUNED]
CONTESTANTS: Mapping[str, Callable[[Clip], Counts]] = {
    "Eyespot": eyespot,
    **{peer.name: peer.count for peer in PEERS},
}
Scores = Mapping[tuple[str, str], Score]


def count_all(seeds: range) -> Scores:
    """Return scores by contestant and part of the material: all, a level, a rate, a scene, a camera."""
    scores: dict[tuple[str, str], Score] = defaultdict(Score)
    for seed in seeds:
        for clip in clips(REPORTING, range(seed, seed + 1), sparse=True):
            truth = clip.truth()
            for name, count in CONTESTANTS.items():
                counts = count(clip)
                one = score(truth, counts.events, clip.inside, counts.thought)
                for part in _parts(clip):
                    scores[name, part].add(one)
        errors = (f"{name}: {scores[name, 'all'].error:.1f} %" for name in CONTESTANTS)
        print(f"after seed {seed}:", *errors, file=sys.stderr, flush=True)
    return scores


def _parts(clip: Clip) -> tuple[str, ...]:
    cell = f"{clip.level}, {clip.rate_hz} Hz"
    return ("all", f"{clip.level} noise", f"{clip.rate_hz} Hz", cell, clip.scene, clip.view.mount)


def print_scores(scores: Scores) -> None:
    """Print a table of count errors, and one of the other figures over everything."""
    names = list(CONTESTANTS)
    parts = list(dict.fromkeys(part for _, part in scores))
    print("count error in %:", *names, sep=" | ")
    for part in sorted(parts, key=lambda part: (part != "all", "noise" not in part)):
        errors = [f"{scores[name, part].error:.1f}" for name in names]
        print(f"{part} ({scores[names[0], part].true} crossings)", *errors, sep=" | ")
    print("\nover everything | error % | bias % | event F1 | occupancy error %")
    for name in names:
        one = scores[name, "all"]
        print(f"{name} | {one.error:.1f} | {one.bias:+.1f} | {one.f1:.1f} | {one.occupancy_error:.1f}")


def print_cost(frames: int) -> None:
    """Print CPU milliseconds per frame."""
    spent = milliseconds(PEERS, frames)
    print("\nCPU ms per frame, p50/p99 |", " | ".join(f"{count} objects" for count in COUNTS))
    for name in CONTESTANTS:
        print(name, *("{:.2f}/{:.2f}".format(*spent[name, count]) for count in COUNTS), sep=" | ")


def print_verdict(scores: Scores) -> None:
    """Print what was aimed for and what was reached."""
    ours, tuned = scores["Eyespot", "all"], [peer.name for peer in TUNED]
    best = min(tuned, key=lambda name: scores[name, "all"].error)
    levels = [part for name, part in scores if name == "Eyespot" and part.endswith("noise")]
    gap = max(scores["Eyespot", level].error - scores[best, level].error for level in levels)
    theirs = scores[best, "all"].error
    print(f"\nerror, as a share of that of {best} | <= 0.67 | {ours.error / theirs:.2f}")
    print(f"most points above it at a level of noise | <= 1 | {gap:+.1f}")
    print(f"event F1 | >= 95 | {ours.f1:.1f}")
    print(f"bias, % | within 4 | {ours.bias:+.1f}")


def main() -> int:
    """Count, and print."""
    seeds, frames = (int(given) for given in (sys.argv[1:] + ["12", "600"][len(sys.argv) - 1 :]))
    print_cost(frames)
    print(f"memory after 100,000 frames | {growth_kb(100_000):+.0f} kB since the first 10,000\n", flush=True)
    scores = count_all(range(seeds))
    print_scores(scores)
    print_verdict(scores)
    return 0


if __name__ == "__main__":
    sys.exit(main())
