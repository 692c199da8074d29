"""`eyespot-fleet publish add BUNDLE`: a packed bundle into the repository."""

import argparse
import json
from pathlib import Path

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.repository_options import add_keys, working
from eyespot_fleet.publishing.releasing import add_bundle

_TEXT = """\
Checks a packed bundle as a device does, and adds it. Nobody runs it before it is released to a cohort.
Where the online keys are not at hand, `publish refresh` lets it be seen where they are.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("add", help="a packed bundle into the repository", description=_TEXT)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="made by `publish pack`, .tar.zst")
    parser.add_argument("--site", metavar="NAME", help="for this site alone, signed by its key")
    add_keys(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    with working(arguments) as repository:
        added = add_bundle(repository, arguments.bundle, arguments.site)
        announced = repository.announce()
        if arguments.json:
            told = {"bundle": added.contents.bundle, "target": added.target, "announced": announced}
            print(json.dumps(told))
        else:
            print(f"{added.target}: {'there already' if added.kept else 'added'}")
    return 0
