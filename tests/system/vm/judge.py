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

from street import SPACING_S

NEWEST_S = 1.0  # of a power cut, the newest second may be lost
LATELY_S = 5.0
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


def crossed(before: Path) -> list[float]:
    """Return when each crossing of the newest life was: as heard, then as the street goes on until the cut.

    What a machine had no time to look at was not counted: no loss of the cut.
    """
    times, cut = [event.crossed_s for event in events(heard(before))], cut_s(before)
    while times[-1] + SPACING_S <= cut:
        times.append(times[-1] + SPACING_S)
    return times


def slowness_s(before: Path) -> float:
    """Return how long the machine took at most, lately, to tell of a crossing."""
    lately = [event for event in events(heard(before)) if event.at_s >= cut_s(before) - LATELY_S]
    return max((event.at_s - event.crossed_s for event in lately), default=0.0)


def counting(before: Path, after: Path) -> str:
    """Return how much was lost, in words."""
    words, times, slow_s = told(before, after), crossed(before), slowness_s(before)
    kept = states(heard(after))[0].total - states(heard(before))[0].total
    assert kept <= len(times), f"{len(times)} crossed, {kept} are kept"
    if kept == len(times):
        return f"{words}; nothing lost of {kept}"
    oldest_s = cut_s(before) - times[kept]
    words += f"; lost {len(times) - kept} of {len(times)}, the oldest of them {oldest_s:.2f} s old"
    assert oldest_s <= NEWEST_S + slow_s, f"{words}; it was told within {slow_s:.2f} s before"
    return f"{words} (the machine told of crossings within {slow_s:.2f} s)"


def main(judgement: str, before: Path, after: Path) -> None:
    """Judge one cut."""
    sys.stdout.write({"told": told, "counting": counting}[judgement](before, after) + "\n")


main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
