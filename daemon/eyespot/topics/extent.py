"""What the declared schemas leave room for: a digest of all of them, and what in them could hold an image."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from eyespot.topics.gate import DECLARED, MOST_DISCOVERY
from eyespot.topics.home_assistant import Discovery

LONGEST_TEXT = 1024
_BOUNDS = {"enum", "const", "pattern", "maxLength"}


@dataclass(frozen=True, slots=True)
class Extent:
    """What all that may leave has room for.

    Attributes:
        digest: sha256 of every topic form, schema, delivery and bound, as hex.
        schemas: how many kinds of payload there are.
        binary: where a schema has bytes, as `Info.name`.
        endless: where a text has no bound, or one above `LONGEST_TEXT` characters.
        free: objects whose keys are not declared; nothing but the size of their message bounds them.
        longest_text: characters of the longest bounded text.
        most_bytes: of the largest message.
    """

    digest: str
    schemas: int
    binary: tuple[str, ...]
    endless: tuple[str, ...]
    free: tuple[str, ...]
    longest_text: int
    most_bytes: int


def extent(*more: type[msgspec.Struct]) -> Extent:
    """Return what the declared payloads have room for, and more where they are given."""
    kinds = [*(declared.payload for declared in DECLARED), Discovery, *more]
    _, parts = msgspec.json.schema_components(kinds, ref_template="#/{name}")
    bounds = [(d.form.pattern, d.schema, d.delivery.value, d.most_bytes) for d in DECLARED]
    told = msgspec.json.encode([bounds, parts], order="sorted")
    found = [(place, part) for name, schema in parts.items() for place, part in _walk(schema, name)]
    texts = [(place, part) for place, part in found if part.get("type") == "string"]
    lengths = [part["maxLength"] for _, part in texts if "maxLength" in part]
    return Extent(
        digest=hashlib.sha256(told).hexdigest(),
        schemas=len(DECLARED) + 1,
        binary=tuple(place for place, part in texts if "contentEncoding" in part),
        endless=tuple(place for place, part in texts if _is_endless(part)),
        free=tuple(place for place, part in found if _is_free(part)),
        longest_text=max(lengths),
        most_bytes=max(MOST_DISCOVERY, *(declared.most_bytes for declared in DECLARED)),
    )


def fields() -> dict[str, list[str]]:
    """Return the names of the fields of every declared schema, without those that all have."""
    return {
        declared.schema or declared.payload.__name__: [
            one.encode_name
            for one in msgspec.structs.fields(declared.payload)
            if one.encode_name not in {"schema", "t", "clock", "boot_id", "seq"}
        ]
        for declared in DECLARED
    }


def _walk(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every part of a schema that says what a value may be."""
    yield place, schema
    for name, part in schema.get("properties", {}).items():
        yield from _walk(part, f"{place}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _walk(schema[key], f"{place}[]")
    for part in (*schema.get("anyOf", ()), *schema.get("prefixItems", ())):
        yield from _walk(part, place)


def _is_endless(text: dict[str, Any]) -> bool:
    return text.get("maxLength", 0) > LONGEST_TEXT or not _BOUNDS & text.keys()


def _is_free(part: dict[str, Any]) -> bool:
    keys = part.keys() - {"title", "description", "default"}
    return not keys or (part.get("type") == "object" and not keys & {"properties", "additionalProperties"})
