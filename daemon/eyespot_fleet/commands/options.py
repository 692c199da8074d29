"""What commands that sign certificates have in common."""

import argparse
from pathlib import Path
from typing import Final

import msgspec

from eyespot.trust.desired import CohortName
from eyespot_fleet.commands.passphrases import ask, ask_new, first_line

DAYS: Final = 3650
CA_DAYS: Final = 7300
_MOST_DAYS = 36_500
_ADVICE = "the authority's key wants a passphrase: --passphrase-file FILE, or run it on a terminal"


def add_signing(parser: argparse.ArgumentParser) -> None:
    """Add for how long certificates are valid, and how the authority's key is kept."""
    group = parser.add_argument_group("own authority")
    group.add_argument(
        "--days",
        type=days,
        default=DAYS,
        metavar="N",
        help="certificates are valid so long (default: %(default)s)",
    )
    group.add_argument(
        "--ca-days",
        type=days,
        default=CA_DAYS,
        metavar="N",
        help="so long a new authority (default: %(default)s)",
    )
    passphrase = group.add_mutually_exclusive_group()
    passphrase.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="its first line opens the authority's key, and encrypts a new one",
    )
    passphrase.add_argument(
        "--ask-passphrase", action="store_true", help="ask for it, also to encrypt the key of a new authority"
    )


class Asked:
    """Gives the passphrase of the authority's key, from where the arguments say."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._file: Path | None = arguments.passphrase_file
        self._ask: bool = arguments.ask_passphrase

    def chosen(self) -> bytes | None:
        """Return that of a new key."""
        if self._file:
            return first_line(self._file)
        return ask_new("the new authority's key", _ADVICE) if self._ask else None

    def known(self) -> bytes:
        """Return that of a key which has one."""
        return first_line(self._file) if self._file else ask("passphrase of the authority's key: ", _ADVICE)


def cohort(text: str) -> str:
    """Return what an argument says.

    Raises:
        ArgumentTypeError: no cohort can be called so.
    """
    try:
        return msgspec.convert(text, CohortName)
    except msgspec.ValidationError as error:
        raise argparse.ArgumentTypeError(
            f"want a-z, 0-9 and hyphens, at most 63 and no hyphen first, got {text!r}"
        ) from error


def days(text: str) -> int:
    """Return what an argument says.

    Raises:
        ArgumentTypeError: it is no number of days.
    """
    if text.isdecimal() and 1 <= int(text) <= _MOST_DAYS:
        return int(text)
    raise argparse.ArgumentTypeError(f"want a whole number of days from 1 to {_MOST_DAYS}, got {text!r}")
