"""A configuration is taken up between two frames: nobody at a line is forgotten, no total is lost."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eyespot.app.parts import name_what_was_reset
from eyespot.app.plan import plan
from eyespot.config import Config, parse
from eyespot.domain.errors import ConfigError
from eyespot.host.clock import ManualClock
from fakes.brokers import ROOT
from fakes.tuned import Tuned
from fakes.walkers import Walker

FILE = """
[camera]
source = "scene"
mount = "overhead"
[mqtt]
url = "mqtt://localhost"
[topics]
frame = true
[[rules]]
kind = "line"
id = "door"
a = [0.5, 1.0]
b = [0.5, 0.0]
classes = ["person"]
"""
LOADED = parse(FILE, "f")
PERSON = 4  # of the factory model
THERE = Walker((0.1, 0.5), (0.9, 0.5), 0, 8, kind=PERSON)
DOOR = {"kind": "line", "id": "door", "a": [0.5, 1.0], "b": [0.5, 0.0], "classes": ["person"]}


def config(**tables: Any) -> Config:
    """The file's, with some tables changed."""
    table = msgspec.to_builtins(LOADED.config)
    return msgspec.convert({**table, **tables}, Config)


@pytest.fixture
def life() -> Tuned:
    clock = ManualClock(1_700_000_000 * 10**9)
    return Tuned(plan(LOADED, clock), clock)


def states(life: Tuned, rule: str) -> list[Any]:
    topic = f"{ROOT}/rule/{rule}/state"
    return [m.payload and json.loads(m.payload) for m in life.posted if m.topic == topic]


def count(life: Tuned, rule: str = "door") -> Any:
    return states(life, rule)[-1]["counts"]["person"]


@pytest.mark.parametrize("at_s", [2.0, 3.9, 4.1, 5.0])
def test_whoever_walks_over_the_line_meanwhile_is_counted_once(life: Tuned, at_s: float) -> None:
    life.walks(THERE, to_s=at_s)
    window = {**DOOR, "id": "window", "a": [0.8, 1.0], "b": [0.8, 0.0]}
    assert life.retuning.take_up(config(rules=[window, DOOR]))
    life.walks(THERE, from_s=at_s)
    assert (count(life), count(life, "window")) == ({"in": 1, "out": 0}, {"in": 1, "out": 0})


def events(life: Tuned, rule: str, kind: str) -> list[Any]:
    topic = f"{ROOT}/rule/{rule}/event"
    said = [json.loads(m.payload) for m in life.posted if m.topic == topic]
    return [event for event in said if event["kind"] == kind]


def test_a_line_that_is_moved_begins_at_zero_and_says_why_and_what_it_had(life: Tuned) -> None:
    life.walks(THERE)
    life.clock.sleep(60)
    assert life.retuning.take_up(config(rules=[{**DOOR, "a": [0.4, 1.0]}]))
    [reset] = events(life, "door", "reset")
    assert (reset["cause"], reset["counts"]) == ("changed", {"person": {"in": 1, "out": 0}})
    assert reset["since"] == states(life, "door")[0]["since"] < reset["t"]
    newest = states(life, "door")[-1]
    assert (count(life), newest["reset"], newest["since"]) == ({"in": 0, "out": 0}, "changed", reset["t"])


@pytest.mark.parametrize("change", [{"classes": ["person", "dog"]}, {"bucket_s": 60}])
def test_a_line_that_stays_where_it_is_keeps_its_totals_and_their_beginning(
    life: Tuned, change: dict[str, Any]
) -> None:
    life.walks(THERE)
    life.clock.sleep(60)
    assert life.retuning.take_up(config(rules=[{**DOOR, **change}]))
    assert (count(life), events(life, "door", "reset")) == ({"in": 1, "out": 0}, [])
    assert states(life, "door")[0]["since"] == states(life, "door")[-1]["since"]


HALL = {"kind": "zone", "id": "hall", "points": [[0.3, 0.1], [0.9, 0.1], [0.9, 0.9], [0.3, 0.9]]}


def test_who_is_in_a_zone_that_stays_where_it_is_is_not_forgotten(life: Tuned) -> None:
    assert life.retuning.take_up(config(rules=[HALL]))
    life.walks(THERE, to_s=5)
    assert life.retuning.take_up(config(rules=[{**HALL, "loiter_s": 3}]))
    life.walks(THERE, from_s=5)
    life.clock.sleep(1)
    [entered] = events(life, "hall", "entered")
    [loitering] = events(life, "hall", "loitering")
    assert loitering["dwell_s"] == 3
    assert states(life, "hall")[-1]["entered"] == {"person": 1}
    assert entered["found"] is False


def test_who_is_in_a_zone_that_is_moved_is_still_there_where_it_was_and_is_now(life: Tuned) -> None:
    assert life.retuning.take_up(config(rules=[HALL]))
    life.walks(THERE, to_s=5)
    assert life.retuning.take_up(config(rules=[{**HALL, "points": [[0.4, 0.1], *HALL["points"][1:]]}]))
    [reset] = events(life, "hall", "reset")
    assert (reset["cause"], reset["counts"]) == ("changed", {"person": {"entered": 1, "left": 0}})
    life.walks(THERE, from_s=5)
    newest = states(life, "hall")[-1]
    assert (newest["entered"], newest["reset"]) == ({"person": 1}, "changed")


def test_the_topic_of_a_rule_that_is_taken_away_is_cleared_and_back_again_it_counts_on(life: Tuned) -> None:
    life.walks(THERE)
    assert life.retuning.take_up(config(rules=[]))
    assert states(life, "door")[-1] == b""
    assert life.retuning.take_up(config())
    assert count(life) == {"in": 1, "out": 0}


