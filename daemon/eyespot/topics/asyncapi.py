"""The contract for subscribers: an AsyncAPI 3 document with a JSON Schema for each payload.

All of it is made from the types and from what the gate declares; only the examples are real messages, in
lines as `mosquitto_sub -v` prints them. `python -m eyespot.topics.asyncapi config` takes those from
`config/README.md` and writes `config/asyncapi.yaml`, as JSON, which every YAML parser reads.

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
from eyespot.topics.gate import DECLARED, Declared

ROOT = "eyespot/v1/{device}"
_BINDINGS = "0.2.0"
_SAID = re.compile(r"^eyespot/v1/[a-z0-9-]+/(\S+) (\{.*\})$", re.MULTILINE)
_PARAMETERS = {
    "device": "The id of the device, as in its configuration.",
    "rule": "The id of a rule, as in its configuration.",
    "req_id": "What the command gave as `req_id`.",
    "direction": "`in` or `out`.",
}
_PLACES = {RULE_ID: "{rule}", REQ_ID: "{req_id}", r"\.(in|out)": ".{direction}"}
_HEARD: Mapping[Kind, tuple[type[msgspec.Struct], ...]] = {
    **{kind: (form,) for kind, form in FORMS.items()},
    Kind.DESIRED: (Look, Wanted),
}
_LATEST = {
    "title": "Latest",
    "summary": "What Home Assistant says when somebody presses its button: this word, without quotes.",
    "contentType": "text/plain",
    "payload": {"const": FROM_HOME_ASSISTANT.decode()},
}
_ABOUT = """\
What a device says on MQTT, and what it takes. `eyespot/v1` is the default of `[mqtt] prefix`.
Topics are seen from the device: it sends, or it receives. Each payload has a schema under
`components.messages`."""


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


def document(examples: Iterable[Said]) -> dict[str, Any]:
    """Return the document, with these messages as examples."""
    said: dict[str, list[bytes]] = {}
    for example in examples:
        declared = declared_for(example.suffix, example.payload)
        if declared is not None:
            said.setdefault(message_id(declared), []).append(example.payload)
    messages, parts = _messages(said)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Eyespot", "version": "1.0.0", "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": dict(_channels()),
        "operations": dict(_operations()),
        "components": {"messages": messages, "schemas": parts},
    }


def rendered(examples: Iterable[Said]) -> str:
    """Return the document as the text of a file."""
    return msgspec.json.format(msgspec.json.encode(document(examples)), indent=2).decode() + "\n"


def _messages(said: dict[str, list[bytes]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the messages by their keys, and the schemas of what is in several of them."""
    kinds = [declared.payload for declared in DECLARED] + [
        kind for kinds in _HEARD.values() for kind in kinds
    ]
    references, parts = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    parts = {name: _plain(part) for name, part in parts.items()}
    names = {
        kind: reference["$ref"].rpartition("/")[2] for kind, reference in zip(kinds, references, strict=True)
    }
    messages: dict[str, Any] = {}
    for declared in DECLARED:
        payload = parts[names[declared.payload]]
        if declared.schema is not None:
            payload = payload | {"properties": payload["properties"] | {"schema": {"const": declared.schema}}}
        message = _message(declared.payload, payload)
        examples = [{"payload": msgspec.json.decode(data)} for data in said.get(message_id(declared), ())]
        messages[message_id(declared)] = message | ({"examples": examples} if examples else {})
    for kind in sorted({kind for kinds in _HEARD.values() for kind in kinds}, key=lambda kind: kind.__name__):
        messages[kind.__name__.lower()] = _message(kind, parts[names[kind]])
    messages["latest"] = _LATEST
    return messages, {name: part for name, part in parts.items() if name not in names.values()}


def _message(kind: type[msgspec.Struct], payload: dict[str, Any]) -> dict[str, Any]:
    summary, _, rest = (getdoc(kind) or "").partition("\n")
    told = {"title": kind.__name__, "summary": summary, "payload": payload}
    return told | ({"description": rest.strip()} if rest.strip() else {})


def _plain(part: Any) -> Any:
    """Return a schema as draft 07 has it, with patterns that every dialect of them understands.

    The kinds of a union are told apart by an enumeration in each; OpenAPI's word is none of AsyncAPI's.
    """
    if isinstance(part, list):
        return [_plain(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    part = {key: _plain(entry) for key, entry in part.items() if key != "discriminator"}
    if isinstance(part.get("pattern"), str):
        part["pattern"] = part["pattern"].replace(r"\A", "^").replace(r"\Z", "$")
    if "prefixItems" in part:
        part["items"] = part.pop("prefixItems")
        part["additionalItems"] = False
    return part


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
        yield _key(place), _channel(place, [message_id(declared) for declared in kinds])
    for command, types in _HEARD.items():
        bare = ["latest"] if command is Kind.UPDATE else []
        yield _key(command.value), _channel(command.value, [kind.__name__.lower() for kind in types] + bare)


def _channel(place: str, messages: list[str]) -> dict[str, Any]:
    address = f"{ROOT}/{place}"
    named = re.findall(r"\{(\w+)\}", address)
    return {
        "address": address,
        "parameters": {name: {"description": _PARAMETERS[name]} for name in named},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for place, kinds in _sent().items():
        delivery = kinds[0].delivery
        retain, qos = delivery is Delivery.STATE, int(delivery is not Delivery.LIVE)
        yield f"send_{_key(place)}", _operation("send", place, qos, retain=retain)
    for kind in _HEARD:
        yield f"receive_{_key(kind.value)}", _operation("receive", kind.value, 1, retain=kind is Kind.DESIRED)


def _operation(action: str, place: str, qos: int, *, retain: bool) -> dict[str, Any]:
    bindings = {"mqtt": {"qos": qos, "retain": retain, "bindingVersion": _BINDINGS}}
    return {"action": action, "channel": {"$ref": f"#/channels/{_key(place)}"}, "bindings": bindings}


def main(arguments: list[str]) -> None:
    """Write the document into the folder that is named, with the examples in the README.md there."""
    folder = Path(arguments[0])
    text = rendered(examples_in((folder / "README.md").read_text(encoding="utf-8")))
    (folder / "asyncapi.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":  # pragma: no cover - tests call main
    main(sys.argv[1:])
