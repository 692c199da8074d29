"""`eyespot-fleet simulate --devices N --broker URL`: what so many devices ask of a broker."""

import argparse
import json
import os
import random
import statistics
import time
from collections import Counter
from dataclasses import asdict, replace
from typing import Any, Final

from eyespot.broker.credentials import credentials
from eyespot.broker.settings import endpoints
from eyespot.commands.options import Subparsers
from eyespot.domain.errors import BrokerError
from eyespot.supervisor.signals import Wish, held_back, next_wish
from eyespot_fleet.commands.at_broker import add_broker, mqtt_settings
from eyespot_fleet.simulating.device import Device
from eyespot_fleet.simulating.fleet import Fleet, Tally, allow_files

_MOST: Final = 20_000
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
    if arguments.broker is None or not arguments.connects:
        arguments.parser.error("--broker says where to connect, --connects how fast, above 0")
    settings = mqtt_settings(arguments)
    where = endpoints(settings)[0]
    login = credentials(settings, tls=where.tls, environ=os.environ)
    allow_files(arguments.devices)
    every_s = 1 / arguments.rate if arguments.rate else 0.0
    names = [f"sim-{number:05}" for number in range(1, arguments.devices + 1)]
    devices = [Device(settings.prefix, name, every_s, random.random, time.time_ns) for name in names]
    fleet = Fleet(devices, where, login, arguments.connects)
    until_s = time.monotonic() + (arguments.seconds or float("inf"))
    with held_back():
        fleet.run(lambda: time.monotonic() >= until_s or next_wish(0.001) is Wish.STOP)
        connected = fleet.tally().connected
        fleet.close()
    tally = replace(fleet.tally(), connected=connected)
    print(json.dumps(_facts(tally)) if arguments.json else _words(tally))
    if not tally.connected:
        raise BrokerError(f"{settings.where}: none of {tally.devices} devices is connected")
    return 0


def _facts(tally: Tally) -> dict[str, Any]:
    facts = asdict(tally)
    waits = sorted(facts.pop("waits_s"))
    return {**facts, "returned": len(waits), "away_s": _spread(waits)}


def _spread(waits: list[float]) -> dict[str, float] | None:
    if not waits:
        return None
    middle = statistics.median(waits)
    return {
        "least": round(waits[0], 2),
        "p10": round(waits[len(waits) // 10], 2),
        "p50": round(middle, 2),
        "p90": round(waits[len(waits) * 9 // 10], 2),
        "most": round(waits[-1], 2),
        "in_busiest_second": max(Counter(map(int, waits)).values()),
    }


def _words(tally: Tally) -> str:
    facts = _facts(tally)
    away = facts.pop("away_s")
    words = ", ".join(f"{name} {count}" for name, count in facts.items())
    return (
        words
        if away is None
        else f"{words}; away for {away['least']} to {away['most']} s, p50 {away['p50']} s"
    )


def _devices(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MOST:
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
