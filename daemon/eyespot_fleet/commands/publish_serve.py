"""`eyespot-fleet publish serve`: the repository for devices on the same network."""

import argparse

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.repository_options import add_folder

_TEXT = """\
Serves the files of a repository over HTTP: nothing can be changed through it, downloads can be resumed. It
needs no keys. Without TLS others can see what is fetched, but not change what devices take.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("serve", help="serve it on this network", description=_TEXT)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_folder(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="the address to listen at; 0.0.0.0 for all (default: %(default)s)",
    )
    parser.add_argument("--port", type=_port, default=8080, metavar="N", help="(default: %(default)s)")
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    from eyespot_fleet.publishing.serving import application, listen, serve  # noqa: PLC0415 - nobody else waits for it

    served = application(arguments.repository)
    with listen(arguments.host, arguments.port) as listener:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f'{arguments.repository}: [update] url = "http://{shown}:{port}"', flush=True)
        serve(served, listener)
    return 0


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 1 << 16:
        return int(text)
    raise argparse.ArgumentTypeError(f"want a port from 0 to 65535, got {text!r}")
