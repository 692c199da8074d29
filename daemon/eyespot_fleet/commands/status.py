"""`eyespot-fleet status --broker URL`: how all devices of a prefix are."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from eyespot.commands.options import Subparsers
from eyespot.domain.errors import BrokerError
from eyespot.domain.shown import shown
from eyespot.supervisor.signals import held_back, next_wish
from eyespot_fleet.commands.at_broker import add_broker, mqtt_settings
from eyespot_fleet.commands.status_view import as_objects, drawn, lines, rows, sums
from eyespot_fleet.listening import listening
from eyespot_fleet.status.survey import Survey

_TICK_S: Final = 1.0
_STEP_S: Final = 0.1
_LONGEST_S: Final = 30.0
_LONGEST_TROUBLE: Final = 200
_INTERRUPTED: Final = 130
_TEXT = """\
Shows each device of a prefix: whether it is there and since when, its model, its rate, and how it is; who is
worst off comes first. Drawn anew each second on a terminal, until Ctrl-C; once, when the broker has told what
it keeps, with --once, --json, or where there is no terminal. Shown once with --sick, it ends with 1 where
somebody is not well, or where there is nobody at all.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("status", help="how all devices are", description=_TEXT)
    parser.add_argument("--sick", action="store_true", help="only who is not well: what, since when, why")
    parser.add_argument("--once", action="store_true", help="show it once, and end")
    parser.add_argument("--json", action="store_true", help="once, as JSON, for programs")
    add_broker(parser)
    parser.set_defaults(command=_run, parser=parser)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.broker is None:
        arguments.parser.error("--broker says where devices tell how they are")
    settings = mqtt_settings(arguments)
    survey = Survey(settings.prefix, time.monotonic, lambda: datetime.now(UTC))
    console = Console()
    with listening(settings, survey), held_back():  # until it is heard, Ctrl-C just ends it
        if arguments.once or arguments.json or not console.is_terminal or console.is_dumb_terminal:
            return _once(survey, sick=arguments.sick, as_json=arguments.json)
        return _live(survey, console, sick=arguments.sick)


def _once(survey: Survey, *, sick: bool, as_json: bool) -> int:
    until = time.monotonic() + _LONGEST_S
    while not survey.settled and time.monotonic() < until:
        if next_wish(_STEP_S) is not None:
            return _INTERRUPTED
    if trouble := survey.trouble:
        raise BrokerError(f"not all of the devices were heard: {shown(trouble, _LONGEST_TROUBLE)}")
    known = survey.known()
    if as_json:
        print(json.dumps(as_objects(known, sick=sick)))
    else:
        print("\n".join(lines(rows(known, sick=sick), sick=sick)))
    print(sums(known, overflow=survey.overflow), file=sys.stderr)
    return int(sick and (not known or any(one.ills for one in known.values())))


def _live(survey: Survey, console: Console, *, sick: bool) -> int:
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while next_wish(_TICK_S) is None:  # a terminal that is closed ends it, too
            known, trouble = survey.known(), shown(survey.trouble, _LONGEST_TROUBLE)
            summary = Text.assemble(sums(known, overflow=survey.overflow), "\n", (trouble, "red"))
            live.update(drawn(console, summary, rows(known, sick=sick), sick=sick), refresh=True)
    return 0
