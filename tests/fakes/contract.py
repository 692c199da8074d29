"""Holds every message that a test sees against its schema, as a subscriber would.

Whoever sees messages calls `look_at`; it may be on any thread, so nothing is raised there. After each test
`tests/conftest.py` asks `unfit` what did not fit.

A topic may begin otherwise than by default, as `[mqtt] prefix` and `[home_assistant] prefix` have it, and an
answer be wanted anywhere. What others say to a device is passed over: there tests are wrong on purpose.
"""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema

from eyespot.config.schema import schema
from eyespot.domain.event import RULE_ID
from eyespot.topics.asyncapi import HOME_ASSISTANT, ROOT, document
from eyespot.topics.commands import REQ_ID

_ANY = "[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*"
_VARYING = {"device": "[a-z0-9-]{1,63}", "rule": RULE_ID, "req_id": REQ_ID, "direction": "(?:in|out)"}
_PREFIXES = (ROOT.removesuffix("/{device}"), HOME_ASSISTANT)
_TOLD = re.compile(rf"{_ANY}/{_VARYING['device']}/cmd/")
_NO_ANSWER = re.compile(rf"{_PREFIXES[0]}/{_VARYING['device']}/(?!reply/)")
_unfit: list[str] = []


@dataclass(frozen=True)
class _Channel:
    """A channel: what its topics look like, its messages by their keys, whether a device says them."""

    topics: re.Pattern[str]
    messages: Mapping[str, Any]
    said: bool


def look_at(topic: str, payload: bytes) -> None:
    """Note what is wrong with a message."""
    if wrong := why_unfit(topic, payload):
        _unfit.append(f"{topic}: {wrong}")


def unfit() -> list[str]:
    """Return what did not fit since this was last asked."""
    found = list(_unfit)
    _unfit.clear()
    return found


def why_unfit(topic: str, payload: bytes) -> str | None:
    """Return what is wrong with what a device says, None where nothing is."""
    channel = _channel(topic)
    if _TOLD.match(topic):
        return None
    if channel is None and _NO_ANSWER.match(topic):
        return f"no such topic; {payload[:200]!r}"
    channel = channel or _channels()["reply"]
    return why_no_message(channel.messages, payload) if channel.said else None


def messages_to(topic: str) -> Mapping[str, Any]:
    """Return the messages that there are for a topic, by their keys."""
    channel = _channel(topic)
    return channel.messages if channel else {}


def why_no_message(messages: Mapping[str, Any], payload: bytes) -> str | None:
    """Return why a payload is none of these messages, None where it is one."""
    wrong = [_why_not(name, payload) for name, message in messages.items() if _may_be(message, payload)]
    return None if None in wrong else "; ".join(filter(None, wrong)) or f"no schema for {payload[:200]!r}"


def _may_be(message: Mapping[str, Any], payload: bytes) -> bool:
    """Whether the schema that a payload names, where one does, is that of a message."""
    named = message["payload"].get("properties", {}).get("schema", {}).get("const")
    return named is None or f'"{named}"'.encode() in payload


def _why_not(name: str, payload: bytes) -> str | None:
    bare = document_of_the_types()["components"]["messages"][name].get("contentType") == "text/plain"
    try:
        value = payload.decode() if bare else json.loads(payload)
    except ValueError as error:
        return str(error)
    error = jsonschema.exceptions.best_match(_validator(name).iter_errors(value))
    return error and f"{error.json_path}: {error.message[:200]}"


@functools.cache
def document_of_the_types() -> dict[str, Any]:
    return document((), schema())


@functools.cache
def _validator(name: str) -> Any:
    components = {"components": {"schemas": document_of_the_types()["components"]["schemas"]}}
    return jsonschema.Draft7Validator(
        document_of_the_types()["components"]["messages"][name]["payload"] | components
    )


@functools.cache
def _channel(topic: str) -> _Channel | None:
    """Return the channel with the shortest prefix before it, or the usual one where a topic has that."""
    usual = next((prefix for prefix in _PREFIXES if topic.startswith(f"{prefix}/")), None)
    found = [(fit["prefix"], one) for one in _channels().values() if (fit := one.topics.fullmatch(topic))]
    found = [(prefix, one) for prefix, one in found if usual in {None, prefix}]
    return min(found, key=lambda each: len(each[0]))[1] if found else None


@functools.cache
def _channels() -> dict[str, _Channel]:
    whole = document_of_the_types()
    said = {one["channel"]["$ref"] for one in whole["operations"].values() if one["action"] == "send"}
    return {
        key: _Channel(
            _topics(channel["address"]),
            {name: whole["components"]["messages"][name] for name in channel["messages"]},
            said=f"#/channels/{key}" in said,
        )
        for key, channel in whole["channels"].items()
    }


def _topics(address: str) -> re.Pattern[str]:
    """Return what the topics of a channel look like."""
    prefix = next(prefix for prefix in _PREFIXES if address.startswith(f"{prefix}/"))
    parts = re.split(r"\{(\w+)\}", address.removeprefix(prefix))
    return re.compile(
        f"(?P<prefix>{_ANY})"
        + "".join(_VARYING[part] if n % 2 else re.escape(part) for n, part in enumerate(parts))
    )
