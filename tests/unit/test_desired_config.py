"""What a desired configuration may change, and what it may not."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from eyespot.config import DesiredRefusedError, lay_over, parse, to_report
from eyespot.domain.errors import ConfigError
from eyespot.topics.commands import MOST_BYTES, InvalidCommandError
from eyespot.topics.desired import parse_desired

FILE = """
[camera]
source = "scene"
[model]
min_score = 0.4
[mqtt]
url = "mqtt://localhost"
username = "shop"
password_file = "/etc/hostname"
[[rules]]
kind = "line"
id = "door"
a = [0.1, 0.6]
b = [0.9, 0.6]
"""
LOADED = parse(FILE, "eyespot.toml")
WINDOW = {"kind": "line", "id": "window", "a": [0.2, 0.5], "b": [0.8, 0.5]}


def test_rules_are_replaced_as_a_whole_and_other_tables_key_by_key() -> None:
    desired = {"rules": [WINDOW], "camera": {"mount": "overhead"}, "model": {"min_score": 0.5}}
    config = lay_over(LOADED, desired).config
    assert [rule.id for rule in config.rules] == ["window"]
    assert (config.camera.source, config.camera.mount) == ("scene", "overhead")
    assert config.model.min_score == 0.5
    assert config.mqtt == LOADED.config.mqtt


def test_a_number_without_a_fraction_is_whole_however_it_is_written() -> None:
    payload = b'{"config": {"topics": {"health_s": 30.0}, "trajectories": {"hours": 2e0}}}'
    config = lay_over(LOADED, parse_desired(payload).config).config
    assert (config.topics.health_s, config.trajectories.hours) == (30, 2)
    edge = b'{"config": {"rules": [{"kind": "line", "id": "edge", "a": [0, 0.5], "b": [1.0, 0.5]}]}}'
    (rule,) = lay_over(LOADED, parse_desired(edge).config).config.rules
    assert repr(rule.b) == "(1.0, 0.5)"


def test_what_is_not_desired_stays_as_the_file_has_it() -> None:
    assert lay_over(LOADED, {}).config == LOADED.config


@pytest.mark.parametrize(
    "desired",
    [
        {"mqtt": {"url": "mqtt://evil.example"}},
        {"device": {"id": "other"}},
        {"state": {"dir": "/tmp"}},
        {"update": {"allow_unsigned": True}},
        {"camera": {"file": "/etc/passwd"}},
        {"model": {"bundle": "/tmp/evil"}},
        {"topics": {"frame": True}},
        {"topics": {"health_s": 30, "frame": True}},
        {"trajectories": {"keep": True}},
        {"trajectories": {"hours": 25}},
        {"trajectories": {"hours": 24.5}},
        {"trajectories": {"mb": 1}},
        {"anything": {}},
    ],
)
def test_identity_trust_and_looser_privacy_are_refused(desired: dict[str, Any]) -> None:
    with pytest.raises(DesiredRefusedError):
        lay_over(LOADED, desired)


def test_what_is_kept_of_where_people_went_may_be_made_less() -> None:
    loaded = parse(FILE + "[trajectories]\nkeep = true\n", "eyespot.toml")
    less = lay_over(loaded, {"trajectories": {"keep": False, "hours": 1, "aim": False}}).config.trajectories
    assert (less.keep, less.hours, less.aim) == (False, 1, False)
    with pytest.raises(DesiredRefusedError, match="aim can be switched off from here"):
        lay_over(
            parse(FILE + "[trajectories]\naim = false\n", "eyespot.toml"), {"trajectories": {"aim": True}}
        )


def test_privacy_may_be_tightened() -> None:
    loaded = parse(FILE + "[topics]\nframe = true\n", "eyespot.toml")
    assert not lay_over(loaded, {"topics": {"frame": False}}).config.topics.frame


values = some.recursive(
    some.none() | some.booleans() | some.integers(-1, 4000) | some.floats(0, 1) | some.just("frame"),
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.just("frame"), inner),
    max_leaves=4,
)
tables = some.dictionaries(some.sampled_from(["frame", "health_s", "mount", "min_score", "url"]), values)
names = some.sampled_from(["topics", "camera", "model", "rules", "mqtt", "update"])


@given(some.booleans(), some.dictionaries(names, tables | values))
def test_whatever_is_desired_boxes_are_published_only_where_the_file_has_it_so(
    frame: bool, desired: dict[str, Any]
) -> None:
    text = FILE + "[topics]\nframe = true\n" * frame
    try:
        config = lay_over(parse(text, "eyespot.toml"), desired).config
    except ConfigError:
        return
    assert config.topics.frame <= frame
    assert (config.mqtt, config.update) == (LOADED.config.mqtt, LOADED.config.update)


INSIDE = {
    "kind": "occupancy",
    "id": "inside",
    "from": ["window"],
    "classes": ["person"],
}
HALL = {"kind": "zone", "id": "hall", "points": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}
anything = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(max_size=3),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@given(some.data())
def test_whatever_stands_in_the_place_of_a_value_is_taken_or_refused(data: some.DataObject) -> None:
    rules: list[Any] = [dict(rule) for rule in (WINDOW, INSIDE, HALL)]
    for _ in range(data.draw(some.integers(1, 2))):
        rule = data.draw(some.sampled_from(rules))
        rule[data.draw(some.sampled_from(sorted(rule)))] = data.draw(anything)
    if data.draw(some.booleans()):
        rules.insert(data.draw(some.integers(0, 3)), data.draw(anything))
    with suppress(ConfigError):
        lay_over(LOADED, {"rules": rules})


def test_the_interval_of_health_may_be_desired() -> None:
    assert lay_over(LOADED, {"topics": {"health_s": 600}}).config.topics.health_s == 600


@pytest.mark.parametrize(
    ("desired", "words"),
    [
        ({"rules": [WINDOW | {"ids": 1}]}, 'rules.0.ids: unknown key "ids"'),
        ({"rules": [WINDOW, WINDOW]}, '^rules.1.id: "window" is taken by rules.0.id$'),
        ({"rules": {"door": 1}}, "rules: "),
        ({"rules": [INSIDE, WINDOW | {"kind": []}]}, "rules.1.kind: unknown kind"),
        ({"camera": {"mount": "sideways"}}, "^camera.mount: want"),
        ({"camera": None}, "camera: "),
        ({"topics": 1}, r"^topics: want one table that begins with \[topics\]$"),
        ({"model": {"min_score": 7}}, "^model.min_score: want a number"),
        ({"model": {"min_score": None}}, "^model.min_score: want a value, got null; leave the key out$"),
        ({"rules": [WINDOW | {"classes": None}]}, "^rules.0.classes: want a value, got null"),
        ({"topics": {"frame": "yes"}}, "topics.frame: "),
        ({"topics": {"frame": 1}}, "topics.frame: "),
        ({"topics": {"health_s": 9}}, "topics.health_s: "),
        ({"topics": {"health_s": 1e6}}, "topics.health_s: "),
    ],
)
def test_what_is_wrong_is_named_by_its_place(desired: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        lay_over(LOADED, desired)
    assert not isinstance(refused.value, DesiredRefusedError)
    assert "\n" not in str(refused.value)


def test_a_report_names_neither_secrets_nor_where_they_lie() -> None:
    told = to_report(LOADED.config)
    assert told["mqtt"] == {
        "url": "mqtt://localhost",
        "prefix": "eyespot/v1",
        "username": "shop",
    }
    assert told["rules"][0]["kind"] == "line"


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b'{"config": []}',
        b'{"config": {}, "url": "x"}',
        b'{"config": {}, "req_id": "a/b"}',
        b'{"config": {"model": {"min_score": NaN}}}',
        b'{"config": {"model": {"min_score": 1e999}}}',
        b'{"config": {"model": {"min_score": 0.5, "min_score": 0.9}}}',
        b'{"config": {}, "config": {"rules": []}}',
        b'{"config": ' + b"[" * 10_000,
        b'{"config": {"rules": "' + b"x" * MOST_BYTES + b'"}}',
        b"\xff",
    ],
)
def test_a_payload_that_is_not_as_it_should_be_is_invalid(payload: bytes) -> None:
    with pytest.raises(InvalidCommandError):
        parse_desired(payload)
