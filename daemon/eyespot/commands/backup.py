"""`eyespot backup FILE`: what makes this device the one it is, in one file."""

import argparse
import sys
from pathlib import Path

import msgspec

from eyespot import app
from eyespot.commands.backup_view import lines
from eyespot.commands.options import Subparsers, add_config


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "counts, undelivered events, configuration and credentials into one file; the service goes on"
    parser = commands.add_parser("backup", help=text, description=text)
    parser.add_argument("file", type=Path, metavar="FILE", help="a new .tar.gz; - is stdout")
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="what the backup says of itself, for programs")
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    from eyespot.app.backup import STDIO, backup  # noqa: PLC0415 - see `app`

    out = sys.stderr if arguments.file == STDIO else sys.stdout
    manifest = backup(arguments.config, arguments.file)
    if arguments.json:
        print(msgspec.json.encode(manifest).decode(), file=out)
        return 0
    for line in lines(manifest, app.board()):
        print(line, file=out)
    print(f"{arguments.file}: holds the secrets of this device, keep it safe", file=out)
    return 0
