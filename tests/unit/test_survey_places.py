"""What a recording says of zones and queues that are right in themselves."""

from pathlib import Path

import pytest

from eyespot.app.verdict import check
from eyespot.domain.observation import Observation
from eyespot.recording import SCHEMA, Header, RecordingWriter
from fakes.daemon import LABELS, write_config
from fakes.stayers import Stayer
from fakes.walkers import film

CORNERS = [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]]
ZONE = {"kind": "zone", "id": "hall", "points": CORNERS, "classes": ["person"]}
QUEUE = {**ZONE, "kind": "queue", "service": [2]}
Stops = tuple[tuple[float, float, float], ...]
COMES = ((0.0, 0.1, 0.5), (3.0, 0.5, 0.5), (8.0, 0.5, 0.5), (11.0, 0.9, 0.5))
APPEARS = ((3.0, 0.5, 0.5), (8.0, 0.5, 0.5), (11.0, 0.9, 0.5))
VANISHES = ((0.0, 0.1, 0.5), (3.0, 0.5, 0.5), (8.0, 0.5, 0.5))
ON_A_SIDE = ((0.0, 0.1, 0.5), (2.0, 0.302, 0.5), (4.0, 0.1, 0.5))
PASSES_BY = ((0.0, 0.1, 0.05), (4.0, 0.9, 0.05))
WALKS_THROUGH = ((0.0, 0.1, 0.5), (4.0, 0.9, 0.5))


def doubts(folder: Path, rule: dict[str, object], *ways: Stops, kind: int = 0) -> list[str]:
    """What is said of one who goes each way after the other."""
    people = [
        Stayer(tuple((20 * n + at, x, y) for at, x, y in way), size=(0.06, 0.12), kind=kind)
        for n, way in enumerate(ways)
    ]
    header = Header(
        schema=SCHEMA, started="2026-01-01T12:00:00Z", labels=LABELS, width=768, height=576, rate_hz=10
    )
    file = folder / "walk.eyespot.jsonl"
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film(people, 10, 20 * len(ways)):
            writer.write(Observation(taken_ns, "recording", found))
    config = write_config(folder, camera={"source": "scene"}, url="mqtt://127.0.0.1:9", rules=[rule])
    return [text.removesuffix(f", in {file}") for text in check(config, file).warnings]


@pytest.mark.parametrize("rule", [ZONE, QUEUE], ids=["zone", "queue"])
def test_a_place_that_people_come_to_and_leave_is_good(tmp_path: Path, rule: dict[str, object]) -> None:
    assert doubts(tmp_path, rule, *6 * [COMES]) == []


@pytest.mark.parametrize(
    ("ways", "words"),
    [
        (5 * [PASSES_BY], "is entered by nobody: of 5 tracks none comes nearer than 2.2 boxes"),
        (5 * [ON_A_SIDE], "is entered by nobody: none of 5 tracks is far enough inside, and believed"),
        (
            [*4 * [COMES], *2 * [APPEARS]],
            "has 2 of 6 stays that began unseen inside; people are not seen as they come",
        ),
        (
            [*4 * [COMES], *2 * [VANISHES]],
            "has 2 of 6 stays that ended unseen inside; people are not seen as they go",
        ),
        ([*5 * [COMES], *2 * [ON_A_SIDE]], "has 2 tracks on its sides that are neither in nor out, beside 5"),
    ],
    ids=["nobody", "never in", "unseen coming", "unseen going", "on a side"],
)
def test_what_is_wrong_with_a_zone_is_said(tmp_path: Path, ways: list[Stops], words: str) -> None:
    [text] = doubts(tmp_path, ZONE, *ways)
    assert f'eyespot.toml:13: zone "hall" {words}' in text


def test_a_queue_that_all_walk_through_is_told(tmp_path: Path) -> None:
    [text] = doubts(tmp_path, QUEUE, *5 * [WALKS_THROUGH])
    assert 'queue "hall" has nobody who queues: 5 tracks walk through; see join_s and pace' in text


def test_where_nobody_is_of_its_classes_that_is_said(tmp_path: Path) -> None:
    [text] = doubts(tmp_path, ZONE, *5 * [COMES], kind=1)
    assert 'zone "hall" has nothing to count: nobody is seen' in text


def test_of_a_few_nothing_is_said(tmp_path: Path) -> None:
    assert doubts(tmp_path, ZONE, *3 * [APPEARS]) == []
