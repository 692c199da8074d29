"""`eyespot-fleet trajectories DEVICE --broker URL`: where people went, as far as the device has kept it."""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console

from eyespot.app.watched import DEVICE
from eyespot.commands.options import Subparsers
from eyespot.domain.errors import StorageError
from eyespot.topics.trajectories import Piece
from eyespot_fleet.commands.at_broker import add_broker, mqtt_settings
from eyespot_fleet.commands.progress import Bar
from eyespot_fleet.fetching.asking import Asking
from eyespot_fleet.fetching.trajectories import pieces, write
from eyespot_fleet.listening import listening

_HOUR_MS = 3_600_000
_MOST_HOURS = 168.0
_TEXT = """\
Fetches where people went into a file, as far as the device has kept it: after eyespot-fleet aim, or where its
file says [trajectories] keep = true. `eyespot replay --config other.toml FILE` runs rules over it, and
`eyespot check --recording FILE` tells where lines lie badly. It needs the rights of an operator. Ends with 1
where nothing was kept.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("trajectories", help="where people went, into a file", description=_TEXT)
    add_device(parser)
    parser.add_argument(
        "--hours", type=_hours, default=24.0, metavar="H", help="the last H hours (default: %(default)g)"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="a new file")
    add_broker(parser)
    parser.set_defaults(command=_run, parser=parser)


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add which device."""
    parser.add_argument("device", type=_device, metavar="DEVICE", help="its id")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.broker is None:
        arguments.parser.error("--broker says where the device is heard")
    out: Path = arguments.out
    if out.exists():
        raise StorageError(f"{out} is there already; name another file, or remove it")
    settings = mqtt_settings(arguments)
    asking = Asking(settings.prefix, arguments.device)
    until_ms = time.time_ns() // 1_000_000
    since_ms = until_ms - round(arguments.hours * _HOUR_MS)
    with listening(settings, asking):
        told = asking.info()
        # a device may be ahead of us: what it has kept lately is wanted, too
        kept = _shown(pieces(asking, since_ms, until_ms + _HOUR_MS), since_ms, until_ms)
        count = write(out, told, kept)
    if not count:
        print(
            f"{arguments.device} has kept nothing of that time; eyespot-fleet aim has it begin",
            file=sys.stderr,
        )
        return 1
    print(f"{out}: {count} pieces, {out.stat().st_size / 1000:.1f} kB")
    return 0


def _shown(kept: Iterable[Piece], since_ms: int, until_ms: int) -> Iterator[Piece]:
    """Yield pieces; the bar has minutes."""
    with Bar("fetching", Console(stderr=True)) as bar:
        for piece in kept:
            bar.tell(*((ms - since_ms) // 60_000 for ms in (min(piece.begun, until_ms), until_ms)))
            yield piece


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= _MOST_HOURS:
        raise argparse.ArgumentTypeError(f"want a number up to {_MOST_HOURS:g}, got {text!r}")
    return hours


def _device(text: str) -> str:
    if DEVICE.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(f"want the id of a device: a-z, 0-9 and -, got {text!r}")
