"""A rollout on a terminal: drawn anew about once a second, the devices that matter most on top."""

from collections.abc import Sequence
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from eyespot_fleet.commands.rollout_lines import headline, sums, where, why_failed
from eyespot_fleet.rollout.deciding import Device
from eyespot_fleet.rollout.running import Progress, Step

_ORDER = {"failed": 0, "trial": 1, "moves": 2, "waits": 3, "away": 4, "done": 5, "later": 6}
_COLOURS = {"failed": "red", "done": "green", "trial": "yellow", "moves": "cyan"}
_LINES_AROUND = 8
_FEWEST_ROWS = 3


class LiveView:
    """Draws how it stands; steps stay above it as lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def step(self, step: Step, progress: Progress, failed: Sequence[Device] = ()) -> None:
        """Tell that it has come further."""
        for line in (headline(step, progress), *why_failed(failed)):
            self._live.console.print(line, highlight=False, markup=False, soft_wrap=True)
        self.show(progress)

    def show(self, progress: Progress) -> None:
        """Draw it."""
        rows = max(_FEWEST_ROWS, self._console.height - _LINES_AROUND)
        self._live.update(drawn(progress, rows), refresh=True)


def drawn(progress: Progress, rows: int) -> RenderableType:
    """Return a picture of it, with so many devices at most."""
    desired = progress.desired
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        Text(f"{desired.percent:g} %"), ProgressBar(100, desired.percent, width=40), Text(sums(progress))
    )
    trouble = Text(progress.trouble, style="red")
    table = Table(box=None, pad_edge=False)
    for heading in ("device", "stands", ""):
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    ranked = sorted(progress.devices, key=lambda one: (_ORDER[where(one, desired)], one.bucket))
    for device in ranked[:rows]:
        stands = where(device, desired)
        words = device.standing.words if stands not in {"later", "away"} else ""
        table.add_row(Text(device.id), Text(stands, style=_COLOURS.get(stands, "")), Text(words))
    more = Text(f"and {len(ranked) - rows} more", style="dim") if len(ranked) > rows else Text()
    return Group(bar, Text(progress.why), trouble, table, more)
