"""What the demo shows: boxes on an empty frame, counts, topics. Never an image: it has none."""

import threading
from collections.abc import Iterator
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from eyespot.commands.demo_received import Received
from eyespot.domain.message import Heard
from eyespot.topics.payloads import Frame

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")
_REFRESH_HZ = 8
_ROWS = 20


class PlainView:
    """One line for each message, for pipes and logs."""

    def __init__(self, console: Console) -> None:
        self.received = Received()
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def announce(self, text: str) -> None:
        """Say one line."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def show(self, heard: Heard) -> None:
        """Take a message; frames are counted, not printed."""
        suffix = self.received.hear(heard)
        if suffix != "frame":
            self.announce(f"{suffix} {heard.payload.decode()}")


class LiveView:
    """A screen that is drawn anew several times a second."""

    def __init__(self, console: Console) -> None:
        self.received = Received()
        self._lock = threading.Lock()
        self._said: list[str] = []
        self._live = Live(
            get_renderable=self._draw, console=console, screen=True, refresh_per_second=_REFRESH_HZ
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def announce(self, text: str) -> None:
        """Say one line, at the bottom."""
        with self._lock:
            self._said.append(text)

    def show(self, heard: Heard) -> None:
        """Take a message in; the next refresh shows it."""
        with self._lock:
            self.received.hear(heard)

    def _draw(self) -> RenderableType:
        with self._lock:
            layout = Layout()
            layout.split_column(
                Layout(Panel(_Scene(self.received), title="eyespot demo"), name="scene", ratio=3),
                Layout(name="below", ratio=2),
                Layout(Text("\n".join(self._said), overflow="fold"), size=2 * len(self._said)),
            )
            layout["below"].split_row(
                Layout(Panel(_counts(self.received), title="counts"), ratio=1),
                Layout(Panel(_topics(self.received), title="published over MQTT"), ratio=2),
            )
            return layout


def _counts(received: Received) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    for heading in ("rule", "class", "in", "out"):
        table.add_column(heading, justify="right" if heading in {"in", "out"} else "left")
    for rule, label, into, out in received.counts():
        table.add_row(rule, label, str(into), str(out))
    troubles = received.health.states if received.health else ()
    names = ", ".join(trouble.name for trouble in troubles)
    looked_at = f"\n{received.heard['frame']} frames looked at"
    return Group(table, Text(looked_at), Text(names, style="red"))


def _topics(received: Received) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for topic, payload in received.latest:
        table.add_row(Text(topic, style="bold"), Text(payload, no_wrap=True, overflow="ellipsis"))
    return table


class _Scene:
    """Draws the tracks of the newest frame as boxes of characters, as large as there is room."""

    def __init__(self, received: Received) -> None:
        self._received = received

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from draw_boxes(self._received.frame, options.max_width, options.height or _ROWS)


def _objects(frame: Frame | None) -> Iterator[tuple[int, str, list[float]]]:
    """Yield the track, the class and the box, in fractions, of all that a frame has; of any frame."""
    if frame is None:
        return
    for track, index, box in zip(frame.tracks, frame.classes, frame.boxes, strict=False):
        yield track, frame.labels[index] if index < len(frame.labels) else "", [side / 1000 for side in box]


def draw_boxes(frame: Frame | None, width: int, height: int) -> list[Text]:
    """Return rows of text with the outlines of the boxes of a frame, and the demo's line down the middle.

    Args:
        frame: None draws nothing.
        width: characters of a row.
        height: rows.
    """
    cells = [[(" ", "")] * width for _ in range(height)]
    for row in cells:
        row[width // 2] = ("┊", "dim")
    for track, label, (x0, y0, x1, y1) in _objects(frame):
        left, right = int(x0 * (width - 1)), int(x1 * (width - 1))
        top, bottom = int(y0 * (height - 1)), int(y1 * (height - 1))
        colour = _COLOURS[track % len(_COLOURS)]
        for x in range(left, right + 1):
            cells[top][x] = cells[bottom][x] = ("─", colour)
        for y in range(top, bottom + 1):
            cells[y][left] = cells[y][right] = ("│", colour)
        for corner, x, y in (("┌", left, top), ("┐", right, top), ("└", left, bottom), ("┘", right, bottom)):
            cells[y][x] = (corner, colour)
        for offset, letter in enumerate(f"{label} {track}"[: max(0, right - left - 1)]):
            cells[top][left + 1 + offset] = (letter, f"bold {colour}")
    return [Text.assemble(*row, no_wrap=True, end="\n") for row in cells]
