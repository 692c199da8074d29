"""The schema for editors, the example and the reference say what the types say."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from eyespot.config import schema

FOLDER = Path(__file__).parents[2] / "config"
DEFINITIONS: dict[str, Any] = schema.schema()["$defs"]
KEYS = sorted({key for part in DEFINITIONS.values() for key in part["properties"]})


def valid(table: dict[str, Any]) -> bool:
    return jsonschema.Draft202012Validator(schema.schema()).is_valid(table)


def example() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "eyespot.toml").read_text())


def test_the_schema_on_disk_is_that_of_the_types() -> None:
    written = (FOLDER / "schema.json").read_text()
    assert written == schema.rendered(), "stale: python -m eyespot.config.schema config/schema.json"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.schema())


def test_the_schema_takes_the_example() -> None:
    assert valid(example())


@pytest.mark.parametrize(
    "change",
    [
        {"camera": {"source": "scnee"}},
        {"model": {"min_score": 3}},
        {"device": {"nmae": "x"}},
        {"mqtt": {}},
        {"rules": [{"kind": "line", "a": [0.1, 0.6], "b": [0.9, 0.6]}]},
    ],
)
def test_the_schema_refuses_mistakes(change: dict[str, Any]) -> None:
    assert not valid({**example(), **change})


def test_every_key_has_a_description_and_none_may_be_null() -> None:
    for name, part in DEFINITIONS.items():
        assert part["description"].endswith("."), name
        for key, bounds in part["properties"].items():
            assert bounds["description"], f"{name}.{key}"
            assert "null" not in json.dumps(bounds), f"{name}.{key}"


def test_every_number_and_text_and_list_is_bounded() -> None:
    for part in DEFINITIONS.values():
        for key, value in part["properties"].items():
            for bounds in (value, *value.get("prefixItems", ()), value.get("items") or {}):
                kind = bounds.get("type")
                assert kind not in {"number", "integer"} or {"minimum", "maximum"} <= bounds.keys(), key
                assert kind != "string" or {"maxLength", "pattern"} & bounds.keys(), key
                assert kind != "array" or "maxItems" in bounds, key


@pytest.mark.parametrize("document", ["eyespot.toml", "README.md"])
def test_every_key_is_explained_where_people_look(document: str) -> None:
    text = (FOLDER / document).read_text()
    marks = {key: f"{key} = " if document == "eyespot.toml" else f"`{key}`" for key in KEYS}
    sections = set(DEFINITIONS["Config"]["properties"])
    missing = [key for key, mark in marks.items() if mark not in text and f"[{key}]" not in text]
    assert not missing
    assert all(f"[{section}]" in text for section in sections)


def test_it_is_written_where_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema.main([str(tmp_path / "s.json")])
    schema.main([])
    assert (tmp_path / "s.json").read_text() == capsys.readouterr().out == schema.rendered()
