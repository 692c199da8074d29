"""`eyespot provision`: import what lies on the boot partition."""

import argparse
from functools import partial

from eyespot.commands.options import Subparsers


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = (
        "import the folder eyespot/ from the boot partition: configuration, certificate, key, password; "
        "what eyespot-provision.service runs at each start where there is one"
    )
    parser = commands.add_parser("provision", help=text, description=text)
    parser.set_defaults(command=_run)


def _run(_: argparse.Namespace) -> int:
    from eyespot.app.provision import provision  # noqa: PLC0415 - see `app`

    provision(partial(print, flush=True))  # before what an error says, in the journal, too
    return 0
