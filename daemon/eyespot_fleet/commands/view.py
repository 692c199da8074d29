"""`eyespot-fleet view --broker URL`: a page on this machine, with what cameras noticed."""

import argparse

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.at_broker import add_broker, mqtt_settings

_TEXT = """\
Serves a page on this machine: which devices there are and how they are; the boxes and trails of one of them
on an empty canvas, where its file says [topics] frame = true; and its rules, to be drawn and moved. What is
saved there is said on config/desired, which needs the rights of an operator. Pages of other machines do not
reach it: `ssh -L 8090:127.0.0.1:8090` does. Whoever has a login on this machine can open it.
"""
_LOOPBACK = "127.0.0.1"


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("view", help="a page to watch and to draw lines on", description=_TEXT)
    parser.add_argument("--port", type=_port, default=8090, metavar="N", help="(default: %(default)s)")
    add_broker(parser)
    parser.set_defaults(command=_run, parser=parser)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.broker is None:
        arguments.parser.error("--broker says where devices tell what they notice")
    from eyespot_fleet.listening import listening  # noqa: PLC0415 - nobody else waits for it
    from eyespot_fleet.publishing.serving import listen  # noqa: PLC0415 - likewise
    from eyespot_fleet.view.aiming import BrokerAimer  # noqa: PLC0415 - likewise
    from eyespot_fleet.view.application import application  # noqa: PLC0415 - likewise
    from eyespot_fleet.view.bridge import Bridge  # noqa: PLC0415 - likewise
    from eyespot_fleet.view.serving import serve  # noqa: PLC0415 - likewise

    settings = mqtt_settings(arguments)
    bridge = Bridge(settings.prefix)
    with listen(_LOOPBACK, arguments.port) as listener, listening(settings, bridge):
        print(f"http://{_LOOPBACK}:{listener.getsockname()[1]}/ (Ctrl-C ends it)", flush=True)
        serve(application(bridge, BrokerAimer(settings, bridge.seen)), listener)
    return 0


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 1 << 16:
        return int(text)
    raise argparse.ArgumentTypeError(f"want a port from 0 to 65535, got {text!r}")
