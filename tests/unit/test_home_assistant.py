"""What Home Assistant is told has the form it asks for, and names only what the device publishes."""

import json
import re
from typing import Any

import msgspec
import pytest

from eyespot.domain.event import (
    Direction,
    HeatmapState,
    LineState,
    OccupancyState,
    QueueState,
    RuleState,
    ShareState,
    ShelfState,
    ZoneState,
)
from eyespot.topics import commands
from eyespot.topics.commands import Kind
from eyespot.topics.gate import DECLARED, Gate, GateError
from eyespot.topics.home_assistant import Described, discovery
from eyespot.topics.home_assistant_entities import MOST_CLASSES, MOST_TALLIED, Abilities, Announced, announced
from eyespot.topics.home_assistant_entities import Kind as KindOfRule

ROOT = "eyespot/v1/shop-1"
DOOR = Announced("door", "line", ("person", "dining table"))
FLOOR = Announced("floor", "share")
HALL = Announced("hall", "zone", ("person", "dining table"))
TILL = Announced("till", "queue", ("person",))
SHOP = Announced("shop", "occupancy", ("person",))
RACK = Announced("rack", "shelf", ("bottle",))
EVERY = (DOOR, FLOOR, HALL, TILL, SHOP, RACK)
ALL = Abilities(asks=True, goes_back=True)


def described(abilities: Abilities = ALL) -> Described:
    return Described(ROOT, "Shop", "0.1.0", "Raspberry Pi", abilities)


def told(
    *rules: Announced, before: dict[str, str] | None = None, abilities: Abilities = ALL
) -> dict[str, Any]:
    payload = discovery(described(abilities), rules, before or {})
    again: dict[str, Any] = json.loads(msgspec.json.encode(payload))
    return again


def test_what_home_assistant_requires_is_there() -> None:
    payload = told(*EVERY)

    assert payload["device"]["identifiers"] == ["eyespot_shop-1"]
    assert payload["origin"]["name"] == "eyespot"
    assert "availability_topic" not in payload
    assert all(re.fullmatch("[a-zA-Z0-9_-]+", key) for key in payload["components"])
    assert all(component["platform"] for component in payload["components"].values())


def test_unique_ids_are_unique() -> None:
    ids = [component["unique_id"] for component in told(*EVERY)["components"].values()]

    assert len(set(ids)) == len(ids)


def test_every_class_and_direction_of_a_line_has_a_total() -> None:
    totals = [c for c in told(DOOR)["components"].values() if c.get("state_class") == "total_increasing"]

    assert sorted(c["name"] for c in totals) == [
        "door dining table in",
        "door dining table out",
        "door person in",
        "door person out",
    ]


def measured(kind: KindOfRule, value: str) -> str:
    there = f"value_json is defined and value_json.kind == '{kind}'"
    return f"{{% if {there} %}}{{{{ value_json.{value} }}}}{{% endif %}}"


def test_of_places_it_is_told_how_many_are_there() -> None:
    found = {
        c["name"]: c["value_template"]
        for c in told(HALL, TILL, SHOP, RACK)["components"].values()
        if c["platform"] == "sensor" and "/rule/" in c["state_topic"]
    }

    assert found == {
        "hall person occupancy": measured("zone", 'occupancy.get("person", 0)'),
        "hall dining table occupancy": measured("zone", 'occupancy.get("dining table", 0)'),
        "till person length": measured("queue", 'length.get("person", 0)'),
        "till wait": measured("queue", "wait_s"),
        "shop person occupancy": measured("occupancy", 'occupancy.get("person", 0)'),
        "rack bottle facings": measured("shelf", 'counts.get("bottle", 0)'),
    }


def test_alarms_of_a_zone_and_what_is_low_on_a_shelf_are_events() -> None:
    components = told(HALL, RACK)["components"]

    assert components["rule_hall_event"]["event_types"] == ["intrusion", "loitering"]
    assert components["rule_rack_event"]["event_types"] == ["low", "enough"]


