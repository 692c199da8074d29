"""The JSON Schema of the configuration, for editors: made from the types and their docstrings.

It is of draft 07: editors of TOML half understand what came later, and so refuse good files.

`python -m eyespot.config.schema config/schema.json` writes it.
"""

import re
import sys
from collections.abc import Iterator
from inspect import getdoc
from pathlib import Path
from typing import Any

import msgspec

from eyespot.config.desired import UNSEEN
from eyespot.config.settings import Config
from eyespot.topics.schema_parts import plain

_DIALECT = "http://json-schema.org/draft-07/schema#"
_TAG = "what kind of rule this is."


def schema() -> dict[str, Any]:
    """Return the schema. What TOML does not have, null, is not in it either.

    A key that `config/reported` leaves out is `writeOnly`.
    """
    (reference,), parts = msgspec.json.schema_components([Config], ref_template="#/definitions/{name}")
    kinds = {kind.__name__: kind for kind in _structs(Config)}
    for name, part in parts.items():
        part["description"], told = _described(kinds[name])
        told = {
            one.encode_name: told[one.name] for one in msgspec.structs.fields(kinds[name]) if one.name in told
        }
        part["properties"] = {
            key: _property(bounds, told.get(key)) for key, bounds in part["properties"].items()
        }
    for table, keys in UNSEEN.items():
        properties = parts[parts["Config"]["properties"][table]["$ref"].rpartition("/")[2]]["properties"]
        properties |= {key: {**properties[key], "writeOnly": True} for key in keys}
    definitions = {name: plain(part) for name, part in parts.items()}
    return {"$schema": _DIALECT, "title": "eyespot.toml", **reference, "definitions": definitions}


def _described(kind: type) -> tuple[str, dict[str, str]]:
    """Return the summary of a settings type, and what its docstring says of each attribute."""
    summary, _, rest = (getdoc(kind) or "").partition("\n")
    attributes = rest.partition("Attributes:\n")[2].partition("\n\n")[0]
    entries = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", attributes, re.MULTILINE)
    return summary, {name: " ".join(text.split()) for name, text in entries}


def rendered() -> str:
    """Return the schema as the text of a file."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


def _structs(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """Give a settings type and all that are inside it."""
    yield kind
    for entry in _inside(msgspec.inspect.type_info(kind)):
        yield from _structs(entry)


def _inside(kind: Any) -> Iterator[type[msgspec.Struct]]:
    for entry in getattr(kind, "fields", ()):
        inner = getattr(entry.type, "item_type", entry.type)
        for one in getattr(inner, "types", (inner,)):
            if isinstance(one, msgspec.inspect.StructType):
                yield one.cls


def _property(bounds: dict[str, Any], told: str | None) -> dict[str, Any]:
    """Return the schema of a key: with its description, without the null that stands for its absence."""
    kept = {key: entry for key, entry in bounds.items() if key != "default"}
    if isinstance(bounds.get("default"), str | int | float):
        kept["default"] = bounds["default"]
    choices = [choice for choice in kept.pop("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        kept |= choices[0]
    elif choices:
        kept["anyOf"] = choices
    return {**kept, "description": told or _TAG}


def main(arguments: list[str]) -> None:
    """Write the schema to the file that is named, else to stdout."""
    if arguments:
        Path(arguments[0]).write_text(rendered(), encoding="utf-8")
    else:
        sys.stdout.write(rendered())


if __name__ == "__main__":
    main(sys.argv[1:])
