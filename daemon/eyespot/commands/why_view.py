"""Draws what a rule made of tracks: their ways over an empty frame, and a line of words for each."""

from collections.abc import Iterator
from datetime import datetime
from string import ascii_lowercase

import numpy as np
from rich.console import Console
from rich.text import Text

from eyespot.app import Explained, Explanation
from eyespot.domain.account import Account
from eyespot.domain.geometry import Reals
from eyespot.domain.instants import SECOND_NS
from eyespot.rules.line import LineSettings
from eyespot.rules.queue import QueueSettings

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")
_NARROWEST, _WIDEST, _TALLEST = 40, 100, 30
_CELL = 2.0  # how much taller than wide a character is

Cells = list[list[tuple[str, str]]]


def show(explanation: Explanation, console: Console) -> None:
    """Print it all."""
    console.print(_headline(explanation), highlight=False, soft_wrap=True)
    if explanation.accounts and console.width >= _NARROWEST:
        for row in draw(explanation, *_room(explanation, console)):
            console.print(row)
    for place, account in enumerate(explanation.accounts):
        for line in _words(explanation, place, account):
            console.print(line, highlight=False)


def draw(explanation: Explanation, width: int, height: int) -> list[Text]:
    """Return the frame as rows of text.

    Args:
        explanation: with ways, and the rule.
        width: characters of a row, with the sides.
        height: rows, with the edges.
    """
    cells: Cells = [[(" ", "")] * (width - 2) for _ in range(height - 2)]
    _place(cells, explanation.rule)
    for place, account in enumerate(explanation.accounts):
        letter, style = _sign(place)
        _trace(cells, account.points, letter, style)
    for place, account in enumerate(explanation.accounts):
        letter, style = _sign(place)
        _trace(cells, account.points[-1:], letter.upper(), f"bold {style}")
    rows = [[("│", "dim"), *row, ("│", "dim")] for row in cells]
    edge = "─" * (width - 2)
    whole = [[(f"┌{edge}┐", "dim")], *rows, [(f"└{edge}┘", "dim")]]
    return [Text.assemble(*row, no_wrap=True) for row in whole]


def _place(cells: Cells, rule: Explained) -> None:
    """Draw a line with its ends, or the sides of a polygon; those of a queue by which the served leave."""
    if isinstance(rule, LineSettings):
        line = np.array(rule.path)
        _trace(cells, line, "•", "bold")
        _trace(cells, line[:1], "a", "bold reverse")
        _trace(cells, line[-1:], "b", "bold reverse")
        return
    corners = np.array([*rule.points, rule.points[0]])
    _trace(cells, corners, "•", "bold")
    for side in rule.service if isinstance(rule, QueueSettings) else ():
        _trace(cells, corners[side - 1 : side + 1], "=", "bold")


def _trace(cells: Cells, points: Reals, letter: str, style: str) -> None:
    """Put a letter into each cell that a way goes through."""
    size = np.array([len(cells[0]), len(cells)])
    places = points * (size - 1)
    for start, end in zip(places, [*places[1:], places[-1]], strict=True):
        count = int(np.ceil(np.abs(end - start).max())) + 1
        for x, y in np.linspace(start, end, count).round().astype(int).clip(0, size - 1).tolist():
            cells[y][x] = (letter, style)


def _room(explanation: Explanation, console: Console) -> tuple[int, int]:
    """Return columns and rows for the frame, in its shape as far as there is room."""
    width, height = explanation.size
    columns = min(console.width, _WIDEST)
    rows = round((columns - 2) * height / width / _CELL) + 2
    most = min(_TALLEST, max(console.height - 4, 8)) if console.is_terminal else _TALLEST
    if rows > most:
        columns, rows = max(round((most - 2) * _CELL * width / height) + 2, 8), most
    return min(columns, console.width), rows


def _headline(explanation: Explanation) -> Text:
    counted = sum(account.counted for account in explanation.accounts)
    others = len(explanation.accounts) - counted
    what = f"{counted} counted, {others} not" if explanation.accounts else "nobody was there"
    near = f"{_hour(explanation, explanation.at_ns)}, {explanation.within_s:g} s before and after"
    return Text(f"{explanation.rule.id}, {near}: {what}", style="bold")


def _words(explanation: Explanation, place: int, account: Account) -> Iterator[Text]:
    letter, style = _sign(place)
    for remark in account.remarks:
        words = f" {_hour(explanation, remark.taken_ns)}  track {account.track}: "
        what = (remark.text, "bold" if remark.counted else "")
        yield Text.assemble((letter, f"bold {style}"), words, what, f" ({account.label})")


def _sign(place: int) -> tuple[str, str]:
    """Return letter and colour of a track."""
    letters = ascii_lowercase[2:]  # a and b are the ends of a line
    return letters[place % len(letters)], _COLOURS[place % len(_COLOURS)]


def _hour(explanation: Explanation, taken_ns: int) -> str:
    utc_ns = explanation.timeline.utc_ns(taken_ns)
    local = datetime.fromtimestamp(utc_ns // SECOND_NS, explanation.zone)
    return f"{local:%H:%M:%S}.{utc_ns % SECOND_NS // 100_000_000}"
