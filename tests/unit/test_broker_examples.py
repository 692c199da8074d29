"""The rights that config/examples/mosquitto gives a device are those that it needs, and no more."""

import re

import pytest
from paho.mqtt.client import topic_matches_sub

from eyespot.domain.event import RULE_ID
from eyespot.supervisor.command_worker import subscriptions
from eyespot.topics.commands import REQ_ID
from eyespot.topics.gate import DECLARED, MOST_DISCOVERY, Declared, Gate
from fakes.example_broker import ACL, EXAMPLES

MOST_AROUND = 1024  # the longest prefix, topic, properties of an answer
ROOT, OTHER = "eyespot/v1/shop-1", "eyespot/v1/shop-2"
COMMANDED = [each.topic_filter.replace("#", "model/update") for each in subscriptions(ROOT)]


def rights(access: str, device: str = "shop-1") -> list[str]:
    """Return the filters of a device's topics."""
    found = re.findall(rf"^pattern {access} (.*)$", ACL, re.MULTILINE)
    return [each.replace("%u", device) for each in found]


def may(access: str, topic: str) -> bool:
    return any(topic_matches_sub(each, topic) for each in rights(access))


def topic_of(declared: Declared) -> str:
    return f"{ROOT}/{declared.form.pattern.replace(RULE_ID, 'door').replace(REQ_ID, '17')}"


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: str(declared.schema))
def test_a_device_may_say_what_it_has_to_say(declared: Declared) -> None:
    assert may("write", topic_of(declared))
    assert not may("write", topic_of(declared).replace(ROOT, OTHER))


def test_a_device_may_tell_home_assistant_of_itself() -> None:
    assert may("write", Gate(ROOT).announce("homeassistant", None).topic)
    assert not may("write", Gate(OTHER).announce("homeassistant", None).topic)
    assert may("read", "homeassistant/status")
    assert not may("write", "homeassistant/status")


@pytest.mark.parametrize("topic", COMMANDED)
def test_a_device_hears_what_is_for_it_and_cannot_say_that(topic: str) -> None:
    assert may("read", topic)
    assert not may("write", topic)
    if topic.startswith(ROOT):
        assert not may("read", topic.replace(ROOT, OTHER))


@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_the_largest_message_of_a_device_is_taken(version: str) -> None:
    conf = (EXAMPLES / f"mosquitto-{version}.conf").read_text()
    (most,) = re.findall(r"^max_packet_size (\d+)$", conf, re.MULTILINE)
    largest = max(MOST_DISCOVERY, *(declared.most_bytes for declared in DECLARED))
    assert int(most) >= largest + MOST_AROUND


def test_every_right_to_speak_is_in_the_tree_of_a_device() -> None:
    for each in rights("write", "%u"):
        assert each.startswith("eyespot/v1/%u/") or each == "homeassistant/device/%u/config", each


def test_only_operators_and_home_assistant_may_command() -> None:
    users = dict(re.findall(r"^user (\w+)\n((?:topic .*\n?)+)", ACL, re.MULTILINE))
    commanding = {name for name, lines in users.items() if "write eyespot" in lines}
    assert users.keys() - commanding == {"dashboard"}
    for lines in users.values():
        written = re.findall(r"^topic (?:read)?write (eyespot/\S+)$", lines, re.MULTILINE)
        assert all(re.fullmatch(r"eyespot/v1/\+/(cmd/#|(config|model)/desired)", each) for each in written)


def test_no_user_has_the_rights_of_a_device_of_its_name() -> None:
    users = dict(re.findall(r"^user (\w+)\n((?:topic .*\n?)+)", ACL, re.MULTILINE))
    assert users.keys() == {"dashboard", "operator", "homeassistant"}
    for name, lines in users.items():
        denied = re.findall(r"^topic deny (.*)$", lines, re.MULTILINE)
        own = [each for each in rights("write", name) if not each.startswith("homeassistant/")]
        assert all(any(topic_matches_sub(each, topic) for each in denied) for topic in own)
        assert ("homeassistant/#" in denied) == (name != "homeassistant")


@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_both_brokers_let_in_whoever_has_a_certificate_and_nobody_else(version: str) -> None:
    lines = (EXAMPLES / f"mosquitto-{version}.conf").read_text().splitlines()
    assert {
        "require_certificate true",
        "use_identity_as_username true",
        "allow_anonymous false",
        "tls_version tlsv1.2",
    } <= set(lines)
    assert sum(line.startswith("listener ") for line in lines) == 1
    largest = max(declared.most_bytes for declared in DECLARED)
    (bound,) = [int(line.split()[1]) for line in lines if line.startswith("max_packet_size ")]
    assert bound > largest + 1024
