"""How the IMX500 sensor is read, and the picture that comes along whether anybody wants it or not."""

from collections.abc import Mapping
from typing import Any

from eyespot.ports import SensorMode

MOST_HZ: Mapping[SensorMode, float] = {"binned": 30.0, "full": 10.0}

_SIZES: Mapping[SensorMode, tuple[int, int]] = {"binned": (2028, 1520), "full": (4056, 3040)}
_SMALLEST = {"size": (64, 48), "format": "YUV420"}
_BUFFERS = 12  # as picamera2's own examples of this sensor have


def parts_for(mode: SensorMode, controls: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to configure a camera with: the smallest picture there can be, and no other stream."""
    return {
        "main": _SMALLEST,
        "raw": None,
        "sensor": {"output_size": _SIZES[mode], "bit_depth": 10},
        "display": None,
        "encode": None,
        "buffer_count": _BUFFERS,
        "controls": controls,
    }


def mode_of(configuration: Mapping[str, Any]) -> SensorMode | None:
    """Return the mode that picamera2 has chosen; None where it does not say, or has chosen another one."""
    chosen = (configuration.get("sensor") or {}).get("output_size")
    return next((mode for mode, size in _SIZES.items() if size == chosen), None)
