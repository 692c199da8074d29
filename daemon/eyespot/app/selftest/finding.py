"""What a probe found, and how one is run so that it can neither raise nor hang."""

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from eyespot.domain.errors import EyespotError, foreign, one_line

Verdict = Literal["ok", "warn", "fail", "skip"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found.

    Attributes:
        name: of the probe.
        verdict: "warn" works, but not as well as it could; "skip" is not needed here, or cannot be known.
        words: one line; what to do where something is wrong.
        facts: the same and more for programs, as JSON has it.
    """

    name: str
    verdict: Verdict
    words: str
    facts: Mapping[str, Any] = field(default_factory=dict)


Probe = Callable[[], Finding]


def attempt(name: str, probe: Probe, limit_s: float) -> Finding:
    """Return what a probe finds; that it failed or took too long is a finding, too.

    Args:
        name: of the finding then.
        probe: may raise, and may hang.
        limit_s: how long it may take.
    """
    answers: queue.SimpleQueue[Finding] = queue.SimpleQueue()

    def run() -> None:
        try:
            with foreign(EyespotError, "this could not be looked at"):
                answers.put(probe())
        except EyespotError as error:
            answers.put(Finding(name, "fail", one_line(error)))

    threading.Thread(target=run, name=f"probe {name}", daemon=True).start()
    try:
        return answers.get(timeout=limit_s)
    except queue.Empty:
        return Finding(name, "fail", f"no answer within {limit_s:g} s; what it asks hangs")
