"""`eyespot privacy`: what left this device and what could, and what is to be told of it."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from eyespot.commands.options import DEFAULT_CONFIG, Subparsers, add_config

if TYPE_CHECKING:
    from eyespot.app.selftest.finding import Finding

_WORDS = {"ok": "proved", "warn": "proved", "fail": "failed", "skip": "unknown"}


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "what could leave this device, tried out; and a notice for the door"
    parser = commands.add_parser("privacy", help=text, description=text)
    below = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_audit(below)
    _add_label(below)


def _add_audit(commands: Subparsers) -> None:
    text = "try what must not work: each probe is proved, failed, or cannot be known here; publishes nothing"
    parser = commands.add_parser("audit", help=text, description=text)
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="a JSON list of findings, for programs")
    parser.set_defaults(command=_audit)


def _add_label(commands: Subparsers) -> None:
    text = "print a notice for the door, and the facts that an impact assessment asks for"
    parser = commands.add_parser("label", help=text, description=text)
    add_config(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--html", choices=("a4", "a6"), help="one page of HTML, to be printed on such paper")
    form.add_argument("--json", action="store_true", help="one object, for programs")
    parser.set_defaults(command=_label)


def _audit(arguments: argparse.Namespace) -> int:
    from eyespot.app.privacy import audit  # noqa: PLC0415 - see `app`

    findings = audit(arguments.config, optional=arguments.config == DEFAULT_CONFIG)
    if arguments.json:
        found = list(findings)
        print(json.dumps([{**asdict(one), "verdict": _WORDS[one.verdict]} for one in found], indent=1))
    else:
        found = list(_shown(findings))
    return 1 if any(finding.verdict == "fail" for finding in found) else 0


def _shown(findings: Iterable["Finding"]) -> Iterator["Finding"]:
    for finding in findings:
        print(f"{_WORDS[finding.verdict]:7} {finding.name:14} {finding.words}", flush=True)
        yield finding


def _label(arguments: argparse.Namespace) -> int:
    from eyespot.app.privacy import label  # noqa: PLC0415 - see `app`
    from eyespot.commands.label_view import as_html, as_text  # noqa: PLC0415 - as above

    told = label(arguments.config)
    if told.missing:
        print(f"to be filled in under [privacy]: {', '.join(told.missing)}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(asdict(told)))
    else:
        print(as_html(told, arguments.html) if arguments.html else as_text(told))
    return 0
