"""What commands that work on a repository have in common."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from eyespot_fleet.commands.passphrases import ONLINE_VARIABLE, VARIABLE, Given
from eyespot_fleet.publishing.keys import KeyFiles
from eyespot_fleet.publishing.renewing import warnings
from eyespot_fleet.publishing.repository import Repository, opened


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add where the repository is."""
    parser.add_argument(
        "--repository",
        type=Path,
        default=Path("repository"),
        metavar="DIR",
        help="where it is (default: %(default)s)",
    )


def add_keys(parser: argparse.ArgumentParser) -> None:
    """Add where the repository and its keys are, and what opens them."""
    add_folder(parser)
    group = parser.add_argument_group("keys")
    group.add_argument(
        "--keys",
        type=Path,
        action="append",
        metavar="DIR",
        help="where keys are, in it or in its offline/ and online/; can be given again, as for a stick "
        "(default: keys)",
    )
    group.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help=f"its first line opens the keys, and encrypts new ones; else ${VARIABLE}, else it is asked for",
    )
    group.add_argument(
        "--online-passphrase-file",
        type=Path,
        metavar="FILE",
        help=f"the same for the keys that sign unattended, where it is another; else ${ONLINE_VARIABLE}",
    )
    parser.add_argument("--json", action="store_true", help="what was done as one JSON object, for programs")


def keys(arguments: argparse.Namespace) -> KeyFiles:
    """Return the keys that the arguments name."""
    return KeyFiles(arguments.keys or [Path("keys")], Given(arguments))


@contextmanager
def working(arguments: argparse.Namespace) -> Iterator[Repository]:
    """Give the repository that the arguments name; say at the end what is to be seen to.

    Raises:
        InputError: there is none, it is damaged, or a passphrase cannot be read.
        StorageError: somebody else writes to it.
    """
    with opened(arguments.repository, keys(arguments), datetime.now(UTC)) as repository:
        yield repository
        warn(warnings(repository))


def warn(lines: list[str]) -> None:
    """Say what is to be seen to."""
    for line in lines:
        print(f"warning: {line}", file=sys.stderr)
