"""The AsyncAPI document has what a device hears, and what it says to Home Assistant, as the code has them."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from eyespot.supervisor.command_worker import subscriptions
from eyespot.topics import asyncapi
from eyespot.topics.commands import InvalidCommandError, Kind, parse
from eyespot.topics.home_assistant import BIRTH, Described, discovery
from eyespot.topics.home_assistant_entities import Abilities, Announced
from fakes import contract

SHOP = "eyespot/v1/shop"
DISCOVERY = "homeassistant/device/shop/config"
README = (Path(__file__).parents[2] / "config" / "README.md").read_text()
OPERATIONS = contract.document_of_the_types()["operations"]
CHANNELS = contract.document_of_the_types()["channels"]
DESCRIBED = Described(SHOP, "Shop", "0.1.0", "a machine", Abilities(asks=True, goes_back=True))
RULES = [
    Announced(f"{kind}-1", kind, ("person",)) for kind in ("line", "zone", "queue", "occupancy", "shelf")
]
RULES.append(Announced("scale", "share"))


def why_not_heard(topic: str, payload: bytes) -> str | None:
    return contract.why_no_message(contract.messages_to(topic), payload)


def heard() -> set[str]:
    """The topics on which a device receives, by the document."""
    keys = {
        one["channel"]["$ref"].rpartition("/")[2] for one in OPERATIONS.values() if one["action"] == "receive"
    }
    return {CHANNELS[key]["address"].replace("{device}", "shop") for key in keys}


def test_a_device_hears_just_what_it_subscribes_to() -> None:
    birth = "homeassistant/status"
    filters = [re.escape(each.topic_filter).replace(r"\#", ".+") for each in subscriptions(SHOP)] + [birth]
    assert all(any(re.fullmatch(each, topic) for each in filters) for topic in heard())
    assert all(any(re.fullmatch(each, topic) for topic in heard()) for each in filters)
    assert {f"{SHOP}/{kind.value}" for kind in Kind} < heard()


def test_whatever_is_kept_for_whoever_comes_later_is_retained() -> None:
    kept = {each.topic_filter for each in subscriptions(SHOP) if each.kept}
    retained = {key for key, one in OPERATIONS.items() if one["bindings"]["mqtt"]["retain"]}
    addresses = {CHANNELS[key.partition("_")[2]]["address"] for key in retained if key.startswith("receive_")}
    assert {address.replace("{device}", "shop") for address in addresses} == kept


@pytest.mark.parametrize("kind", Kind)
def test_every_command_says_where_it_is_answered(kind: Kind) -> None:
    reply = OPERATIONS[f"receive_{asyncapi._key(kind.value)}"]["reply"]
    names = {message["$ref"].rpartition("/")[2] for message in reply["messages"]}
    pieces = {Kind.DIAGNOSE: {"diagnosis"}, Kind.TRAJECTORIES: {"trajectories"}}
    assert reply["channel"] == {"$ref": "#/channels/reply"}
    assert names == {"reply"} | pieces.get(kind, set())


SAID = re.findall(r"-t (eyespot/v1/\S+) .*?-m '([^']+)'", README)


@pytest.mark.parametrize(("topic", "payload"), SAID)
def test_what_people_are_shown_to_say_fits(topic: str, payload: str) -> None:
    assert why_not_heard(topic, payload.encode()) is None


def test_people_are_shown_a_command_and_both_wishes() -> None:
    assert {topic.partition("/entrance-1/")[2] for topic, _ in SAID} == {
        "cmd/model/update",
        "model/desired",
        "config/desired",
    }


values = (
    some.none()
    | some.sampled_from(
        [0, 1, 60, 1441, -1, 0.5, 7.5, "door", "Do or", "in", "end", "debug", "loud", "17", "a/b"]
    )
    | some.lists(some.just("door"), max_size=1)
)
keys = some.sampled_from(["rule", "press", "level", "value", "minutes", "after", "more"])
commands = some.fixed_dictionaries(
    {},
    optional={
        "args": values | some.dictionaries(keys, values, max_size=3),
        "req_id": values,
        "check": values | some.booleans(),
        "bundle": values,
        "version": some.sampled_from(["1.2.0", "1.2", None]),
    },
)


@pytest.mark.parametrize("kind", Kind)
@given(command=commands)
def test_a_command_is_taken_just_where_it_fits(kind: Kind, command: dict[str, Any]) -> None:
    payload = json.dumps(command).encode()
    try:
        parse(kind.value, payload)
    except InvalidCommandError:
        taken = False
    else:
        taken = True
    assert taken == (why_not_heard(f"{SHOP}/{kind.value}", payload) is None)


def test_the_words_of_home_assistant_stand_without_quotes() -> None:
    assert why_not_heard("homeassistant/status", BIRTH) is None
    assert why_not_heard("homeassistant/status", b'"online"')
    assert why_not_heard(f"{SHOP}/cmd/model/update", b"latest") is None
    assert why_not_heard(f"{SHOP}/cmd/restart", b"latest")


def told(*rules: Announced, before: dict[str, str] | None = None) -> dict[str, Any]:
    payload = discovery(DESCRIBED, rules, before or {})
    again: dict[str, Any] = json.loads(msgspec.json.encode(payload))
    return again


def why_not_told(payload: dict[str, Any]) -> str | None:
    return contract.why_unfit(DISCOVERY, json.dumps(payload).encode())


def test_whatever_home_assistant_is_told_fits() -> None:
    assert why_not_told(told(*RULES, before={"rule_gone_event": "event"})) is None
    assert contract.why_unfit("ha/of/us/device/shop/config", json.dumps(told()).encode()) is None
    assert contract.why_unfit(DISCOVERY, b"") is None


def test_what_home_assistant_is_shown_to_be_told_fits() -> None:
    shown = r"^(homeassistant/device/\S+/config)\n(\{.*?\})\n```$"
    ((topic, payload),) = re.findall(shown, README, re.MULTILINE | re.DOTALL)
    assert contract.why_unfit(topic, payload.encode()) is None


@pytest.mark.parametrize(
    "change",
    [
        {"device": {"name": "Shop"}},
        {"device": told()["device"] | {"connections": []}},
        {"origin": {"name": "somebody else", "sw_version": "1"}},
        {"availability": []},
        {"qos": 2},
        {"image": "aGVsbG8="},
        {"components": {"a b": {"platform": "sensor"}}},
        {"components": {"eye": {"platform": "camera"}}},
        {"components": {"model": {"platform": "update", "name": None}}},
        {"components": {"model": {"name": "Model"}}},
    ],
)
def test_what_home_assistant_is_never_told_is_seen(change: dict[str, Any]) -> None:
    contract.look_at(DISCOVERY, json.dumps(told(*RULES) | change).encode())
    assert contract.unfit()
