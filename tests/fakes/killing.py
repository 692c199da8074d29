"""Kills a piece of work at each call to the system by which it changes the disk, and lets it go on."""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

CALLS = ("open", "fsync", "rename", "replace", "mkdir", "rmdir", "unlink", "symlink", "chmod", "fchmod")
DEAD = 9
_FOREVER = 10**9


def killed_everywhere(work: Callable[[], int], look: Callable[[], object]) -> int:
    """Do the work in processes that die at the first call, the second, and so on, until one gets through.

    Must be called in a process without threads.

    Args:
        work: returns an exit code.
        look: called after each death; raises where what is left is wrong.

    Returns:
        how often it died.
    """
    for calls in itertools.count():
        died = dies(calls, work)
        look()
        if not died:
            return calls
    raise AssertionError


def dies(calls: int, work: Callable[[], int]) -> bool:
    """Do the work in a process that dies after so many calls; return whether it did.

    As in `killed_everywhere`.
    """
    child = os.fork()
    if not child:
        _die_after(calls)
        os._exit(work())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, DEAD}
    return code == DEAD


def calls_of(work: Callable[[], object]) -> range:
    """Do the work in a process; return how many calls may be made before it dies in the middle."""
    told, tell = os.pipe()
    if not os.fork():
        left = _die_after(_FOREVER)
        work()
        os.write(tell, b"%d" % next(left))
        os._exit(0)
    os.close(tell)
    with os.fdopen(told) as told_file:
        calls = int(told_file.read())
    os.wait()
    return range(calls)


def _die_after(calls: int) -> Iterator[int]:
    left = iter(range(calls))
    for name in CALLS:
        setattr(os, name, _mortal(getattr(os, name), left))
    return left


def _mortal(call: Callable[..., Any], left: Any) -> Callable[..., Any]:
    def perhaps(*arguments: Any, **options: Any) -> Any:
        if next(left, None) is None:
            os._exit(DEAD)
        return call(*arguments, **options)

    return perhaps
