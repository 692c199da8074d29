"""Scenes to events and states; one file a rule: its settings and its logic side by side."""

from collections.abc import Sequence
from typing import Protocol

from eyespot.domain.event import Event, RuleState
from eyespot.domain.geometry import Mount
from eyespot.domain.track import Scene
from eyespot.rules.line import Line, LineSettings
from eyespot.rules.share import Share, ShareSettings

RuleSettings = LineSettings | ShareSettings


class Rule(Protocol):
    """Looks at scenes, one after the other, and tells what happened."""

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]:
        """Return what happened.

        Args:
            scene: as it is now; instants that stand still or go back are allowed.
            events: what the rules before this one said about the same scene.
        """

    def relabel(self, labels: tuple[str, ...], bundle: str) -> None:
        """Go on with the observations of another model, whose classes may be others, or in another order.

        What was seen before and is counted later counts as the other model's work: it confirmed that.

        Args:
            labels: its class names, by class index.
            bundle: its id.
        """

    def state(self) -> RuleState:
        """Return what holds now: an equal value as long as nothing changed."""

    def reset(self) -> None:
        """Begin at zero; what has no totals goes on. Tracks that are under way count when they arrive."""

    def snapshot(self) -> dict[str, object]:
        """Return what is worth keeping over a restart, fit for JSON."""

    def restore(self, snapshot: dict[str, object]) -> None:
        """Go on from a snapshot.

        Raises:
            ValueError: it is not one that this kind of rule made.
        """


def build(settings: RuleSettings, labels: tuple[str, ...], mount: Mount) -> Rule:
    """Return the rule that goes by the settings.

    Args:
        settings: of one rule.
        labels: class names of the model, by class index.
        mount: which point of a box counts.
    """
    match settings:
        case LineSettings():
            return Line(settings, labels, mount)
        case ShareSettings():  # pragma: no branch - mypy sees that there is no other
            return Share(settings, labels)
