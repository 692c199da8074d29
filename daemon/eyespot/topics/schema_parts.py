"""The parts of the contract's schemas, in JSON Schema draft 07, which AsyncAPI wants.

Also those of the configuration's tables: what of them is reported, and what of them may be desired.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from eyespot.topics.desired import MAY_BE_DESIRED

PLACE = "#/components/schemas/"
REPORTED = "Config"
DESIRED = "DesiredTables"


def plain(part: Any) -> Any:
    """Return a schema as draft 07 has it, with patterns that every dialect of them understands.

    The kinds of a union are told apart by an enumeration in each; OpenAPI's word is none of AsyncAPI's. In
    draft 07 nothing counts that stands beside a reference.
    """
    if isinstance(part, list):
        return [plain(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    if isinstance(part.get("$ref"), str):
        return {"$ref": part["$ref"]}
    part = {key: plain(entry) for key, entry in part.items() if key != "discriminator"}
    if isinstance(part.get("pattern"), str):
        part["pattern"] = part["pattern"].replace(r"\A", "^").replace(r"\Z", "$")
    if "prefixItems" in part:
        part["items"] = part.pop("prefixItems")
        part["additionalItems"] = False
    return part


def without_null(part: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object whose keys are left out where they have no value."""
    return part | {"properties": {key: _some(bounds) for key, bounds in part["properties"].items()}}


def tables(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts for the tables of the configuration, of which any may be left out.

    Args:
        configuration: the schema of the file, where `writeOnly` are keys that are not reported.
    """
    text = msgspec.json.encode(configuration["definitions"]).replace(b'"#/definitions/', f'"{PLACE}'.encode())
    parts = {name: _reported(part) for name, part in msgspec.json.decode(text).items()}
    summary = "The configuration in force by table, as far as it is told: no secrets, nor where they lie."
    parts[REPORTED] |= {"description": summary, "required": []}
    parts[DESIRED] = _desired(parts)
    return parts


def _reported(part: dict[str, Any]) -> dict[str, Any]:
    seen = {key: bounds for key, bounds in part["properties"].items() if not bounds.get("writeOnly")}
    return part | {"properties": seen}


def _desired(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part for what may be desired; a key that is left out has no default: the file has it."""
    told = parts[REPORTED]["properties"]
    properties = {}
    for table, keys in MAY_BE_DESIRED.items():
        bounds = parts[told[table]["$ref"].removeprefix(PLACE)]["properties"] if keys else {}
        some = {key: {word: of for word, of in bounds[key].items() if word != "default"} for key in keys}
        properties[table] = _closed(some) if keys else told[table]
    summary = "What may be desired: `rules` instead of all in the file, of other tables single keys."
    return {"title": DESIRED, "description": summary, **_closed(properties)}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _some(bounds: dict[str, Any]) -> dict[str, Any]:
    choices = [choice for choice in bounds.get("anyOf", ()) if choice != {"type": "null"}]
    return choices[0] if len(choices) == 1 else bounds
