"""`eyespot record -o FILE`: keep what the model sees."""

import argparse
import logging
import sys
from pathlib import Path

from eyespot import app
from eyespot.commands.options import Subparsers, add_config, add_seconds


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "record what the model sees: boxes, scores, classes; never pixels"
    parser = commands.add_parser("record", help=text, description=text)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="a new file; compressed if its name ends in .zst",
    )
    add_config(parser)
    add_seconds(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    count = app.record(arguments.config, arguments.output, arguments.seconds)
    print(f"{arguments.output}: {count} observations", file=sys.stderr)
    return 0
