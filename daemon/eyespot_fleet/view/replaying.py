"""Rules over what a device noticed: what they would have counted, and what is doubtful about them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from eyespot.app.survey import tried
from eyespot.config import Config, doubts_of_rules, problems_with_rules
from eyespot.config.checking import Problem
from eyespot.config.loading import problems_in
from eyespot.config.locate import KeyPath
from eyespot.domain.errors import ConfigError, one_line
from eyespot.domain.event import RuleState
from eyespot.domain.geometry import Mount
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.measures import measures
from eyespot.domain.observation import Indexes
from eyespot.domain.strip import SIGHTS, Instants, Strip
from eyespot.domain.track import Mask, Tracks
from eyespot.host.timezone import zone_of
from eyespot.pipeline.sweeping import told_of
from eyespot.rules import RuleSettings, build, ordered
from eyespot.rules.line import LineSettings
from eyespot.rules.occupancy import OccupancySettings
from eyespot.rules.queue import QueueSettings
from eyespot.rules.zone import ZoneSettings
from eyespot_fleet.view.blocks import Rows
from eyespot_fleet.view.seen import Observations

_HIDDEN_NS: Final = 5 * SECOND_NS  # no tracker keeps whom it has not seen for so long
_HIDDEN_LOOKS: Final = 100
_MOST_ADDED: Final = 2  # times as many rows as there are
_TRIED_ROWS: Final = 20_000  # telling why takes ten times as long as counting
_TRIED_ROWS_OF_ALL: Final = 60_000  # of all rules together
_MOST_TRACKS: Final = 10_000  # each costs as much as many rows of one that goes on
_SYNCED: Final = Timeline(0, synced=True)
_PLACE: Final = ("entered", "left", "occupancy")
_COUNTED: Final[Mapping[type, tuple[str, ...]]] = {
    LineSettings: ("in", "out"),
    ZoneSettings: _PLACE,
    OccupancySettings: _PLACE,
    QueueSettings: ("joined", "served", "abandoned", "lost", "length"),
}

Counts = Mapping[str, Mapping[str, int]]  # rule id -> of what -> how many


class Device(NamedTuple):
    """What has to be known of a device, to judge rules as it would.

    Attributes:
        mount: its `[camera] mount`.
        timezone: its `[device] timezone`; None: that of this machine.
        labels: class names of its model; empty where they are not known.
        size: width and height of its frame, of which the ratio matters.
    """

    mount: Mount = "oblique"
    timezone: str | None = None
    labels: tuple[str, ...] = ()
    size: tuple[float, float] = (4, 3)


class RefusedError(Exception):
    """A device would refuse such rules.

    Attributes:
        reasons: rule id -> why, in one line; an empty id where it is nobody's fault in particular.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(reasons.values()))
        self.reasons = reasons


def config_of(device: Device, rules: Sequence[Mapping[str, object]]) -> Config:
    """Return a configuration with such rules, checked as the device would.

    Raises:
        RefusedError: it would be refused.
    """
    tables: dict[str, object] = {
        "camera": {"source": "scene", "mount": device.mount},
        "mqtt": {"url": "mqtt://localhost"},
        "rules": list(rules),
    }
    reasons = {_id_at(problem.path, rules): _in_words(problem) for problem in reversed(problems_in(tables))}
    if reasons:
        raise RefusedError(reasons)
    config = msgspec.convert(tables, Config)
    for rule in config.rules if device.labels else ():
        if problem := problems_with_rules([rule], device.labels, rule.works_with[0]):
            reasons[rule.id] = f"the model {problem}"
    if reasons:
        raise RefusedError(reasons)
    named = msgspec.structs.replace(config.device, timezone=device.timezone)
    return msgspec.structs.replace(config, device=named)


def judged(device: Device, rules: Sequence[Mapping[str, object]]) -> tuple[Config, Mapping[str, str]]:
    """Return a configuration with those rules that the device would take, and why it would refuse the others.

    The device itself refuses all of them together. See `RefusedError.reasons`.
    """
    reasons: dict[str, str] = {}
    while True:
        try:
            return config_of(device, rules), reasons
        except RefusedError as error:
            reasons = {**error.reasons, **reasons}
            before = len(rules)
            rules = [rule for rule in rules if _id_of(rule) not in reasons]
            if len(rules) == before:
                rules = []


def _id_of(rule: Mapping[str, object]) -> str:
    told = rule.get("id")
    return told if isinstance(told, str) else ""


def _id_at(path: KeyPath, rules: Sequence[Mapping[str, object]]) -> str:
    nth = path[1] if len(path) > 1 else None
    return _id_of(rules[nth]) if isinstance(nth, int) else ""


def _in_words(problem: Problem) -> str:
    return one_line(ConfigError(problem.text.removeprefix("[[rules]]: ")))


