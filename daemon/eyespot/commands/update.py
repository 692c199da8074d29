"""`eyespot update`: look for a model once; what the update worker's service runs."""

import argparse
import sys

import msgspec

from eyespot import app
from eyespot.commands.options import Subparsers, add_config
from eyespot.commands.service import serve


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "look for a new model once, and bring it as far as the service can try it"
    parser = commands.add_parser("update", help=text, description=text)
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="how it ended as one JSON line, for programs")
    parser.set_defaults(command=_update)


def _update(arguments: argparse.Namespace) -> int:
    return serve(lambda _: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    shown = _Shown()
    try:
        note = app.update(arguments.config, shown)
    finally:
        if arguments.json and shown.last is not None:
            print(msgspec.json.encode(shown.last).decode())
    if not arguments.json:
        print(_words(note))
    return 1 if note.state == "failed" else 0


class _Shown:
    """Shows steps on stderr, as they come."""

    def __init__(self) -> None:
        self.last: app.WorkerNote | None = None

    def __call__(self, note: app.WorkerNote) -> None:
        """Show one."""
        before, self.last = self.last, note
        if note.percent is not None:
            print(f"downloading {_name(note)}: {note.percent:.0f} %", file=sys.stderr)
        elif note.state in {"verifying", "testing"} and (before is None or before.state != note.state):
            print(f"{note.state} {_name(note)}", file=sys.stderr)


def _words(note: app.WorkerNote) -> str:
    """Return how it ended."""
    more = f"; {note.reason}" if note.reason else ""
    match note.state:
        case "staged":
            return f"{_name(note)} is staged: eyespot.service tries it{more}"
        case "offered":
            waits = note.offer.waits_for if note.offer else None
            return f"{_name(note)} waits for {waits}{more}"
        case "failed":
            return f"failed: {note.reason}"
        case _:
            return f"nothing to do{more}"


def _name(note: app.WorkerNote) -> str:
    return f"{note.offer.name} {note.offer.version}" if note.offer else "the bundle"
