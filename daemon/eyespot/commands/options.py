"""What several commands have in common."""

import argparse
from contextlib import suppress
from pathlib import Path
from typing import Protocol

_A_YEAR_S = 366 * 86_400

DEFAULT_CONFIG = Path("/etc/eyespot/eyespot.toml")


class Subparsers(Protocol):
    """The part of argparse's subparsers that commands use; its own type is private."""

    def add_parser(self, name: str, *, help: str, description: str) -> argparse.ArgumentParser:  # noqa: A002 - argparse's own name
        """Add a command."""


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add `--config FILE`."""
    parser.add_argument(
        "--config",
        type=Path,
        default=DEFAULT_CONFIG,
        metavar="FILE",
        help="the configuration (default: %(default)s)",
    )


def add_seconds(parser: argparse.ArgumentParser) -> None:
    """Add `--seconds N`."""
    parser.add_argument(
        "--seconds", type=seconds_above_zero, metavar="N", help="stop by itself after N seconds"
    )


def seconds_above_zero(text: str) -> float:
    """Return the seconds that an option names.

    Raises:
        ArgumentTypeError: it names none.
    """
    with suppress(ValueError):
        if 0 < (seconds := float(text)) <= _A_YEAR_S:
            return seconds
    raise argparse.ArgumentTypeError(f"want a number of seconds above 0, up to a year, got {text!r}")
