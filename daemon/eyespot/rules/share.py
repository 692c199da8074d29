"""Tells what a model says of the frame as a whole: how much of it a class takes, or how likely a class is.

Single looks waver, so what is told is a mean over the last seconds: each look counts by the time since
the one before, and the less the longer ago it is. The class on top changes only when another one has led
for as long. Once nothing has been observed for a while, nothing is said any more.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from msgspec import Meta

from eyespot.domain.event import Changed, Event, ShareState
from eyespot.domain.geometry import Reals
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.kept import kept_as
from eyespot.domain.names import ClassNames, RuleId
from eyespot.domain.observation import Found, Indexes, Labels, Shares, Tells
from eyespot.domain.track import Scene

# Silence ends what was said after so many times `over_s`, but not before slow models look again.
_SILENCES = 3
_SHORTEST_SILENCE_NS = 5 * SECOND_NS
# A class comes to the top with a share of `change`, and leaves it below this part of that.
_LEAVING = 0.5
_DIGITS = 3


class ShareSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="share"
):
    """What the model says of the frame as a whole: shares of a segmentation, scores of a classifier.

    Attributes:
        id: name of the rule in topics.
        classes: lower-case names of what is told of. Default: everything.
        most: how many classes are published at most, the largest first.
        over_s: seconds over which shares are averaged, and for which a class has to lead to come to the top.
        change: smallest change of a share that is worth publishing, and by how much a class has to lead.
        every_s: seconds between two states at least, unless the class on top changes.
        works_with: what a model has to tell.
        by_tracks: whether tracks are all that it looks at.
    """

    id: RuleId
    classes: ClassNames | None = None
    most: Annotated[int, Meta(ge=1, le=100)] = 5
    over_s: Annotated[float, Meta(ge=0.1, le=600)] = 2.0
    change: Annotated[float, Meta(ge=0.001, le=1)] = 0.05
    every_s: Annotated[float, Meta(ge=0.1, le=3600)] = 1.0
    works_with: ClassVar[tuple[Tells, ...]] = ("labels", "shares")
    by_tracks: ClassVar[bool] = False


class ShareKept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept: what was on top by the last event."""

    top: Annotated[str, Meta(max_length=64)] | None


