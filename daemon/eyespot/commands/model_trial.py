"""`eyespot models verify`, and the process that it begins: would a device take this bundle?"""

import argparse
import json
import sys
from pathlib import Path

from eyespot import app
from eyespot.commands.options import Subparsers
from eyespot.domain.errors import ModelError

_REFUSED = 1


def add_to(commands: Subparsers) -> None:
    """Add the commands to the command line."""
    _add_verify(commands)
    _add_prove(commands)


def _add_verify(commands: Subparsers) -> None:
    text = "tell whether a bundle is whole, and made as devices want it; exit code 1 where it is not"
    parser = commands.add_parser("verify", help=text, description=text)
    parser.add_argument("path", type=Path, metavar="PATH", help="the folder of a bundle, or its .tar.zst")
    parser.add_argument(
        "--golden", action="store_true", help="also run its network on its golden vectors, in a process apart"
    )
    parser.add_argument("--json", action="store_true", help="one JSON line, for programs")
    parser.set_defaults(command=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    try:
        verified = app.verify(arguments.path, golden=arguments.golden)
    except ModelError as error:
        if arguments.json:
            print(json.dumps({"bundle": None, "refusal": str(error)}))
        else:
            print(f"{arguments.path}: {error}", file=sys.stderr)
        return _REFUSED
    told = {"bundle": verified.bundle, "refusal": None, "tried": verified.tried}
    print(json.dumps(told) if arguments.json else f"{verified.bundle}: good; {verified.tried}")
    return 0


def _add_prove(commands: Subparsers) -> None:
    text = "try a bundle's network in this very process, for `verify --golden`; the verdict is JSON"
    parser = commands.add_parser("prove", help=text, description=text)
    parser.add_argument("path", type=Path, metavar="PATH", help="folder of a bundle; or a .tflite file")
    parser.add_argument(
        "--pictures",
        type=Path,
        nargs="+",
        default=[],
        metavar="NPY",
        help="tell what is in these instead",
    )
    parser.set_defaults(command=_prove)


def _prove(arguments: argparse.Namespace) -> int:
    app.answer(arguments.path, arguments.pictures)
    return 0
