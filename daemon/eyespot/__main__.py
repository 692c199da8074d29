"""`eyespot`: argv to one command, errors to exit codes."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

import eyespot
from eyespot.commands import (
    backup,
    check,
    demo,
    eye,
    models,
    privacy,
    program,
    provision,
    record,
    replay,
    restore,
    run,
    selftest,
    tally,
    update,
    watch,
    why,
)

_DESCRIPTION = """\
Turns a camera into a sensor that tells and never shows: counts what a model sees and publishes
metadata over MQTT. No image ever leaves.
"""
_EXAMPLES = """\
examples:
  eyespot demo --seconds 30                 see it work: rendered scene, factory model, own broker
  eyespot check /etc/eyespot/eyespot.toml   is this configuration right?
  eyespot selftest                          what works on this machine, and what to do where it does not
  eyespot run --config eyespot.toml         count and publish until stopped
  eyespot record -o shop.eyespot.jsonl.zst  keep what the model sees: boxes, never pixels
  eyespot replay shop.eyespot.jsonl.zst     run the rules over it again
  eyespot why door --at 12:00:03 --recording shop.eyespot.jsonl.zst   why did it count, or not?
  eyespot watch                             boxes, counts and health in the terminal, live
  eyespot tally door                        stand at the door, press keys: how right are the counts?
  eyespot models show network.rpk           what a model file says of itself; also .tflite
  sudo eyespot models list                  which model looks, which came before, what waits
  sudo eyespot privacy audit                could an image leave? Tried out, as far as that can be
  eyespot privacy label --html a4 >door.html   a notice for the door, to be printed
  sudo eyespot backup shop.tar.gz           counts, configuration and credentials into one file
  sudo eyespot restore shop.tar.gz          on another Pi: goes on where that one stopped
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    root = program.Parser(
        prog="eyespot",
        description=_DESCRIPTION,
        epilog=f"{_EXAMPLES}\n{program.EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"eyespot {eyespot.__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (
        run,
        eye,
        update,
        check,
        selftest,
        provision,
        backup,
        restore,
        demo,
        record,
        replay,
        watch,
        why,
        tally,
        models,
        privacy,
    ):
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
