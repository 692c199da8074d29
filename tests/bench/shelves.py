"""How well the shelf rule counts rendered shelves that the factory model looks at, by hand.

`PYTHONPATH=daemon:tests python tests/bench/shelves.py` prints a table, one random scene a line: six
shoppers in three and a half minutes stand in front of the products, take some, and put some back. Errors
are facings, all classes together, over all looks after the first 20 s, while people hide what stands there,
too.

false: alarms though no fewer than `low` stood there at any time; told: those due, of how many, with the
seconds until then (while the place is hidden, it cannot be known).
"""

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import numpy as np

from eyespot.domain.event import Threshold
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections, Observation
from eyespot.domain.track import Scene
from eyespot.rules.shelf import Shelf, ShelfSettings
from eyespot.tracking.tracker import Tracker
from fakes.shelves import Facing, Looker, ShelfScene, Shopper, row

_RATE_HZ = 4
_FIRST_S = 20
_SETTLE_S = 5
_ROWS = (
    (["wine"] * 5, ["water"] * 5),
    (["coffee_cup"] * 4, ["beer", "wine", "water", "beer", "wine"]),
    (["wine"] * 6, ["beer"] * 6),
)
_CONDITIONS = {
    "day": {},
    "dusk": {"light": 0.55, "grain": 7.0},
    "unknown shoppers": {},
    "light off": {"dark": (60.0, 90.0)},
}


def scene(seed: int, condition: str) -> tuple[ShelfScene, float]:
    """Return a scene, and how long it lasts in seconds."""
    rng = np.random.default_rng(seed)
    rows = _ROWS[seed % len(_ROWS)]
    facings = [facing for board, kinds in enumerate(rows) for facing in row(board, kinds)]
    shoppers, away, at_s = [], dict[int, tuple[float, float]](), 30.0
    for number in range(6):
        x, to_s = rng.uniform(0.1, 0.9), at_s + rng.uniform(6, 15)
        picture = (
            "board" if condition == "unknown shoppers" else ("person_astronaut", "person_camera")[number % 2]
        )
        shoppers.append(Shopper(picture, x, at_s, to_s, rng.uniform(0.6, 0.9)))
        behind = [place for place, facing in enumerate(facings) if abs(facing.x - x) < 0.15]
        if behind and rng.random() < 0.6:
            begin_s = rng.uniform(at_s + 1, to_s - 1)
            again_s = begin_s + rng.uniform(40, 90) if rng.random() < 0.5 else 1e9
            away.setdefault(int(rng.choice(behind)), (begin_s, again_s))
        if rng.random() < 0.5:
            away.setdefault(int(rng.integers(len(facings))), (to_s + 8, 1e9))
        at_s = to_s + rng.uniform(10, 20)
    facings = [
        Facing(one.kind, one.x, one.board, (away[place],) if place in away else ())
        for place, one in enumerate(facings)
    ]
    world = ShelfScene(tuple(facings), tuple(shoppers), seed=seed)
    return replace(world, **_CONDITIONS[condition]), at_s + 20


def watch(world: ShelfScene, end_s: float, looker: Looker) -> Iterator[tuple[float, Detections]]:
    for number in range(int(end_s * _RATE_HZ)):
        yield number / _RATE_HZ, looker.look(world.draw(number / _RATE_HZ))


def measured(seed: int, condition: str, looker: Looker) -> str:
    world, end_s = scene(seed, condition)
    film = list(watch(world, end_s, looker))
    classes = sorted({facing.label for facing in world.facings})
    least = {label: min(world.truth(at_s)[label] for at_s, _ in film) for label in classes}
    errors, raw, smooth, window = [], [], [], deque[np.ndarray](maxlen=5 * _RATE_HZ)
    rule = _shelf(classes, {label: max(number, 1) for label, number in least.items()}, looker)
    strict = _shelf(classes, {label: number + 1 for label, number in least.items()}, looker)
    false, told = [], {}
    tracker = Tracker(looker.min_score)
    for at_s, found in film:
        taken_ns = round(at_s * SECOND_NS)
        seen = Scene(taken_ns, Observation(taken_ns, "m@1-abc", found), tracker.step(taken_ns, found))
        false += [event for event in rule.step(seen, []) if isinstance(event, Threshold)]
        for event in strict.step(seen, []):
            if isinstance(event, Threshold) and event.below:
                told.setdefault(event.label, at_s)
        truth = np.array([world.truth(at_s)[label] for label in classes])
        now = np.array([(found.classes == looker.labels.index(label)).sum() for label in classes])
        window.append(now)
        if at_s > _FIRST_S:
            counts = np.array([rule.state().counts[label] for label in classes])
            errors.append(np.abs(counts - truth).sum())
            raw.append(np.abs(now - truth).sum())
            smooth.append(np.abs(np.median(window, axis=0) - truth).sum())
    due = {
        label: next(at_s for at_s, _ in film if world.truth(at_s)[label] == number)
        for label, number in least.items()
        if number < world.truth(0)[label]
    }
    late = [f"{told[label] - at_s:.0f}" for label, at_s in due.items() if label in told]
    return (
        f"{condition:17} {seed:4} {len(world.facings):8} {np.mean(raw):5.2f} {np.mean(smooth):9.2f}"
        f" {np.mean(errors):6.2f} {np.median(errors):6.0f} {np.max(errors):5.0f} {len(false):6}"
        f"   {len(late)}/{len(due)} {' '.join(late)}"
    )


def _shelf(classes: list[str], low: dict[str, int], looker: Looker) -> Shelf:
    settings = {"kind": "shelf", "id": "s", "classes": classes, "low": low, "settle_s": _SETTLE_S}
    return Shelf(msgspec.convert(settings, ShelfSettings), looker.labels)


def main(seeds: list[int]) -> None:
    """Print the table."""
    looker = Looker()
    print("condition         seed  facings   raw  5 s median   rule median   max  false   told, after s")
    for condition in _CONDITIONS:
        for seed in seeds:
            print(measured(seed, condition, looker), flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [10, 11, 12, 13, 14, 15])
