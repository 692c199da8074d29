"""Devices of a fleet, as they describe themselves, and a rollout for them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from eyespot.trust.desired import Desired, bucket
from eyespot_fleet.rollout.deciding import Device, Limit, Terms, View
from eyespot_fleet.rollout.standing import Detail, Phase, Standing

BUNDLE = "people@1.2.0-0123456789ab"
OLD = "people@1.1.0-ba9876543210"
TERMS = Terms(
    steps=(1.0, 5.0, 25.0, 100.0), soak_s=1800.0, patience_s=86400.0, limit=Limit(2.0, of_hundred=True)
)


def desired(percent: float = 100.0, rollout: str = "r1", **more: Any) -> Desired:
    return Desired(
        schema="eyespot.desired/1",
        rollout=rollout,
        cohort="shops",
        bundle="people",
        version="1.2.0",
        target=f"bundles/{BUNDLE}.tar.zst",
        percent=percent,
        **more,
    )


def detail(**says: Any) -> Detail:
    """Return what a device of the cohort says that still has the old model."""
    so_far: dict[str, Any] = {"state": "idle", "cohort": "shops", "current": OLD, "good": OLD}
    return msgspec.convert(so_far | says, Detail)


def device(number: int, phase: Phase, *, online: bool = True, moved_s: float = 0.0) -> Device:
    """Return a device whose bucket is a number."""
    return Device(f"shop-{number}", number, Standing(phase, phase), online, moved_s)


def view(percent: float, devices: Sequence[Device], *, hears: bool = True, jitter_s: float = 0.0) -> View:
    return View(percent, 0.0, jitter_s, hears, tuple(devices))


def named(number: int) -> str:
    return f"shop-{number:05}"


def in_bucket(number: int, rollout: str) -> int:
    return bucket(named(number), rollout)