def counts_of(config: Config, seen: Observations, strip: Strip | None) -> Counts:
    """Return what the rules would have counted; of those that look at more than tracks nothing.

    Args:
        config: whose rules.
        seen: what was noticed.
        strip: of the same; None where that is nothing.
    """
    rules = [rule for rule in ordered(config.rules) if rule.by_tracks and type(rule) in _COUNTED]
    zone = zone_of(config.device)
    logics = [build(rule, seen.labels, config.camera.mount, zone) for rule in rules]
    if strip is not None:
        for _ in told_of(strip, logics):
            pass
    return {rule.id: _counts(rule, logic.state()) for rule, logic in zip(rules, logics, strict=True)}


def doubts_of(config: Config, seen: Observations, size: tuple[float, float]) -> Mapping[str, Sequence[str]]:
    """Return rule id -> why it cannot count, or does badly with the newest of what was noticed; in words."""
    found = [(doubt.nth, doubt.text) for doubt in doubts_of_rules(config)]
    most_rows = min(_TRIED_ROWS, _TRIED_ROWS_OF_ALL // max(1, len(config.rules)))
    strip = strip_of(newest(seen, most_rows=most_rows))
    if strip is not None:
        found += tried(config, seen.labels, size, [strip])
    told = defaultdict[str, list[str]](list)
    for index, text in found:
        told[config.rules[index].id].append(text)
    return told


def newest(
    seen: Observations, *, most_rows: int | None = None, most_tracks: int = _MOST_TRACKS
) -> Observations:
    """Return so many of the newest observations that they have no more rows, and no more tracks."""
    count = len(seen.rows)
    skipped = 0 if most_rows is None else max(count - most_rows, 0)
    _, from_end = np.unique(seen.rows["track"][::-1], return_index=True)
    if len(from_end) > most_tracks:  # tracks are in what follows the last row of the one too many
        skipped = max(skipped, count - int(np.sort(from_end)[most_tracks]))
    begins = np.cumsum(seen.counts) - seen.counts
    first = int(np.searchsorted(begins, skipped))
    skipped = int(seen.counts[:first].sum())
    return seen._replace(taken_ns=seen.taken_ns[first:], counts=seen.counts[first:], rows=seen.rows[skipped:])


def strip_of(seen: Observations) -> Strip | None:
    """Return what was noticed as rules look at it; None where nothing was.

    Tracks of `frame` are confirmed and seen. Where one is left out for a moment, the device's tracker kept
    it, unseen; so does this.
    """
    looks = len(seen.taken_ns)
    if not looks:
        return None
    steps = np.repeat(np.arange(looks), seen.counts)
    rows, steps, is_seen = _with_hidden(seen.rows, steps, seen.taken_ns)
    return Strip(
        taken_ns=seen.taken_ns,
        observed=np.ones(looks, np.bool_),
        sights=np.full(looks, SIGHTS.index("clear"), np.uint8),
        bounds=np.searchsorted(steps, np.arange(looks + 1)).astype(np.intp),
        tracks=Tracks(
            ids=np.ascontiguousarray(rows["track"]),
            classes=rows["label"].astype(np.intp),
            boxes_xyxy_n=(rows["box"] / 1000).astype(np.float32),
            scores=np.ones(len(rows), np.float32),  # they are not kept
            seen=is_seen,
            confirmed=np.ones(len(rows), np.bool_),
        ),
        bundle="",
        timeline=_SYNCED,
    )


def _with_hidden(rows: Rows, steps: Indexes, taken_ns: Instants) -> tuple[Rows, Indexes, Mask]:
    """Return rows, and their steps, with those between in which their tracks were not seen."""
    order = np.lexsort((steps, rows["track"]))
    same = rows["track"][order][1:] == rows["track"][order][:-1]
    between = np.where(same, np.diff(steps[order]) - 1, 0)
    between[(between > _HIDDEN_LOOKS) | (np.diff(taken_ns[steps[order]]) > _HIDDEN_NS)] = 0
    if not 0 < between.sum() <= _MOST_ADDED * len(rows):
        return rows, steps, np.ones(len(rows), np.bool_)
    before = np.repeat(order[:-1], between)
    nth = np.arange(len(before)) - np.repeat(np.cumsum(between) - between, between) + 1
    all_rows = np.concatenate([rows, rows[before]])
    all_steps = np.concatenate([steps, steps[before] + nth])
    is_seen = np.arange(len(all_rows)) < len(rows)
    sort = np.lexsort((all_rows["track"], all_steps))
    return all_rows[sort], all_steps[sort], is_seen[sort]


def _counts(rule: RuleSettings, state: RuleState) -> dict[str, int]:
    told = measures(state)
    counts = dict.fromkeys(_COUNTED[type(rule)], 0)
    for key, number in (*told.totals.items(), *told.gauges.items()):
        counts[key.what] += int(number)
    return counts
