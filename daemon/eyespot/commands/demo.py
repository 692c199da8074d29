"""`eyespot demo`: the whole thing, live in the terminal."""

import argparse
import logging
import sys
from pathlib import Path

from eyespot.commands.options import Subparsers, add_seconds
from eyespot.supervisor.signals import held_back


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "see it work: a rendered scene (or a video), the factory model, a broker of its own"
    parser = commands.add_parser("demo", help=text, description=text)
    add_seconds(parser)
    parser.add_argument("--video", type=Path, metavar="FILE", help="look at this video instead of the scene")
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    # Only here is rich needed: the service does without its memory.
    from rich.console import Console  # noqa: PLC0415 - see above

    from eyespot.app.demo import demo  # noqa: PLC0415 - see `app`
    from eyespot.commands.demo_view import LiveView, PlainView  # noqa: PLC0415 - it imports rich

    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(message)s")
    console = Console()
    view = LiveView(console) if console.is_terminal else PlainView(console)
    with held_back(), view:
        code = demo(video=arguments.video, seconds=arguments.seconds, announce=view.announce, watch=view.show)
    console.print(view.received.summary(), highlight=False, markup=False, soft_wrap=True)
    return code
