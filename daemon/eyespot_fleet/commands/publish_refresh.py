"""`eyespot-fleet publish refresh`: signs anew what ends soon."""

import argparse
import json

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.repository_options import add_keys, warn, working
from eyespot_fleet.commands.repository_view import as_object
from eyespot_fleet.publishing.renewing import refresh
from eyespot_fleet.publishing.repository import WARN_DAYS

_TEXT = f"""\
Signs anew what has less than half of its time left, and announces what was signed elsewhere. To be run by a
timer where the online keys are; what it cannot sign is left as it is. Ends with 1 when anything ends in less
than {WARN_DAYS} days all the same.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("refresh", help="sign anew what ends soon", description=_TEXT)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_keys(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    with working(arguments) as repository:
        warn(refresh(repository))
        ends = min(one.expires for one in repository.standings())
        if arguments.json:
            print(json.dumps(as_object(repository)))
        else:
            print(f"{arguments.repository}: signed; the first of it ends on {ends:%Y-%m-%d}")
        return int(any(one.ends_soon(repository.now) for one in repository.standings()))
