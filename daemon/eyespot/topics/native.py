"""Eyespot's own topics: events and states become messages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.bucket import Bucket
from eyespot.domain.event import (
    Event,
    HeatmapState,
    Reset,
    ResetCause,
    RuleState,
    ShareState,
    ShelfState,
    Split,
)
from eyespot.domain.geometry import Mount
from eyespot.domain.instants import Timeline, rfc3339
from eyespot.domain.message import Message, Traffic
from eyespot.domain.recovery import Step
from eyespot.domain.track import Tracks
from eyespot.ports import ModelIdentity, Readings, SensorReadings, View
from eyespot.topics import bucket_payloads, payloads, place_payloads
from eyespot.topics.config_payloads import ConfigReported, ConfigTable
from eyespot.topics.diagnosis import Diagnosis
from eyespot.topics.gate import SCHEMAS, Gate, GateError
from eyespot.topics.model_payloads import ModelDetail, ModelEvent, Reply, ReplyCode, UpdateState
from eyespot.topics.privacy_payloads import SelfAudit
from eyespot.topics.room import as_many_as_fit, summed
from eyespot.topics.rule_fields import (
    FORM_OF_EVENT,
    FORM_OF_STATE,
    fields_of_bucket,
    fields_of_event,
    fields_of_hour,
    fields_of_state,
)
from eyespot.topics.trajectories import Trajectories, TrajectoriesState

_MOST_LABELS_BYTES = 48 * 1024  # of the 64 KiB of `info`
_MOST_FRAME_LABELS_BYTES = 10 * 1024  # of the 16 KiB of `frame`: a hundred usual names, or more
_RULES_LEFT_OUT = "; its rules are too large to be told here, and left out"
_ALL_LEFT_OUT = "; it is too large to be told here, and left out"


class Stamp(msgspec.Struct, frozen=True):
    """When a message speaks of: UTC in ns since 1970, and whether the clock was synchronised."""

    utc_ns: int
    synced: bool


def stamp(timeline: Timeline, taken_ns: int) -> Stamp:
    """Return the stamp of an instant."""
    return Stamp(timeline.utc_ns(taken_ns), timeline.synced)


class Since(msgspec.Struct, frozen=True):
    """When totals began: UTC in ns since 1970; and why."""

    utc_ns: int
    cause: ResetCause


@dataclass(frozen=True, slots=True)
class Identity:
    """What `info` says of the device."""

    device: str
    name: str
    timezone: str
    hardware: str
    version: str
    python: str
    mount: Mount
    publishes_frames: bool
    takes_unsigned: bool = False


@dataclass(frozen=True, slots=True)
class Vitals:
    """What `health` says, apart from the troubles; see `payloads.Health`."""

    uptime_s: int
    observations: int
    observations_hz: float
    dropped: int
    backlog: int
    readings: Readings
    recoveries: Mapping[Step, int]
    memory_mb: float | None
    disk_free_mb: float | None
    temperature_c: float | None
    under_voltage: payloads.UnderVoltage | None = None
    bytes_today: Mapping[Traffic, int] = field(default_factory=dict)
    every_s: int = 60


@dataclass(frozen=True, slots=True)
class Trouble:
    """A named state that lasts."""

    name: str
    reason: str
    since_utc_ns: int


class Native:
    """Makes the messages of Eyespot's own topics, numbered.

    Args:
        gate: the way out.
        boot_id: 16 hex digits, random for each start of the process.
        seq: number of the last durable message ever made on this device.
    """

    def __init__(self, gate: Gate, boot_id: str, seq: int) -> None:
        self._gate = gate
        self.boot_id = boot_id
        self._topic_seq: Counter[str] = Counter()
        self.seq = seq

    def status(self, state: payloads.Presence, at: Stamp, since_utc_ns: int) -> Message:
        """Return whether the device is there."""
        return self._state("status", payloads.Status, at, state=state, since=rfc3339(since_utc_ns))

    def info(self, who: Identity, view: View | None, model: ModelIdentity, at: Stamp) -> Message:
        """Return the birth message; `view` is None until the source has been opened."""
        return self._state(
            "info",
            payloads.Info,
            at,
            device=who.device,
            name=who.name,
            timezone=who.timezone,
            hardware=who.hardware,
            software=payloads.Software(
                eyespot=who.version, python=who.python, engine=None if view is None else view.engine
            ),
            camera=view and _camera(view, who.mount),
            model=_model(model),
            schemas=tuple(sorted(SCHEMAS.values())),
            privacy=payloads.Privacy(
                boxes_of_frames=who.publishes_frames, unsigned_models=who.takes_unsigned
            ),
        )

    def health(self, vitals: Vitals, troubles: Sequence[Trouble], at: Stamp) -> Message:
        """Return how the device is."""
        latency, sensor = vitals.readings.inference_ms, vitals.readings.sensor
        return self._state(
            "health",
            payloads.Health,
            at,
            ok=not troubles,
            states=tuple(
                payloads.Trouble(name=t.name, reason=t.reason, since=rfc3339(t.since_utc_ns))
                for t in troubles
            ),
            every_s=vitals.every_s,
            uptime_s=vitals.uptime_s,
            observations=vitals.observations,
            observations_hz=round(vitals.observations_hz, 2),
            dropped=vitals.dropped,
            inference_ms=latency and payloads.Latency(p50=round(latency[0], 2), p95=round(latency[1], 2)),
            sensor=sensor and _sensor(sensor),
            recoveries={step.value: count for step, count in vitals.recoveries.items()},
            backlog=vitals.backlog,
            bytes_today=dict(vitals.bytes_today),
            memory_mb=vitals.memory_mb,
            disk_free_mb=vitals.disk_free_mb,
            temperature_c=vitals.temperature_c,
            under_voltage=vitals.under_voltage,
        )

    def rule_state(self, rule: str, state: RuleState, since: Since, model: str, at: Stamp) -> Message:
        """Return what holds for a rule; `since` tells of its totals."""
        topic, of = f"rule/{rule}/state", {"rule": rule, "model": model}
        if isinstance(state, ShareState):
            return self._state(topic, payloads.ShareState, at, **of, shares=state.shares, top=state.top)
        if isinstance(state, HeatmapState):
            return self._state(
                f"heatmap/{rule}", place_payloads.HeatmapState, at, **of, **fields_of_hour(state)
            )
        if isinstance(state, ShelfState):
            return self._totals(topic, place_payloads.ShelfState, at, {**of, **fields_of_state(state)})
        kind = FORM_OF_STATE[type(state)]
        since_when = {"since": rfc3339(since.utc_ns), "reset": since.cause}
        return self._totals(topic, kind, at, {**of, **since_when, **fields_of_state(state)})

    def rule_removed(self, rule: str, *, is_heatmap: bool) -> Message:
        """Return the message that clears what is retained of a rule that is no more."""
        return self._gate.clear(f"heatmap/{rule}" if is_heatmap else f"rule/{rule}/state")

    def event(self, event: Event, timeline: Timeline) -> Message:
        """Return the message of an event, with the next number of the device's durable ones."""
        self.seq += 1
        kind: Any = FORM_OF_EVENT[type(event)]
        envelope = self._envelope(kind, stamp(timeline, event.taken_ns), self.seq)
        topic, fields = f"rule/{event.rule}/event", {"rule": event.rule, **fields_of_event(event)}
        if isinstance(event, Reset | Split):
            return self._as_far_as_there_is_room(topic, kind, envelope, fields)
        return self._gate.let_out(topic, kind(**envelope, **fields))

    def bucket(self, bucket: Bucket) -> Message:
        """Return the message of a bucket, with the next number of the device's durable ones."""
        self.seq += 1
        at = Stamp(bucket.end_utc_ns, bucket.synced)
        envelope = self._envelope(bucket_payloads.Bucket, at, self.seq)
        payload = bucket_payloads.Bucket(**envelope, **fields_of_bucket(bucket))
        return self._gate.let_out(f"rule/{bucket.rule}/bucket", payload)

    def model_state(self, state: UpdateState) -> Message:
        """Return what Home Assistant is to show of the model."""
        return self._gate.let_out("model/state", state)

    def model_detail(self, at: Stamp, fields: Mapping[str, Any]) -> Message:
        """Return where the device is between one model and the next; see `ModelDetail`."""
        return self._state("model/detail", ModelDetail, at, **fields)

    def model_event(self, at: Stamp, fields: Mapping[str, Any]) -> Message:
        """Return one step to another model, with the next number of the device's durable messages."""
        self.seq += 1
        return self._gate.let_out(
            "model/event", ModelEvent(**self._envelope(ModelEvent, at, self.seq), **fields)
        )

    def reply(
        self, at: Stamp, fields: Mapping[str, Any], wanted_at: str | None, correlation: bytes | None
    ) -> Message:
        """Return the answer to a command, for where it is wanted if it may go there; see `Reply`."""
        return self._answer(Reply, at, fields, wanted_at, correlation)

    def diagnosis(
        self, at: Stamp, fields: Mapping[str, Any], wanted_at: str | None, correlation: bytes | None
    ) -> Message:
        """Return one piece of a diagnosis, for where the answer went; see `Diagnosis`."""
        return self._answer(Diagnosis, at, fields, wanted_at, correlation)

    def trajectories(
        self, at: Stamp, fields: Mapping[str, Any], wanted_at: str | None, correlation: bytes | None
    ) -> Message:
        """Return one piece of what was kept of tracks, for where the answer went; see `Trajectories`."""
        return self._answer(Trajectories, at, fields, wanted_at, correlation)

    def trajectories_state(self, at: Stamp, fields: Mapping[str, Any]) -> Message:
        """Return whether ways of tracks are kept; see `TrajectoriesState`."""
        return self._state("trajectories", TrajectoriesState, at, **fields)

    def _answer(
        self,
        kind: type[Reply | Diagnosis | Trajectories],
        at: Stamp,
        fields: Mapping[str, Any],
        wanted_at: str | None,
        correlation: bytes | None,
    ) -> Message:
        self._topic_seq["reply"] += 1
        reply = kind(**self._envelope(kind, at, self._topic_seq["reply"]), **fields)
        suffix = f"reply/{reply.req_id}"
        if wanted_at is not None:
            with suppress(GateError):
                return self._gate.answer(suffix, reply, wanted_at, correlation)
        return self._gate.let_out(suffix, reply)

    def config_reported(
        self, at: Stamp, req_id: str | None, code: ReplyCode, detail: str, config: Mapping[ConfigTable, Any]
    ) -> Message:
        """Return what became of the desired configuration, and which one is in force.

        Where that is too large to leave, it goes without rules, or without any table, and `detail` says so.
        """

        def reported(told: Mapping[ConfigTable, Any], left_out: str) -> Message:
            words = detail[: payloads.LONGEST_LINE - len(left_out)] + left_out
            fields = {"req_id": req_id, "code": code, "detail": words, "config": told}
            return self._state("config/reported", ConfigReported, at, **fields)

        with suppress(GateError):
            return reported(config, "")
        with suppress(GateError):
            return reported({table: of for table, of in config.items() if table != "rules"}, _RULES_LEFT_OUT)
        return reported({}, _ALL_LEFT_OUT)

    def privacy(self, at: Stamp, fields: Mapping[str, Any]) -> Message:
        """Return what the device found about itself; see `SelfAudit`."""
        return self._state("privacy", SelfAudit, at, **fields)

    def frame(self, tracks: Tracks, labels: Sequence[str], model: str, at: Stamp) -> Message:
        """Return the boxes of the confirmed tracks that were seen, the first hundred of them.

        Those whose class name finds no room are left out.
        """
        rows = np.flatnonzero(tracks.seen & tracks.confirmed)[: payloads.MOST_BOXES]
        present, classes = np.unique(tracks.classes[rows], return_inverse=True)
        names = as_many_as_fit(tuple(labels[index] for index in present), _MOST_FRAME_LABELS_BYTES)
        rows, classes = rows[classes < len(names)], classes[classes < len(names)]
        return self._state(
            "frame",
            payloads.Frame,
            at,
            model=model,
            labels=names,
            tracks=tuple(tracks.ids[rows].tolist()),
            classes=tuple(classes.tolist()),
            scores=tuple(_parts(tracks.scores[rows], 100).tolist()),
            boxes=tuple(map(tuple, _parts(tracks.boxes_xyxy_n[rows], 1000).tolist())),
        )

    def _state(self, suffix: str, payload: type[payloads.Envelope], at: Stamp, /, **fields: Any) -> Message:
        self._topic_seq[suffix] += 1
        envelope = self._envelope(payload, at, self._topic_seq[suffix])
        return self._gate.let_out(suffix, payload(**envelope, **fields))

    def _totals(
        self, suffix: str, payload: type[payloads.Envelope], at: Stamp, fields: dict[str, Any]
    ) -> Message:
        self._topic_seq[suffix] += 1
        envelope = self._envelope(payload, at, self._topic_seq[suffix])
        return self._as_far_as_there_is_room(suffix, payload, envelope, fields)

    def _as_far_as_there_is_room(
        self, suffix: str, payload: type[payloads.Envelope], envelope: dict[str, Any], fields: dict[str, Any]
    ) -> Message:
        with suppress(GateError):
            return self._gate.let_out(suffix, payload(**envelope, **fields))
        return self._gate.let_out(suffix, payload(**envelope, **summed(fields)))

    def _envelope(self, kind: type[payloads.Envelope], at: Stamp, seq: int) -> dict[str, Any]:
        return {
            "schema": SCHEMAS[kind],
            "t": rfc3339(at.utc_ns),
            "clock": "synced" if at.synced else "unsynced",
            "boot_id": self.boot_id,
            "seq": seq,
        }


