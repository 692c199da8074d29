"""`eyespot eye`: what sees, without a way to talk."""

import argparse
import faulthandler
import logging
import os
import sys
from pathlib import Path

from eyespot import app
from eyespot.commands.options import Subparsers
from eyespot.domain.errors import CameraStuck


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "look for a body that is another process; what the eye's service runs"
    parser = commands.add_parser("eye", help=text, description=text)
    parser.add_argument(
        "--socket",
        type=Path,
        default=app.eye_socket(),
        metavar="PATH",
        help="where the body listens (default: $EYESPOT_EYE_SOCKET)",
    )
    parser.set_defaults(command=_eye)


def _eye(arguments: argparse.Namespace) -> int:
    # The watchdog kills with SIGABRT: the journal then shows where every thread was.
    faulthandler.enable()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(message)s")
    try:
        return app.eye(arguments.socket)
    except CameraStuck as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(error.exit_code)  # what hangs in there would keep Python from ending
