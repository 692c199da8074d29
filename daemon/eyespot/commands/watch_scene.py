"""Draws a scene into the cells of a terminal: dots of Braille, or plain ASCII where there is no UTF-8."""

from collections.abc import Iterable
from itertools import pairwise

from rich.text import Text

from eyespot.app.watched_device import Place, Point, Seen

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")
_BRAILLE = 0x2800
_DOTS = (
    (0x01, 0x08),
    (0x02, 0x10),
    (0x04, 0x20),
    (0x40, 0x80),
)  # by row and column; Unicode, Braille Patterns
_PLACE = "bold white"


class Canvas:
    """Cells of 2 x 4 dots each in UTF-8, of one otherwise.

    Args:
        width: cells of a row, 1 or more.
        height: rows, 1 or more.
        ascii_only: the terminal has nothing else.
    """

    def __init__(self, width: int, height: int, *, ascii_only: bool) -> None:
        self._across, self._down = (1, 1) if ascii_only else (2, 4)
        self._ascii = ascii_only
        self._dots = [[0] * width for _ in range(height)]
        self._cells = [[(" ", "")] * width for _ in range(height)]
        self._width, self._height = width, height

    def path(self, points: Iterable[Point], style: str, sign: str) -> None:
        """Draw from point to point, in fractions; a single one is a dot.

        Args:
            points: x to the right, y down.
            style: of rich.
            sign: what stands for a dot in ASCII.
        """
        dots = [self._dot(*one) for one in points]
        for (x0, y0), (x1, y1) in pairwise([*dots, *dots[-1:]]):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for step in range(steps + 1):
                self._set(
                    x0 + round((x1 - x0) * step / steps), y0 + round((y1 - y0) * step / steps), style, sign
                )

    def write(self, at: Point, text: str, style: str) -> None:
        """Write over what is there, of one-cell characters, from a point on as far as there is room."""
        x, y = self._dot(*at)
        column, row = x // self._across, y // self._down
        for place, letter in enumerate(text, min(column, max(0, self._width - len(text)))):
            if place < self._width:
                self._cells[row][place] = (letter, style)
                self._dots[row][place] = 0

    def rows(self) -> list[Text]:
        """Return the rows, each as wide as the canvas."""
        return [Text.assemble(*row, no_wrap=True, end="") for row in self._cells]

    def _dot(self, x: float, y: float) -> tuple[int, int]:
        return round(x * (self._width * self._across - 1)), round(y * (self._height * self._down - 1))

    def _set(self, x: int, y: int, style: str, sign: str) -> None:
        column, row = x // self._across, y // self._down
        self._dots[row][column] |= _DOTS[y % self._down][x % self._across]
        letter = sign if self._ascii else chr(_BRAILLE | self._dots[row][column])
        self._cells[row][column] = (letter, style)


def draw(
    places: Iterable[Place], seen: Iterable[Seen], size: tuple[int, int], *, ascii_only: bool
) -> list[Text]:
    """Return the rows of a scene: trails, where rules look, and boxes, one over the other.

    Args:
        places: of the rules.
        seen: the tracks.
        size: cells of a row, and rows; each 1 or more.
        ascii_only: the terminal has nothing else.
    """
    canvas = Canvas(*size, ascii_only=ascii_only)
    tracks = list(seen)
    for one in tracks:
        canvas.path(one.trail, _colour(one), ".")
    for place in places:
        canvas.path(place.points, _PLACE, "*")
    for one in tracks:
        x0, y0, x1, y1 = one.box
        canvas.path([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], _colour(one), "#")
    for place in places:
        _name(canvas, place)
    for one in tracks:
        canvas.write(one.box[:2], _title(one, size[0]), f"bold {_colour(one)}")
    return canvas.rows()


def _name(canvas: Canvas, place: Place) -> None:
    """Write the rule's id where it begins; of a line its ends, as the configuration names them."""
    canvas.write(place.points[0], place.rule if place.rule.isascii() else "?", _PLACE)
    if place.kind == "line":
        canvas.write(place.points[-1], "b", _PLACE)


def _title(one: Seen, width: int) -> str:
    """Return the track's number, with its class where the box is wide enough."""
    number = str(one.track % 1_000_000)
    whole = f"{one.label} {number}"
    room = (one.box[2] - one.box[0]) * width
    return whole if one.label and whole.isascii() and len(whole) < room else number


def _colour(one: Seen) -> str:
    return _COLOURS[one.track % len(_COLOURS)]
