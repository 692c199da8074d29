"""`eyespot watch`: what the device says over MQTT, at a glance in a terminal."""

import argparse

from eyespot.commands.options import Subparsers, add_config, add_seconds
from eyespot.host.clock import SystemClock
from eyespot.supervisor.signals import held_back

TEXT = """\
Shows boxes and their trails on an empty frame, lines and zones, counts, health, model and rates, live until
q or Ctrl-C; once, after three seconds, with --once or where there is no terminal. Boxes need [topics] frame.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("watch", help="boxes, counts and health in the terminal", description=TEXT)
    add_once(parser)
    add_config(parser)
    parser.set_defaults(command=_run)


def add_once(parser: argparse.ArgumentParser) -> None:
    """Add `--once` and `--seconds N`."""
    parser.add_argument("--once", action="store_true", help="show it once, and end")
    add_seconds(parser)


def _run(arguments: argparse.Namespace) -> int:
    # Only here is rich needed: the service does without its memory.
    from eyespot.app.watch import Post  # noqa: PLC0415 - see above
    from eyespot.commands.watch_desk import Desk  # noqa: PLC0415 - see above
    from eyespot.commands.watch_screen import watch  # noqa: PLC0415 - likewise

    post = Post(arguments.config)
    desk = Desk(post.prefix, SystemClock())
    with post.listening(desk.hear) as trouble, held_back():
        return watch(desk, trouble, seconds=arguments.seconds, once=arguments.once)
