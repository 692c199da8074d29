"""`eyespot restore FILE`: go on where the device of a backup stopped."""

import argparse
import sys
from pathlib import Path

import msgspec

from eyespot import app
from eyespot.commands.backup_view import lines
from eyespot.commands.options import DEFAULT_CONFIG, Subparsers, add_config
from eyespot.trust.backup import Manifest


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "put a backup in place, on this machine or another: counting goes on where it stopped"
    parser = commands.add_parser("restore", help=text, description=text)
    parser.add_argument("file", type=Path, metavar="FILE", help="what `eyespot backup` wrote; - is stdin")
    add_config(parser)
    parser.add_argument("--dry-run", action="store_true", help="only verify it, and tell what it is")
    parser.add_argument("--json", action="store_true", help="what the backup says of itself, for programs")
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    from eyespot.app.restore import look_through, restore  # noqa: PLC0415 - see `app`

    tell = _tell_json if arguments.json else _tell
    if arguments.dry_run:
        tell(look_through(arguments.file, arguments.config))
        return 0
    managed = arguments.config == DEFAULT_CONFIG
    restored = restore(arguments.file, arguments.config, managed=managed, tell=tell)
    for path in restored.kept:
        print(f"kept what was there before: {path}", file=sys.stderr)
    words = "eyespot.service runs again" if restored.started else "start it: sudo systemctl start eyespot"
    print(f"restored; {words}" if managed else "restored", file=sys.stderr)
    return 0


def _tell(manifest: Manifest) -> None:
    for line in lines(manifest, app.board()):
        print(line, flush=True)


def _tell_json(manifest: Manifest) -> None:
    print(msgspec.json.encode(manifest).decode(), flush=True)
