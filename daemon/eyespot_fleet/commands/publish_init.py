"""`eyespot-fleet publish init`: a new repository, with its keys."""

import argparse
import json
from datetime import UTC, datetime

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.options import days
from eyespot_fleet.commands.repository_options import add_keys, keys
from eyespot_fleet.commands.repository_view import as_object, as_text
from eyespot_fleet.publishing.founding import DAYS, OFFLINE_DAYS, Terms, found
from eyespot_fleet.publishing.repository import opened

_TEXT = """\
Makes a repository and new keys for each role. Of the three keys of root any two can replace every other key:
keep them apart, on media that lie in drawers, and the key of targets on another one. The keys in online/ sign
unattended; keep them where `publish refresh` runs. Devices begin with metadata/1.root.json.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("init", help="a new repository, with its keys", description=_TEXT)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--days",
        type=days,
        default=DAYS,
        metavar="N",
        help="what the online keys sign holds so long (default: %(default)s)",
    )
    parser.add_argument(
        "--offline-days",
        type=days,
        default=OFFLINE_DAYS,
        metavar="N",
        help="what the others sign holds so long (default: %(default)s)",
    )
    add_keys(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    terms, now = Terms(arguments.days, arguments.offline_days), datetime.now(UTC)
    found(arguments.repository, keys(arguments), now, terms)
    with opened(arguments.repository, keys(arguments), now) as repository:
        if arguments.json:
            print(json.dumps(as_object(repository)))
            return 0
        print(f"{arguments.repository}: a new repository\n{as_text(repository)}")
    print("Take offline/ of the keys away from this machine, each key of root onto a medium of its own.")
    return 0
