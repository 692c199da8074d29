"""`eyespot-fleet release BUNDLE --cohort C --percent P`: what the devices of a cohort shall run."""

import argparse
import json
import re
from datetime import UTC, datetime

import msgspec

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.options import cohort
from eyespot_fleet.commands.repository_options import add_keys, working
from eyespot_fleet.commands.repository_view import in_words
from eyespot_fleet.publishing.releasing import Change, desired, release

_TEXT = """\
Tells a part of a cohort to run a bundle. As the percentage widens, whoever was in stays in; 0 halts the
rollout: nobody else begins, whoever has the model keeps it. Which devices come first is drawn by lot, anew
for each rollout. Without BUNDLE the rollout that is under way goes on with another percentage.
"""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MOST_S = 30 * 86400


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("release", help="tell a cohort what to run", description=_TEXT)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "bundle", nargs="?", metavar="BUNDLE", help="its id, or as much of it as no other has: people@1.2.0"
    )
    parser.add_argument(
        "--cohort", type=cohort, default="default", metavar="C", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--percent", type=_percent, required=True, metavar="P", help="of its devices, 0 to 100"
    )
    parser.add_argument("--notes", metavar="TEXT", help="what is new, for people")
    parser.add_argument("--notes-url", metavar="URL", help="where there is more of it")
    parser.add_argument(
        "--not-before", type=_time, metavar="TIME", help="2026-12-24T22:00, UTC unless it says +01:00"
    )
    parser.add_argument(
        "--jitter", type=_duration, metavar="TIME", help="devices spread over so long, 90m or 6h say"
    )
    parser.add_argument(
        "--again", action="store_true", help="a new rollout of the same bundle: devices try again what failed"
    )
    add_keys(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    change = Change(
        percent=arguments.percent,
        bundle=arguments.bundle,
        again=arguments.again,
        not_before_s=arguments.not_before,
        jitter_s=arguments.jitter,
        notes=arguments.notes,
        notes_url=arguments.notes_url,
    )
    with working(arguments) as repository:
        is_first = desired(repository, arguments.cohort) is None
        released = release(repository, arguments.cohort, change)
        announced = repository.announce()
        if arguments.json:
            print(json.dumps({**msgspec.to_builtins(released), "announced": announced}))
        else:
            print(f"{in_words(released)}{': a new cohort' if is_first else ''}")
    return 0


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1
    if 0 <= percent <= 100:  # noqa: PLR2004 - that is what percent are
        return percent
    raise argparse.ArgumentTypeError(f"want 0 to 100, got {text!r}")


def _time(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"want a time as 2026-12-24T22:00, got {text!r}") from error
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())


def _duration(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,7})([smhd])", text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else -1
    if 0 <= seconds <= _MOST_S:
        return seconds
    raise argparse.ArgumentTypeError(f"want a time up to 30d, as 90s, 90m or 6h, got {text!r}")
