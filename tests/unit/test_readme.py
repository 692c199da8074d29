"""The README tells of everything that can be heard of a device."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from eyespot import app
from eyespot.domain.doubt import DOUBTS
from eyespot.domain.event import RULE_ID
from eyespot.sources import wire
from eyespot.supervisor import comeback
from eyespot.topics.commands import REQ_ID, Kind
from eyespot.topics.gate import DECLARED, Declared

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MOST_PICTURE_BYTES = 80_000


def troubles_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "raise_state":
            if isinstance(node.args[0], ast.Constant):
                yield node.args[0].value
            elif ast.unparse(node.args[0]) == "STATE":
                yield comeback.STATE
            elif ast.unparse(node) == "self._health.raise_state(name, doubts[name])":
                yield from DOUBTS
            else:
                assert ast.unparse(node) == "self._health.raise_state(trouble.name, trouble.reason)"


TROUBLES = sorted(
    {
        name
        for file in (ROOT / "daemon").rglob("*.py")
        for name in troubles_in(file.read_text(encoding="utf-8"))
    }
    | set(get_args(get_type_hints(wire.Trouble)["name"]))  # what the eye passes on
)


def test_the_recording_in_the_reference_counts_what_it_says(tmp_path: Path) -> None:
    text = (ROOT / "config" / "RECORDINGS.md").read_text()
    recording = tmp_path / "example.eyespot.jsonl"
    recording.write_text(re.findall(r"```json\n(\{\"schema.*?)```", text, re.DOTALL)[0])
    newest = list(app.replay(ROOT / "config" / "eyespot.toml", recording))[-1]
    assert json.loads(newest.payload)["counts"] == {"person": {"in": 1, "out": 0}}


@pytest.mark.parametrize("picture", re.findall(r"!\[.+?\]\((.+?)\)", README))
def test_its_pictures_are_there_and_small(picture: str) -> None:
    file = ROOT / picture
    assert file.is_file(), "tests/run browser --renew makes them"
    assert file.stat().st_size < MOST_PICTURE_BYTES


@pytest.mark.parametrize("name", TROUBLES)
def test_for_every_trouble_it_is_said_what_to_do(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.form.pattern)
def test_every_topic_is_listed(declared: Declared) -> None:
    topic = declared.form.pattern.replace(RULE_ID, "<id>").replace(REQ_ID, "<req_id>")
    topic = topic.replace(r"\.(in|out)", ".<direction>")
    assert f"| `{topic}` |" in README


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_every_command_is_listed(kind: Kind) -> None:
    assert f"`{kind.value}`" in README
