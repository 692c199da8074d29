"""Rules look at scenes, and what they count goes into buckets."""

from collections.abc import Mapping, Sequence

from eyespot.buckets import Buckets
from eyespot.domain.event import Event
from eyespot.domain.measures import measures
from eyespot.domain.track import Scene
from eyespot.pipeline.running import Running
from eyespot.pipeline.sweeping import Told


def run_rules(rules: Mapping[str, Running], buckets: Buckets, scene: Scene) -> Sequence[Event]:
    """Let rules look at a scene, one after the other, and return what they tell."""
    events: list[Event] = []
    for rule_id, running in rules.items():
        told = [running.dated(event, scene.timeline) for event in running.rule.step(scene, events)]
        events += told
        _count(rule_id, running, buckets, told)
    return events


def count_told(rule_id: str, running: Running, buckets: Buckets, told: Told, events: Sequence[Event]) -> None:
    """Count what a rule has told of a strip at one step, by its events as they are dated."""
    undecided = told.undecided - running.undecided
    running.undecided, running.counted = told.undecided, told.state
    if rule_id in buckets.rules:
        buckets.count(rule_id, measures(told.state), events, undecided)


def _count(rule_id: str, running: Running, buckets: Buckets, told: Sequence[Event]) -> None:
    undecided, running.undecided = running.undecided, running.rule.undecided
    state = running.rule.state()
    if told or state is not running.counted or running.undecided != undecided:
        running.counted = state
        buckets.count(rule_id, measures(state), told, running.undecided - undecided)
