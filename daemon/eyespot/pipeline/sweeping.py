"""What rules tell of a strip, scene by scene, though they pass over most of them."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from eyespot.domain.event import Event, RuleState
from eyespot.domain.strip import SIGHTS, Strip
from eyespot.rules import Heeding, Rule, Sweeping


class Told(NamedTuple):
    """What a rule has told of a scene of a strip, and its state then."""

    step: int
    order: int
    events: Sequence[Event]
    state: RuleState
    undecided: int


def can_sweep(rules: Iterable[Rule]) -> bool:
    """Return whether rules can pass over scenes."""
    return all(isinstance(rule, Sweeping | Heeding) for rule in rules)


def told_of(strip: Strip, rules: Sequence[Rule]) -> Iterator[tuple[int, list[Told]]]:
    """Yield the steps of a strip of which rules tell something, with what they do, in their order.

    Args:
        strip: scenes.
        rules: that can sweep; each after those on which it builds.
    """
    sweeps = [_swept(order, rule, strip) for order, rule in enumerate(rules) if isinstance(rule, Sweeping)]
    merged = groupby(heapq.merge(*sweeps, key=_when), key=lambda one: one.step)
    at_once = ((step, list(told)) for step, told in merged)
    heeding = [(order, rule) for order, rule in enumerate(rules) if isinstance(rule, Heeding)]
    return _heeded(strip, heeding, at_once) if heeding else at_once


def rough(strip: Strip, stands_ns: int) -> list[int]:
    """Return, for each step and the end, how many before it are no look that sees something and is in time.

    Args:
        strip: whose steps.
        stands_ns: how long after the one before it a look is in time.
    """
    gaps_ns = np.diff(strip.taken_ns, prepend=strip.taken_ns[0] - stands_ns - 1)
    clear = strip.sights == SIGHTS.index("clear")
    smooth = strip.observed & clear & (gaps_ns >= 0) & (gaps_ns <= stands_ns)
    smooth[1:] &= strip.observed[:-1]
    return [0, *np.cumsum(~smooth).tolist()]


def _swept(order: int, rule: Sweeping, strip: Strip) -> Iterator[Told]:
    for step, events in rule.sweep(strip):
        yield Told(step, order, events, rule.state(), rule.undecided)


def _when(told: Told) -> tuple[int, int]:
    return told.step, told.order


def _heeded(
    strip: Strip, heeding: Sequence[tuple[int, Heeding]], at_once: Iterator[tuple[int, list[Told]]]
) -> Iterator[tuple[int, list[Told]]]:
    """Yield what others tell together with what those make of it who heed them, or the time."""
    beyond: tuple[int, list[Told]] = (len(strip), [])
    next_one, due, passed = next(at_once, beyond), 0, 0
    while (step := min(next_one[0], due)) < len(strip):
        _pass_over(strip, heeding, passed, step)
        told: list[Told] = []
        if step == next_one[0]:
            told, next_one = next_one[1], next(at_once, beyond)
        for order, rule in heeding:
            before = [event for one in told for event in one.events]
            events = rule.step(strip.scene(step), before)
            told.append(Told(step, order, events, rule.state(), rule.undecided))
        yield step, told
        due, passed = min(rule.due(strip, step) for _, rule in heeding), step + 1
    _pass_over(strip, heeding, passed, len(strip))


def _pass_over(strip: Strip, heeding: Sequence[tuple[int, Heeding]], begin: int, end: int) -> None:
    if begin < end:
        for _, rule in heeding:
            rule.pass_over(strip, begin, end)
