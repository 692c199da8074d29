"""What other rules would have said of a recording: by its tracks in the cache as by itself, step by step."""

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

from eyespot import app
from eyespot.domain.message import Message
from eyespot.domain.observation import Observation
from eyespot.recording import SCHEMA, Header, RecordingWriter
from fakes.daemon import write_config
from fakes.stayers import ZONE, crowd
from fakes.walkers import Faults, film

SECONDS = 130
RATE_HZ = 10
DOOR = {"kind": "line", "id": "door", "a": [0.1, 0.5], "b": [0.6, 0.55]}
BENT = {"kind": "line", "id": "bent", "points": [[0.1, 0.5], [0.35, 0.62], [0.5, 0.4], [0.85, 0.55]]}
ZONES = {"kind": "zone", "points": ZONE}
TILL = {"kind": "queue", "id": "till", "points": ZONE, "service": [1], "join_s": 2.0, "pace": 1.0}
SHOP = {"kind": "occupancy", "id": "shop", "from": ["door"], "empty_s": 20, "bucket_s": 5}
ALL = (
    DOOR | {"bucket_s": 15},
    BENT | {"mode": "late", "classes": ["person"]},
    ZONES | {"id": "hall", "loiter_s": 4.0, "armed": ["00:01-06:00"], "bucket_s": 10},
    ZONES | {"id": "people", "loiter_s": 5.5, "classes": ["person"]},
    ZONES | {"id": "edge", "points": [[0, 0.4], [1, 0.4], [1, 1], [0, 1]], "armed": ["23:00-00:01"]},
    TILL | {"bucket_s": 20},
    SHOP,
    {"kind": "heatmap", "id": "heat"},
)


def recorded(file: Path, seed: int) -> Path:
    """A recording of a crowd that stays and is badly seen; for a while nobody looks, then it is dark."""
    random = np.random.default_rng(seed)
    faults = Faults(missed=0.3, jitter=0.08, flipped=0.1, doubled=0.05, false_per_frame=0.2, score=0.5)
    stops_s, dark_s = random.uniform(15, 110, 2)
    header = Header(
        schema=SCHEMA,
        started="2026-01-01T00:00:00Z",
        labels=("person", "dog"),
        width=768,
        height=576,
        rate_hz=RATE_HZ,
    )
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film(crowd(random, 25, SECONDS), RATE_HZ, SECONDS, faults, seed=seed):
            if stops_s <= taken_ns / 1e9 <= stops_s + 6:
                continue
            sight = "dark" if dark_s <= taken_ns / 1e9 <= dark_s + 3 else "clear"
            writer.write(Observation(taken_ns, "recording", found, sight))
    return file


@pytest.mark.parametrize("seed", range(2))
def test_a_replay_says_the_same_of_a_recording_of_its_tracks_and_step_by_step(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recording = recorded(tmp_path / "crowd.eyespot.jsonl", seed)
    config = write_config(tmp_path, camera={"source": "scene"}, url="mqtt://127.0.0.1:9", rules=ALL)
    anew = list(app.replay(config, recording, cached=False))
    assert list(app.replay(config, recording)) == anew
    monkeypatch.setattr("eyespot.app.traces.trace", lambda *_: iter(()))
    assert list(app.replay(config, recording)) == anew
    monkeypatch.setattr("eyespot.pipeline.can_sweep", lambda _: False)
    assert list(app.replay(config, recording)) == anew
    if not seed:
        assert kinds(anew).keys() >= KINDS


@pytest.mark.parametrize("rule", ALL[:6], ids=lambda rule: rule["id"])
def test_a_rule_says_the_same_alone_as_beside_others(
    rule: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recording = recorded(tmp_path / "crowd.eyespot.jsonl", 7)
    said = []
    for rules in (ALL, [rule]):
        config = write_config(tmp_path, camera={"source": "scene"}, url="mqtt://127.0.0.1:9", rules=rules)
        said.append([fields(one) for one in app.replay(config, recording) if f"/{rule['id']}/" in one.topic])
    assert said[0] == said[1]
    assert said[0]


KINDS = {"entered", "left", "loitering", "intrusion", "crossed", "joined", "left_queue", "bucket", "reset"}


def kinds(messages: list[Message]) -> Counter[str]:
    schemas = [msgspec.json.decode(one.payload)["schema"] for one in messages]
    return Counter(schema.removeprefix("eyespot.").partition("/")[0] for schema in schemas)


def fields(message: Message) -> dict[str, object]:
    """What a message says but for its number, which counts those of all rules."""
    return msgspec.json.decode(message.payload) | {"seq": 0}
