"""Compares what was heard of a machine before its power was cut with what it knows after.

judge.py counting BEFORE AFTER   it counted the recorded street until the cut: only the newest second is lost
judge.py told BEFORE AFTER       whatever it did: what it had told a second before the cut is kept
The folders have `heard` and `beats`, as guest.sh writes them.
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from street import SPACING_S, crossings

NEWEST_S = 1.0  # of a power cut, the newest second may be lost
TOPIC = "eyespot/v1/gate/rule/middle"


class Message(NamedTuple):
    """When it was heard, by the clock of the machine; the life of the service that sent it; what it says."""

    at_s: float
    topic: str
    life: str
    payload: dict[str, Any]

    @property
    def total(self) -> int:
        """All crossings that a state has."""
        return sum(self.payload["counts"].get("person", {"none": 0}).values())

    @property
    def crossed_s(self) -> float:
        """When that happened of which an event tells."""
        return datetime.fromisoformat(self.payload["t"]).timestamp()


def whole_lines(file: Path) -> list[str]:
    """Return the lines of a file, but for one that the cut has torn."""
    return [line for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]


def heard(folder: Path) -> list[Message]:
    """Return the states and events of the rule, as they came; not what the broker had kept from before."""
    messages = []
    for line in whole_lines(folder / "heard"):
        at, topic, payload = line.split(" ", 2)
        if topic in {f"{TOPIC}/state", f"{TOPIC}/event"}:
            told = json.loads(payload)
            messages.append(Message(float(at), topic.removeprefix(f"{TOPIC}/"), told["boot_id"], told))
    return messages


def states(messages: list[Message]) -> list[Message]:
    """Return those that tell totals."""
    return [message for message in messages if message.topic == "state"]


def events(messages: list[Message]) -> list[Message]:
    """Return those that tell of a crossing in the newest life, not those that an earlier one left on disk."""
    newest = states(messages)[-1].life
    return [message for message in messages if message.topic == "event" and message.life == newest]


def cut_s(folder: Path) -> float:
    """Return when the power went, by the clock of the machine."""
    return float(whole_lines(folder / "beats")[-1])


def told(before: Path, after: Path) -> str:
    """Return what of the totals was kept, in words."""
    cut = cut_s(before)
    sure = [state.total for state in states(heard(before)) if state.at_s <= cut - NEWEST_S]
    kept = states(heard(after))[0].total
    known = max(sure, default=0)
    assert kept >= known, f"{known} were told {NEWEST_S} s before the cut, {kept} are kept"
    return f"{kept} kept, {known} had been told a second before"


def counting(before: Path, after: Path) -> str:
    """Return how much was lost, in words."""
    messages, cut = heard(before), cut_s(before)
    known, first = states(messages)[0].total, events(messages)[0].crossed_s
    slow_s = max(event.at_s - event.crossed_s for event in events(messages))
    true = crossings(cut - first)
    kept = states(heard(after))[0].total - known
    oldest_s = cut - first - kept * SPACING_S  # of those that are lost
    assert kept <= true, f"{true} crossed, {kept} are kept"
    assert kept == true or oldest_s <= NEWEST_S + slow_s, (
        f"one is lost that crossed {oldest_s:.2f} s before the cut"
    )
    words = told(before, after)
    if kept == true:
        return f"{words}; nothing lost of {true}"
    return f"{words}; lost {true - kept} of {true}, the oldest of them {oldest_s:.2f} s old"


def main(judgement: str, before: Path, after: Path) -> None:
    """Judge one cut."""
    sys.stdout.write({"told": told, "counting": counting}[judgement](before, after) + "\n")


main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
