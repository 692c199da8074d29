"""`eyespot-fleet watch --broker URL`: what devices say over MQTT, at a glance in a terminal."""

import argparse
from collections.abc import Callable

from eyespot.app.watched import ASKED_FOR, DEVICE
from eyespot.commands.options import Subparsers
from eyespot.commands.watch import TEXT, add_once
from eyespot.commands.watch_desk import Desk
from eyespot.commands.watch_screen import watch
from eyespot.domain.message import Heard, Message
from eyespot.host.clock import SystemClock
from eyespot.ports import Subscription
from eyespot.supervisor.signals import held_back
from eyespot_fleet.commands.at_broker import add_broker, mqtt_settings
from eyespot_fleet.listening import OnlyListening, listening


class _Listening(OnlyListening):
    """Has a desk hear all that is to be shown of devices."""

    def __init__(self, prefix: str, device: str, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.subscriptions = [
            Subscription(f"{prefix}/{device}/{suffix}", kept=True, qos=0) for suffix in ASKED_FOR
        ]

    def hear(self, heard: Heard) -> None:
        """Pass it on."""
        self._desk.hear(heard)

    def listening(self) -> None:
        """Take note that the broker passes on what happens."""
        with self._lock:
            self._trouble = ""

    def carry(self, publish: Callable[[Message, int], bool]) -> None:
        """Say nothing."""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("watch", help="boxes, counts and health in the terminal", description=TEXT)
    parser.add_argument("--device", type=_device, metavar="ID", help="only this one (default: all)")
    add_once(parser)
    add_broker(parser)
    parser.set_defaults(command=_run, parser=parser)


def _device(text: str) -> str:
    if DEVICE.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(f"want the id of a device: a-z, 0-9 and -, got {text!r}")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.broker is None:
        arguments.parser.error("--broker says where devices tell how they are")
    settings = mqtt_settings(arguments)
    desk = Desk(settings.prefix, SystemClock())
    ear = _Listening(settings.prefix, arguments.device or "+", desk)
    with listening(settings, ear), held_back():
        return watch(desk, lambda: ear.trouble, seconds=arguments.seconds, once=arguments.once)
