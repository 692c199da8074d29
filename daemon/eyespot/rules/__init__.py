"""Scenes to events and states; one file a rule: its settings and its logic side by side."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

import msgspec

from eyespot.domain.account import Account
from eyespot.domain.event import Event, ResetCause, RuleState
from eyespot.domain.geometry import Mount
from eyespot.domain.kept import KeptBundle, KeptUtc
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.rules.heatmap import Heatmap, HeatmapKept, HeatmapSettings
from eyespot.rules.line import Line, LineKept, LineSettings
from eyespot.rules.occupancy import Occupancy, OccupancyKept, OccupancySettings
from eyespot.rules.queue import Queue, QueueKept, QueueSettings
from eyespot.rules.share import Share, ShareKept, ShareSettings
from eyespot.rules.shelf import Shelf, ShelfKept, ShelfSettings
from eyespot.rules.zone import Zone, ZoneKept, ZoneSettings

RuleSettings = (
    LineSettings
    | ShareSettings
    | ZoneSettings
    | QueueSettings
    | OccupancySettings
    | HeatmapSettings
    | ShelfSettings
)
_UTC = ZoneInfo("UTC")
# What each kind keeps. No two have fields of the same names, so these tell the kind.
_KEPT: Mapping[type, type[msgspec.Struct]] = {
    Line: LineKept,
    Share: ShareKept,
    Zone: ZoneKept,
    Queue: QueueKept,
    Occupancy: OccupancyKept,
    Heatmap: HeatmapKept,
    Shelf: ShelfKept,
}


class Rule(Protocol):
    """Looks at scenes, one after the other, and tells what happened.

    Attributes:
        undecided: how many tracks have touched it and gone, so that nobody knows whether they should have
            counted; only grows.
        place: where it looks, in words for nobody: totals of another place are others.
    """

    @property
    def undecided(self) -> int: ...  # noqa: D102

    @property
    def place(self) -> str: ...  # noqa: D102

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


@runtime_checkable
class Sweeping(Protocol):
    """A rule that builds on no other one, goes by tracks alone, and can look at many scenes at once."""

    @property
    def undecided(self) -> int: ...  # noqa: D102 - see `Rule`

    def state(self) -> RuleState: ...  # noqa: D102 - see `Rule`

    def sweep(self, strip: Strip) -> Iterator[tuple[int, list[Event]]]:
        """Yield what happened, and in which scene, as `step` would for each of them.

        Whenever it yields, `state` and `undecided` are those after this scene. Scenes between them change
        nothing.
        """


@runtime_checkable
class Heeding(Protocol):
    """A rule that goes by what others say of a scene, and by the time; other scenes may be left out."""

    @property
    def undecided(self) -> int: ...  # noqa: D102 - see `Rule`

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]: ...  # noqa: D102 - see `Rule`

    def state(self) -> RuleState: ...  # noqa: D102 - see `Rule`

    def due(self, strip: Strip, step: int) -> int:
        """Return in which step after one it is to look though nobody says anything; the end: in none.

        Args:
            strip: scenes.
            step: of which this one was the last that it looked at.
        """

    def pass_over(self, strip: Strip, begin: int, end: int) -> None:
        """Go on over steps from one to before another, in which nobody says anything and it is not due."""


@runtime_checkable
class Explaining(Sweeping, Protocol):
    """A rule that can tell why it counted a track, or did not."""

    def explain(self, strip: Strip) -> list[Account]:
        """Return what becomes of each track that is seen in a strip, as `sweep` would count it.

        Like `sweep` it goes on from what was before, but leaves totals as they are.
        """


@runtime_checkable
class Gathering(Protocol):
    """A rule that tells what it gathers only when a while is over."""

    def close(self) -> None:
        """End the while under way, as nothing more will come."""


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule as it is kept. What is as usual is left out: an older version that is gone back to reads it.

    Attributes:
        since_utc_ns: UTC in ns since 1970 when its totals began.
        state: what the rule itself keeps.
        model: id of the bundle whose work it is; empty where that was not kept.
        reset: why its totals began then.
        heatmap: whether it is one, and so has another topic than all others.
        buckets: what its buckets keep; None where it has none.
    """

    since_utc_ns: KeptUtc
    state: dict[str, object]
    model: KeptBundle = ""
    reset: ResetCause = "begun"
    heatmap: bool = False
    buckets: dict[str, object] | None = None


def was_heatmap(kept: bytes) -> bool:
    """Return whether a snapshot is that of a heatmap."""
    try:
        return msgspec.json.decode(kept, type=Snapshot).heatmap
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def was_another_kind(kept: bytes, rule: Rule) -> bool:
    """Return whether a snapshot is that of another kind of rule than this one.

    It does not name its kind: versions before, which are gone back to, would refuse the name.
    """
    try:
        names = msgspec.json.decode(kept, type=Snapshot).state.keys()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return any(_has_fields(names, form) for kind, form in _KEPT.items() if not isinstance(rule, kind))


def _has_fields(names: AbstractSet[str], form: type[msgspec.Struct]) -> bool:
    fields = msgspec.structs.fields(form)
    return {field.name for field in fields if field.required} <= names <= {field.name for field in fields}


def ordered(rules: Sequence[RuleSettings]) -> list[RuleSettings]:
    """Return rules in an order in which each comes after those it builds on; these build on none."""
    return sorted(rules, key=lambda rule: len(bases_of(rule)) > 0)


def bases_of(rule: RuleSettings) -> tuple[str, ...]:
    """Return the ids of the rules that a rule builds on: those it names in `from`."""
    return rule.lines if isinstance(rule, OccupancySettings) else ()


def spans(rules: Iterable[RuleSettings]) -> dict[str, int]:
    """Return rule id -> length of its buckets in s, of those that are to have some."""
    counting = [rule for rule in rules if not isinstance(rule, ShareSettings | HeatmapSettings)]
    return {rule.id: rule.bucket_s for rule in counting if rule.bucket_s is not None}


def build(settings: RuleSettings, labels: tuple[str, ...], mount: Mount, zone: ZoneInfo = _UTC) -> Rule:
    """Return the rule that goes by the settings.

    Args:
        settings: of one rule.
        labels: class names of the model, by class index.
        mount: which point of a box counts.
        zone: time zone of the device.
    """
    rule: Rule
    match settings:
        case LineSettings():
            rule = Line(settings, labels, mount)
        case ShareSettings():
            rule = Share(settings, labels)
        case ZoneSettings():
            rule = Zone(settings, labels, mount, zone)
        case OccupancySettings():
            rule = Occupancy(settings, labels, zone)
        case HeatmapSettings():
            rule = Heatmap(settings, labels, mount, zone)
        case QueueSettings():
            rule = Queue(settings, labels, mount)
        case ShelfSettings():  # pragma: no branch - mypy sees that there is no other
            rule = Shelf(settings, labels)
    return rule
