"""`eyespot-fleet rollout BUNDLE --broker URL`: a release that widens by itself, and stops by itself."""

import argparse
import json
import re
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

import msgspec
from rich.console import Console

from eyespot.commands.options import Subparsers
from eyespot.supervisor.signals import Wish, held_back, next_wish
from eyespot_fleet.commands.at_broker import add_broker, mqtt_settings
from eyespot_fleet.commands.release_options import add_change, change_of, duration, percent
from eyespot_fleet.commands.repository_options import add_keys, keys
from eyespot_fleet.commands.repository_view import in_words
from eyespot_fleet.commands.rollout_lines import JsonView, PlainView
from eyespot_fleet.commands.rollout_view import LiveView
from eyespot_fleet.listening import listening
from eyespot_fleet.rollout.deciding import Limit, Terms
from eyespot_fleet.rollout.running import Rollout
from eyespot_fleet.rollout.signing import SignedReleases
from eyespot_fleet.rollout.watching import Watch

_TICK_S: Final = 1.0
_INTERRUPTED: Final = 130
_TEXT = """\
Releases a bundle to a small part of a cohort, watches what the devices say of it, and lets it come to more
of them step by step: when the soak of a step is over, nobody who is there is still at it, and at least half
of them do well. When too many fail it halts the release, tells which and why, and ends with 1.

All it knows is in the repository and at the broker: end it with Ctrl-C and run it again whenever you like,
on another machine, too; --halt stops it from anywhere. Devices look by themselves, and are told to look.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("rollout", help="release step by step, watching", description=_TEXT)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_change(parser)
    parser.add_argument(
        "--steps",
        type=_steps,
        default="1,5,25,100",
        metavar="P,…",
        help="percents of the cohort (default: %(default)s)",
    )
    parser.add_argument(
        "--soak",
        type=duration,
        default="30m",
        metavar="TIME",
        help="watch each step for so long, at least (default: %(default)s)",
    )
    parser.add_argument(
        "--patience",
        type=duration,
        default="1d",
        metavar="TIME",
        help="wait so long for a device that is there and does not move (default: %(default)s)",
    )
    parser.add_argument(
        "--most-failures",
        type=_limit,
        default="2%",
        metavar="N|N%",
        help="so many may fail, of those it has come to and that are there (default: %(default)s)",
    )
    parser.add_argument(
        "--halt", action="store_true", help="stop what is under way; devices keep what they have"
    )
    add_keys(parser)
    add_broker(parser)
    parser.set_defaults(command=_run, parser=parser)


def _run(arguments: argparse.Namespace) -> int:
    releases = SignedReleases(
        arguments.repository, keys(arguments), arguments.cohort, lambda: datetime.now(UTC)
    )
    if arguments.halt:
        return _halt(arguments, releases)
    if arguments.broker is None:
        arguments.parser.error("--broker says where devices tell how they are")
    settings = mqtt_settings(arguments)
    planned, before = releases.plan(change_of(arguments, percent=0.0))
    with ExitStack() as stack:
        stack.enter_context(held_back())
        watch = Watch(settings.prefix, time.monotonic)
        stack.enter_context(listening(settings, watch))
        view = _view(as_json=arguments.json)
        stack.enter_context(view)
        rollout = Rollout(
            planned,
            before,
            releases=releases,
            watch=watch,
            terms=Terms(arguments.steps, arguments.soak, arguments.patience, arguments.most_failures),
            teller=view,
            clock=time.monotonic,
        )
        while (code := rollout.tick()) is None:
            if next_wish(_TICK_S) is Wish.STOP:
                break
    if code is None:
        print("left as it is; the same command goes on with it, --halt stops it", file=sys.stderr)
    return _INTERRUPTED if code is None else code


def _halt(arguments: argparse.Namespace, releases: SignedReleases) -> int:
    halted = releases.halt()
    print(json.dumps(msgspec.to_builtins(halted)) if arguments.json else in_words(halted))
    return 0


def _view(*, as_json: bool) -> JsonView | LiveView | PlainView:
    if as_json:
        return JsonView(_say, lambda: datetime.now(UTC))
    console = Console()
    return LiveView(console) if console.is_terminal else PlainView(_say, time.monotonic)


def _say(line: str) -> None:
    print(line, flush=True)


def _steps(text: str) -> tuple[float, ...]:
    steps = tuple(percent(part) for part in text.split(","))
    if steps[0] > 0 and all(before < after for before, after in pairwise(steps)):
        return steps
    raise argparse.ArgumentTypeError(f"want rising percents above 0, as 1,5,25,100, got {text!r}")


def _limit(text: str) -> Limit:
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)%|([0-9]{1,7})", text)
    if match is None or (match[1] and float(match[1]) > 100):  # noqa: PLR2004 - that is all of them
        raise argparse.ArgumentTypeError(f"want a number of devices, or percent as 2%, got {text!r}")
    return Limit(float(match[1] or match[2]), of_hundred=match[1] is not None)
