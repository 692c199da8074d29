"""`eyespot models`: model files, and the slots of this device."""

import argparse
import json
from pathlib import Path

from eyespot import app
from eyespot.commands import model_slots, model_trial
from eyespot.commands.model_view import as_object, as_text
from eyespot.commands.options import Subparsers


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "models: what is in them, which one looks, which others there are"
    parser = commands.add_parser("models", help=text, description=text)
    below = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    model_slots.add_to(below)
    model_trial.add_to(below)
    _add_show(below)


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
