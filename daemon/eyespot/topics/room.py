"""What is told of more classes than a message has room for: the first ones by name, all others together."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

import msgspec

from eyespot.domain.measures import OTHERS

_MOST_BYTES = 60 * 1024  # of the 64 KiB of totals
_MOST_NAMES = 1023  # of the 1024 classes of a table, and `OTHERS`


def as_many_as_fit(labels: tuple[str, ...], most_bytes: int) -> tuple[str, ...]:
    """Return the first class names, as many as there is room for."""
    return labels[: _how_many((_bytes_of(label) for label in labels), most_bytes)]


def summed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of totals in which the first classes keep their names, and all others are `OTHERS`.

    Args:
        fields: tables by class name, of numbers or of numbers by name, and lists of class names; all else
            stays as it is.
    """
    tables = {name: of for name, of in fields.items() if isinstance(of, Mapping)}
    lists = {name: of for name, of in fields.items() if isinstance(of, tuple)}
    labels = [*dict.fromkeys(label for of in tables.values() for label in of if label != OTHERS)]
    parts = [*tables.values(), *(dict.fromkeys(of) for of in lists.values())]
    sizes = (_bytes_of(*({label: of[label]} for of in parts if label in of)) for label in labels)
    named = {*labels[: min(_how_many(sizes, _MOST_BYTES), _MOST_NAMES)]}
    few = {name: tuple(label for label in of if label in named) for name, of in lists.items()}
    return {**fields, **few, **{name: _sum(of, named) for name, of in tables.items()}}


def _how_many(sizes: Iterable[int], most_bytes: int) -> int:
    return sum(size <= most_bytes for size in accumulate(sizes))


def _bytes_of(*values: object) -> int:
    return sum(len(msgspec.json.encode(value)) + 1 for value in values)


def _sum(table: Mapping[str, Any], named: set[str]) -> dict[str, Any]:
    told = {label: of for label, of in table.items() if label in named}
    rest = [of for label, of in table.items() if label not in named]
    if not rest:
        return told
    if isinstance(rest[0], int):
        return told | {OTHERS: sum(rest)}
    together: Counter[str] = Counter()
    for of in rest:  # adding Counters would drop what is zero
        together.update(of)
    return told | {OTHERS: dict(together)}
