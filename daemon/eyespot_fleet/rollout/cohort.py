"""The devices of a cohort, by what the broker tells of them."""

from collections.abc import Mapping

from eyespot.trust.desired import Desired, bucket
from eyespot_fleet.rollout.deciding import Device
from eyespot_fleet.rollout.standing import standing
from eyespot_fleet.rollout.watching import Known


def devices_of(known: Mapping[str, Known], desired: Desired) -> tuple[Device, ...]:
    """Return those that say they are of the rollout's cohort, and how they stand in it."""
    return tuple(
        Device(
            device_id,
            bucket(device_id, desired.rollout),
            standing(said.detail, desired),
            said.online,
            said.moved_s,
        )
        for device_id, said in sorted(known.items())
        if said.detail is not None and said.detail.cohort == desired.cohort
    )
