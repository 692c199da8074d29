"""The newest lines of the log, kept in memory for whoever asks from afar."""

import logging
from collections import deque
from dataclasses import dataclass

from eyespot.domain.errors import EyespotError, foreign, one_line
from eyespot.domain.instants import SECOND_NS

MOST = 200
LONGEST = 4_096  # more than is told of it: secrets are taken out before it is cut to that


@dataclass(frozen=True, slots=True)
class Kept:
    """A line of the log.

    Attributes:
        utc_ns: when it was written, by the clock of then.
        level: of Python's logging.
        source: the logger's name.
        text: one line, cut to `LONGEST` characters; of an error its kind and what it says, too.
    """

    utc_ns: int
    level: int
    source: str
    text: str


class LogRing(logging.Handler):
    """Keeps the newest lines; the older ones give way.

    Args:
        most: how many.
    """

    def __init__(self, most: int = MOST) -> None:
        super().__init__()
        self._lines: deque[Kept] = deque(maxlen=most)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        utc_ns = round(record.created * SECOND_NS)
        self._lines.append(Kept(utc_ns, record.levelno, record.name, _text(record)))

    @property
    def lines(self) -> tuple[Kept, ...]:
        """All that are kept, oldest first; from any thread."""
        self.acquire()
        try:
            return tuple(self._lines)
        finally:
            self.release()


def _text(record: logging.LogRecord) -> str:
    try:
        with foreign(EyespotError, f"a line of {record.name} cannot be put into words"):
            said = record.getMessage()
    except EyespotError as error:
        return one_line(error)
    raised = record.exc_info and record.exc_info[1]
    if raised:
        said = f"{said}: {type(raised).__name__}: {raised}"
    return one_line(ValueError(said), LONGEST)
