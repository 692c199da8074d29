"""Does a piece of work in another process whose calls to the system strace(1) tampers with.

strace counts the calls of each name by itself, so a point is a name and how many of that name came before.
"""

import os
import re
import socket
import subprocess
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

KILLED = -9
_OURS = "recvfrom"  # how the work is told to begin
_CALL = re.compile(r"^([a-z0-9_]+)\(")

Work = Callable[[], object]


class Point(NamedTuple):
    """A call to the system: the how manieth of its name, from 1."""

    call: str
    number: int


def why_not() -> str | None:
    """Return why strace cannot be used here; None where it can."""
    try:
        points(lambda: None)
    except FileNotFoundError:
        return "there is no strace"
    except OSError as error:
        return str(error)
    return None


def points(work: Work) -> list[Point]:
    """Do the work, and return the calls that it made."""
    with TemporaryDirectory() as name:
        told = Path(name) / "told"
        code = _traced(["-o", str(told)], work)
        assert code == 0, f"it ended with {code}"
        return list(_numbered(told.read_text()))


def killed(point: Point, work: Work) -> bool:
    """Kill the work at a point; return whether it got there.

    Raises:
        AssertionError: it failed by itself.
    """
    code = tampered(point, "signal=KILL", work)
    assert code in {0, KILLED}, f"it ended with {code}"
    return code == KILLED


def tampered(point: Point, how: str, work: Work) -> int:
    """Do the work, something else happening at a point; return the exit code, negative for a signal.

    Must be called in a process without threads.

    Args:
        point: where.
        how: as strace's `inject=` wants it, `error=EIO`.
        work: what it raises makes the exit code 1.

    Raises:
        OSError: strace may not, or is not there.
    """
    inject = f"inject={point.call}:{how}:when={point.number}"
    return _traced(["-o", "/dev/null", "-e", f"trace={point.call}", "-e", inject], work)


def _numbered(told: str) -> Iterator[Point]:
    seen: Counter[str] = Counter()
    for line in told.splitlines():
        found = _CALL.match(line)
        if found and (call := found[1]) != _OURS:
            seen[call] += 1
            yield Point(call, seen[call])


def _traced(options: list[str], work: Work) -> int:
    ready, go = socket.socketpair()
    child = os.fork()
    if not child:
        go.close()
        os._exit(_when_told(ready, work))
    ready.close()
    try:
        tracer = subprocess.Popen(["strace", *options, "-p", f"{child}"], stderr=subprocess.PIPE, text=True)
        with tracer:
            said = tracer.stderr.readline() if tracer.stderr else ""
            if "attached" in said:
                go.send(b".")
    finally:
        go.close()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if "attached" not in said:
        raise OSError(said.strip())
    return code


def _when_told(ready: socket.socket, work: Work) -> int:
    if not ready.recv(1):
        return 1
    try:
        work()
    except Exception:  # noqa: BLE001 - whatever it is, the parent judges by the exit code
        traceback.print_exc()
        return 1
    return 0
