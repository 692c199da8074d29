"""What whoever watches does: chooses a device and a line, and tallies who goes over it."""

from eyespot.app.tally import Tally
from eyespot.app.watched import MOST_DEVICES, Watched
from eyespot.app.watched_device import Device
from eyespot.commands.tally import UNDO, WAYS, words
from eyespot.commands.watch_view import Choice
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Heard
from eyespot.domain.tallying import NEAR_S
from eyespot.ports import Clock

_LETTERS = ("i", "o")  # arrows choose a device here
_KEPT = ("/info", "/config/reported")
_MOST_KEPT = len(_KEPT) * MOST_DEVICES


class _Tallying:
    """One tally, from its beginning until what is still to come has come."""

    def __init__(self, root: str, rule: str, clock: Clock) -> None:
        self.rule = rule
        self.tally = Tally(root, rule, clock)
        self.begun_ns = clock.now_ns()
        self.ended_ns: int | None = None

    def words(self) -> str:
        """Return what was seen so far. What was counted is not told, lest it be what is seen."""
        if self.ended_ns is not None:
            return "waiting for what is still to come"
        seen = self.tally.result().seen
        return f"tallying {self.rule}: in {seen['in']}, out {seen['out']}"

    def is_over(self, now_ns: int) -> bool:
        """Whether all has come that counts."""
        return self.ended_ns is not None and now_ns >= self.ended_ns + NEAR_S * SECOND_NS

    def result(self) -> tuple[str, ...]:
        """Return what came of it."""
        lasted_s = ((self.ended_ns or self.begun_ns) - self.begun_ns) / SECOND_NS
        return tuple(words(self.rule, self.tally, self.tally.result(), lasted_s))


class Desk:
    """Hears messages from one thread, and takes keys from another.

    Args:
        prefix: topics begin with it; a device's id follows.
        clock: times frames, and both sides of a tally.
    """

    def __init__(self, prefix: str, clock: Clock) -> None:
        self._prefix = prefix
        self._clock = clock
        self._watched = Watched(prefix, lambda: clock.now_ns() / SECOND_NS)
        self._device = ""
        self._rule = ""
        self._tallying: _Tallying | None = None
        self._said: tuple[str, ...] = ()
        self._kept: dict[str, Heard] = {}

    def hear(self, heard: Heard) -> None:
        """Take in a message."""
        self._watched.hear(heard)
        if heard.topic.endswith(_KEPT) and (heard.topic in self._kept or len(self._kept) < _MOST_KEPT):
            self._kept[heard.topic] = heard
        if (tallying := self._tallying) is not None:
            tallying.tally.hear(heard)

    def press(self, key: str) -> None:
        """Do what a key stands for; a device and a line stay chosen while somebody tallies."""
        devices = self._watched.devices()
        if self._tallying is not None:
            self._count(self._tallying, key)
        elif key in {"\t", "down", "up"} and devices:
            names = list(devices)
            step = -1 if key == "up" else 1
            place = names.index(self._device) if self._device in names else 0
            self._device, self._rule, self._said = names[(place + step) % len(names)], "", ()
        elif key == "n":
            lines = self._lines(devices)
            place = lines.index(self._rule) + 1 if self._rule in lines else 0
            self._rule = lines[place % len(lines)] if lines else ""
        elif key == "t" and (rule := self._chosen(devices)):
            self._begin(rule)

    def look(self, trouble: str) -> tuple[dict[str, Device], Choice]:
        """Return the devices, and what to show of them.

        Args:
            trouble: why nothing is heard; empty where all is well.
        """
        devices = self._watched.devices()
        if self._device not in devices:
            self._device = next(iter(devices), "")
        if self._tallying is not None and self._tallying.is_over(self._clock.now_ns()):
            self._said, self._tallying = self._tallying.result(), None
        tally = "" if self._tallying is None else self._tallying.words()
        return devices, Choice(self._device, self._chosen(devices), tally, self._said, trouble)

    def _begin(self, rule: str) -> None:
        root = f"{self._prefix}/{self._device}"
        tallying = _Tallying(root, rule, self._clock)
        for kept in _KEPT:  # the broker will not say it again: which model, and which rule
            if (heard := self._kept.get(f"{root}{kept}")) is not None:
                tallying.tally.hear(heard)
        self._said, self._tallying = (), tallying

    def _count(self, tallying: _Tallying, key: str) -> None:
        if tallying.ended_ns is not None:
            return
        if key in _LETTERS:
            tallying.tally.saw(WAYS[key])
        elif key in UNDO:
            tallying.tally.undo()
        elif key == "t":
            tallying.ended_ns = self._clock.now_ns()

    def _lines(self, devices: dict[str, Device]) -> tuple[str, ...]:
        return devices[self._device].lines if self._device in devices else ()

    def _chosen(self, devices: dict[str, Device]) -> str:
        """Return the line that keys are about: the one chosen, else the first."""
        if self._tallying is not None:
            return self._tallying.rule
        lines = self._lines(devices)
        return self._rule if self._rule in lines else next(iter(lines), "")
