"""How the fleet is: as a table on a terminal, as lines, or as JSON for programs."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from eyespot_fleet.status.reading import Known

_HEADINGS = ("device", "state", "health", "rate", "model", "since")
_SICK_HEADINGS = ("device", "what", "since", "why")
_WHOLE = {"device", "state", "what"}
_COLOURS = {"online": "green", "offline": "red", "stopping": "yellow"}
_WIDEST = 48
_MOST_NAMED = 4
_LINES_AROUND = 5  # what it is in words, the heading, how many more, where the cursor stands

Row = tuple[str, ...]


def rows(known: Mapping[str, Known], *, sick: bool) -> tuple[Row, ...]:
    """Return the rows of the table, who is worst off first."""
    ranked = sorted(known.items(), key=_rank)
    if sick:
        return tuple(
            (name, ill.name, _short(ill.since), ill.reason) for name, one in ranked for ill in one.ills
        )
    return tuple(
        (name, one.state, _health(one), _rate(one), one.model, _short(one.changed)) for name, one in ranked
    )


def sums(known: Mapping[str, Known], *, overflow: bool) -> str:
    """Return how many there are, in words, and what is wrong with most of those that are not well."""
    if not known:
        return "no devices: has any been connected to this broker, and is --prefix theirs?"
    online = sum(one.state == "online" for one in known.values())
    sick = sum(bool(one.ills) for one in known.values())
    names = Counter(ill.name for one in known.values() for ill in one.ills)
    ranked = sorted(names.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{name} {count}" for name, count in ranked[:_MOST_NAMED])
    rest = ", …" if len(names) > _MOST_NAMED else ""
    what = f" ({named}{rest})" if named else ""
    more = "; there are more devices than these" if overflow else ""
    devices = "1 device" if len(known) == 1 else f"{len(known)} devices"
    return f"{devices}, {online} online, {sick} not well{what}{more}"


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
            "since": one.changed or None,
            "last_word": one.last_word or None,
            "model": one.model or None,
            "rate_hz": one.rate_hz,
            "ok": False if one.ills else one.ok,
            "sick": [{**msgspec.to_builtins(ill), "since": ill.since or None} for ill in one.ills],
        }
        for name, one in sorted(known.items())
        if one.ills or not sick
    ]


def drawn(console: Console, summary: Text, table: Sequence[Row], *, sick: bool) -> RenderableType:
    """Return a picture of as many rows as fit; where it is narrow, who and how go before all else."""
    most = max(2, console.height - _LINES_AROUND)

    def height(count: int) -> int:
        return len(console.render_lines(_grid(table[:count], sick=sick))) - 1  # the heading

    count = max(1, bisect_right(range(1, min(len(table), most) + 1), most, key=height))
    left = len(table) - count
    return Group(
        summary, _grid(table[:count], sick=sick), Text(f"and {left} more" if left > 0 else "", "dim")
    )


def _grid(table: Sequence[Row], *, sick: bool) -> Table:
    grid = Table(box=None, pad_edge=False)
    for heading in _SICK_HEADINGS if sick else _HEADINGS:
        # columns that may wrap are made narrower first; their cells are cut instead, but for why
        grid.add_column(Text(heading, no_wrap=True), no_wrap=heading in _WHOLE)
    for row in table:
        *cells, last = map(_cell, row)
        last.no_wrap = not sick
        grid.add_row(*cells, last)
    return grid


def _cell(text: str) -> Text:
    return Text(text, style=_COLOURS.get(text, ""), no_wrap=True, overflow="ellipsis")


def _rank(item: tuple[str, Known]) -> tuple[bool, bool, int, str]:
    """Return by what devices are sorted: who is away, who is silent, who has most that is wrong."""
    name, known = item
    return known.state == "online", known.silent_s is None, -len(known.ills), name


def _short(instant: str) -> str:
    """Return it without the fractions of a second."""
    return instant.partition(".")[0].removesuffix("Z") + "Z" if instant else ""


def _rate(one: Known) -> str:
    return "" if one.rate_hz is None else f"{one.rate_hz:.4g}/s"


def _health(one: Known) -> str:
    """Return what is wrong with it, that it is away apart; empty where nobody knows."""
    wrong = [ill.name for ill in one.ills if ill.name != one.state]
    return " ".join(wrong) or ("ok" if one.ok and one.state == "online" else "")
