"""`eyespot-fleet`: argv to one command, errors to exit codes."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

import eyespot
from eyespot.commands import program

try:
    from eyespot_fleet.commands import (
        aim,
        broker,
        enrol,
        publish,
        release,
        rollout,
        simulate,
        status,
        trajectories,
        view,
        watch,
    )
except ImportError as error:  # the device has the program, too, but not what it needs
    sys.exit(f"eyespot-fleet: {error}; pip install 'eyespot[fleet]'")

_DESCRIPTION = """\
For who runs Eyespots, one or five hundred: prepares what each device needs to know at its first boot, and
publishes the models that they take over the air.
"""
_EXAMPLES = """\
examples:
  eyespot-fleet enrol devices.csv --out sd --ca ca        a folder and a certificate for each device
  eyespot-fleet broker mqtt.example 192.0.2.7 --ca ca --out broker
                                                          the broker's certificate, by the same authority
  eyespot-fleet enrol devices.csv --out sd --ca ca        once more: adds who is new in the list
  eyespot-fleet enrol devices.csv --out sd --ca ca --renew    new certificates for all of the list
  eyespot-fleet enrol devices.csv --out sd --certs theirs     certificates that somebody else has made
  eyespot-fleet enrol devices.csv --out sd                passwords only, from the list
  eyespot-fleet publish import people.tflite --name people --out people --picture door.jpg
                                                          a bundle of a network's file
  eyespot-fleet publish pack people                       a model bundle into one file, tried first
  eyespot-fleet publish init                              a repository for models, and its keys
  eyespot-fleet publish add people.tar.zst                a packed bundle
  eyespot-fleet release people@1.2.0 --percent 5          to 5 % of the devices; 0 halts it
  eyespot-fleet rollout people@1.2.0 --broker mqtts://mqtt.example
                                                          to all, step by step, as long as it goes well
  eyespot-fleet status --broker mqtts://mqtt.example      how all are; --sick: who is not, and why
  eyespot-fleet watch --broker mqtts://mqtt.example       boxes, counts and health of each, live
  eyespot-fleet view --broker mqtts://mqtt.example        a page to watch and to draw lines on
  eyespot-fleet aim entrance-1 --broker mqtts://mqtt.example
                                                          have it keep where people go, for an hour
  eyespot-fleet trajectories entrance-1 --broker mqtts://mqtt.example -o ways.jsonl
                                                          where they went, for `eyespot replay`
  eyespot-fleet simulate --devices 1000 --broker mqtt://127.0.0.1:1883
                                                          what so many would ask of a broker
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    root = program.Parser(
        prog="eyespot-fleet",
        description=_DESCRIPTION,
        epilog=f"{_EXAMPLES}\n{program.EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"eyespot-fleet {eyespot.__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (
        enrol, broker, publish, release, rollout, status, watch, view, aim, trajectories, simulate
    ):  # fmt: skip
        command.add_to(commands)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    return program.run(parser(), argv)


def script() -> NoReturn:
    """Be the program: run one command, and end with its exit code."""
    program.leave(main())


if __name__ == "__main__":
    script()
