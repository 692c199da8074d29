"""What Home Assistant is told has the form it asks for, and names only what the device publishes."""

import json
import re
from typing import Any

import msgspec
import pytest

from eyespot.topics import commands
from eyespot.topics.gate import DECLARED, Gate, GateError
from eyespot.topics.home_assistant import Announced, discovery

ROOT = "eyespot/v1/shop-1"
DOOR = Announced("door", "line", ("person", "dining table"))
FLOOR = Announced("floor", "share")
HALL = Announced("hall", "zone", ("person", "dining table"))
TILL = Announced("till", "queue", ("person",))


def told(*rules: Announced, before: dict[str, str] | None = None) -> dict[str, Any]:
    payload = discovery(ROOT, "Shop", "0.1.0", rules, before or {})
    again: dict[str, Any] = json.loads(msgspec.json.encode(payload))
    return again


def test_what_home_assistant_requires_is_there() -> None:
    payload = told(DOOR, FLOOR, HALL, TILL)

    assert payload["device"]["identifiers"] == ["eyespot_shop-1"]
    assert payload["origin"]["name"] == "eyespot"
    assert "availability_topic" not in payload
    assert all(re.fullmatch("[a-zA-Z0-9_-]+", key) for key in payload["components"])
    assert all(component["platform"] for component in payload["components"].values())


def test_unique_ids_are_unique() -> None:
    ids = [component["unique_id"] for component in told(DOOR, FLOOR, HALL, TILL)["components"].values()]

    assert len(set(ids)) == len(ids)


def test_every_class_and_direction_of_a_line_has_a_total() -> None:
    totals = [c for c in told(DOOR)["components"].values() if c.get("state_class") == "total_increasing"]

    assert sorted(c["name"] for c in totals) == [
        "door dining table in",
        "door dining table out",
        "door person in",
        "door person out",
    ]


def test_of_zones_and_queues_it_is_told_how_many_are_there() -> None:
    components = told(HALL, TILL)["components"].values()
    found = {c["name"]: c["value_template"] for c in components if c["name"].startswith(("hall", "till"))}
    assert found == {
        "hall person occupancy": '{{ value_json.occupancy.get("person", 0) }}',
        "hall dining table occupancy": '{{ value_json.occupancy.get("dining table", 0) }}',
        "till person length": '{{ value_json.length.get("person", 0) }}',
        "till wait": "{{ value_json.wait_s }}",
    }


def test_templates_name_only_fields_of_the_payloads_at_their_topics() -> None:
    named = 0
    payload = told(DOOR, FLOOR, HALL, TILL)
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


def test_every_button_gives_a_command_that_exists() -> None:
    given = [c for c in told()["components"].values() if "command_topic" in c]

    for component in given:
        payload = component.get("payload_press") or component["payload_install"]
        commands.parse(component["command_topic"].removeprefix(f"{ROOT}/"), payload.encode())
    assert {c["platform"] for c in given} == {"update", "button"}


def test_what_was_announced_and_is_gone_is_taken_back() -> None:
    before = {key: component["platform"] for key, component in told(DOOR)["components"].items()}

    after = told(before=before)["components"]

    assert after["rule_door_event"] == {"platform": "event"}
    assert set(before) == set(after)
    assert "unique_id" in after["problem"]


@pytest.mark.parametrize("label", ['"}} {{ 7 * 7 }}', "'", "\\", "{% raw %}"])
def test_a_label_that_looks_like_a_template_stays_a_string(label: str) -> None:
    components = told(Announced("door", "line", (label,)))["components"].values()
    totals = [c["value_template"] for c in components if c.get("state_class") == "total_increasing"]

    assert len(totals) == 2
    for text in totals:
        literal = text.removeprefix("{{ value_json.counts.get(").partition(", {}).get(")[0]
        assert json.loads(literal) == label


def test_the_gate_lets_discovery_out_at_its_one_topic() -> None:
    message = Gate(ROOT).announce("homeassistant", discovery(ROOT, "Shop", "0.1.0", [DOOR], {}))

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
