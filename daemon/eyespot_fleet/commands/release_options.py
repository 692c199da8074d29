"""What commands that release something have in common."""

import argparse
import re
from datetime import UTC, datetime

from eyespot_fleet.commands.options import cohort
from eyespot_fleet.publishing.releasing import Change

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MOST_S = 30 * 86400


def add_change(parser: argparse.ArgumentParser) -> None:
    """Add what is released, and to whom."""
    parser.add_argument(
        "bundle", nargs="?", metavar="BUNDLE", help="its id, or as much of it as no other has: people@1.2.0"
    )
    parser.add_argument(
        "--cohort", type=cohort, default="default", metavar="C", help="(default: %(default)s)"
    )
    parser.add_argument("--notes", metavar="TEXT", help="what is new, for people")
    parser.add_argument("--notes-url", metavar="URL", help="where there is more of it")
    parser.add_argument(
        "--not-before", type=_time, metavar="TIME", help="2026-12-24T22:00, UTC unless it says +01:00"
    )
    parser.add_argument(
        "--jitter", type=duration, metavar="TIME", help="devices spread over so long, 90m or 6h say"
    )
    parser.add_argument("--rollout", metavar="ID", help="what a new rollout is called; else an id is made up")
    parser.add_argument(
        "--again", action="store_true", help="a new rollout of the same bundle: devices try again what failed"
    )


def change_of(arguments: argparse.Namespace, percent: float) -> Change:
    """Return what the arguments change, up to a percentage."""
    return Change(
        percent=percent,
        bundle=arguments.bundle,
        again=arguments.again,
        rollout=arguments.rollout,
        not_before_s=arguments.not_before,
        jitter_s=arguments.jitter,
        notes=arguments.notes,
        notes_url=arguments.notes_url,
    )


def percent(text: str) -> float:
    """Return what an argument says.

    Raises:
        ArgumentTypeError: it is no percentage.
    """
    try:
        found = float(text)
    except ValueError:
        found = -1
    if 0 <= found <= 100:  # noqa: PLR2004 - that is what percent are
        return found
    raise argparse.ArgumentTypeError(f"want 0 to 100, got {text!r}")


def duration(text: str) -> int:
    """Return how many seconds an argument says.

    Raises:
        ArgumentTypeError: it is no time, or more than 30 days.
    """
    match = re.fullmatch(r"([0-9]{1,7})([smhd])", text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else -1
    if 0 <= seconds <= _MOST_S:
        return seconds
    raise argparse.ArgumentTypeError(f"want a time up to 30d, as 90s, 90m or 6h, got {text!r}")


def _time(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"want a time as 2026-12-24T22:00, got {text!r}") from error
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
