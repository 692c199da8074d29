"""`eyespot models`: model files."""

import argparse
import json
from pathlib import Path

from eyespot import app
from eyespot.commands.model_view import as_object, as_text
from eyespot.commands.options import Subparsers


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "model files: what is in them"
    parser = commands.add_parser("models", help=text, description=text)
    subcommands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_show(subcommands)
    _add_prove(subcommands)


def _add_show(commands: Subparsers) -> None:
    text = "show what a .rpk or .tflite file says of itself, or what is in force in a bundle; nothing is run"
    parser = commands.add_parser("show", help=text, description=text)
    parser.add_argument("path", type=Path, metavar="PATH", help="a model file, or the folder of a bundle")
    parser.add_argument("--json", action="store_true", help="one JSON line, for programs")
    parser.set_defaults(command=_show)


def _show(arguments: argparse.Namespace) -> int:
    model = app.show_model(arguments.path)
    print(json.dumps(as_object(model)) if arguments.json else as_text(model))
    return 0


def _add_prove(commands: Subparsers) -> None:
    text = (
        "try a bundle's network in this process, and write the verdict as JSON; `verify --golden` begins it"
    )
    parser = commands.add_parser("prove", help=text, description=text)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="of a bundle")
    parser.add_argument(
        "--pictures",
        type=Path,
        nargs="+",
        default=[],
        metavar="NPY",
        help="tell what it finds in these instead",
    )
    parser.set_defaults(command=_prove)


def _prove(arguments: argparse.Namespace) -> int:
    app.answer(arguments.folder, arguments.pictures)
    return 0
