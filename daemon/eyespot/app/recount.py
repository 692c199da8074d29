"""`eyespot replay`: the rules over a recording, in one thread, the same each time."""

from collections.abc import Iterator
from pathlib import Path

from eyespot.app.plan import device_id, rules, standards
from eyespot.app.traces import Traced, trace_of
from eyespot.config import load_for_replay, problems_with_model
from eyespot.domain.message import Message
from eyespot.host.timezone import zone_of
from eyespot.pipeline import Pipeline
from eyespot.rules import spans
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker

_BOOT_ID_DIGITS = 16


def replay(config: Path, file: Path, *, cached: bool = True) -> Iterator[Message]:
    """Yield the messages of the rules, in order.

    Args:
        config: whose rules; its source, broker and state do not matter.
        file: the recording.
        cached: whether tracks may be taken from the cache, and are left there.

    Raises:
        ConfigError: the configuration is broken, or a rule wants what was not recorded.
        InputError: the recording is damaged, or cut off: then after all that is whole.
    """
    loaded = load_for_replay(config)
    by_tracks = all(rule.by_tracks for rule in loaded.config.rules)
    traced: Traced = trace_of(file, loaded.config, cached=cached, by_tracks=by_tracks)
    model = traced.model
    problems_with_model(loaded, model.labels, "objects")
    gate = Gate(f"{loaded.config.mqtt.prefix}/{device_id(loaded.config)}")
    pipeline = Pipeline(
        model,
        Tracker(model.min_score),
        rules(loaded.config, model),
        Native(gate, traced.sha256[:_BOOT_ID_DIGITS], 0),
        standards=standards(loaded.config, gate),
        publishes_frames=loaded.config.topics.frame,
        spans=spans(loaded.config.rules),
        zone=zone_of(loaded.config.device),
    )
    pipeline.expect_rate(traced.rate_hz)
    yield from pipeline.begin({}, 0, traced.timeline).messages
    last_ns = 0
    for strip in traced.strips:
        yield from pipeline.sweep(strip)
        last_ns = int(strip.taken_ns[-1])
    yield from pipeline.end(last_ns, traced.timeline).messages
