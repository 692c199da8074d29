"""Commands that open a camera themselves keep to the same count of power-ups as the service."""

import os

from eyespot.domain.errors import CameraError
from eyespot.domain.recovery import too_often
from eyespot.host.identity import boot_id
from eyespot.ports import Clock
from eyespot.sources.settings import CameraSettings
from eyespot.store.ledger import FileLedger
from eyespot.store.settings import StateSettings, state_dir


def note_power_up(camera: CameraSettings, state: StateSettings, clock: Clock) -> None:
    """Note that a camera is powered up, where that is counted and there is a state.

    Raises:
        CameraError: it was powered up too often.
    """
    folder = state_dir(state, os.environ)
    if not (camera.wears and os.access(folder, os.W_OK)):
        return
    wait_s = FileLedger(folder, boot_id(), clock).power_up()
    if wait_s:
        raise CameraError(f"the camera was {too_often(wait_s)}, or after a reboot")
