"""The contract for subscribers: an AsyncAPI 3 document with a JSON Schema for each payload.

All of it is made from the types, from what the gate declares and from the schema of the configuration; only
the examples are real messages, in lines as `mosquitto_sub -v` prints them. `python -m eyespot.topics.asyncapi
config` takes those from `config/README.md`, the configuration's schema from `config/schema.json`, and writes
`config/asyncapi.yaml`, as JSON, which every YAML parser reads.

Source of the format: https://www.asyncapi.com/docs/reference/specification/v3.0.0, its MQTT bindings
0.2.0. Schemas keep to JSON Schema draft 07, which it wants.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from inspect import getdoc
from pathlib import Path
from typing import Any

import msgspec

from eyespot.domain.event import RULE_ID
from eyespot.domain.message import Delivery
from eyespot.topics.commands import FORMS, FROM_HOME_ASSISTANT, REQ_ID, Kind, Look, Wanted
from eyespot.topics.config_payloads import ConfigReported
from eyespot.topics.desired import DESIRED_CONFIG, DesiredConfig
from eyespot.topics.gate import DECLARED, Declared
from eyespot.topics.home_assistant import BIRTH, Discovery, Entity
from eyespot.topics.schema_parts import DESIRED, PLACE, REPORTED, plain, tables, without_null

ROOT = "eyespot/v1/{device}"
HOME_ASSISTANT = "homeassistant"
_DISCOVERY = f"{HOME_ASSISTANT}/device/{{device}}/config"
_BIRTH = f"{HOME_ASSISTANT}/status"
_BINDINGS = "0.2.0"
_SAID = re.compile(r"^eyespot/v1/[a-z0-9-]+/(\S+) (\{.*\})$", re.MULTILINE)
_PARAMETERS = {
    "device": {"description": "The id of the device, as in its configuration."},
    "rule": {"description": "The id of a rule, as in its configuration."},
    "req_id": {"description": "What the command gave as `req_id`.", "location": "$message.payload#/req_id"},
    "direction": {"description": "`in` or `out`."},
}
_PLACES = {RULE_ID: "{rule}", REQ_ID: "{req_id}", r"\.(in|out)": ".{direction}"}
_HEARD: Mapping[str, tuple[type[msgspec.Struct], ...]] = {
    **{kind.value: (form,) for kind, form in FORMS.items()},
    Kind.DESIRED.value: (Look, Wanted),
    DESIRED_CONFIG: (DesiredConfig,),
}
_KEPT = {Kind.DESIRED.value, DESIRED_CONFIG}  # of what is heard
_TABLES = {ConfigReported: REPORTED, DesiredConfig: DESIRED}
_TEXTS: Mapping[str, tuple[str, bytes]] = {
    "latest": (
        "What Home Assistant says when somebody presses its button: this word, without quotes.",
        FROM_HOME_ASSISTANT,
    ),
    "birth": (
        "Home Assistant has begun: this word, without quotes. What else it says there is passed over.",
        BIRTH,
    ),
    "cleared": ("No bytes: what was retained here is no more.", b""),
}
_ABOUT = """\
What a device says on MQTT, and what it takes. `eyespot/v1` is the default of `[mqtt] prefix`,
`homeassistant` of `[home_assistant] prefix`, where nothing is said or heard unless its `discovery` is on.
Topics are seen from the device: it sends, or it receives. Each payload has a schema under
`components.messages`. A command is answered where it has a `req_id`, with MQTT 5 on its response topic."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message as an example: topic below the device's root, payload as it went over the wire."""

    suffix: str
    payload: bytes


def examples_in(text: str) -> list[Said]:
    """Return the messages that stand in a text, each in one line: topic, space, payload."""
    return [Said(suffix, payload.encode()) for suffix, payload in _SAID.findall(text)]


def declared_for(suffix: str, payload: bytes) -> Declared | None:
    """Return what the gate declares for a message: by its `schema` where its topic has several."""
    found = [declared for declared in DECLARED if declared.form.fullmatch(suffix)]
    named = [one for one in found if one.schema is None or f'"{one.schema}"'.encode() in payload]
    return named[0] if named else None


def message_id(declared: Declared) -> str:
    """Return the key of a payload under `components.messages`: `crossed` for `eyespot.crossed/1`."""
    if declared.schema is None:
        return _key(_place(declared))
    return declared.schema.removeprefix("eyespot.").rpartition("/")[0]


