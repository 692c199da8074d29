"""Checks what rules build on: each id in `from` is that of a line, and none goes in circles."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from eyespot.config.checking import Problem
from eyespot.config.wording import shown
from eyespot.domain.nearest import hint

_BASE = "line"

_Table = Mapping[str, object]


def problems_with_bases(rules: object) -> Iterator[Problem]:
    """Yield what is wrong with the ids in `from`.

    Args:
        rules: the tables of all rules, as they are written; what is wrong with them otherwise is passed over.
    """
    tables = list(enumerate(rules if isinstance(rules, list) else ()))
    places = {index: table for index, table in tables if isinstance(table, dict)}
    by_id = {table["id"]: table for table in places.values() if isinstance(table.get("id"), str)}
    bases = {rule_id: _bases(table) for rule_id, table in by_id.items()}
    circle = _circle(bases)
    for index, table in places.items():
        for place, base in enumerate(_bases(table)):
            if text := _wrong(table, place, by_id, circle):
                yield Problem(("rules", index, "from", place), f"from: {text}{_meant(base, by_id)}")


def _bases(table: _Table) -> list[str]:
    named = table.get("from")
    return [base for base in named if isinstance(base, str)] if isinstance(named, list) else []


def _wrong(table: _Table, place: int, by_id: Mapping[str, _Table], circle: Sequence[str]) -> str:
    base = _bases(table)[place]
    if base in _bases(table)[:place]:
        return f"{shown(base)} is named twice"
    if base == table.get("id"):
        return f"{shown(base)} builds on itself; name lines"
    if base not in by_id:
        return f"there is no rule {shown(base)}"
    if base in circle and table.get("id") in circle:
        return f"{' and '.join(circle)} build on each other; name lines"
    kind = by_id[base].get("kind")
    return "" if kind is None or kind == _BASE else f"rule {shown(base)} is of kind {shown(kind)}; name lines"


def _meant(base: str, by_id: Mapping[str, _Table]) -> str:
    lines = [rule_id for rule_id, table in by_id.items() if table.get("kind") == _BASE]
    return "" if base in by_id else hint(base, lines)


def _circle(bases: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """Return ids that lead to themselves, each once, in the order of their names; none where none does."""
    try:
        TopologicalSorter(bases).prepare()
    except CycleError as error:
        return sorted(set(error.args[1]))
    return ()