def test_templates_name_only_fields_of_the_payloads_at_their_topics() -> None:
    named = 0
    payload = told(*EVERY)
    for component in [*payload["components"].values(), {**payload["availability"][0]}]:
        topic = component.get("state_topic") or component.get("topic")
        fields = {
            field.encode_name
            for declared in DECLARED
            if topic and declared.form.fullmatch(topic.removeprefix(f"{ROOT}/"))
            for field in msgspec.structs.fields(declared.payload)
        }
        templates = [text for key, text in component.items() if key.endswith("_template")]
        wanted = set(re.findall(r"value_json(?:\.|\[')(\w+)", " ".join(templates)))
        assert wanted <= fields, topic
        named += len(wanted)
    assert named


def given(component: dict[str, Any]) -> str:
    """What it says when it is pressed, or set to its smallest value."""
    if "command_template" in component:
        return component["command_template"].replace("{{ value }}", str(component["min"]))  # type: ignore[no-any-return]
    return component.get("payload_press") or component["payload_install"]  # type: ignore[no-any-return]


def test_everything_that_can_be_pressed_or_set_gives_a_command_that_exists() -> None:
    able = [c for c in told(DOOR, FLOOR)["components"].values() if "command_topic" in c]

    said = {commands.parse(c["command_topic"].removeprefix(f"{ROOT}/"), given(c).encode()).kind for c in able}
    assert {c["platform"] for c in able} == {"update", "button", "number"}
    assert said == {Kind.UPDATE, Kind.ROLLBACK, Kind.RESET, Kind.RESTART, Kind.MIN_SCORE, Kind.TALLY}


def test_whatever_has_totals_can_be_reset_alone_and_a_share_has_nothing_to_reset() -> None:
    components = told(*EVERY)["components"]

    assert json.loads(components["rule_door_reset"]["payload_press"]) == {"args": {"rule": "door"}}
    resets = {key for key in components if key.startswith("rule_") and key.endswith("_reset")}
    assert resets == {"rule_door_reset", "rule_hall_reset", "rule_till_reset", "rule_shop_reset"}
    assert "reset" not in told(FLOOR, RACK)["components"]


def test_who_stands_at_a_door_has_a_button_for_each_word_of_a_tally() -> None:
    components = told(*EVERY)["components"]
    buttons = {key: c for key, c in components.items() if c.get("command_topic") == f"{ROOT}/cmd/tally"}

    said = [commands.parse("cmd/tally", c["payload_press"].encode()) for c in buttons.values()]
    assert {one.rule for one in said} == {"door"}
    assert [one.press for one in said] == ["begin", "in", "out", "undo", "end"]
    assert list(buttons) == [f"rule_door_tally_{one.press}" for one in said]


def test_no_more_lines_have_buttons_for_a_tally_than_can_be_tallied_at_once() -> None:
    components = told(*(Announced(f"line-{n}", "line") for n in range(MOST_TALLIED + 1)))["components"]

    assert f"rule_line-{MOST_TALLIED - 1}_tally_begin" in components
    assert f"rule_line-{MOST_TALLIED}_tally_begin" not in components
    assert f"rule_line-{MOST_TALLIED}_event" in components


def test_what_belongs_to_a_tally_is_disabled_until_somebody_wants_it() -> None:
    components = told(DOOR)["components"]

    disabled = {key for key, c in components.items() if c.get("enabled_by_default") is False}
    assert disabled == {key for key in components if "tally" in key}
    assert components["rule_door_tally"]["event_types"] == ["tallied"]


def test_what_would_be_refused_has_no_button() -> None:
    pinned = told(abilities=Abilities(asks=False, goes_back=False))["components"]

    assert {"model_look", "model_rollback"}.isdisjoint(pinned)
    assert "command_topic" not in pinned["model"]


