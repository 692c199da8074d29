"""Tries a network in a process of its own: some damaged files crash their runtime, others never end.

The process is `eyespot models prove`; app/proving.py is what it does.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Timer
from typing import Annotated

import msgspec

from eyespot.domain.errors import ModelError, foreign
from eyespot.trust.golden import Wanted

LIMIT_S = 300.0
CPU_S = 120  # a slow Pi takes seconds for a picture of a large network
_MOST_BYTES = 256 * 1024
_AGAIN = "take another bundle"

_Words = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f-\x9f]{0,400}\Z")]

# What a child may know: no credentials, no socket of the service manager.
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH"),
)
# Threads and arenas would count as memory that the network takes.
_ADDED = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a trial.

    Attributes:
        refusal: why the bundle cannot be used; empty where nothing is known against it.
        runtime: what ran the network; empty for one that only the sensor can run.
        pictures: how many were looked at.
        p50_ms: of an inference.
        memory_mb: that the network took.
        found: in each picture that was given, in their order.
        outputs: shapes of a file's outputs as the runtime has them.
    """

    refusal: _Words = ""
    runtime: _Words = ""
    pictures: int = 0
    p50_ms: float | None = None
    memory_mb: int | None = None
    found: tuple[tuple[Wanted, ...], ...] = ()
    outputs: tuple[tuple[int, ...], ...] = ()


def prove(folder: Path, limit_s: float = LIMIT_S) -> Verdict:
    """Check a bundle as a whole, and run its golden vectors; of one for the sensor its structure is checked.

    Args:
        folder: of the bundle; nothing may be in it that its manifest does not name.
        limit_s: wall-clock time that it may take.

    Raises:
        ModelError: it is refused; in one line, also where its network crashed or did not end.
    """
    return _asked((str(folder.absolute()),), limit_s)


def look(folder: Path, pictures: Sequence[Path]) -> Verdict:
    """Return what a bundle for the processor finds in pictures, whatever its golden vectors say.

    Args:
        folder: of the bundle.
        pictures: (height, width, 3) uint8, red first, as `numpy.save` writes them.

    Raises:
        ModelError: the bundle or a picture cannot be used; as `prove`.
    """
    paths = [str(path.absolute()) for path in pictures]
    return _asked((str(folder.absolute()), "--pictures", *paths))


def shapes_of(file: Path) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the outputs of a .tflite file as a runtime has them: the file leaves some open.

    Args:
        file: the network.

    Raises:
        ModelError: no runtime can run it; as `prove`.
    """
    return _asked((str(file.absolute()),)).outputs


def _asked(arguments: Sequence[str], limit_s: float = LIMIT_S) -> Verdict:
    command = (sys.executable, "-P", "-m", "eyespot", "models", "prove", *arguments)
    hung = Event()
    with foreign(ModelError, "cannot try the network in a process of its own"):
        process = subprocess.Popen(  # noqa: S603 - fixed words and paths
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(os.environ),
        )

    def give_up() -> None:
        hung.set()
        process.kill()

    timer = Timer(limit_s, give_up)
    with process:
        try:
            timer.start()
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            said = process.stdout.read(_MOST_BYTES + 1)
            if len(said) > _MOST_BYTES:
                process.kill()
            code = process.wait()
        finally:
            process.kill()
            timer.cancel()
    if hung.is_set():
        raise ModelError(f"its network did not come to an end within {limit_s:g} s; {_AGAIN}")
    if len(said) > _MOST_BYTES:
        raise ModelError(f"its network said more than a verdict; {_AGAIN}")
    return _judged(said, code)


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {**{name: environ[name] for name in _PASSED_ON if name in environ}, **_ADDED}


def _judged(said: bytes, code: int) -> Verdict:
    """Return what a child said, whose exit code is negative where a signal ended it."""
    if code < 0:
        raise ModelError(f"its network {_end(-code)}; {_AGAIN}")
    try:
        verdict = msgspec.json.decode(said, type=Verdict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"trying its network gave no verdict (exit code {code}); {_AGAIN}") from error
    if verdict.refusal or code:
        raise ModelError(verdict.refusal or f"trying its network ended with exit code {code}; {_AGAIN}")
    return verdict


def _end(number: int) -> str:
    """Return in words what a signal means for the one that it ended."""
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    match name:
        case "SIGXCPU":
            return f"computed for more than {CPU_S} s"
        case "SIGKILL":
            return "was killed, as happens where memory runs out (SIGKILL)"
        case "SIGABRT":
            return "made its runtime abort, as happens where it wants too much memory (SIGABRT)"
        case _:
            return f"crashed its runtime ({name})"
