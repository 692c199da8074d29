"""`eyespot why`: what a rule made of each track near a moment."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from eyespot.app.last_hour import asked_at, door_in
from eyespot.app.traces import trace_of
from eyespot.config import load_for_replay, problems_with_model
from eyespot.domain.account import Account
from eyespot.domain.errors import ConfigError, InputError
from eyespot.domain.geometry import Mount
from eyespot.domain.instants import SECOND_NS, Timeline, parse_rfc3339, rfc3339
from eyespot.domain.nearest import hint
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.host.timezone import zone_of
from eyespot.rules import Explaining, RuleSettings, build
from eyespot.rules.line import LineSettings
from eyespot.rules.queue import QueueSettings
from eyespot.rules.zone import ZoneSettings
from eyespot.store.settings import state_dir

Explained = LineSettings | ZoneSettings | QueueSettings

_BEFORE_NS, _AFTER_NS = 60 * SECOND_NS, 30 * SECOND_NS  # how much of the ways of tracks is looked at
_ADVICE = 'as "2026-01-31T12:00:03Z", or "12:00:03" by the device\'s clock'


class Question(NamedTuple):
    """What somebody wonders about.

    Attributes:
        rule: id of the rule.
        at: the moment; RFC 3339, or an hour of the device's day.
        within_s: how near.
    """

    rule: str
    at: str
    within_s: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a rule made of the tracks near a moment.

    Attributes:
        rule: its settings.
        at_ns: the moment, an instant of `timeline`.
        within_s: how near; tracks count that were seen then.
        accounts: of the tracks, in the order in which they appeared.
        timeline: for UTC.
        zone: of the device.
        size: width and height of the picture; only their ratio matters.
    """

    rule: Explained
    at_ns: int
    within_s: float
    accounts: tuple[Account, ...]
    timeline: Timeline
    zone: ZoneInfo
    size: tuple[float, float]


class Scenes(NamedTuple):
    """Where tracks come from.

    Attributes:
        strips: in order.
        labels: class names by class index.
        timeline: of their instants.
        size: width and height of the picture.
        rules: those that were in force.
        mount: which point of a box counts.
        whose: what to call it in errors.
    """

    strips: Iterable[Strip]
    labels: tuple[str, ...]
    timeline: Timeline
    size: tuple[float, float]
    rules: tuple[RuleSettings, ...]
    mount: Mount
    whose: str


def why(config: Path, question: Question, recording: Path | None, tell: Callable[[str], None]) -> Explanation:
    """Return what a rule makes of the tracks near a moment.

    Args:
        config: with the rule.
        question: what is wondered about.
        recording: to look into; None: the last hour of the running service, with the rules in force.
        tell: is told the hour that is reached, as that may take minutes the first time.

    Raises:
        ConfigError: there is no such rule, or it cannot be explained.
        InputError: the recording cannot be read, or that moment is not in it; or nobody can be asked.
    """
    if recording is None:
        return _of_the_service(config, question, tell)
    loaded = load_for_replay(config)
    traced = trace_of(recording, loaded.config)
    problems_with_model(loaded, traced.model.labels, "objects")
    scenes = Scenes(
        strips=traced.strips,
        labels=traced.model.labels,
        timeline=traced.timeline,
        size=traced.size,
        rules=loaded.config.rules,
        mount=loaded.config.camera.mount,
        whose=str(recording),
    )
    return explain(scenes, question, zone_of(loaded.config.device), tell)


def _of_the_service(config: Path, question: Question, tell: Callable[[str], None]) -> Explanation:
    door = door_in(state_dir(load_for_replay(config).config.state, os.environ))
    hour, strips = asked_at(door)
    timeline = Timeline(hour.utc_at_zero_ns, synced=True)
    scenes = Scenes(strips, hour.labels, timeline, hour.size, hour.rules, hour.mount, "the last hour")
    return explain(scenes, question, ZoneInfo(hour.timezone), tell)


