"""Values to what crosses the socket between eye and body, and back; see `wire`."""

from dataclasses import asdict
from typing import Any

import msgspec
import numpy as np

from eyespot.domain.observation import (
    KEYPOINTS,
    Detections,
    Floats,
    Found,
    Labels,
    Observation,
    Optics,
    Poses,
    Shares,
)
from eyespot.ports import Readings, SensorReadings, View
from eyespot.sources import wire
from eyespot.sources.wire import (
    MOST_REAL,
    Opened,
    Seen,
    SeenLabels,
    SeenObjects,
    SeenPoses,
    SeenShares,
    Sensor,
    Status,
    WireError,
)

SeenFound = SeenObjects | SeenLabels | SeenShares | SeenPoses


def seen(observation: Observation) -> Seen:
    """Return an observation as it crosses."""
    found, told = _crossing(observation.found), observation.optics
    optics = None if told is None else wire.Optics(**asdict(told))
    return Seen(observation.taken_ns, observation.bundle, found, observation.sight, optics)


def observed(message: Seen) -> Observation:
    """Return the observation that crossed.

    Raises:
        WireError: its columns differ in length.
    """
    try:
        found, told = _arrived(message.found), message.optics
        optics = None if told is None else Optics(**msgspec.structs.asdict(told))
        return Observation(message.taken_ns, message.bundle, found, message.sight, optics)
    except ValueError as error:
        raise WireError(str(error)) from error


def opened(view: View) -> Opened:
    """Return a view as it crosses."""
    return Opened(view.source, view.width, view.height, view.rate_hz, view.engine, view.mode, view.roi_xyxy_n)


def view(message: Opened) -> View:
    """Return the view that crossed."""
    return View(
        source=message.source,
        width=message.width,
        height=message.height,
        rate_hz=message.rate_hz,
        engine=message.engine,
        mode=message.mode,
        roi_xyxy_n=message.roi,
    )


def status(readings: Readings) -> Status:
    """Return readings as they cross."""
    given = readings.sensor
    fields: dict[str, Any] = {} if given is None else asdict(given)
    sensor = Sensor(**{name: _bounded(value) for name, value in fields.items()}) if fields else None
    return Status(
        readings.inference_ms,
        sensor,
        readings.dropped,
        readings.doing,
        readings.model_error,
        readings.memory_mb,
    )


def readings(message: Status) -> Readings:
    """Return the readings that crossed."""
    given = message.sensor
    sensor = None if given is None else SensorReadings(**msgspec.structs.asdict(given))
    return Readings(
        message.inference_ms,
        sensor,
        message.dropped,
        message.doing,
        message.model_error,
        message.memory_mb,
    )


def _bounded(value: Any) -> Any:
    """Return a number that may cross; None for one that says nothing, as some cameras give."""
    return None if isinstance(value, float) and not abs(value) <= MOST_REAL else value


def _crossing(found: Found) -> SeenFound:
    match found:
        case Detections():
            boxes, scores = found.boxes_xyxy_n.tolist(), found.scores.tolist()
            return SeenObjects(boxes, scores, found.classes.tolist())
        case Labels():
            return SeenLabels(found.scores.tolist(), found.classes.tolist())
        case Shares():
            return SeenShares(found.shares.tolist())
        case Poses():
            return SeenPoses(found.keypoints.tolist(), found.scores.tolist())


def _arrived(found: SeenFound) -> Found:
    match found:
        case SeenObjects():
            boxes = np.array(found.boxes, np.float32).reshape(-1, 4)
            return Detections(boxes, _floats(found.scores), np.array(found.classes, np.intp))
        case SeenLabels():
            return Labels(_floats(found.scores), np.array(found.classes, np.intp))
        case SeenShares():
            return Shares(_floats(found.shares))
        case SeenPoses():
            keypoints = np.array(found.keypoints, np.float32).reshape(-1, KEYPOINTS, 3)
            return Poses(keypoints, _floats(found.scores))


def _floats(values: list[float]) -> Floats:
    return np.array(values, np.float32)
