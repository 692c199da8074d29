"""`eyespot`: argv to one command, errors to exit codes."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import eyespot
from eyespot.commands import check, demo, eye, models, provision, record, replay, run, selftest
from eyespot.domain.errors import EyespotError, StorageError
from eyespot.supervisor.bugs import guarded

_USAGE = 64
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
  eyespot models show network.rpk           what a model file says of itself; also .tflite

exit codes: 0 good, 1 checked and found wanting, 64 usage, 65 bad input file, 69 broker,
  70 bug, 74 storage, 78 configuration
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(_USAGE, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    root = _Parser(
        prog="eyespot",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"eyespot {eyespot.__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (run, eye, check, selftest, provision, demo, record, replay, models):
        command.add_to(commands)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    arguments = parser().parse_args(argv)
    try:
        code = guarded(lambda: arguments.command(arguments))
        print(end="", flush=True)  # noqa: T201 - there may be no stdout to flush
    except EyespotError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the one line that says what to do
        return error.exit_code
    except BrokenPipeError:
        _close_stdout()  # whoever read us has seen enough
    except OSError as error:
        # what else fails is an EyespotError: this is our own output, on a full disk say
        _close_stdout()
        print(f"cannot write the output: {error.strerror}", file=sys.stderr)  # noqa: T201 - as above
        return StorageError.exit_code
    except KeyboardInterrupt:
        return 130
    else:
        return code
    return 0


def _close_stdout() -> None:
    """Send what is left to nowhere; else Python complains once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
