"""What the programs have in common: errors to exit codes, and how these are told."""

import argparse
import io
import logging
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from eyespot.domain.errors import EyespotError, StorageError
from eyespot.supervisor.bugs import guarded

EXIT_CODES = """\
exit codes: 0 good, 1 checked and found wanting, 64 usage, 65 bad input file, 69 broker,
  70 bug, 74 storage, 75 to be started again, 78 configuration
"""

_USAGE = 64
_INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """Ends with the exit code of wrong usage."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and exit."""
        self.print_usage(sys.stderr)
        self.exit(_USAGE, f"{self.prog}: {message}\n")


def run(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Run the command that the arguments name, a callable under `command`; return the exit code."""
    arguments = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal has all characters
    try:
        code = guarded(lambda: arguments.command(arguments))
        print(end="", flush=True)  # there may be no stdout to flush
    except EyespotError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        _close_stdout()  # whoever read us has seen enough
    except OSError as error:
        # what else fails is an EyespotError: this is our own output, on a full disk say
        _close_stdout()
        print(f"cannot write the output: {error.strerror}", file=sys.stderr)
        return StorageError.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    else:
        return code
    return 0


def leave(code: int) -> NoReturn:
    """End the process; the last that the main thread does.

    A thread that is left may be stuck in a camera, and Python would wait for it. Or it is just about to start
    another, which a Python that takes itself down answers with a crash (seen with 3.11). So then Python's own
    end is left out; what has to be closed is closed by then.
    """
    if threading.active_count() > 1:
        logging.shutdown()  # says what was held back
        _flush()
        os._exit(code)
    sys.exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # there may be none, or nobody reads
            stream.flush()


def _close_stdout() -> None:
    """Send what is left to nowhere; else Python complains once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
