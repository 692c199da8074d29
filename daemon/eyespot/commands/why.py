"""`eyespot why RULE --at TIME`: why tracks counted, or did not."""

import argparse
import logging
import sys
from pathlib import Path

from eyespot import app
from eyespot.commands.options import Subparsers, add_config, seconds_above_zero

_NEAR_S = 10.0


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "why did it count, or not? Draws each track near a moment, and says what became of it"
    parser = commands.add_parser("why", help=text, description=text)
    parser.add_argument("rule", metavar="RULE", help="id of a rule")
    parser.add_argument(
        "--at", required=True, metavar="TIME", help="2026-01-31T12:00:03Z, or 12:00:03 by the device's clock"
    )
    parser.add_argument(
        "--recording",
        type=Path,
        metavar="FILE",
        help="the recording to look into (default: the last hour of the running service)",
    )
    parser.add_argument(
        "--within",
        type=seconds_above_zero,
        default=_NEAR_S,
        metavar="N",
        help="seconds before and after (default: %(default)g)",
    )
    add_config(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    # Only here is rich needed: the service does without its memory.
    from rich.console import Console  # noqa: PLC0415 - see above

    from eyespot.commands.why_view import show  # noqa: PLC0415 - it imports rich

    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(message)s")
    errors = Console(stderr=True)
    with errors.status("looking") as status:
        explanation = app.why(
            arguments.config,
            app.Question(arguments.rule, arguments.at, arguments.within),
            arguments.recording,
            lambda hour: status.update(f"following everybody: {hour}"),
        )
    show(explanation, Console())
    return 0
