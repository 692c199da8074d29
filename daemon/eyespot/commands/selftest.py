"""`eyespot selftest`: what works on this machine, in words."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from eyespot.commands.options import DEFAULT_CONFIG, Subparsers, add_config

if TYPE_CHECKING:
    from eyespot.app.selftest import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "skip": "dim"}


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = (
        "what works on this machine: camera, permissions, model, engine, certificates, broker, clock, disk, "
        "watchdog, heat"
    )
    parser = commands.add_parser("selftest", help=text, description=text)
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="a JSON list of findings, for programs")
    parser.add_argument(
        "--camera",
        action="store_true",
        help="also open the camera for 10 s, which turns it on once; the service has to be stopped",
    )
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    from eyespot.app.selftest import selftest  # noqa: PLC0415 - see `app`

    findings = selftest(
        arguments.config,
        optional=arguments.config == DEFAULT_CONFIG,
        open_camera=arguments.camera,
        tell=_tell,
    )
    if arguments.json:
        found = list(findings)
        print(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        found = list(_shown(findings))
    return 1 if any(finding.verdict == "fail" for finding in found) else 0


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _shown(findings: Iterable["Finding"]) -> Iterator["Finding"]:
    """Pass findings on, and print each as a row: coloured and wrapped on a terminal, else one line."""
    # Only here and in the demo is rich needed: the service does without its memory.
    from rich.console import Console  # noqa: PLC0415 - see above

    console = Console()
    for finding in findings:
        row = _row(finding) if console.is_terminal else _line(finding)
        console.print(row, highlight=False, markup=False, soft_wrap=not console.is_terminal)
        yield finding


def _row(finding: "Finding") -> Any:
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table.grid(padding=(0, 1))
    table.add_column(width=4)
    table.add_column(width=13)
    table.add_column()
    verdict = Text(finding.verdict, style=_COLOURS[finding.verdict])
    table.add_row(verdict, Text(finding.name, style="bold"), Text(finding.words))
    return table


def _line(finding: "Finding") -> str:
    return f"{finding.verdict:4} {finding.name:13} {finding.words}"
