"""Says in words what a type wants and what was written instead."""

import json
import re
from collections.abc import Sequence
from typing import Any

from msgspec import inspect

_LONGEST = 48


def plain(kind: inspect.Type) -> inspect.Type:
    """Return the type without its annotations, and without the None that stands for a key left out."""
    if isinstance(kind, inspect.Metadata):
        return plain(kind.type)
    if isinstance(kind, inspect.UnionType):
        given = [plain(one) for one in kind.types if not isinstance(one, inspect.NoneType)]
        return given[0] if len(given) == 1 else inspect.UnionType(tuple(given))
    return kind


def wanted(kind: inspect.Type) -> str:
    """Return what a value of the type looks like, `a number from 0 to 1`, or what it says of itself."""
    if said := _described(kind):
        return said
    match plain(kind):
        case inspect.BoolType():
            words = "true or false"
        case inspect.IntType() | inspect.FloatType() as number:
            words = _wanted_number(number)
        case inspect.StrType() as text:
            form = f" of the form {text.pattern}" if text.pattern else ""
            words = f"text{form}{_lengths(text, 'characters')}"
        case inspect.LiteralType(values):
            words = " or ".join(map(shown, values))
        case inspect.TupleType(items):
            each = dict.fromkeys(map(wanted, items))
            words = f"a list of {len(items)}, each {' or '.join(each)}"
        case inspect.ListType() | inspect.VarTupleType() as items:
            words = f"a list{_lengths(items, 'items')}, each {wanted(items.item_type)}"
        case inspect.DictType() as items:
            words = f"a table{_lengths(items, 'items')}, each {wanted(items.value_type)}"
        case inspect.UnionType(kinds):
            words = " or ".join(map(wanted, kinds))
        case _:
            words = "a table"
    return words


def shown(value: object) -> str:
    """Return a value as it could stand in the file, short, and without the password of an address."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = re.sub(r"//[^@/]*@", "//…@", text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def placed(path: Sequence[str | int]) -> str:
    """Return the name of a table as its header is written: `[camera]`, `[[rules]]`."""
    names = ".".join(part for part in path if isinstance(part, str))
    return f"[[{names}]]" if path and isinstance(path[-1], int) else f"[{names}]"


def dotted(path: Sequence[str | int]) -> str:
    """Return the name of a key where there are no lines: `rules.0.id`."""
    return ".".join(map(str, path)) or "config"


def in_place(path: Sequence[str | int], text: str) -> str:
    """Return what is wrong, by its place; the text names the key only, as it stands behind a line."""
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    return f"{dotted(path)}: {text.removeprefix(f'{key}: ')}"


def _described(kind: inspect.Type) -> str:
    """Return the description that a type has; empty where it has none."""
    if isinstance(kind, inspect.UnionType):
        return next(filter(None, map(_described, kind.types)), "")
    if isinstance(kind, inspect.Metadata):
        return str((kind.extra_json_schema or {}).get("description", ""))
    return ""


def _wanted_number(number: inspect.IntType | inspect.FloatType) -> str:
    name = "a whole number" if isinstance(number, inspect.IntType) else "a number"
    low = _bound(number.ge, "from") or _bound(number.gt, "above")
    high = _bound(number.le, "to" if number.ge is not None else "up to") or _bound(number.lt, "below")
    return f"{name}{low}{high}"


def _bound(bound: float | None, word: str) -> str:
    return "" if bound is None else f" {word} {bound:.12g}"


def _lengths(kind: Any, unit: str) -> str:
    low, high = kind.min_length, kind.max_length
    if low is None and high is None:
        return ""
    if high is None:
        return f" of at least {low} {unit}"
    return f" of {low or 0} to {high} {unit}"