def document(examples: Iterable[Said], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document.

    Args:
        examples: messages that a device said.
        configuration: the JSON Schema of the file, whose tables are in some payloads.
    """
    said: dict[str, list[bytes]] = {}
    for example in examples:
        declared = declared_for(example.suffix, example.payload)
        if declared is not None:
            said.setdefault(message_id(declared), []).append(example.payload)
    messages, parts = _messages(said, configuration)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Eyespot", "version": "1.0.0", "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": dict(_channels()),
        "operations": dict(_operations()),
        "components": {"messages": messages, "schemas": parts},
    }


def rendered(examples: Iterable[Said], configuration: Mapping[str, Any]) -> str:
    """Return the document as the text of a file; see `document`."""
    whole = msgspec.json.encode(document(examples, configuration))
    return msgspec.json.format(whole, indent=2).decode() + "\n"


def _messages(
    said: dict[str, list[bytes]], configuration: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the messages by their keys, and the schemas of what is in several of them."""
    heard = sorted({kind for kinds in _HEARD.values() for kind in kinds}, key=lambda kind: kind.__name__)
    others: list[type[msgspec.Struct]] = [Discovery, *heard]
    kinds = [*(declared.payload for declared in DECLARED), *others]
    parts = _parts(kinds) | tables(configuration)
    messages: dict[str, Any] = {}
    for declared in DECLARED:
        payload = parts[declared.payload.__name__]
        if declared.schema is not None:
            payload = payload | {"properties": payload["properties"] | {"schema": {"const": declared.schema}}}
        message = _message(declared.payload, payload)
        examples = [{"payload": msgspec.json.decode(data)} for data in said.get(message_id(declared), ())]
        messages[message_id(declared)] = message | ({"examples": examples} if examples else {})
    messages |= {_id(kind): _message(kind, parts[kind.__name__]) for kind in others}
    messages |= {name: _text(name) for name in _TEXTS}
    whole = {kind.__name__ for kind in kinds}
    return messages, {name: part for name, part in parts.items() if name not in whole}


def _parts(kinds: list[type[msgspec.Struct]]) -> dict[str, Any]:
    """Return the schemas of payloads and of what is in them, by the names of the types."""
    _, parts = msgspec.json.schema_components(kinds, ref_template=f"{PLACE}{{name}}")
    parts = {name: plain(part) for name, part in parts.items()}
    parts[Entity.__name__] = without_null(parts[Entity.__name__])
    for kind, name in _TABLES.items():
        parts[kind.__name__]["properties"]["config"] = {"$ref": f"{PLACE}{name}"}
    return parts


def _id(kind: type[msgspec.Struct]) -> str:
    return kind.__name__.lower()


def _text(name: str) -> dict[str, Any]:
    summary, payload = _TEXTS[name]
    bare = {"contentType": "text/plain", "payload": {"const": payload.decode()}}
    return {"title": name.capitalize(), "summary": summary, **bare}


def _message(kind: type[msgspec.Struct], payload: dict[str, Any]) -> dict[str, Any]:
    summary, _, rest = (getdoc(kind) or "").partition("\n")
    told = {"title": kind.__name__, "summary": summary, "payload": payload}
    return told | ({"description": rest.strip()} if rest.strip() else {})


def _place(declared: Declared) -> str:
    """Return a topic below the device's root, with the names of what varies in it."""
    place = declared.form.pattern
    for pattern, name in _PLACES.items():
        place = place.replace(pattern, name)
    return place


def _sent() -> dict[str, list[Declared]]:
    """Return what is said, by its place."""
    places: dict[str, list[Declared]] = {}
    for declared in DECLARED:
        places.setdefault(_place(declared), []).append(declared)
    return places


def _key(place: str) -> str:
    return re.sub(r"\W+", "_", re.sub(r"\{\w+\}", "", place)).strip("_")


def _channels() -> Iterator[tuple[str, dict[str, Any]]]:
    for place, kinds in _sent().items():
        of_a_rule = kinds[0].delivery is Delivery.STATE and "{rule}" in place  # and gone with it
        messages = [message_id(declared) for declared in kinds] + ["cleared"] * of_a_rule
        yield _key(place), _channel(f"{ROOT}/{place}", messages)
    yield _key(_DISCOVERY), _channel(_DISCOVERY, [_id(Discovery), "cleared"])
    for place, types in _HEARD.items():
        bare = ["latest"] * (place == Kind.UPDATE.value) + ["cleared"] * (place in _KEPT)
        yield _key(place), _channel(f"{ROOT}/{place}", [_id(kind) for kind in types] + bare)
    yield _key(_BIRTH), _channel(_BIRTH, ["birth"])


def _channel(address: str, messages: list[str]) -> dict[str, Any]:
    named = re.findall(r"\{(\w+)\}", address)
    return {
        "address": address,
        "parameters": {name: _PARAMETERS[name] for name in named},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for place, kinds in _sent().items():
        delivery = kinds[0].delivery
        retain, qos = delivery is Delivery.STATE, int(delivery is not Delivery.LIVE)
        yield f"send_{_key(place)}", _operation("send", place, qos, retain=retain)
    yield f"send_{_key(_DISCOVERY)}", _operation("send", _DISCOVERY, 1, retain=True)
    for place in _HEARD:
        operation = _operation("receive", place, 1, retain=place in _KEPT)
        yield f"receive_{_key(place)}", operation | {"reply": _reply(place)}
    yield f"receive_{_key(_BIRTH)}", _operation("receive", _BIRTH, 1, retain=False)


def _operation(action: str, place: str, qos: int, *, retain: bool) -> dict[str, Any]:
    bindings = {"mqtt": {"qos": qos, "retain": retain, "bindingVersion": _BINDINGS}}
    return {"action": action, "channel": {"$ref": f"#/channels/{_key(place)}"}, "bindings": bindings}


def _reply(place: str) -> dict[str, Any]:
    """Return where it is said what came of something, and by which messages."""
    pieces = {Kind.DIAGNOSE.value: ["diagnosis"], Kind.TRAJECTORIES.value: ["trajectories"]}
    channel, messages = "reply", ["reply", *pieces.get(place, ())]
    if place == DESIRED_CONFIG:
        channel, messages = "config_reported", ["config_reported"]
    return {
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def main(arguments: list[str]) -> None:
    """Write the document into the folder that is named, with what README.md and schema.json there say."""
    folder = Path(arguments[0])
    examples = examples_in((folder / "README.md").read_text(encoding="utf-8"))
    text = rendered(examples, msgspec.json.decode((folder / "schema.json").read_bytes()))
    (folder / "asyncapi.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":  # pragma: no cover - tests call main
    main(sys.argv[1:])
