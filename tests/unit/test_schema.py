"""The schema for editors, the example and the reference say what the types say."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from eyespot.config import schema
from eyespot.config.loading import problems_in

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "config"
DEFINITIONS: dict[str, Any] = schema.schema()["definitions"]
KEYS = sorted({key for part in DEFINITIONS.values() for key in part["properties"]})
CASES = json.loads((ROOT / "tests" / "fakes" / "config_values.json").read_text())  # editors.mjs has them, too


def as_editors_do(_: object, pattern: str, value: object, __: object) -> Iterator[jsonschema.ValidationError]:
    """Hold a value against a pattern in ECMAScript's way, where `$` is no place before a last newline."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield jsonschema.ValidationError(f"{value!r} does not match")


EDITOR = jsonschema.validators.extend(jsonschema.Draft7Validator, {"pattern": as_editors_do})


def valid(table: dict[str, Any]) -> bool:
    return EDITOR(schema.schema()).is_valid(table)


def with_value(case: dict[str, Any], value: object) -> dict[str, Any]:
    """Return a configuration in which the key of a case has a value."""
    base = CASES["base"]
    if table := case.get("table"):
        return base | {table: base.get(table, {}) | {case["key"]: value}}
    door = CASES["rules"]["line"] | {"id": "door"}
    rules = [CASES["rules"][case["rule"]] | {case["key"]: value}]
    return base | {"rules": rules + [door] * (case["rule"] == "occupancy")}


def place_of(case: dict[str, Any]) -> tuple[str, str]:
    """Return the definition and the key that a case is about."""
    name = case.get("table") or CASES["rules"][case["rule"]]["kind"]
    return "".join(map(str.capitalize, name.split("_"))) + "Settings", case["key"]


def patterns_in(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key == "pattern" and isinstance(value, str))
        part = list(part.values())
    for inner in part if isinstance(part, list) else ():
        yield from patterns_in(inner)


PATTERNS = sorted(set(patterns_in(schema.schema())))


def example() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "eyespot.toml").read_text())


def test_the_schema_on_disk_is_that_of_the_types() -> None:
    written = (FOLDER / "schema.json").read_text()
    assert written == schema.rendered(), "stale: python -m eyespot.config.schema config/schema.json"


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(schema.schema())
    assert schema.schema()["$schema"] == jsonschema.Draft7Validator.META_SCHEMA["$schema"]


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


@pytest.mark.parametrize("case", CASES["values"], ids=lambda case: ".".join(place_of(case)))
def test_the_schema_judges_a_value_as_the_loader_does(case: dict[str, Any]) -> None:
    for good in case["good"]:
        assert valid(with_value(case, good)), good
        assert not problems_in(with_value(case, good)), good
    for bad in case["bad"]:
        assert not valid(with_value(case, bad)), bad
        assert problems_in(with_value(case, bad)), bad


def test_values_are_tried_of_every_key_with_a_pattern_or_a_list_of_a_fixed_length() -> None:
    wanted = {
        (name, key)
        for name, part in DEFINITIONS.items()
        for key, bounds in part["properties"].items()
        if re.search("pattern|additionalItems", json.dumps(bounds))
    }
    assert wanted <= set(map(place_of, CASES["values"]))


def test_nothing_is_in_the_schema_that_only_python_or_a_later_draft_knows() -> None:
    for word in ("prefixItems", "$defs", "discriminator", r"\\A", r"\\Z"):
        assert word not in schema.rendered()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_has_nothing_that_dialects_of_them_read_differently(pattern: str) -> None:
    assert re.fullmatch(r"\^(?:[^\\^$.?]|\\x[0-7][0-9a-f]|\[\^|[)a-z]\?)+\$", pattern)


@pytest.mark.parametrize("document", ["README.md", "config/README.md", "daemon/eyespot_fleet/README.md"])
def test_the_schema_takes_what_documents_show(document: str) -> None:
    shown = re.findall(r"```toml\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    assert shown
    for text in shown:
        assert valid(CASES["base"] | tomllib.loads(text)), text


@pytest.mark.parametrize("file", ["service/eyespot.toml", "vm/eyespot.toml", "vm/arm64.toml"])
def test_the_schema_takes_what_tests_of_the_service_run_with(file: str) -> None:
    assert valid(tomllib.loads((ROOT / "tests" / "system" / file).read_text()))


def test_every_key_has_a_description_and_none_may_be_null() -> None:
    for name, part in DEFINITIONS.items():
        assert part["description"].endswith("."), name
        for key, bounds in part["properties"].items():
            told = DEFINITIONS[bounds["$ref"].rpartition("/")[2]] if "$ref" in bounds else bounds
            assert told["description"], f"{name}.{key}"
            assert "null" not in json.dumps(bounds), f"{name}.{key}"


def test_every_number_and_text_and_list_is_bounded() -> None:
    for part in DEFINITIONS.values():
        for key, value in part["properties"].items():
            inner = value.get("items", [])
            for bounds in (value, *(inner if isinstance(inner, list) else (inner,))):
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
