"""A progress bar on a terminal, once it takes long."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

_LONG_S = 2.0


class Bar:
    """Shows how many of how many are done: on a terminal only, and only what takes longer than two seconds.

    Args:
        doing: in a word.
        console: where to.
        clock: in s.
    """

    def __init__(self, doing: str, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        columns = TextColumn(doing), BarColumn(), MofNCompleteColumn()
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(doing)
        self._shown = False
        self._is_terminal = console.is_terminal
        self._clock = clock
        self._begun = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._progress.stop()

    def tell(self, done: int, total: int) -> None:
        """Move on."""
        if self._is_terminal and not self._shown and self._clock() - self._begun > _LONG_S:
            self._shown = True
            self._progress.start()
        if self._shown:
            self._progress.update(self._task, completed=done, total=total)
