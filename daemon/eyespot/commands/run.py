"""`eyespot run`: count and publish until stopped."""

import argparse

from eyespot.commands.options import Subparsers, add_config
from eyespot.commands.service import serve


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "count and publish until stopped; what the service runs"
    parser = commands.add_parser("run", help=text, description=text)
    add_config(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    from eyespot.app.daemon import run  # noqa: PLC0415 - see `app`

    return serve(lambda logs: run(arguments.config, logs.about))
