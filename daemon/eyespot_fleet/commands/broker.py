"""`eyespot-fleet broker NAME --ca DIR --out DIR`: the broker's certificate."""

import argparse
import re
import sys
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from eyespot.commands.options import Subparsers
from eyespot_fleet.certificates.authority import open_authority
from eyespot_fleet.certificates.issuing import Term
from eyespot_fleet.certificates.server import CERTIFICATE, KEY, certify
from eyespot_fleet.commands.options import Asked, add_signing

_TEXT = f"""\
Signs a certificate for the broker by the authority that signs those of the devices, and writes
{CERTIFICATE}, {KEY} and ca.crt into DIR. For mosquitto these are certfile, keyfile and cafile; with
require_certificate true and use_identity_as_username true it knows each device by its id.
Run again, it keeps a certificate that is still good for these names.
"""
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("broker", help="a certificate for the broker", description=_TEXT)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "hosts",
        type=_host,
        nargs="+",
        metavar="NAME",
        help="host name or address, as in the url of the devices",
    )
    parser.add_argument(
        "--ca", type=Path, required=True, metavar="DIR", help="the authority; begun where there is none"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")
    parser.add_argument("--renew", action="store_true", help="a new certificate and key in any case")
    add_signing(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    now, hosts = datetime.now(UTC), arguments.hosts
    term = Term(now, arguments.days)
    authority = open_authority(arguments.ca, Asked(arguments), Term(now, arguments.ca_days))
    certified = certify(arguments.out, authority, hosts, term, renew=arguments.renew)
    for warning in authority.warnings(term):
        print(f"warning: {warning}", file=sys.stderr)
    state = "kept" if certified.kept else "new"
    ends = certified.certificate.not_valid_after_utc
    print(f"{arguments.out / CERTIFICATE}: {state}; valid until {ends:%Y-%m-%d}, for {', '.join(hosts)}")
    return 0


def _host(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        pass
    host = text.lower()
    if len(host) <= 253 and _HOST.fullmatch(host):  # noqa: PLR2004 - RFC 1035, without the last dot
        return host
    raise argparse.ArgumentTypeError(f"want a host name or an address, got {text!r}")
