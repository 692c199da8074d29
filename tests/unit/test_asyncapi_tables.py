"""The configuration in the AsyncAPI document: what is reported of it fits, and what may be desired."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from eyespot.config import lay_over, parse, schema, to_report
from eyespot.domain.errors import ConfigError
from eyespot.topics import asyncapi
from eyespot.topics.commands import InvalidCommandError
from eyespot.topics.desired import MAY_BE_DESIRED, parse_desired
from eyespot.topics.schema_parts import tables
from fakes import contract

SHOP = "eyespot/v1/shop"
SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
RULES: list[dict[str, Any]] = [
    {"kind": "line", "id": "door", "a": [0.1, 0.6], "b": [0.9, 0.6], "mode": "late", "bucket_s": 900},
    {"kind": "line", "id": "gate", "points": [[0.1, 0.6], [0.5, 0.4], [0.9, 0.6]], "classes": ["person"]},
    {"kind": "share", "id": "scale"},
    {"kind": "zone", "id": "hall", "points": SQUARE, "loiter_s": 30, "armed": ["22:00-06:00"]},
    {"kind": "queue", "id": "till", "points": SQUARE, "service": [1]},
    {"kind": "occupancy", "id": "shop", "from": ["door"], "reset_at": ["04:00"]},
    {"kind": "heatmap", "id": "floor", "grid": [8, 6]},
    {"kind": "shelf", "id": "rack", "points": SQUARE, "classes": ["bottle"], "low": 2},
]
FILE = """
[device]
id = "shop"
timezone = "Europe/Berlin"
[camera]
source = "imx500"
roi = [0.1, 0.1, 0.9, 0.9]
[model]
min_score = 0.4
[mqtt]
url = ["mqtts://one.example", "mqtts://two.example"]
username = "shop"
password_file = "/etc/hostname"
[topics]
frame = true
[trajectories]
keep = true
[update]
url = "https://models.example"
root_file = "/etc/hostname"
"""
LOADED = parse(FILE, "eyespot.toml")
REPORTED = {
    "schema": "eyespot.config_reported/1",
    "t": "2026-11-27T07:24:14.867Z",
    "clock": "synced",
    "boot_id": "73096a038369e1c4",
    "seq": 2,
    "req_id": None,
    "code": "ok",
    "detail": "",
}


def why_not_reported(config: dict[str, Any]) -> str | None:
    payload = json.dumps(REPORTED | {"config": config}).encode()
    return contract.why_unfit(f"{SHOP}/config/reported", payload)


def why_not_desired(payload: bytes) -> str | None:
    topic = f"{SHOP}/config/desired"
    return contract.why_no_message(contract.messages_to(topic), payload)


def desired(config: object) -> bytes:
    return json.dumps({"config": config}).encode()


def test_what_is_reported_of_every_kind_of_rule_and_every_table_fits() -> None:
    told = to_report(lay_over(LOADED, {"rules": RULES}).config)
    parts = [part["properties"] for part in schema.schema()["definitions"].values()]
    assert {rule["kind"] for rule in told["rules"]} == {
        kind for part in parts if "kind" in part for kind in part["kind"]["enum"]
    }
    assert why_not_reported(told) is None
    for left_out in ({table: of for table, of in told.items() if table != "rules"}, {}):
        assert why_not_reported(left_out) is None


@pytest.mark.parametrize("example", sorted((Path(__file__).parents[2] / "config").rglob("*.toml")), ids=str)
def test_what_is_reported_of_the_examples_fits(example: Path) -> None:
    assert why_not_reported(to_report(parse(example.read_text(), example.name).config)) is None


@pytest.mark.parametrize("secret", ["password_file", "key_file"])
def test_where_secrets_lie_fits_nowhere(secret: str) -> None:
    told = to_report(LOADED.config)
    assert why_not_reported(told | {"mqtt": told["mqtt"] | {secret: "/etc/hostname"}})


@pytest.mark.parametrize(
    "change", [{"device": {"id": "A B"}}, {"anything": {}}, {"rules": [{"kind": "spy"}]}]
)
def test_what_is_no_configuration_is_not_reported(change: dict[str, Any]) -> None:
    assert why_not_reported(to_report(LOADED.config) | change)


def test_no_part_of_the_configuration_has_the_name_of_another() -> None:
    kinds = [declared.payload for declared in asyncapi.DECLARED]
    others = asyncapi._parts([*kinds, asyncapi.Discovery, asyncapi.DesiredConfig])
    assert not others.keys() & tables(schema.schema()).keys()


def test_every_rule_and_every_key_that_may_be_desired_fits() -> None:
    keys = {"mount": "overhead", "min_score": 0.5, "frame": False, "health_s": 30, "keep": False, "hours": 2}
    keys["aim"] = False
    config = {table: {key: keys[key] for key in MAY_BE_DESIRED[table]} for table in MAY_BE_DESIRED}
    whole = config | {"rules": RULES}
    lay_over(LOADED, whole)
    assert why_not_desired(desired(whole)) is None
    assert why_not_desired(desired({})) is None
    assert why_not_desired(b"") is None


values = some.recursive(
    some.booleans() | some.sampled_from([-1, 9, 10, 0.5, 7.5, "frame", "overhead", "oblique"]),
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.just("frame"), inner),
    max_leaves=3,
)
names = some.sampled_from(["frame", "health_s", "mount", "min_score", "hours", "keep", "aim", "url", "dir"])
rules = some.lists(some.sampled_from([*RULES, {"kind": "line"}, RULES[0] | {"ids": 1}]), max_size=2)
wanted = some.dictionaries(
    some.sampled_from(["topics", "camera", "model", "mqtt", "state", "trajectories", "rules"]),
    some.dictionaries(names, values, max_size=3) | values,
    max_size=3,
)


@given(wanted, some.none() | rules)
def test_whatever_is_taken_fits(config: dict[str, Any], some_rules: list[dict[str, Any]] | None) -> None:
    payload = desired(config if some_rules is None else config | {"rules": some_rules})
    try:
        config = lay_over(LOADED, parse_desired(payload).config).config
    except (ConfigError, InvalidCommandError):
        return
    assert why_not_desired(payload) is None
    assert why_not_reported(to_report(config)) is None


@pytest.mark.parametrize(
    "config",
    [
        {"mqtt": {"url": "mqtt://evil.example"}},
        {"device": {"id": "other"}},
        {"update": {"allow_unsigned": True}},
        {"camera": {"file": "/etc/passwd"}},
        {"model": {"bundle": "/tmp/evil"}},
        {"topics": {"onvif": True}},
        {"trajectories": {"mb": 1}},
        {"rules": [{"kind": "line"}]},
        {"rules": {"door": 1}},
        {"anything": {}},
        [],
    ],
)
def test_what_no_device_takes_does_not_fit(config: object) -> None:
    assert why_not_desired(desired(config))