def test_rules_are_announced_by_what_they_say_and_their_classes_are_bounded() -> None:
    nothing: dict[Direction, int] = {"in": 0, "out": 0}
    many = LineState({f"class {n}": nothing for n in range(MOST_CLASSES + 5)})

    rules = announced({"door": LineState({"dog": nothing}), "floor": ShareState({}, None), "many": many})

    assert rules[:2] == [Announced("door", "line", ("dog",)), Announced("floor", "share")]
    assert len(rules[2].classes) == MOST_CLASSES - 1


def test_every_kind_of_state_but_a_heatmap_is_announced() -> None:
    one = {"dog": 1}
    states: dict[str, RuleState] = {
        "zone": ZoneState(one, one, {"dog": 0}),
        "occupancy": OccupancyState(one, one, {"dog": 0}),
        "queue": QueueState(one, one, {}, {}, {}, None),
        "shelf": ShelfState(one, (), 1, 0),
        "heat": HeatmapState(None, None, 0.0, (32, 18), 0, ()),
    }

    kinds: tuple[KindOfRule, ...] = ("zone", "occupancy", "queue", "shelf")
    assert announced(states) == [Announced(kind, kind, ("dog",)) for kind in kinds]


def test_the_largest_message_that_there_can_be_may_leave() -> None:
    lines = [Announced(f"{n:x>63}", "line") for n in range(99)]
    full = Announced("y" * 63, "line", tuple(f"{n:w>64}" for n in range(MOST_CLASSES)))
    before = {f"rule_{'z' * 63}_{n:0>12}_out": "sensor" for n in range(256)}

    Gate(ROOT).announce("homeassistant", discovery(described(), [*lines, full], before))


def test_what_was_announced_and_is_gone_is_taken_back() -> None:
    before = {key: component["platform"] for key, component in told(DOOR)["components"].items()}

    after = told(before=before)["components"]

    assert after["rule_door_event"] == {"platform": "event"}
    assert set(before) == set(after)
    assert "unique_id" in after["problem"]


def test_what_clears_a_topic_and_the_state_of_a_rule_of_another_kind_are_no_errors_in_a_template() -> None:
    components = told(*EVERY)["components"].values()
    of_states = [c for c in components if re.search("/rule/.*/state", c.get("state_topic", ""))]
    kinds = {f"{ROOT}/rule/{rule.rule}/state": rule.kind for rule in EVERY}

    assert len(of_states) == 11
    for component in of_states:
        there = f" if value_json is defined and value_json.kind == '{kinds[component['state_topic']]}' "
        templates = [text for key, text in component.items() if key.endswith("_template")]
        assert all(there in text for text in templates)


@pytest.mark.parametrize("label", ['"}} {{ 7 * 7 }}', "'", "\\", "{% raw %}"])
def test_a_label_that_looks_like_a_template_stays_a_string(label: str) -> None:
    components = told(Announced("door", "line", (label,)))["components"].values()
    totals = [c["value_template"] for c in components if c.get("state_class") == "total_increasing"]

    assert len(totals) == 2
    for text in totals:
        literal = text.partition("{{ value_json.counts.get(")[2].partition(", {}).get(")[0]
        assert json.loads(literal) == label


def test_the_gate_lets_discovery_out_at_its_one_topic() -> None:
    message = Gate(ROOT).announce("homeassistant", discovery(described(), [DOOR], {}))

    assert (message.topic, message.retain) == ("homeassistant/device/shop-1/config", True)
    assert json.loads(message.payload) == told(DOOR)


def test_switched_off_discovery_clears_its_topic() -> None:
    message = Gate(ROOT).announce("homeassistant", None)

    assert (message.topic, message.payload, message.retain) == (
        "homeassistant/device/shop-1/config",
        b"",
        True,
    )


@pytest.mark.parametrize("prefix", ["", "#", "a/+/b", "$SYS", "a//b", "eyespot/v1", "eyespot/v1/other"])
def test_discovery_goes_neither_among_our_topics_nor_to_what_is_none(prefix: str) -> None:
    with pytest.raises(GateError, match="no prefix"):
        Gate(ROOT).announce(prefix, None)
