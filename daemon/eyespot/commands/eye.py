"""`eyespot eye`: what sees, without a way to talk."""

import argparse
from pathlib import Path

from eyespot import app
from eyespot.commands.options import Subparsers
from eyespot.commands.service import serve


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
    return serve(lambda _: app.eye(arguments.socket))
