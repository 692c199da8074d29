"""`eyespot check [FILE]`: every error of a configuration, and rules that cannot work."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from eyespot.commands.options import DEFAULT_CONFIG, Subparsers

if TYPE_CHECKING:
    from eyespot.app.verdict import Verdict


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "validate a configuration: every error with file and line"
    parser = commands.add_parser("check", help=text, description=text)
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=DEFAULT_CONFIG,
        metavar="FILE",
        help="the configuration (default: %(default)s)",
    )
    parser.add_argument(
        "--recording",
        type=Path,
        metavar="R",
        help="a recording of what the camera sees: do lines and zones lie where people can be counted?",
    )
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    from eyespot.app.verdict import check  # noqa: PLC0415 - see `app`

    verdict = check(arguments.file) if arguments.recording is None else _tried(arguments)
    for warning in verdict.warnings:
        print(f"warning: {warning}")
    print(f"{arguments.file}: good; {verdict.summary}")
    return 0


def _tried(arguments: argparse.Namespace) -> "Verdict":
    # Only here is rich needed.
    from rich.console import Console  # noqa: PLC0415 - see above

    from eyespot.app.verdict import check  # noqa: PLC0415 - see `app`

    with Console(stderr=True).status("looking") as status:
        return check(
            arguments.file,
            arguments.recording,
            lambda reached: status.update(f"following everybody: {reached}"),
        )
