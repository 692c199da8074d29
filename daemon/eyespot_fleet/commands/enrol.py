"""`eyespot-fleet enrol devices.csv --out DIR`: a provisioning folder for each device."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.options import Asked, add_signing
from eyespot_fleet.commands.progress import Bar
from eyespot_fleet.enrolment.enrolling import Enrolled, Outcome
from eyespot_fleet.enrolment.request import SYSTEM, Request, Summary, enrol
from eyespot_fleet.enrolment.roster import COLUMNS

_MOST_TOLD = 20
_TEXT = f"""\
Writes DIR/<id>/eyespot/ for each device of a list, to be copied onto the boot partition of its SD card as
eyespot/: the template with its id and name in it, certificate and key, password, and whom it is to trust.
The list is CSV, its first line names the columns, in any order: {", ".join(COLUMNS)}.
Only id is required; what a cell leaves empty the template says.

All is checked before anything is written. Run again, it adds who is new and keeps the certificates of
the others.
"""
_IN_WORDS = {
    "new": "new",
    "renewed": "with a new certificate",
    "changed": "changed, the certificate kept",
    "unchanged": "as they were",
}


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    summary = "a folder for the boot partition of each device, with a certificate of its own"
    parser = commands.add_parser("enrol", help=summary, description=_TEXT)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("roster", type=Path, metavar="CSV", help="the list of devices")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the folders go")
    parser.add_argument(
        "--template",
        type=Path,
        default=Path("eyespot.toml"),
        metavar="FILE",
        help="the configuration that all share (default: %(default)s)",
    )
    certificates = parser.add_mutually_exclusive_group()
    certificates.add_argument(
        "--ca",
        type=Path,
        metavar="DIR",
        help="sign certificates by the authority in DIR; begun where there is none",
    )
    certificates.add_argument(
        "--certs",
        type=Path,
        metavar="DIR",
        help="take <id>.crt and <id>.key from DIR, and ca.crt if it is there",
    )
    parser.add_argument(
        "--trust",
        metavar="FILE",
        help=f"whom the devices trust, in PEM, or {SYSTEM!r} for a broker with a public certificate "
        "(default: ca.crt of --ca or --certs)",
    )
    parser.add_argument("--root", type=Path, metavar="FILE", help="root.json, for updates")
    parser.add_argument(
        "--renew", action="store_true", help="new certificates and keys for all of the list; with --ca"
    )
    parser.add_argument("--json", action="store_true", help="what was done as one JSON object, for programs")
    add_signing(parser)
    parser.set_defaults(command=_run, parser=parser)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.renew and not arguments.ca:
        arguments.parser.error("--renew needs --ca: other certificates are renewed by those who made them")
    wanted = {name: getattr(arguments, name) for name in Request.__dataclass_fields__}
    with Bar("enrolling", Console(stderr=True)) as bar:
        summary = enrol(Request(**wanted), Asked(arguments), datetime.now(UTC), bar.tell)
    for warning in summary.warnings[:_MOST_TOLD]:
        print(f"warning: {warning}", file=sys.stderr)
    if len(summary.warnings) > _MOST_TOLD:
        print(f"warning: and {len(summary.warnings) - _MOST_TOLD} more", file=sys.stderr)
    if arguments.json:
        print(json.dumps(_as_object(summary, arguments.out)))
    else:
        print("\n".join(_lines(summary, arguments.out)))
    return 0


def _lines(summary: Summary, out: Path) -> Iterator[str]:
    count = len(summary.enrolled)
    certified = sum(one.identity is not None for one in summary.enrolled)
    by = (
        f", by {summary.authority.folder} until {summary.authority.ends:%Y-%m-%d} at most"
        if summary.authority
        else ""
    )
    having = f"{certified} with a certificate{by}" if certified else "without certificates"
    yield f"{out}: {count} device{'' if count == 1 else 's'}, {having}"
    for outcome in get_args(Outcome):
        ids = [one.id for one in summary.enrolled if one.outcome == outcome]
        if ids:
            yield f"  {len(ids)} {_IN_WORDS[outcome]}{'' if outcome == 'unchanged' else _listed(ids)}"


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _MOST_TOLD} more" if len(ids) > _MOST_TOLD else ""
    return f": {', '.join(ids[:_MOST_TOLD])}{more}"


def _as_object(summary: Summary, out: Path) -> dict[str, Any]:
    return {
        "out": str(out),
        "ca": str(summary.authority.folder) if summary.authority else None,
        "warnings": summary.warnings,
        "devices": [_device(one) for one in summary.enrolled],
    }


def _device(enrolled: Enrolled) -> dict[str, Any]:
    certificate = enrolled.identity.certificate if enrolled.identity else None
    return {
        "id": enrolled.id,
        "folder": str(enrolled.folder),
        "outcome": enrolled.outcome,
        "certificate": certificate
        and {
            "serial": f"{certificate.serial_number:x}",
            "ends": f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        },
    }