def _camera(view: View, mount: Mount) -> payloads.Camera:
    return payloads.Camera(
        source=view.source,
        mount=mount,
        width=view.width,
        height=view.height,
        rate_hz=round(view.rate_hz, 3),
        mode=view.mode,
        roi=tuple(round(float(side), 4) for side in view.roi_xyxy_n),  # type: ignore[arg-type]  # four
    )


def _sensor(sensor: SensorReadings) -> payloads.Sensor:
    return payloads.Sensor(
        dnn_ms=_rounded(sensor.dnn_ms),
        dsp_ms=_rounded(sensor.dsp_ms),
        temperature_c=_rounded(sensor.temperature_c),
        exposure_ms=_rounded(sensor.exposure_ms),
        gain=_rounded(sensor.gain),
        lux=_rounded(sensor.lux),
        without_tensor=sensor.without_tensor,
        repeated=sensor.repeated,
        missed=sensor.missed,
        inputs=sensor.inputs,
    )


def _parts(fractions: NDArray[np.float32], of: int) -> NDArray[np.int64]:
    return (fractions.astype(np.float64).clip(0, 1) * of).round().astype(np.int64)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _model(model: ModelIdentity) -> payloads.Model:
    return payloads.Model(
        bundle=model.bundle,
        name=model.name,
        version=model.version,
        sha256=model.sha256,
        labels=as_many_as_fit(model.labels, _MOST_LABELS_BYTES),
        min_score=model.min_score,
    )
