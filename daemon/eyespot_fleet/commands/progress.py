"""A progress bar on a terminal, once it takes long."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

_LONG_S = 2.0


class Bar:
    """Shows how many of how many are done, from two seconds on, on a terminal's stderr only."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._begun = time.monotonic()
        console = Console(stderr=True)
        self._silent = not console.is_terminal
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(doing)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def tell(self, done: int, total: int) -> None:
        """Move on."""
        if self._silent or time.monotonic() - self._begun < _LONG_S:
            return
        self._progress.start()
        self._progress.update(self._task, completed=done, total=total)