SHARE = {"kind": "share", "id": "door"}


@pytest.mark.parametrize("other", [SHARE, {**HALL, "id": "door"}], ids=["share", "zone"])
def test_a_line_that_becomes_another_kind_of_rule_tells_what_it_had_and_that_is_no_trouble(
    life: Tuned, other: dict[str, Any]
) -> None:
    life.walks(THERE)
    life.clock.sleep(60)
    assert life.retuning.take_up(config(rules=[other]))
    [reset] = events(life, "door", "reset")
    assert (reset["cause"], reset["counts"]) == ("changed", {"person": {"in": 1, "out": 0}})
    assert reset["since"] == states(life, "door")[0]["since"] < reset["t"]
    assert states(life, "door")[-1]["kind"] == other["kind"]
    assert not life.health.troubles()
    assert life.retuning.take_up(config())
    newest = states(life, "door")[-1]
    assert (newest["kind"], count(life), newest["reset"]) == ("line", {"in": 0, "out": 0}, "changed")


@pytest.mark.parametrize("other", [SHARE, {**HALL, "id": "door"}], ids=["share", "zone"])
def test_a_rule_that_was_away_and_returns_as_another_kind_begins_anew_and_that_is_no_trouble(
    life: Tuned, other: dict[str, Any]
) -> None:
    life.walks(THERE)
    for rules in ([], [other]):
        assert life.retuning.take_up(config(rules=rules))
    assert states(life, "door")[-1]["kind"] == other["kind"]
    assert not life.health.troubles()
    for rules in ([], [DOOR]):
        assert life.retuning.take_up(config(rules=rules))
    assert not life.health.troubles()
    assert (count(life), states(life, "door")[-1]["reset"]) == ({"in": 0, "out": 0}, "changed")


def test_what_had_no_totals_and_becomes_a_line_has_none_to_tell(life: Tuned) -> None:
    assert life.retuning.take_up(config(rules=[{**SHARE, "id": "gate"}]))
    assert life.retuning.take_up(config(rules=[{**DOOR, "id": "gate"}]))
    assert events(life, "gate", "reset") == []
    assert states(life, "gate")[-1]["reset"] == "changed"


def test_totals_that_could_not_be_read_are_a_trouble_until_a_configuration_is_taken_up(life: Tuned) -> None:
    life.pipeline.unusable = {"door": "began at zero: damaged"}
    name_what_was_reset(life.pipeline, life.health)
    assert [trouble.name for trouble in life.health.troubles()] == ["state_reset"]
    assert life.retuning.take_up(config(rules=[]))
    assert not life.health.troubles()


def test_scores_count_from_the_next_frame_on_and_what_looks_is_told(life: Tuned) -> None:
    assert life.retuning.take_up(config(model={"min_score": 0.95}))
    life.walks(THERE)
    assert count(life) == {"in": 0, "out": 0}
    assert [look.min_score for look in life.looking.told] == [0.95]
    assert life.pipeline.model.min_score == 0.95
    assert life.retuning.take_up(config())
    assert life.pipeline.model.min_score == life.looking.model.min_score == 0.35


def test_frames_are_published_no_more_and_info_says_so(life: Tuned) -> None:
    life.walks(THERE, to_s=2)
    assert life.posted[-1].topic.endswith("/frame")
    assert life.retuning.take_up(config(topics={"frame": False}))
    info = json.loads(life.posted[-1].payload)
    assert (info["schema"], info["privacy"]["boxes_of_frames"]) == ("eyespot.info/1", False)
    told = len(life.posted)
    life.walks(THERE, from_s=2, to_s=3)
    assert len(life.posted) == told


def test_where_a_box_counts_is_changed_for_every_rule(life: Tuned) -> None:
    level = {**DOOR, "a": [0.0, 0.55], "b": [1.0, 0.55]}
    assert life.retuning.take_up(config(rules=[level], camera={"source": "scene", "mount": "oblique"}))
    life.walks(Walker((0.5, 0.2), (0.5, 0.5), 0, 8, kind=PERSON))  # its feet go over it
    assert count(life) == {"in": 1, "out": 0}


def test_rules_that_the_model_cannot_serve_are_refused_in_words(tmp_path: Path, life: Tuned) -> None:
    loaded = parse(FILE.replace("person", "unicorn"), str(tmp_path))
    with pytest.raises(ConfigError, match="unicorn"):
        life.retuning.check(loaded)


def test_only_what_goes_just_now_is_cleared(life: Tuned) -> None:
    for number in range(3):
        assert life.retuning.take_up(config(rules=[{**DOOR, "id": f"line-{number}"}]))
    assert len([m for m in life.posted if not m.payload]) == 3
    assert len(states(life, "door")) == 2


def test_of_the_rules_that_have_gone_the_newest_hundred_are_remembered(life: Tuned) -> None:
    life.walks(THERE)
    for number in range(102):
        assert life.retuning.take_up(config(rules=[{**DOOR, "id": f"line-{number}"}]))
    assert life.forgotten == ["door", "line-0"]
    assert life.retuning.take_up(config())
    assert count(life) == {"in": 0, "out": 0}


def test_info_tells_the_new_score_alone(life: Tuned) -> None:
    assert life.retuning.take_up(config(model={"min_score": 0.5}))
    told = [json.loads(m.payload)["model"]["min_score"] for m in life.posted if m.topic.endswith("/info")]
    assert told == [0.5]
