"""Passphrases: out of a file, out of the environment, or typed."""

import getpass
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eyespot.domain.errors import InputError
from eyespot_fleet.disk import read_file
from eyespot_fleet.publishing.roles import Custody

VARIABLE: Final = "EYESPOT_FLEET_PASSPHRASE"
ONLINE_VARIABLE: Final = "EYESPOT_FLEET_ONLINE_PASSPHRASE"

_TRIES = 3
_ADVICE = f"the keys want a passphrase: --passphrase-file FILE, ${VARIABLE}, or run it on a terminal"
_KEPT = {"offline": "the keys to be locked away", "online": "the keys that sign unattended"}


def first_line(path: Path) -> bytes:
    """Return the passphrase in a file.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    line = read_file(path).split(b"\n", 1)[0].rstrip(b"\r")
    if not line:
        raise InputError(f"{path}: want the passphrase in its first line")
    return line


def ask(prompt: str, advice: str) -> bytes:
    """Return what somebody types.

    Raises:
        InputError: nobody can; says the advice.
    """
    if not sys.stdin.isatty():
        raise InputError(advice)
    return getpass.getpass(prompt).encode()


def ask_new(what: str, advice: str) -> bytes:
    """Return a new passphrase, typed twice.

    Raises:
        InputError: nobody can, or it was empty or not the same.
    """
    first = ask(f"passphrase for {what}: ", advice)
    if not first or first != ask("once more: ", advice):
        raise InputError("the passphrase is empty, or was not the same twice; nothing was written")
    return first


class Given:
    """The passphrases of the repository's keys, from where the arguments say; else they are typed.

    Those for all keys, and those for the keys that sign unattended, may be two.
    """

    def __init__(self, arguments: Namespace) -> None:
        both = _given(arguments.passphrase_file, VARIABLE)
        self._given: dict[Custody, bytes | None] = {
            "offline": both,
            "online": _given(arguments.online_passphrase_file, ONLINE_VARIABLE) or both,
        }
        self._typed: list[bytes] = []

    def chosen(self, kept: Custody) -> bytes:
        """Return that of new keys.

        Raises:
            InputError: there is none, and nobody to ask.
        """
        if self._given[kept] is None:
            self._given[kept] = ask_new(_KEPT[kept], _ADVICE)
        return self._given[kept] or b""

    def known(self, path: Path) -> Iterator[bytes]:
        """Give those that may open a file; what is typed for one may open the next.

        Raises:
            InputError: there is none, and nobody to ask.
        """
        given = [one for one in self._given.values() if one is not None]
        yield from dict.fromkeys((*given, *self._typed))
        if given and not sys.stdin.isatty():
            return
        for _ in range(_TRIES):
            self._typed.append(ask(f"passphrase of {path.name}: ", _ADVICE))
            yield self._typed[-1]


def _given(file: Path | None, variable: str) -> bytes | None:
    return first_line(file) if file else os.environ.get(variable, "").encode() or None
