"""How often `moved` is told, and how soon: days of three places, each with seeds, as the README quotes.

Run with `PYTHONPATH=daemon:tests python tests/bench/drift/sweep.py [SEEDS]`.
"""

import sys
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from eyespot.domain.track import Scene
from eyespot.drift import Drift
from fakes.street import PLACES, Street, Turned

UTC = ZoneInfo("UTC")
LEARNED_H = 33.0  # Tuesday, 09:00
TURNS = {
    "shift 0.25 aside": Turned(shift=(0.25, 0)),
    "shift 0.15 down": Turned(shift=(0, 0.15)),
    "shift 0.25 down": Turned(shift=(0, 0.25)),
    "rotate 15 degrees": Turned(degrees=15),
    "rotate 30 degrees": Turned(degrees=30),
    "zoom 1.5": Turned(zoom=1.5),
    "zoom 0.6": Turned(zoom=0.6),
}


def first(drift: Drift, scenes: Iterable[Scene]) -> float | None:
    """Return after how many minutes the camera is said to be moved; None where it is not."""
    for number, scene in enumerate(scenes):
        drift.step(scene)
        if "moved" in drift.doubts:
            return number / 60
    return None


def learned(street: Street) -> tuple[bytes, float | None]:
    """Return what a day and a morning teach, and whether that was already called moved."""
    drift = Drift(UTC)
    drift.begin("m", b"")
    early = first(drift, street.scenes(0, LEARNED_H))
    return drift.keep(), early


def main(seeds: int) -> None:
    """Print a table."""
    for place, ways in PLACES.items():
        false, stormy = 0, 0
        found: dict[str, list[float | None]] = {name: [] for name in TURNS}
        for seed in range(seeds):
            street = Street(ways, seed, rain=60, birds=4)
            kept, early = learned(street)
            drift = Drift(UTC)
            drift.begin("m", kept)
            later = first(drift, street.scenes(LEARNED_H, LEARNED_H + 72))
            false += (early is not None) + (later is not None)
            drift.begin("m", kept)
            storm = Street(ways, seed, rain=900, birds=30)
            stormy += first(drift, storm.scenes(LEARNED_H, LEARNED_H + 24)) is not None
            for name, turned in TURNS.items():
                drift.begin("m", kept)
                found[name].append(first(drift, street.scenes(LEARNED_H, LEARNED_H + 3, turned=turned)))
        days = round(seeds * (3 + LEARNED_H / 24))
        print(f"{place}: {false} false in {days} days, {stormy} in {seeds} of storm")
        for name, times in found.items():
            told = sorted(one for one in times if one is not None)
            middle = f"median {told[len(told) // 2]:.0f} min, longest {told[-1]:.0f}" if told else ""
            print(f"    {name:20} {len(told)} of {seeds} within 3 h; {middle}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
