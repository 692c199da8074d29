"""What events, states and buckets are in payloads: their forms, and the fields in them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from eyespot.domain.bucket import Bucket, Level, Spread
from eyespot.domain.event import (
    Changed,
    Counted,
    Crossed,
    Entered,
    Event,
    HeatmapState,
    Intruded,
    JoinedQueue,
    Left,
    LeftQueue,
    LineState,
    Loitered,
    OccupancyState,
    QueueState,
    Reset,
    RuleState,
    ShelfState,
    Split,
    Tallied,
    Threshold,
    ZoneState,
)
from eyespot.domain.instants import rfc3339
from eyespot.domain.measures import measures
from eyespot.domain.tally_result import Interval
from eyespot.topics import bucket_payloads, payloads, place_payloads

DIGITS = 4  # of shares
_Measured = TypeVar("_Measured")
_Form = TypeVar("_Form")

FORM_OF_STATE: Mapping[type[Counted], type[payloads.Envelope]] = {
    LineState: payloads.LineState,
    ZoneState: place_payloads.ZoneState,
    QueueState: place_payloads.QueueState,
    OccupancyState: place_payloads.OccupancyState,
}
FORM_OF_EVENT: Mapping[type[Event], type[payloads.Envelope]] = {
    Crossed: payloads.Crossed,
    Changed: payloads.Changed,
    Entered: place_payloads.Entered,
    Left: place_payloads.Left,
    JoinedQueue: place_payloads.Joined,
    LeftQueue: place_payloads.LeftQueue,
    Loitered: place_payloads.Loitering,
    Intruded: place_payloads.Intrusion,
    Reset: payloads.Reset,
    Split: payloads.Split,
    Threshold: place_payloads.Threshold,
    Tallied: payloads.Tallied,
}


def fields_of_event(event: Event) -> dict[str, Any]:
    """Return what the payload of an event has beside envelope and rule."""
    match event:
        case Entered() | Left() | Crossed() | JoinedQueue() | LeftQueue() | Loitered() | Intruded() as one:
            return {"label": one.label, "track": one.track, "model": one.bundle, **_of_track(one)}
        case Changed() as changed:
            return {"model": changed.bundle, "before": changed.before, "after": changed.after}
        case Split() as split:
            return {"before": split.before, "after": split.after, "counts": _counts(split.state)}
        case Reset() as reset:
            of = {"model": reset.bundle, "cause": reset.cause, "since": rfc3339(reset.since_utc_ns)}
            return of | {"counts": _counts(reset.state) or {}}
        case Tallied() as tallied:
            return _of_tally(tallied)
        case Threshold() as of:  # pragma: no branch - mypy sees that there is no other
            told = {"label": of.label, "count": of.count, "limit": of.limit}
            return {**told, "below": of.below, "model": of.bundle}


def _of_tally(event: Tallied) -> dict[str, Any]:
    result = event.result
    return {
        "since": rfc3339(event.since_utc_ns),
        "model": event.bundle,
        "rule_hash": event.rule_hash,
        "changed": event.changed,
        "n": result.n,
        "seen": dict(result.seen),
        "counted": dict(result.counted),
        "missed": dict(result.missed),
        "extra": dict(result.extra),
        "count_error": None if result.count_error is None else round(result.count_error, DIGITS),
        "wrong": _bounds(result.wrong),
        "bias": _bounds(result.bias),
    }


def _of_track(
    event: Crossed | Entered | Left | JoinedQueue | LeftQueue | Loitered | Intruded,
) -> dict[str, Any]:
    match event:
        case Entered(found=found) | JoinedQueue(found=found):
            return {"found": found}
        case Left(dwell_s=dwell_s, found=found, lost=lost):
            return {"dwell_s": round(dwell_s, 3), "found": found, "lost": lost}
        case Crossed(direction=direction):
            return {"direction": direction}
        case LeftQueue(dwell_s=dwell_s, outcome=outcome, found=found):
            return {"dwell_s": round(dwell_s, 3), "outcome": outcome, "found": found}
        case Loitered(dwell_s=dwell_s):
            return {"dwell_s": round(dwell_s, 3)}
        case Intruded():  # pragma: no branch - mypy sees that there is no other
            return {}


def _counts(state: RuleState) -> dict[str, dict[str, int]] | None:
    """Return the totals of a rule; None where it has none."""
    if not isinstance(state, Counted):
        return None
    counts: dict[str, dict[str, int]] = {}
    for key, total in measures(state).totals.items():
        counts.setdefault(key.label, {})[key.what] = total
    return counts


def fields_of_state(state: Counted | ShelfState) -> dict[str, Any]:
    """Return what the payload of a state has beside envelope, rule, model, and since when its totals are."""
    if isinstance(state, LineState):
        return {"counts": state.counts}
    return msgspec.structs.asdict(state)


def fields_of_hour(state: HeatmapState) -> dict[str, Any]:
    """Return what the payload of a heatmap has beside envelope, rule and model."""
    begin, end = state.begin_utc_ns, state.end_utc_ns
    return {
        "start": None if begin is None else rfc3339(begin),
        "end": None if end is None else rfc3339(end),
        "observed_s": state.observed_s,
        "grid": state.grid,
        "tracks": state.tracks,
        "cells": state.cells,
    }


def _by_measure(
    levels: Mapping[str, Mapping[str, _Measured]], form: Callable[[_Measured], _Form]
) -> dict[str, dict[str, _Form]]:
    return {what: {label: form(one) for label, one in of.items()} for what, of in levels.items()}


def _level(level: Level) -> bucket_payloads.Level:
    now, least, most, mean = (round(value, 3) for value in level)
    return bucket_payloads.Level(now=now, min=least, max=most, mean=mean)


def _spread(spread: Spread) -> bucket_payloads.Spread:
    mean, median, p90, longest = (round(seconds, 2) for seconds in spread[1:])
    return bucket_payloads.Spread(n=spread.number, mean=mean, median=median, p90=p90, max=longest)


def _bounds(interval: Interval) -> payloads.Bounds:
    share, low, high = (round(one, DIGITS) for one in interval)
    return payloads.Bounds(share=share, low=low, high=high)


def fields_of_bucket(bucket: Bucket) -> dict[str, Any]:
    """Return what the payload of a bucket has beside its envelope."""
    gaps = tuple(
        bucket_payloads.Gap(start=rfc3339(begin_ns), end=rfc3339(end_ns), cause=cause)
        for begin_ns, end_ns, cause in bucket.gaps
    )
    counts = bucket.counts and {label: dict(of) for label, of in bucket.counts.items()}
    return {
        "rule": bucket.rule,
        "start": rfc3339(bucket.begin_utc_ns),
        "end": rfc3339(bucket.end_utc_ns),
        "bucket_s": bucket.bucket_s,
        "rev": bucket.rev,
        "cut": bucket.cut,
        "counts": counts,
        "gauges": None if bucket.gauges is None else _by_measure(bucket.gauges, _level),
        "durations": _by_measure(bucket.durations, _spread),
        "coverage": bucket.coverage,
        "gaps": gaps,
        "ambiguous": bucket.ambiguous,
        "uncertainty": None if bucket.uncertainty is None else round(bucket.uncertainty, 1),
        "model": bucket.bundle,
    }
