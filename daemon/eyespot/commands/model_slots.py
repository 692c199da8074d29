"""`eyespot models list|install|rollback|approve|check`: the model slots."""

import argparse
import json
from pathlib import Path

from eyespot import app
from eyespot.commands.options import Subparsers, add_config
from eyespot.commands.slots_view import as_object, as_text


def add_to(commands: Subparsers) -> None:
    """Add the commands to `eyespot models`."""
    listing = _add(commands, "list", "which model looks, which came before, what waits, what room they take")
    listing.add_argument("--json", action="store_true", help="one JSON line, for programs")
    listing.set_defaults(command=_list)
    install = _add(commands, "install", "try a bundle from this machine, if [update] allow_unsigned is true")
    install.add_argument("path", type=Path, metavar="PATH", help="a bundle: a folder, or a .tar.zst")
    install.set_defaults(command=lambda given: _say(app.install_model(given.config, given.path)))
    back = _add(commands, "rollback", "let the model before look again, and quarantine the one that looks")
    back.set_defaults(command=lambda given: _say(app.roll_back_model(given.config)))
    approve = _add(commands, "approve", "take what waits for approval, or for its window")
    approve.set_defaults(command=lambda given: _say(app.update_models(given.config, "approve")))
    check = _add(commands, "check", "ask the repository now what this device shall run")
    check.set_defaults(command=lambda given: _say(app.update_models(given.config, "check")))


def _add(commands: Subparsers, name: str, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    add_config(parser)
    return parser


def _list(arguments: argparse.Namespace) -> int:
    view = app.list_models(arguments.config)
    print(json.dumps(as_object(view)) if arguments.json else as_text(view))
    return 0


def _say(words: str) -> int:
    print(words)
    return 0
