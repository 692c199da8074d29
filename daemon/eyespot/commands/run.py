"""`eyespot run`: count and publish until stopped."""

import argparse
import faulthandler
import logging
import sys

from eyespot import app
from eyespot.commands.options import Subparsers, add_config


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "count and publish until stopped; what the service runs"
    parser = commands.add_parser("run", help=text, description=text)
    add_config(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    # The watchdog kills with SIGABRT: the journal then shows where every thread was.
    faulthandler.enable()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(message)s")
    return app.run(arguments.config)
