"""`eyespot-fleet simulate --devices N --broker URL`: what so many devices ask of a broker."""

import argparse
import json
import os
import random
import statistics
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from paho.mqtt.enums import MQTTProtocolVersion
from rich.console import Console
from rich.status import Status

from eyespot.broker.credentials import credentials
from eyespot.broker.session import Who
from eyespot.broker.settings import endpoints
from eyespot.commands.options import Subparsers
from eyespot.domain.errors import BrokerError
from eyespot.domain.message import Message
from eyespot.ports import Subscription
from eyespot.supervisor.signals import Wish, held_back, next_wish
from eyespot_fleet.commands.at_broker import add_broker, mqtt_settings
from eyespot_fleet.simulating.connection import Connection
from eyespot_fleet.simulating.device import Device
from eyespot_fleet.simulating.fleet import Fleet, Tally, allow_files

_MOST: Final = 20_000
_MOST_DIGITS: Final = 9  # int() refuses thousands of them with words of its own
_TEXT = """\
Connects as so many devices, sim-00001 and on, that tell what real ones tell, and come back as real ones do
when the broker was away. For a broker of your own that is for trials: what they say stays with it. All of
them log in with the one name or certificate that is given.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("simulate", help="many devices that are none", description=_TEXT)
    parser.add_argument("--devices", type=_devices, required=True, metavar="N", help="how many")
    parser.add_argument(
        "--rate", type=_rate, default=0.1, metavar="HZ", help="crossings per second of each (default: 0.1)"
    )
    parser.add_argument(
        "--connects",
        type=_rate,
        default=100.0,
        metavar="HZ",
        help="connects per second, at most (default: 100)",
    )
    parser.add_argument("--seconds", type=_rate, metavar="S", help="for so long (default: until Ctrl-C)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    add_broker(parser)
    parser.set_defaults(command=_run, parser=parser)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.broker is None or not arguments.connects or arguments.seconds == 0:
        arguments.parser.error(
            "--broker says where to connect, --connects how fast, --seconds for how long; both are above 0"
        )
    settings = mqtt_settings(arguments)
    where = endpoints(settings)[0]
    login = credentials(settings, tls=where.tls, environ=os.environ)
    allow_files(arguments.devices)

    def connect(
        name: str, will: Message, subscriptions: Sequence[Subscription], version: MQTTProtocolVersion
    ) -> Connection:
        return Connection(Who(where, name, login, will), subscriptions, version)

    every_s = 1 / arguments.rate if arguments.rate else 0.0
    devices = [
        Device(
            settings.prefix,
            f"sim-{number:05}",
            every_s,
            connect=connect,
            random=random.random,
            jitter=random.random,
            utc_ns=time.time_ns,
        )
        for number in range(1, arguments.devices + 1)
    ]
    tally = _simulated(Fleet(devices, arguments.connects), arguments.seconds)
    print(json.dumps(_facts(tally)) if arguments.json else _words(tally))
    if not tally.connected:
        raise BrokerError(f"{settings.where}: none of {tally.devices} devices is connected: {tally.reason}")
    return 0


def _simulated(fleet: Fleet, seconds: float | None) -> Tally:
    """Return how it stood when it was enough."""
    until_s = time.monotonic() + (float("inf") if seconds is None else seconds)
    console = Console(stderr=True)
    with held_back(), console.status("connecting") as status:
        tell = _telling(fleet, status) if console.is_terminal else _nothing
        fleet.run(lambda: tell() or time.monotonic() >= until_s or next_wish(0.001) is Wish.STOP)
        before = fleet.tally()
        status.update("they say goodbye")
        fleet.close()
    return replace(fleet.tally(), connected=before.connected, reason=before.reason)


def _nothing() -> None:
    """Tell nobody."""


def _telling(fleet: Fleet, status: Status) -> Callable[[], None]:
    """Return what tells how it goes, once a second."""
    next_s = time.monotonic()

    def tell() -> None:
        nonlocal next_s
        if time.monotonic() >= next_s:
            next_s = time.monotonic() + 1
            status.update(_words(fleet.tally()))

    return tell


def _facts(tally: Tally) -> dict[str, Any]:
    facts = asdict(tally)
    waits = sorted(facts.pop("waits_s"))
    return {**facts, "reason": tally.reason or None, "returned": len(waits), "away_s": _spread(waits)}


def _spread(waits: list[float]) -> dict[str, Any] | None:
    """Return how long those were away that came back, in s; at last how many came back after how many."""
    if not waits:
        return None
    return {
        "least": round(waits[0], 2),
        "p10": round(waits[len(waits) // 10], 2),
        "p50": round(statistics.median(waits), 2),
        "p90": round(waits[len(waits) * 9 // 10], 2),
        "most": round(waits[-1], 2),
        "in_busiest_second": max(bisect_left(waits, one + 1) - place for place, one in enumerate(waits)),
        "by_second": Counter(map(int, waits)),
    }


def _words(tally: Tally) -> str:
    facts = _facts(tally)
    away, reason = facts.pop("away_s"), facts.pop("reason")
    words = ", ".join(f"{name} {count}" for name, count in facts.items() if count or name == "connected")
    if away is not None:
        words += f"; away for {away['least']} to {away['most']} s, p50 {away['p50']} s"
    return words if reason is None else f"{words}; not connected: {reason}"


def _devices(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and 1 <= int(text) <= _MOST:
        return int(text)
    raise argparse.ArgumentTypeError(f"want 1 to {_MOST}, got {text!r}")


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if 0 <= value <= 1e6:  # noqa: PLR2004 - and no NaN
        return value
    raise argparse.ArgumentTypeError(f"want a number from 0, got {text!r}")
