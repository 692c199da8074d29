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
    _add_show(parser.add_subparsers(title="commands", metavar="COMMAND", required=True))


def _add_show(commands: Subparsers) -> None:
    text = "show what a .rpk or .tflite file says of itself; it is not run"
    parser = commands.add_parser("show", help=text, description=text)
    parser.add_argument("file", type=Path, metavar="FILE", help="the model file")
    parser.add_argument("--json", action="store_true", help="one JSON line, for programs")
    parser.set_defaults(command=_show)


def _show(arguments: argparse.Namespace) -> int:
    model = app.show_model(arguments.file)
    print(json.dumps(as_object(model)) if arguments.json else as_text(model))
    return 0