class Share:
    """Tells the shares of classes, and which is on top.

    Args:
        settings: what is told, and how calmly.
        labels: class names by class index; those of the same name are one class.
    """

    undecided = 0  # it follows nobody
    place = ""  # it looks at all of the frame

    def __init__(self, settings: ShareSettings, labels: tuple[str, ...]) -> None:
        self._settings = settings
        self._names, self._places = _named(settings, labels)
        self._over_ns = round(settings.over_s * SECOND_NS)
        self._every_ns = round(settings.every_s * SECOND_NS)
        self._patience_ns = max(_SILENCES * self._over_ns, _SHORTEST_SILENCE_NS)
        self._taken_ns: int | None = None
        self._now_ns = 0  # time that has passed
        self._seen_ns = 0  # when there was an observation last
        self._bundle = ""  # and whose it was
        self._mean: Reals | None = None  # (names,); None: there is nothing to go by
        self._top: int | None = None
        self._decided = False  # whether the top has been judged since there is something to go by
        self._contested_ns: int | None = None  # since when it is not certain any more
        self._told: str | None = None  # what was on top by the last event
        self._published: tuple[Reals, int] | None = None  # the means in the state, and since when
        self._state = ShareState({}, None)

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]:  # noqa: ARG002 - builds on no rule
        """Return the change of what is on top, if there was one."""
        self._pass_time(scene.taken_ns)
        if self._now_ns - self._seen_ns > self._patience_ns:
            self._forget()
        changes = self._changes(scene.taken_ns)
        values = None if scene.observation is None else self._values(scene.observation.found)
        if scene.observation is not None and values is not None:
            self._bundle = scene.observation.bundle
            self._judge(self._average(values))
            changes += self._changes(scene.taken_ns)
        self._renew()
        return changes

    def relabel(self, labels: tuple[str, ...], bundle: str) -> None:
        """Go on with another model; see `Rule`. Means are carried over by name."""
        before, top = self._names, self._top_name()
        self._names, self._places = _named(self._settings, labels)
        self._bundle = bundle
        self._top = self._names.index(top) if top in self._names else None
        if self._mean is not None:
            self._mean = _moved(self._mean, before, self._names)
        if self._published is not None:
            means, since_ns = self._published
            self._published = _moved(means, before, self._names), since_ns

    def state(self) -> ShareState:
        """Return shares and top as last worth publishing; nothing while there is nothing to go by."""
        return self._state

    def reset(self) -> None:
        """Go on: a share has no totals."""

    def snapshot(self) -> dict[str, object]:
        """Return what was on top by the last event, so that the next one goes on from there."""
        return {"top": self._told}

    def restore(self, snapshot: dict[str, object]) -> None:
        """Go on from what `snapshot` returned. It is not claimed any more, until it is seen again.

        Raises:
            ValueError: it is not such a snapshot.
        """
        self._told = kept_as(ShareKept, snapshot, "a share").top

    def _pass_time(self, taken_ns: int) -> None:
        before, self._taken_ns = self._taken_ns, taken_ns
        if before is not None:
            self._now_ns += max(taken_ns - before, 0)

    def _forget(self) -> None:
        """Say nothing more of what was seen long ago."""
        if self._mean is not None:
            self._mean = self._top = None
            self._decided = True

    def _values(self, found: Found) -> Reals | None:
        """Return (names,) shares or scores, 0..1; None where the model says nothing of the kind."""
        match found:
            case Labels():
                places, values = self._places[found.classes], found.scores
            case Shares():
                places, values = self._places, found.shares
            case _:
                return None
        known = places >= 0
        sums = np.bincount(places[known], values[known], minlength=len(self._names))
        return np.minimum(sums, 1)

    def _average(self, values: Reals) -> Reals:
        """Let the mean follow, exponentially with the time constant `over_s`; return it."""
        elapsed_ns, self._seen_ns = self._now_ns - self._seen_ns, self._now_ns
        if self._mean is None:
            self._mean, self._decided, self._contested_ns = values, False, None
        weight = -np.expm1(-elapsed_ns / self._over_ns)
        self._mean = self._mean + weight * (values - self._mean)
        return self._mean

    def _judge(self, mean: Reals) -> None:
        """Let another class come to the top, or none, once the one there has been contested long enough."""
        best, least = int(mean.argmax()), self._settings.change
        held = 0.0 if self._top is None else mean[self._top]
        beaten = mean[best] - held >= least
        faded = self._top is not None and mean[best] < least * _LEAVING
        if self._decided and not beaten and not faded:
            self._contested_ns = None
            return
        if self._contested_ns is None:
            self._contested_ns = self._now_ns
        if self._now_ns - self._contested_ns >= self._over_ns:
            self._top = best if mean[best] >= least else None
            self._decided, self._contested_ns = True, None

    def _changes(self, taken_ns: int) -> list[Event]:
        """Return the event of another class on top than the last one told, if that is certain."""
        before, after = self._told, self._top_name()
        if not self._decided or before == after:
            return []
        self._told = after
        return [Changed(self._settings.id, taken_ns, before, after, self._bundle)]

    def _top_name(self) -> str | None:
        return None if self._top is None else self._names[self._top]

    def _renew(self) -> None:
        """Renew the state if it is worth it."""
        if self._mean is None:
            self._published, self._state = None, ShareState({}, None)
        elif self._top_name() != self._state.top or self._has_changed(self._mean):
            self._published = (self._mean, self._now_ns)
            self._state = ShareState(self._largest(self._mean), self._top_name())

    def _has_changed(self, mean: Reals) -> bool:
        if self._published is None:
            return True
        before, since_ns = self._published
        due = self._now_ns - since_ns >= self._every_ns
        return due and bool(np.abs(mean - before).max() >= self._settings.change)

    def _largest(self, mean: Reals) -> dict[str, float]:
        """Return the largest shares and that on top; of classes not named in the settings, none of 0."""
        rounded = mean.round(_DIGITS)
        largest = np.argsort(-mean, kind="stable")[: self._settings.most].tolist()
        if self._top is not None and self._top not in largest:
            largest[-1] = self._top
        named = self._settings.classes is not None
        return {self._names[place]: float(rounded[place]) for place in largest if named or rounded[place] > 0}


def _named(settings: ShareSettings, labels: tuple[str, ...]) -> tuple[tuple[str, ...], Indexes]:
    """Return the names of what is told, and where among them each class index is; -1 is nowhere."""
    names = tuple(dict.fromkeys(settings.classes or labels))
    places = {name: place for place, name in enumerate(names)}
    return names, np.array([places.get(label, -1) for label in labels], np.intp)


def _moved(values: Reals, before: tuple[str, ...], after: tuple[str, ...]) -> Reals:
    """Return values by name in another order; 0 for those that had none."""
    known = dict(zip(before, values, strict=True))
    return np.array([known.get(name, 0.0) for name in after])
