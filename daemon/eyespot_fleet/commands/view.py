"""`eyespot-fleet view --broker URL`: a page on this machine, with what cameras noticed."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from eyespot.app.watched import DEVICE
from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.at_broker import add_broker, mqtt_settings

if TYPE_CHECKING:
    from eyespot_fleet.view.seen import Sightings

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
    parser.add_argument(
        "--seen",
        type=_seen,
        action="append",
        default=[],
        metavar="DEVICE=RECORDING",
        help="what a device noticed before, to try lines on; as often as wanted",
    )
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
    for device, file in arguments.seen:
        _recall(bridge.seen, device, file)
    with listen(_LOOPBACK, arguments.port) as listener, listening(settings, bridge):
        print(f"http://{_LOOPBACK}:{listener.getsockname()[1]}/ (Ctrl-C ends it)", flush=True)
        serve(application(bridge, BrokerAimer(settings, bridge.seen)), listener)
    return 0


def _recall(sightings: "Sightings", device: str, file: Path) -> None:
    from rich.console import Console  # noqa: PLC0415 - as above

    from eyespot.app.traces import trace_of  # noqa: PLC0415 - likewise
    from eyespot_fleet.view.recalling import recall  # noqa: PLC0415 - likewise
    from eyespot_fleet.view.replaying import Device, config_of  # noqa: PLC0415 - likewise

    traced = trace_of(file, config_of(Device(), []))
    with Console(stderr=True).status(f"{device}: following everybody") as status:
        recall(sightings, device, traced, lambda reached: status.update(f"{device}: followed for {reached}"))


def _seen(text: str) -> tuple[str, Path]:
    device, told, file = text.partition("=")
    if told and file and DEVICE.fullmatch(device):
        return device, Path(file)
    raise argparse.ArgumentTypeError(f"want the id of a device, = and a recording, got {text!r}")


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 1 << 16:
        return int(text)
    raise argparse.ArgumentTypeError(f"want a port from 0 to 65535, got {text!r}")
