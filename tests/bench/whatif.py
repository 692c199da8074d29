"""What a what-if over a day takes: `eyespot replay` with other rules, over the tracks of a replay before it.

    PYTHONPATH=daemon:tests python tests/bench/whatif.py [HOURS] [NAME …]

Ten looks a second at five people, for so many hours (24), the same each time; NAMEs are some of `RULES`. The
first replay follows everybody, for minutes; the recording and its tracks stay in the folder `EYESPOT_WHATIF`,
which is there, else in a temporary one. Times are those of the processor, of the whole command.
"""

import hashlib
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections, Observation
from eyespot.recording import SCHEMA, Header, RecordingWriter

RATE_HZ = 10
PEOPLE = 5
HALF = np.array([0.03, 0.1])  # of a body
MISSED, JITTER = 0.1, 0.03
PACES_S = (5.0, 15.0)  # from edge to edge

_ROOM = "points = [[0.3, 0.3], [0.7, 0.3], [0.7, 0.8], [0.3, 0.8]]"
_DENTED = "points = [[0.2, 0.3], [0.85, 0.25], [0.8, 0.8], [0.5, 0.65], [0.2, 0.85]]"
_DOOR = 'kind = "line"\nid = "door"\na = [0.1, 0.6]\nb = [0.9, 0.6]'
_INSIDE = 'kind = "occupancy"\nid = "inside"\nfrom = ["door"]'
RULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "line": (_DOOR,),
        "line, buckets": (f"{_DOOR}\nbucket_s = 900",),
        "zone": (f'kind = "zone"\nid = "room"\n{_ROOM}',),
        "zone, buckets": (f'kind = "zone"\nid = "room"\n{_ROOM}\nbucket_s = 900',),
        "dented zone, loitering, armed": (
            f'kind = "zone"\nid = "room"\n{_DENTED}\nloiter_s = 6\narmed = ["22:00-06:00"]',
        ),
        "queue": (f'kind = "queue"\nid = "till"\n{_ROOM}\nservice = [1]',),
        "heatmap": ('kind = "heatmap"\nid = "ways"',),
        "occupancy": (_DOOR, f'{_INSIDE}\nreset_at = ["04:00"]\nmax_dwell_s = 3600\nbucket_s = 900'),
        "occupancy, empty_s": (_DOOR, f"{_INSIDE}\nempty_s = 60"),
        "4 lines, 2 zones": (
            *(f'kind = "line"\nid = "door-{x}"\na = [0.{x}, 0.1]\nb = [0.{x}, 0.9]' for x in (2, 4, 6, 8)),
            f'kind = "zone"\nid = "room"\n{_ROOM}\nbucket_s = 900',
            f'kind = "zone"\nid = "hall"\n{_DENTED}\nloiter_s = 6\narmed = ["22:00-06:00"]',
        ),
        "shelf": ('kind = "shelf"\nid = "fridge"\nclasses = ["bottle"]',),
    }
)


def write_day(file: Path, hours: float) -> None:
    """Write a recording of people who walk from edge to edge, each of whom is missed now and then."""
    random = np.random.default_rng(7)
    header = Header(
        schema=SCHEMA,
        started="2026-01-01T00:00:00Z",
        labels=("person", "bottle"),
        width=768,
        height=576,
        rate_hz=RATE_HZ,
    )
    starts, ends = np.zeros((2, PEOPLE, 2))
    begun_s, takes_s = np.zeros((2, PEOPLE))
    with RecordingWriter(file, header) as writer:
        for look in range(round(hours * 3600 * RATE_HZ)):
            now_s = look / RATE_HZ
            for person in np.flatnonzero(now_s >= begun_s + takes_s):
                starts[person], ends[person] = _way(random)
                begun_s[person], takes_s[person] = now_s, random.uniform(*PACES_S)
            share = ((now_s - begun_s) / takes_s)[:, None]
            middles = starts + share * (ends - starts) + random.normal(0, JITTER, (PEOPLE, 2)) * 2 * HALF
            middles = middles[random.random(PEOPLE) >= MISSED]
            boxes = np.clip(np.hstack([middles - HALF, middles + HALF]), 0, 1).astype(np.float32)
            scores = random.uniform(0.4, 0.8, len(boxes)).astype(np.float32)
            found = Detections(boxes, scores, np.zeros(len(boxes), np.intp))
            writer.write(Observation(look * SECOND_NS // RATE_HZ, "recording", found))


def _way(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return from where to where somebody goes: over to the other edge."""
    side, (here, there) = random.integers(4), random.uniform(0.1, 0.9, 2)
    along = [((0.05, here), (0.95, there)), ((here, 0.1), (there, 0.95))][side % 2]
    start, end = along if side < 2 else along[::-1]
    return np.array(start), np.array(end)


def replayed(folder: Path, recording: Path, rules: tuple[str, ...]) -> tuple[float, int, str]:
    """Return the seconds of the processor that a replay takes, its messages, and their sha256."""
    config = folder / "eyespot.toml"
    device = '[device]\nid = "shop"\n[camera]\nsource = "scene"\n[mqtt]\nurl = "mqtt://127.0.0.1:9"\n'
    config.write_text(device + "".join(f"[[rules]]\n{rule}\n" for rule in rules))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "eyespot", "replay", "--config", str(config), str(recording)]
    environ = {**os.environ, "XDG_CACHE_HOME": str(folder)}
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environ).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent_s, lines.count(b"\n"), hashlib.sha256(lines).hexdigest()[:12]


def main() -> int:
    """Print a row for each kind of what-if."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 24.0
    names = sys.argv[2:] or [name for name in RULES if name != "shelf"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(os.environ.get("EYESPOT_WHATIF", temporary))
        recording = folder / f"whatif-{hours:g}.eyespot.jsonl.zst"
        if not recording.exists():
            new = folder / f"new-{recording.name}"
            write_day(new, hours)
            new.rename(recording)
        print(f"{hours:g} hours | CPU s | messages | sha256")
        for name, rules in {"the first replay": RULES["line"], **{key: RULES[key] for key in names}}.items():
            spent_s, count, digest = replayed(folder, recording, rules)
            print(f"{name} | {spent_s:.1f} | {count} | {digest}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