def explain(scenes: Scenes, question: Question, zone: ZoneInfo, tell: Callable[[str], None]) -> Explanation:
    """Return what a rule makes of the tracks near a moment; as `why`."""
    settings = _named(question.rule, scenes.rules)
    logic = build(settings, scenes.labels, scenes.mount, zone)
    if not isinstance(logic, Explaining) or not isinstance(settings, Explained):
        kind = settings.__struct_config__.tag
        what = f'what a rule of kind "{kind}" does is not explained'
        raise ConfigError(f"rule {settings.id}: {what}; name a line, a zone or a queue")
    window, at_ns = _window(scenes, logic, question.at, zone, tell)
    near_ns = round(question.within_s * SECOND_NS)
    accounts = [
        account
        for account in logic.explain(Strip.of(window))
        if (abs(account.taken_ns - at_ns) <= near_ns).any()
    ]
    return Explanation(
        settings, at_ns, question.within_s, tuple(accounts), scenes.timeline, zone, scenes.size
    )


def moment(text: str, zone: ZoneInfo, after_utc_ns: int) -> int:
    """Return what is meant by a moment, UTC in ns.

    Args:
        text: RFC 3339; or date and hour, or the hour alone, by the clock of the device.
        zone: of the device.
        after_utc_ns: the hour alone is the first one after this.

    Raises:
        InputError: it is no moment.
    """
    with suppress(ValueError):
        return parse_rfc3339(text)
    start = datetime.fromtimestamp(after_utc_ns / SECOND_NS, zone)
    for day in (start.date(), start.date() + timedelta(days=1)):
        for candidate in (text, f"{day}T{text}"):
            with suppress(ValueError):
                said = datetime.fromisoformat(candidate)
                utc_ns = parse_rfc3339(said.replace(tzinfo=said.tzinfo or zone).isoformat())
                if utc_ns >= after_utc_ns or candidate == text:
                    return utc_ns
    raise InputError(f"{text!r} is no time; say it {_ADVICE}")


def _named(rule: str, rules: tuple[RuleSettings, ...]) -> RuleSettings:
    by_id = {settings.id: settings for settings in rules}
    if rule not in by_id:
        known = hint(rule, by_id) or f"; there are {', '.join(by_id) or 'none'}"
        raise ConfigError(f'there is no rule "{rule}"{known}')
    return by_id[rule]


def _window(
    scenes: Scenes, logic: Explaining, at: str, zone: ZoneInfo, tell: Callable[[str], None]
) -> tuple[list[Scene], int]:
    """Return the scenes around a moment, and its instant; the rule has looked at those before them.

    What comes after them is followed, too, so that the next question finds it in the cache.
    """
    window: list[Scene] = []
    at_ns = first_ns = last_ns = None
    strips = iter(scenes.strips)
    for strip in strips:
        if at_ns is None:
            first_ns = int(strip.taken_ns[0])
            at_ns = moment(at, zone, scenes.timeline.utc_ns(first_ns)) - scenes.timeline.utc_at_zero_ns
        last_ns = int(strip.taken_ns[-1])
        tell(rfc3339(scenes.timeline.utc_ns(last_ns))[:19])
        if last_ns < at_ns - _BEFORE_NS:
            list(logic.sweep(strip))
            continue
        found = list(strip.scenes())
        before = [scene for scene in found if scene.taken_ns < at_ns - _BEFORE_NS]
        if before:
            list(logic.sweep(Strip.of(before, strip.bundle)))
        window += [scene for scene in found[len(before) :] if scene.taken_ns <= at_ns + _AFTER_NS]
        if last_ns > at_ns + _AFTER_NS:
            break
    if at_ns is None or first_ns is None or last_ns is None or not first_ns <= at_ns <= last_ns:
        raise InputError(_not_there(scenes, at, first_ns, last_ns))
    with suppress(InputError):  # what is behind the moment is of no matter
        for strip in strips:
            tell(rfc3339(scenes.timeline.utc_ns(int(strip.taken_ns[-1])))[:19])
    return window, at_ns


def _not_there(scenes: Scenes, at: str, first_ns: int | None, last_ns: int | None) -> str:
    if first_ns is None or last_ns is None:
        return f"{scenes.whose}: nothing was observed"
    begin, end = (rfc3339(scenes.timeline.utc_ns(one)) for one in (first_ns, last_ns))
    return f"{scenes.whose}: {at} is not in it; it goes from {begin} to {end}"
