"""What a recording says of lines, zones and queues: do they lie where people can be counted?"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from eyespot.app.survey_lines import LineSurvey
from eyespot.app.survey_places import PlaceSurvey
from eyespot.app.traces import trace_of
from eyespot.config import Config, Loaded
from eyespot.domain.strip import Strip
from eyespot.rules import Explaining, build
from eyespot.rules.line import LineSettings
from eyespot.rules.queue import QueueSettings
from eyespot.rules.zone import ZoneSettings


class _Surveyed(NamedTuple):
    """A rule that is tried on tracks.

    Attributes:
        nth: rule.
        logic: tells what became of tracks.
        survey: gathers that.
    """

    nth: int
    logic: Explaining
    survey: LineSurvey | PlaceSurvey


def survey(loaded: Loaded, recording: Path, tell: Callable[[str], None] = lambda _: None) -> Iterator[str]:
    """Yield doubts about lines, zones and queues of a configuration, a line of text each, with file and line.

    Args:
        loaded: the configuration.
        recording: of what its camera sees.
        tell: is told how far it is, as that may take minutes the first time.

    Raises:
        InputError: the recording cannot be read.
    """
    traced = trace_of(recording, loaded.config)
    strips = _telling(traced.strips, tell)
    for index, doubt in tried(loaded.config, traced.model.labels, traced.size, strips):
        yield f"{_name(loaded, index)} {doubt}, in {recording}"


def tried(
    config: Config, labels: tuple[str, ...], size: tuple[float, float], strips: Iterable[Strip]
) -> Iterator[tuple[int, str]]:
    """Yield doubts about lines, zones and queues, each with the index of its rule; those of lines first.

    Args:
        config: the configuration.
        labels: class names by class index.
        size: width and height of the frame; their ratio matters.
        strips: tracks, to try the rules on; all of them before the first doubt.
    """
    every = list(_surveyed(config, labels, size))
    for strip in strips:
        for one in every:
            one.survey.add(one.logic.explain(strip))
    for one in sorted(every, key=lambda one: not isinstance(one.survey, LineSurvey)):
        yield from ((one.nth, doubt) for doubt in one.survey.doubts())


def _telling(strips: Iterable[Strip], tell: Callable[[str], None]) -> Iterator[Strip]:
    for strip in strips:
        tell(f"{int(strip.taken_ns[-1]) // 60_000_000_000} min")
        yield strip


def _surveyed(config: Config, labels: tuple[str, ...], size: tuple[float, float]) -> Iterator[_Surveyed]:
    mount = config.camera.mount
    for index, rule in enumerate(config.rules):
        logic = build(rule, labels, mount)
        if not isinstance(logic, Explaining):
            continue
        match rule:
            case LineSettings():
                yield _Surveyed(index, logic, LineSurvey(rule, mount, size))
            case ZoneSettings() | QueueSettings():
                yield _Surveyed(index, logic, PlaceSurvey(rule.classes))


def _name(loaded: Loaded, index: int) -> str:
    rule = loaded.config.rules[index]
    key = "a" if isinstance(rule, LineSettings) and rule.points is None else "points"
    return f'{loaded.at("rules", index, key)}: {rule.__struct_config__.tag} "{rule.id}"'
