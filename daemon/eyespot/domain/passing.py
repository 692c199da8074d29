"""A strip that passes by rules about places: how late it is, and the steps in which something may change."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np

from eyespot.domain.instants import LONGEST_LOOK_NS
from eyespot.domain.strip import Strip

Item = tuple[int, int]  # of an agenda: of which kind, and what of it


class Elapsed(NamedTuple):
    """How late it is, and how much was looked until then.

    Attributes:
        now_ns: instant of the newest scene; it stands still where instants go back.
        looked_ns: time in which somebody looked.
        look_ns: when somebody did last; None: never.
    """

    now_ns: int = 0
    looked_ns: int = 0
    look_ns: int | None = None


class Passing:
    """Passes from step to step, of those for which there is something on the agenda.

    Args:
        strip: scenes.
        before: how late it was before them.

    Attributes:
        step: where it is; -1 before the first one.
        instants: (steps,) int64; of `Elapsed.now_ns`, at each step.
        now_ns: the same as a list.
        after: how late it is after the last one.
    """

    def __init__(self, strip: Strip, before: Elapsed) -> None:
        self._before = before
        self.instants = np.maximum.accumulate(np.maximum(strip.taken_ns, before.now_ns))
        self.now_ns: list[int] = self.instants.tolist()
        self._observed: list[bool] = strip.observed.tolist()  # single values of arrays are slow
        self._looks = np.flatnonzero(strip.observed)
        seen_ns = self.instants[self._looks]
        passed, look_ns = np.zeros(len(strip), np.int64), before.look_ns
        if len(seen_ns):
            first_ns = seen_ns[0] if look_ns is None else look_ns
            before_ns = np.concatenate([[first_ns], seen_ns[:-1]])
            passed[self._looks] = np.minimum(seen_ns - before_ns, LONGEST_LOOK_NS)
            look_ns = int(seen_ns[-1])
        self._looked = before.looked_ns + np.cumsum(passed)
        self.after = Elapsed(self.now_ns[-1], int(self._looked[-1]), look_ns)
        self._agenda: list[tuple[int, int, int]] = []
        self._reminder = (0, -1)  # an instant, and its step
        self.step = -1

    def __iter__(self) -> Iterator[list[Item]]:
        """Go to the next step that is on the agenda, and yield what there is, in order, each once."""
        agenda = self._agenda
        while agenda:
            self.step = agenda[0][0]
            items: list[Item] = []
            while agenda and agenda[0][0] == self.step:
                item = heappop(agenda)[1:]
                if not items or items[-1] != item:
                    items.append(item)
            yield items

    def plan(self, items: Iterable[tuple[int, int, int]]) -> None:
        """Put a lot on the agenda, each with its step; what is beyond the strip is dropped."""
        self._agenda += [item for item in items if item[0] < len(self.now_ns)]
        heapify(self._agenda)

    def add(self, step: int, kind: int, what: int = 0) -> None:
        """Put something on the agenda of a step to come."""
        if step < len(self.now_ns):
            heappush(self._agenda, (step, kind, what))

    def remind(self, instant_ns: int, kind: int) -> None:
        """Put something on the agenda of the first step that is as late, once."""
        known_ns, step = self._reminder
        if known_ns != instant_ns or step <= self.step:
            self._reminder = instant_ns, self.step_at(instant_ns)
            self.add(self._reminder[1], kind)

    @property
    def looks(self) -> bool:
        """Whether something is observed at this step."""
        return self._observed[self.step]

    @property
    def looked_ns(self) -> int:
        """Time in which somebody looked, up to this step."""
        return self._looked.item(self.step) if self.step >= 0 else self._before.looked_ns

    @property
    def had_looked_ns(self) -> int:
        """The same up to the step before."""
        return self._looked.item(self.step - 1) if self.step > 0 else self._before.looked_ns

    def step_at(self, instant_ns: int) -> int:
        """Return the first step to come that is as late."""
        return max(bisect_left(self.now_ns, instant_ns), self.step + 1)

    def step_after(self, looked_ns: int) -> int:
        """Return the first step to come at which somebody has looked for so long."""
        return max(int(self._looked.searchsorted(looked_ns)), self.step + 1)

    def look_from(self, step: int) -> int:
        """Return the first step from one on, which is to come, in which something is observed."""
        place = int(self._looks.searchsorted(step))
        return int(self._looks[place]) if place < len(self._looks) else len(self.now_ns)
