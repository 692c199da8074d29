"""Crossings that count once whoever made them has gone: one there and one back of the same track are none."""

from collections.abc import Collection, Iterable

import msgspec

from eyespot.domain.event import Crossed, Direction
from eyespot.domain.instants import Timeline
from eyespot.domain.kept import KeptBundle, KeptLabel, KeptTrack, KeptUtc


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A crossing of somebody who was there still, as it is kept: its instant in UTC."""

    track: KeptTrack
    utc_ns: KeptUtc
    direction: Direction
    bundle: KeptBundle
    label: KeptLabel


class Lingering:
    """What waits for the ends of tracks."""

    def __init__(self) -> None:
        self._there: dict[int, list[Crossed]] = {}
        self._before: tuple[Kept, ...] = ()

    @property
    def number(self) -> int:
        """How many crossings of tracks that are there wait."""
        return sum(map(len, self._there.values()))

    @property
    def tracks(self) -> Collection[int]:
        """The tracks that are waited for."""
        return self._there.keys()

    def of(self, track: int) -> Collection[Crossed]:
        """Return what waits for the end of a track."""
        return self._there.get(track, ())

    def add(self, crossed: Crossed) -> None:
        """Let a crossing wait; one there and one back cancel each other."""
        waiting = self._there.setdefault(crossed.track, [])
        if waiting and waiting[-1].direction != crossed.direction:
            waiting.pop()
        else:
            waiting.append(crossed)

    def leave(self, tracks: Iterable[int]) -> list[Crossed]:
        """Return what waited for tracks that have ended."""
        return [crossed for track in sorted(tracks) for crossed in self._there.pop(track, ())]

    def relabel(self, bundle: str) -> None:
        """Go on with another model; see `rules.Rule`."""
        for track, waiting in self._there.items():
            self._there[track] = [msgspec.structs.replace(one, bundle=bundle) for one in waiting]

    def keep(self, timeline: Timeline) -> list[Kept]:
        """Return all that waits, for a snapshot."""
        there = [one for waiting in self._there.values() for one in waiting]
        kept = [Kept(o.track, timeline.utc_ns(o.taken_ns), o.direction, o.bundle, o.label) for o in there]
        return [*self._before, *kept]

    def restore(self, kept: tuple[Kept, ...]) -> None:
        """Take over what waited in another process, whose tracks are all gone."""
        self._before = kept

    def take_before(self, rule: str, timeline: Timeline) -> list[Crossed]:
        """Return, once, what had waited in another process."""
        before, self._before = self._before, ()
        zero_ns = timeline.utc_at_zero_ns
        return [
            Crossed(rule, one.utc_ns - zero_ns, one.direction, one.label, one.track, one.bundle)
            for one in before
        ]
