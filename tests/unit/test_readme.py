"""The README tells of everything that can be heard of a device."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyespot.domain.event import RULE_ID
from eyespot.topics.gate import DECLARED, Declared

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def troubles_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "raise_state":
            assert isinstance(node.args[0], ast.Constant), ast.unparse(node)
            yield node.args[0].value


TROUBLES = sorted(
    {
        name
        for file in (ROOT / "daemon").rglob("*.py")
        for name in troubles_in(file.read_text(encoding="utf-8"))
    }
)


@pytest.mark.parametrize("name", TROUBLES)
def test_for_every_trouble_it_is_said_what_to_do(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.schema)
def test_every_topic_is_listed(declared: Declared) -> None:
    assert f"| `{declared.form.pattern.replace(RULE_ID, '<id>')}` |" in README
