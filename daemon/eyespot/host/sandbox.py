"""Runs a program where a unit runs: in the same sandbox, by the properties of the unit."""

import os
import subprocess
import sys
from collections.abc import Iterator

from eyespot.domain.errors import EyespotError, one_line

_LIMIT_S = 60
_OF_THE_SERVICE = (  # how it starts and ends, and not what it may
    "Exec", "Type", "NotifyAccess", "Watchdog", "Timeout", "Restart", "Environment", "OOM", "LogRate",
    "Success", "LoadCredential",
)  # fmt: skip


class NoSandboxError(EyespotError):
    """The sandbox of a unit could not be entered; nothing is known of it."""


def run_inside(unit: str, code: str) -> str:
    """Run a Python program in the sandbox of a unit, as root; return what it prints.

    The properties are read from the unit as systemd has it, drop-ins included, and given to systemd-run(1).

    Raises:
        NoSandboxError: it does not run there.
    """
    lines = properties_of(_run("systemctl", "cat", unit))
    properties = [f"--property={line}" for line in lines]
    inside = [os.path.realpath(sys.executable), "-I", "-S", "-c", code]
    return _run("systemd-run", "--quiet", "--wait", "--pipe", "--collect", *properties, *inside)


def properties_of(text: str) -> Iterator[str]:
    """Yield the lines of a unit's text, and of its drop-ins, that say what it may do."""
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line
        elif section == "[Service]" and line and line[0] not in "#;" and not line.startswith(_OF_THE_SERVICE):
            yield line


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, check=True, timeout=_LIMIT_S, capture_output=True, text=True)  # noqa: S603 - fixed words, and our own code
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip() or f"{command[0]}: exit code {error.returncode}"
        raise NoSandboxError(one_line(EyespotError(words))) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoSandboxError(f"{command[0]}: {one_line(error)}") from error
    return done.stdout
