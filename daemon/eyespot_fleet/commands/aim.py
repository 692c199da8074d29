"""`eyespot-fleet aim DEVICE --broker URL`: have a device keep where people go, for some time."""

import argparse

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.at_broker import add_broker, mqtt_settings
from eyespot_fleet.commands.trajectories import add_device
from eyespot_fleet.fetching.asking import Asking
from eyespot_fleet.fetching.trajectories import aim
from eyespot_fleet.listening import listening

_MOST_MINUTES = 1440
_TEXT = """\
Has a device keep where people go for some time, so that lines can be tried on it; no image, and nothing that
tells who somebody is. It ends by itself, after a restart or a power cut, too; its retained topic trajectories
says so meanwhile. What was kept goes after [trajectories] hours, 24 unless its file says otherwise.
`eyespot-fleet trajectories` fetches it. It needs the rights of an operator.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("aim", help="have a device keep where people go", description=_TEXT)
    add_device(parser)
    parser.add_argument(
        "--minutes",
        type=_minutes,
        default=60,
        metavar="N",
        help=f"for how long, at most {_MOST_MINUTES}; 0 ends it (default: %(default)s)",
    )
    add_broker(parser)
    parser.set_defaults(command=_run, parser=parser)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.broker is None:
        arguments.parser.error("--broker says where the device is heard")
    settings = mqtt_settings(arguments)
    asking = Asking(settings.prefix, arguments.device)
    with listening(settings, asking):
        print(f"{arguments.device}: {aim(asking, arguments.minutes)}")
    return 0


def _minutes(text: str) -> int:
    if text.isdecimal() and int(text) <= _MOST_MINUTES:
        return int(text)
    raise argparse.ArgumentTypeError(f"want minutes up to {_MOST_MINUTES}, got {text!r}")
