"""What two devices say of which README.md has a picture: people at an entrance, a yard without a camera."""

from typing import Any

SIZE = (100, 24)  # columns, rows
RULES = [
    {"kind": "line", "id": "door", "a": [0.1, 0.5], "b": [0.9, 0.5]},
    {"kind": "zone", "id": "hall", "points": [[0.15, 0.55], [0.9, 0.6], [0.8, 0.95], [0.1, 0.9]]},
]
_HEALTH = {"ok": True, "states": [], "observations_hz": 9.98, "temperature_c": 51.2}
_DARK = [{"name": "source_silent", "reason": "the camera gives no frames: is its cable in?"}]


def _of(device: str, name: str, health: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{device}/status": {"state": "online"},
        f"{device}/info": {"name": name, "model": {"bundle": "people@1.1.0-3f0a91b2c7de"}},
        f"{device}/health": health,
    }


def _frame(step: int) -> dict[str, Any]:
    down = [160 + 5 * step, 10 * step, 280 + 5 * step, 400 + 10 * step]
    across = [820 - 9 * step, 350, 940 - 9 * step, 800]
    return {"labels": ["person"], "tracks": [17, 18], "classes": [0, 0], "boxes": [down, across]}


# topics below the prefix, and payloads
KEPT = tuple(
    {
        **_of("entrance-1", "Entrance", _HEALTH),
        **_of("yard", "Yard", _HEALTH | {"ok": False, "states": _DARK, "observations_hz": 0.0}),
        "entrance-1/config/reported": {
            "config": {"camera": {"mount": "oblique"}, "topics": {"frame": True}, "rules": RULES}
        },
        "entrance-1/rule/door/state": {"counts": {"person": {"in": 214, "out": 209}}},
        "entrance-1/rule/hall/state": {"occupancy": {"person": 2}},
    }.items()
)
FRAMES = tuple(("entrance-1/frame", _frame(step)) for step in range(30))
