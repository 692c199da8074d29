"""Shows a desk on a terminal until somebody ends it; once where there is no terminal."""

import time
from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live

from eyespot.commands.keys import END, keys, unbuffered
from eyespot.commands.watch_desk import Desk
from eyespot.commands.watch_view import screen
from eyespot.domain.errors import BrokerError
from eyespot.supervisor.signals import next_wish

_STEP_S = 0.1
_SNAPSHOT_S = 3.0  # what the broker keeps comes at once, a frame soon after
_WIDTH, _HEIGHT = 100, 30
_INTERRUPTED = 130


def watch(desk: Desk, trouble: Callable[[], str], *, seconds: float | None, once: bool) -> int:
    """Show it; return the exit code.

    Args:
        desk: hears meanwhile.
        trouble: why nothing is heard; empty where all is well.
        seconds: after which it ends; None: when somebody ends it, or after three where it is shown once.
        once: listen for a while, show it, and end.

    Raises:
        BrokerError: it is to be shown once, and the broker does not answer.
    """
    console = Console()
    if once or not console.is_terminal or console.is_dumb_terminal:
        return _snapshot(desk, trouble, console, seconds or _SNAPSHOT_S)
    until = time.monotonic() + (seconds or float("inf"))

    def drawn() -> Group:
        devices, choice = desk.look(trouble())
        return Group(*screen(devices, choice, console.size, ascii_only=_is_ascii(console)))

    with unbuffered(), Live(get_renderable=drawn, console=console, screen=True, auto_refresh=False) as live:
        _take_keys(desk, live.refresh, until)
    return 0


def _take_keys(desk: Desk, refresh: Callable[[], None], until: float) -> None:
    typing = True
    while time.monotonic() < until and next_wish(0.0 if typing else _STEP_S) is None:
        for key in keys(_STEP_S) if typing else ():
            if key == "q":
                return
            typing = key != END  # a pipe may end, and whoever looks does not
            desk.press(key)
        refresh()


def _snapshot(desk: Desk, trouble: Callable[[], str], console: Console, seconds: float) -> int:
    if next_wish(seconds) is not None:
        return _INTERRUPTED
    if reason := trouble():
        raise BrokerError(f"cannot listen to the devices: {reason}")
    size = console.size if console.is_terminal else (_WIDTH, _HEIGHT)
    devices, choice = desk.look("")
    for row in screen(devices, choice, size, ascii_only=_is_ascii(console), keys=False):
        row.rstrip()
        row.end = ""
        console.print(row, soft_wrap=True)
    return 0


def _is_ascii(console: Console) -> bool:
    return not console.encoding.lower().startswith("utf")
