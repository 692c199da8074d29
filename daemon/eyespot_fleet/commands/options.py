"""What commands that sign certificates have in common."""

import argparse
import getpass
import sys
from pathlib import Path
from typing import Final

from eyespot.domain.errors import InputError
from eyespot_fleet.disk import read_file

DAYS: Final = 3650
CA_DAYS: Final = 7300
_MOST_DAYS = 36_500


def add_signing(parser: argparse.ArgumentParser) -> None:
    """Add for how long certificates are valid, and how the authority's key is kept."""
    group = parser.add_argument_group("own authority")
    group.add_argument(
        "--days",
        type=_days,
        default=DAYS,
        metavar="N",
        help="certificates are valid so long (default: %(default)s)",
    )
    group.add_argument(
        "--ca-days",
        type=_days,
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
            return _first_line(self._file)
        return _new() if self._ask else None

    def known(self) -> bytes:
        """Return that of a key which has one."""
        return _first_line(self._file) if self._file else _ask("passphrase of the authority's key: ")


def _first_line(path: Path) -> bytes:
    line = read_file(path).split(b"\n", 1)[0].rstrip(b"\r")
    if not line:
        raise InputError(f"{path}: want the passphrase in its first line")
    return line


def _new() -> bytes:
    first = _ask("passphrase for the new authority's key: ")
    if not first or first != _ask("once more: "):
        raise InputError("the passphrase is empty, or was not the same twice; nothing was written")
    return first


def _ask(prompt: str) -> bytes:
    if not sys.stdin.isatty():
        raise InputError(
            "the authority's key wants a passphrase: --passphrase-file FILE, or run it on a terminal"
        )
    return getpass.getpass(prompt).encode()


def _days(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= _MOST_DAYS:
        return int(text)
    raise argparse.ArgumentTypeError(f"want a whole number of days from 1 to {_MOST_DAYS}, got {text!r}")
