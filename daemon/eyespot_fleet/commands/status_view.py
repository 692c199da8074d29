"""How the fleet is: as a table on a terminal, as lines, or as JSON for programs."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from eyespot_fleet.status.reading import Known

_HEADINGS = ("device", "state", "model", "rate", "health", "since")
_SICK_HEADINGS = ("device", "what", "since", "why")
_COLOURS = {"online": "green", "offline": "red", "stopping": "yellow"}
_WIDEST = 48

Row = tuple[str, ...]


def rows(known: Mapping[str, Known], *, sick: bool) -> tuple[Row, ...]:
    """Return the rows of the table, who is not well first."""
    if sick:
        ranked = sorted(known.items())
        return tuple((name, ill.name, ill.since, ill.reason) for name, one in ranked for ill in one.ills)
    ranked = sorted(known.items(), key=lambda item: (not item[1].ills, item[0]))
    return tuple((name, one.state, one.model, _rate(one), _health(one), one.since) for name, one in ranked)


def sums(known: Mapping[str, Known], *, overflow: bool) -> str:
    """Return how many there are, in words."""
    online = sum(one.state == "online" for one in known.values())
    sick = sum(bool(one.ills) for one in known.values())
    more = "; there are more devices than these" if overflow else ""
    return f"{len(known)} devices, {online} online, {sick} not well{more}"


def lines(table: Sequence[Row], *, sick: bool) -> list[str]:
    """Return the table as text; the last column is as long as it is, the others are bounded."""
    whole = [_SICK_HEADINGS if sick else _HEADINGS, *table]
    cells = [[cell[:_WIDEST] for cell in row[:-1]] for row in whole]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join([*(f"{cell:{width}}" for cell, width in zip(start, widths, strict=True)), row[-1]]).rstrip()
        for start, row in zip(cells, whole, strict=True)
    ]


def as_objects(known: Mapping[str, Known], *, sick: bool) -> list[dict[str, Any]]:
    """Return the devices for programs; a fact that is not known is null."""
    return [
        {
            "device": name,
            "state": one.state or None,
            "since": one.since or None,
            "model": one.model or None,
            "rate_hz": one.rate_hz,
            "ok": not one.ills,
            "sick": [{**msgspec.to_builtins(ill), "since": ill.since or None} for ill in one.ills],
        }
        for name, one in sorted(known.items())
        if one.ills or not sick
    ]


def drawn(table: Sequence[Row], summary: str, trouble: str, most: int, *, sick: bool) -> RenderableType:
    """Return a picture of so many rows at most."""
    grid = Table(box=None, pad_edge=False)
    for heading in _SICK_HEADINGS if sick else _HEADINGS:
        grid.add_column(heading, no_wrap=True, overflow="ellipsis")
    for row in table[:most]:
        grid.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
    more = Text(f"and {len(table) - most} more", style="dim") if len(table) > most else Text()
    return Group(Text(summary), Text(trouble, style="red"), grid, more)


def _rate(one: Known) -> str:
    return "" if one.rate_hz is None else f"{one.rate_hz:.4g}/s"


def _health(one: Known) -> str:
    if one.ok is None:
        return ""
    return "ok" if one.ok else " ".join(ill.name for ill in one.troubles)
