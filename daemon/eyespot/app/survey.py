"""What a recording says of lines, zones and queues: do they lie where people can be counted?"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from eyespot.app.eye import order, smallest_score
from eyespot.app.survey_lines import LineSurvey
from eyespot.app.survey_places import PlaceSurvey
from eyespot.app.traces import Traced, trace_of
from eyespot.config import Loaded
from eyespot.rules import Explaining, RuleSettings, build
from eyespot.rules.line import LineSettings
from eyespot.rules.queue import QueueSettings
from eyespot.rules.zone import ZoneSettings


class _Surveyed(NamedTuple):
    """A rule that is tried on a recording.

    Attributes:
        logic: tells what became of tracks.
        survey: gathers that.
        name: what to call it: where it stands, its kind and id.
    """

    logic: Explaining
    survey: LineSurvey | PlaceSurvey
    name: str


def survey(loaded: Loaded, recording: Path, tell: Callable[[str], None] = lambda _: None) -> Iterator[str]:
    """Yield doubts about lines, zones and queues of a configuration, a line of text each, with file and line.

    Args:
        loaded: the configuration.
        recording: of what its camera sees.
        tell: is told how far it is, as that may take minutes the first time.

    Raises:
        InputError: the recording cannot be read.
    """
    traced = trace_of(recording, smallest_score(order(loaded.config)))
    every = list(_surveyed(loaded, traced))
    for strip in traced.strips:
        tell(f"{int(strip.taken_ns[-1]) // 60_000_000_000} min")
        for one in every:
            one.survey.add(one.logic.explain(strip))
    for one in sorted(every, key=lambda one: not isinstance(one.survey, LineSurvey)):
        yield from (f"{one.name} {doubt}, in {recording}" for doubt in one.survey.doubts())


def _surveyed(loaded: Loaded, traced: Traced) -> Iterator[_Surveyed]:
    mount = loaded.config.camera.mount
    for index, rule in enumerate(loaded.config.rules):
        logic = build(rule, traced.model.labels, mount)
        if not isinstance(logic, Explaining):
            continue
        match rule:
            case LineSettings():
                key = "a" if rule.points is None else "points"
                yield _Surveyed(logic, LineSurvey(rule, mount, traced.size), _name(loaded, index, rule, key))
            case ZoneSettings() | QueueSettings():
                yield _Surveyed(logic, PlaceSurvey(rule.classes), _name(loaded, index, rule, "points"))


def _name(loaded: Loaded, index: int, rule: RuleSettings, key: str) -> str:
    return f'{loaded.at("rules", index, key)}: {rule.__struct_config__.tag} "{rule.id}"'
