"""`eyespot-fleet publish show`: who signs until when, and what is released."""

import argparse
import json

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.repository_options import add_keys, working
from eyespot_fleet.commands.repository_view import as_object, as_text

_TEXT = "Shows who signs until when, which bundles there are, and what is released. Opens no key."


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("show", help="who signs until when, and what is released", description=_TEXT)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_keys(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    with working(arguments) as repository:
        print(json.dumps(as_object(repository)) if arguments.json else as_text(repository))
    return 0
