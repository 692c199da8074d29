"""The log of a service: nothing is said too often, nothing waits long for the journal, nothing raises."""

import logging
import math
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from eyespot.domain.errors import EyespotError, foreign
from eyespot.domain.notice import NOTICE, Fields, Notice, Told, names_in_journal
from eyespot.host.flood import Flood, Held
from eyespot.host.journal import Entry, Outlet, way_out

_IDENTIFIER = "eyespot"
# of syslog(3), by the levels from which on they hold
_PRIORITIES = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (NOTICE, 5),
    (logging.INFO, 6),
)
_DEBUG = 7
_AFTER_S = 0.05
_AFTER_LOSS_S = 60.0
_words = logging.Formatter()  # the message, and the traceback below it


class LogHandler(logging.Handler):
    """Makes entries of records. What comes over and over is held back and counted, see `Flood`.

    Args:
        outlet: the way out.
        now_s: a clock that never goes back.
    """

    def __init__(self, outlet: Outlet, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._outlet = outlet
        self._now_s = now_s
        self._flood: Flood[Entry] = Flood()
        self._about: dict[str, str] = {}
        self._lost = 0
        self._timer: threading.Timer | None = None
        self._comes_back_s = math.inf

    def about(self, fields: Fields) -> None:
        """Put these fields into every entry from now on."""
        self._about = names_in_journal(fields)

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record on its way; `Handler.handle` holds the lock."""
        entry = self._entry(record)
        self._tell(self._flood.due(self._now_s()))
        if self._flood.admits(_kind(record), entry, self._now_s()):
            self._send(entry)
        self._set_timer()

    def flush_held(self) -> None:
        """Say what was held back in windows that have ended, and how much was lost."""
        with self._locked():
            self._drop_timer()
            self._tell(self._flood.due(self._now_s()))
            self._tell_losses()
            self._set_timer()

    def close(self) -> None:
        """Say all that was held back; called when Python ends."""
        with self._locked():
            self._drop_timer()
            self._tell(self._flood.rest(self._now_s()))
            self._tell_losses()
        super().close()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def _entry(self, record: logging.LogRecord) -> Entry:
        try:
            with foreign(EyespotError, f"a line of {record.name} cannot be put into words"):
                return Entry(priority(record.levelno), _words.format(record), self._fields(record))
        except EyespotError as error:
            return Entry(priority(logging.ERROR), str(error), self._fields(record))

    def _fields(self, record: logging.LogRecord) -> dict[str, str]:
        told = _told(record)
        return {
            "SYSLOG_IDENTIFIER": _IDENTIFIER,
            "CODE_FILE": record.pathname,
            "CODE_LINE": str(record.lineno),
            "CODE_FUNC": record.funcName or "",
            "LOGGER": record.name,
            "THREAD_NAME": record.threadName or "",
            **self._about,
            **({"MESSAGE_ID": told.notice.value, **names_in_journal(told.fields)} if told else {}),
        }

    def _tell(self, held: Iterable[Held[Entry]]) -> None:
        for one in held:
            said = f"held back {one.count} like this within {one.within_s:.0f} s; the newest: "
            fields = {**one.newest.fields, "EYESPOT_COUNT": str(one.count)}
            self._send(replace(one.newest, text=said + one.newest.text, fields=fields))

    def _send(self, entry: Entry) -> None:
        self._tell_losses()
        if self._lost or not self._outlet.send(entry):
            self._lost += 1

    def _tell_losses(self) -> None:
        if not self._lost:
            return
        words = f"the journal took nothing for a while; lines lost: {self._lost}"
        fields = names_in_journal({"count": self._lost})
        known = {"SYSLOG_IDENTIFIER": _IDENTIFIER, "MESSAGE_ID": Notice.LINES_LOST.value, **self._about}
        if self._outlet.send(Entry(priority(logging.WARNING), words, {**known, **fields})):
            self._lost = 0

    def _set_timer(self) -> None:
        """Come back when a window ends in which something was held back, and a while after a loss."""
        due_s = min(self._flood.due_s(), self._now_s() + _AFTER_LOSS_S if self._lost else math.inf)
        if due_s >= self._comes_back_s:
            return
        self._drop_timer()
        timer = threading.Timer(max(0.0, due_s - self._now_s()) + _AFTER_S, self.flush_held)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # no more threads: the next line, or the end, will tell it
            return
        self._timer, self._comes_back_s = timer, due_s

    def _drop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._comes_back_s = None, math.inf


def set_up() -> LogHandler:
    """Send what is logged from `NOTICE` on to the journal where stderr does, else to stderr."""
    logging.addLevelName(NOTICE, "NOTICE")
    handler = LogHandler(way_out())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(NOTICE)
    return handler


def priority(level: int) -> int:
    """Return the priority of syslog(3) for a level of Python's."""
    return next((number for floor, number in _PRIORITIES if level >= floor), _DEBUG)


def _kind(record: logging.LogRecord) -> Hashable:
    """Return what counts as the same: all about one state, else what is made of the same words."""
    told = _told(record)
    if told and "state" in told.fields:
        return told.fields["state"]
    return record.name, record.msg if isinstance(record.msg, str) else type(record.msg)


def _told(record: logging.LogRecord) -> Told | None:
    told = getattr(record, "eyespot", None)
    return told if isinstance(told, Told) else None
