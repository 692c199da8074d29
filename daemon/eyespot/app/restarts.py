"""`eyespot run` unattended: it counts its crashes in a row, and waits before the next try."""

import logging
import math
import os
import random
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from eyespot.app.word import NextWish, last_word, word
from eyespot.broker.errand import Errand
from eyespot.domain.instants import SECOND_NS, rfc3339
from eyespot.host.last_run import take_last_run
from eyespot.ports import Clock, HealthBoard
from eyespot.store.crash_count import CrashCount, Crashes
from eyespot.supervisor.comeback import Comeback, in_words, wait_s
from eyespot.supervisor.signals import Wish
from eyespot.supervisor.supervisor import ServiceManager

_log = logging.getLogger(__name__)

WAIT_MAX = "EYESPOT_RESTART_WAIT_MAX_S"  # set by the unit
_USUAL_S, _MOST_S = 900.0, 86_400.0
_TURN_S = 1.0
_TELL_AGAIN_S = 30.0


class Restarts:
    """What an unattended daemon does before its first life, and when something ended it.

    Without the variable in the environment it is somebody's who looks on: then it does nothing.

    Args:
        config: the configuration's file; when it changes, waiting is over.
        clock: for the waits.
        manager: is told why nothing happens, and until when.
        next_wish: waits for a signal.
        environ: of the process.
        jitter: gives a number in 0..1.
    """

    def __init__(
        self,
        config: Path,
        clock: Clock,
        manager: ServiceManager,
        next_wish: NextWish,
        *,
        environ: Mapping[str, str] = os.environ,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._config = config
        self._clock = clock
        self._manager = manager
        self._next_wish = next_wish
        self._jitter = jitter
        self._most_s = _most_s(environ)
        named = (environ.get(name) for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY"))
        self._folders = [Path(folder.partition(":")[0]) for folder in named if folder]
        self._kept = CrashCount(self._folders)
        self._comeback = Comeback("", self._forget, clock)

    def wait(self) -> bool:
        """Wait, if the last run crashed; return whether to go on, False when somebody stops it."""
        if self._most_s is None:
            return True
        crashes, has_crashed = self._count()
        said = in_words(crashes.count, crashes.last)
        goes_on = not has_crashed or self._wait(said, wait_s(crashes.count, self._most_s, self._jitter()))
        if crashes.count:
            self._comeback = Comeback(said, self._forget, self._clock)
        return goes_on

    @property
    def unattended(self) -> bool:
        """Whether somebody starts the process again when it ends."""
        return self._most_s is not None

    def tick(self, health: HealthBoard) -> None:
        """Note that all is well, and say for a while what was before; call it as often as you like."""
        self._comeback.tick(health)

    def last_word(self) -> AbstractContextManager[None]:
        """Return a context of which an error that leaves it is told to the broker."""
        if self._most_s is None:
            return nullcontext()
        return last_word(self._config, self._clock, self._next_wish)

    def _count(self) -> tuple[Crashes, bool]:
        """Return the crashes in a row, and whether the newest has just been."""
        crashes = self._kept.read()
        last = take_last_run(self._folders[-1]) if self._folders else None
        if last is None or not last.crashed:
            return crashes, False
        crashes = Crashes(crashes.count + 1, last.words)
        self._kept.keep(crashes)
        return crashes, True

    def _wait(self, said: str, seconds: float) -> bool:
        now_ns, changed = self._clock.now_ns(), _looks(self._config)
        until_ns = now_ns + round(seconds * SECOND_NS)
        next_try = rfc3339(self._clock.timeline().utc_ns(until_ns))[:-5]
        line = f"{said}; next try at {next_try}Z"
        _log.warning("%s", line)
        if not seconds:
            return True
        tells = _Telling(word(self._config, "crash_loop", line, self._clock))
        try:
            while self._clock.now_ns() < until_ns:
                self._manager.starting(line)
                self._manager.watchdog()
                tells.go_on(self._clock.now_ns())
                left_s = (until_ns - self._clock.now_ns()) / SECOND_NS
                wish = self._next_wish(min(max(left_s, 0.0), _TURN_S))
                if wish is Wish.STOP:
                    return False
                if wish is Wish.RELOAD or _looks(self._config) != changed:
                    break
        finally:
            tells.end()
        return True

    def _forget(self) -> None:
        self._kept.keep(Crashes())


class _Telling:
    """Tells the broker once, trying again while it cannot be reached."""

    def __init__(self, errand: Errand | None) -> None:
        self._errand = errand
        self._next_ns = 0

    def go_on(self, now_ns: int) -> None:
        if self._errand is None or self._errand.done or self._errand.under_way or now_ns < self._next_ns:
            return
        self._next_ns = now_ns + round(_TELL_AGAIN_S * SECOND_NS)
        self._errand.start()

    def end(self) -> None:
        if self._errand is not None:
            self._errand.end()


def _looks(config: Path) -> tuple[int, ...] | None:
    """Return what changes when a file is written or replaced."""
    try:
        found = config.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _most_s(environ: Mapping[str, str]) -> float | None:
    text = environ.get(WAIT_MAX)
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if 0 <= seconds <= _MOST_S:
        return seconds
    _log.warning("%s=%s: want 0 to %.0f; waiting up to %.0f s", WAIT_MAX, text, _MOST_S, _USUAL_S)
    return _USUAL_S
