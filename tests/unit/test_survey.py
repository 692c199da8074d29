"""What a recording says of lines that are right in themselves."""

from pathlib import Path

import numpy as np
import pytest

from eyespot.app.survey_lines import LineSurvey
from eyespot.app.verdict import check
from eyespot.domain.account import Account, Remark
from eyespot.domain.observation import Observation
from eyespot.recording import SCHEMA, Header, RecordingWriter
from eyespot.rules.line import LineSettings
from fakes.daemon import LABELS, write_config
from fakes.walkers import Walker, film

GOOD = {"kind": "line", "id": "door", "a": [0.1, 0.5], "b": [0.9, 0.5], "classes": ["person"]}
SIZE = (0.06, 0.12)


def walkers(start_y: float, end_y: float, *, slant: float = 0.0, kind: int = 0) -> list[Walker]:
    """Ten people, one after the other, in lanes from left to right."""
    lanes = np.linspace(0.2, 0.8, 10)
    return [
        Walker((x - slant, start_y), (x + slant, end_y), 10 * n, 10 * n + 6, SIZE, kind)
        for n, x in enumerate(lanes.tolist())
    ]


def doubts(folder: Path, people: list[Walker], *rules: dict[str, object]) -> list[str]:
    header = Header(
        schema=SCHEMA, started="2026-01-01T12:00:00Z", labels=LABELS, width=768, height=576, rate_hz=10
    )
    file = folder / "walk.eyespot.jsonl"
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film(people, 10, 105):
            writer.write(Observation(taken_ns, "recording", found))
    config = write_config(folder, camera={"source": "scene"}, url="mqtt://127.0.0.1:9", rules=rules)
    return [text.removesuffix(f", in {file}") for text in check(config, file).warnings]


def test_a_line_across_the_way_with_room_before_it_is_good(tmp_path: Path) -> None:
    assert doubts(tmp_path, walkers(0.1, 0.9), GOOD) == []


@pytest.mark.parametrize(
    ("way", "line", "words"),
    [
        ((0.1, 0.3), {}, "is crossed by nobody: of 10 tracks none comes nearer than 1.7 boxes"),
        ((0.1, 0.46), {}, "has 10 of 10 tracks lost before it, or seen first behind it; move it to where"),
        ((0.1, 0.9), {"b": [0.5, 0.5]}, "was passed beyond its ends by 2 of 7 tracks; make it longer"),
        ((0.4, 0.9), {}, "has too little room: people are seen first 0.8 boxes before it; move it inwards"),
    ],
    ids=["nobody", "lost", "too short", "no room"],
)
def test_what_is_wrong_with_it_is_said(
    tmp_path: Path, way: tuple[float, float], line: dict[str, object], words: str
) -> None:
    [text] = doubts(tmp_path, walkers(*way), GOOD | line)
    assert f'eyespot.toml:13: line "door" {words}' in text


def test_a_track_is_badly_seen_once_though_seen_first_behind_the_line_and_lost_before_it() -> None:
    remarks = (Remark(0, "first_behind", "seen late"), Remark(9, "lost_before", "lost early"))
    seen = (np.zeros((2, 2)), np.array([0, 9]), np.array([-2.0, -1.0]), SIZE)
    survey = LineSurvey(LineSettings(id="door", a=(0.1, 0.5), b=(0.9, 0.5)), "oblique", (4, 3))
    survey.add(Account(track, "person", *seen, remarks) for track in range(6))
    [text] = survey.doubts()
    assert text.startswith("has 6 of 6 tracks lost before it")


def test_a_line_along_the_flow_is_told_with_the_angle(tmp_path: Path) -> None:
    people = [Walker((0.1, 0.35), (0.95, 0.62), 10 * n, 10 * n + 9, SIZE) for n in range(10)]
    [text] = doubts(tmp_path, people, GOOD)
    assert 'line "door" lies along the flow: people cross it at 13 degrees; turn it across their way' in text


def test_a_line_that_is_shorter_than_a_box_is_told(tmp_path: Path) -> None:
    people = [Walker((0.5, 0.1), (0.5, 0.9), 10 * n, 10 * n + 6, SIZE) for n in range(10)]
    [text] = doubts(tmp_path, people, GOOD | {"a": [0.475, 0.5], "b": [0.53, 0.5]})
    assert 'line "door" is shorter than a box; make it as long as the passage is wide' in text


def test_where_nobody_is_of_its_classes_that_is_said(tmp_path: Path) -> None:
    [text] = doubts(tmp_path, walkers(0.1, 0.9, kind=1), GOOD)
    assert 'line "door" has nothing to count: nobody is seen' in text


def test_of_a_few_nothing_is_said(tmp_path: Path) -> None:
    assert doubts(tmp_path, walkers(0.1, 0.46)[:3], GOOD) == []


def test_a_rule_that_is_there_twice_is_told_without_a_recording(tmp_path: Path) -> None:
    rules = [GOOD, GOOD | {"id": "gate"}, GOOD | {"id": "other", "swap": True}]
    config = write_config(tmp_path, camera={"source": "scene"}, url="mqtt://127.0.0.1:9", rules=rules)
    [text] = check(config).warnings
    assert text.endswith('line "gate" is the same as "door"; remove one, or move it')
