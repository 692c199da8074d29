"""`eyespot-fleet release BUNDLE --cohort C --percent P`: what the devices of a cohort shall run."""

import argparse
import json

import msgspec

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.release_options import add_change, change_of, percent
from eyespot_fleet.commands.repository_options import add_keys, working
from eyespot_fleet.commands.repository_view import in_words
from eyespot_fleet.publishing.releasing import desired, release

_TEXT = """\
Tells a part of a cohort to run a bundle. As the percentage widens, whoever was in stays in; 0 halts the
rollout: nobody else begins, whoever has the model keeps it. Which devices come first is drawn by lot, anew
for each rollout. Without BUNDLE the rollout that is under way goes on with another percentage.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("release", help="tell a cohort what to run", description=_TEXT)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--percent", type=percent, required=True, metavar="P", help="of its devices, 0 to 100"
    )
    add_change(parser)
    add_keys(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    change = change_of(arguments, arguments.percent)
    with working(arguments) as repository:
        is_first = desired(repository, arguments.cohort) is None
        released = release(repository, arguments.cohort, change)
        announced = repository.announce()
        if arguments.json:
            print(json.dumps({**msgspec.to_builtins(released), "announced": announced}))
        else:
            print(f"{in_words(released)}{': a new cohort' if is_first else ''}")
    return 0
