"""`eyespot replay`: the rules over a recording, in one thread, the same each time."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from eyespot.app.eye import order, smallest_score
from eyespot.app.plan import device_id, rules, standards
from eyespot.config import load_for_replay, problems_with_model
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.message import Message
from eyespot.domain.observation import Observation
from eyespot.pipeline import Pipeline
from eyespot.recording import RecordingReader, digest
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker

_BOOT_ID_DIGITS = 16
_MOST_SILENT_STEPS = 3600


def replay(config: Path, file: Path) -> Iterator[Message]:
    """Yield the messages of the rules, in order.

    Args:
        config: whose rules; its source, broker and state do not matter.
        file: the recording.

    Raises:
        ConfigError: the configuration is broken, or a rule wants what was not recorded.
        InputError: the recording is damaged, or cut off: then after all that is whole.
    """
    loaded = load_for_replay(config)
    reader = RecordingReader(file)
    model = reader.header.identity(smallest_score(order(loaded.config)))
    problems_with_model(loaded, model.labels, "objects")
    gate = Gate(f"{loaded.config.mqtt.prefix}/{device_id(loaded.config)}")
    pipeline = Pipeline(
        model,
        Tracker(model.min_score),
        rules(loaded.config, model),
        Native(gate, digest(file)[:_BOOT_ID_DIGITS], 0),
        standards=standards(loaded.config, gate),
        publishes_frames=loaded.config.topics.frame,
    )
    timeline = Timeline(reader.header.started_utc_ns, synced=True)
    yield from pipeline.begin({}, 0, timeline).messages
    for taken_ns, observation in _with_silence(reader):
        yield from pipeline.step(taken_ns, observation, timeline).messages


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
