"""Observations to tracks without rules: what recounts go by."""

from collections.abc import Iterable, Iterator

from eyespot.domain.errors import InputError
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.objects import objects_of
from eyespot.domain.observation import Observation
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.ports import ModelIdentity
from eyespot.tracking.tracker import Tracker

_STEPS = 8192
_MOST_SILENT_STEPS = 3600


def trace(observations: Iterable[Observation], model: ModelIdentity, timeline: Timeline) -> Iterator[Strip]:
    """Yield the tracks in observations of one model, as `run` would have them, a few thousand steps at once.

    Raises:
        InputError: the observations end with one: then after all that came before it.
    """
    tracker, scenes = Tracker(model.min_score), list[Scene]()
    failure: InputError | None = None
    try:
        for taken_ns, observation in _with_silence(observations):
            objects = None if observation is None else objects_of(observation.found, model.labels)
            scenes.append(Scene(taken_ns, observation, tracker.step(taken_ns, objects), timeline))
            if len(scenes) == _STEPS:
                yield Strip.of(scenes, model.bundle)
                scenes = []
    except InputError as error:
        failure = error
    if scenes:
        yield Strip.of(scenes, model.bundle)
    if failure is not None:
        raise failure


def _with_silence(observations: Iterable[Observation]) -> Iterator[tuple[int, Observation | None]]:
    """Yield what was seen, and once for each second in which nothing was, as `run` steps.

    Nothing changes any more after the first hour of a silence, so it is not stepped to its end.
    """
    newest_ns: int | None = None
    for observation in observations:
        if newest_ns is not None:
            steps = (observation.taken_ns - newest_ns - 1) // SECOND_NS
            for step in range(1, min(steps, _MOST_SILENT_STEPS) + 1):
                yield newest_ns + step * SECOND_NS, None
        newest_ns = observation.taken_ns
        yield newest_ns, observation
