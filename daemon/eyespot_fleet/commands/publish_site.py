"""`eyespot-fleet publish site NAME`: keys of its own for a cohort."""

import argparse
import json

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.options import cohort
from eyespot_fleet.commands.repository_options import add_keys, working
from eyespot_fleet.commands.repository_view import as_object
from eyespot_fleet.publishing.founding import add_site

_TEXT = """\
Gives a cohort keys of its own: they alone say what its devices run, out of its own bundles and those for all;
neither the key of another site nor that of desired does.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("site", help="keys of its own for a cohort", description=_TEXT)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "site", type=cohort, metavar="NAME", help="that of the cohort, as its devices are configured"
    )
    add_keys(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    with working(arguments) as repository:
        add_site(repository, arguments.site)
        repository.announce()
        if arguments.json:
            print(json.dumps(as_object(repository)))
        else:
            print(f"{arguments.site}: has its own keys; devices with this cohort listen to them alone")
    return 0
