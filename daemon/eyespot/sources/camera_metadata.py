"""What a camera tells of a frame beside its pixels: when it was taken, and how the camera does."""

import math
from collections.abc import Mapping
from typing import Any

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Optics, Sight
from eyespot.ports import Clock, SensorReadings

_OLDEST_NS = 5 * SECOND_NS
_DARK_LUX = 1.0  # a full moon gives a third of it, a street lamp ten times as much


class Stamps:
    """Tells when frames were taken, in the time of our clock, never going back.

    libcamera says that its stamps are CLOCK_BOOTTIME, and takes them from drivers that use CLOCK_MONOTONIC.
    The two are one until the machine sleeps. A stamp that cannot be, for this or another reason, gives way
    to the instant at which the frame was got.

    Args:
        clock: ours, CLOCK_BOOTTIME.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._newest_ns = -1

    def taken_ns(self, metadata: Mapping[str, Any]) -> int:
        """Return when a frame was taken that has just come."""
        now_ns, told_ns = self._clock.now_ns(), metadata.get("SensorTimestamp")
        usable = isinstance(told_ns, int) and max(self._newest_ns, now_ns - _OLDEST_NS) < told_ns <= now_ns
        self._newest_ns = told_ns if usable and told_ns is not None else max(now_ns, self._newest_ns)
        return self._newest_ns


def readings_of(metadata: Mapping[str, Any]) -> SensorReadings:
    """Return what a camera says of itself, without the counts; None for what is missing or no number."""
    exposure_us, kpi_us = _number(metadata.get("ExposureTime")), metadata.get("CnnKpiInfo")
    dnn_us, dsp_us = map(_number, kpi_us) if isinstance(kpi_us, tuple) and len(kpi_us) == 2 else (None, None)  # noqa: PLR2004
    return SensorReadings(
        dnn_ms=_thousandth(dnn_us),
        dsp_ms=_thousandth(dsp_us),
        temperature_c=_number(metadata.get("SensorTemperature")),
        exposure_ms=_thousandth(exposure_us),
        gain=_number(metadata.get("AnalogueGain")),
        lux=_number(metadata.get("Lux")),
        focus=_number(metadata.get("FocusFoM")),
    )


class EverySecond:
    """Says of instants, in order, which are to be told more of: one a second."""

    def __init__(self) -> None:
        self._due_ns = 0

    def is_due(self, taken_ns: int) -> bool:
        """Return whether a second has passed since the newest one of which it was so."""
        if taken_ns < self._due_ns:
            return False
        self._due_ns = taken_ns + SECOND_NS
        return True


def optics_by(sensor: SensorReadings | None) -> Optics:
    """Return how a picture is as a whole, as far as the camera says."""
    if sensor is None:
        return Optics()
    return Optics(sensor.lux, sensor.exposure_ms, sensor.gain, sensor.focus)


def sight_by(lux: float | None) -> Sight:
    """Return whether there was light to see by, as far as the camera says."""
    return "dark" if lux is not None and lux < _DARK_LUX else "clear"


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _thousandth(value: float | None) -> float | None:
    return None if value is None else value / 1000
