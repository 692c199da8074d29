"""Commands that open a camera themselves keep to the same count of power-ups as the service."""

import os

from eyespot.config import Config
from eyespot.domain.errors import CameraError
from eyespot.host.identity import boot_id
from eyespot.ports import Clock
from eyespot.store.ledger import FileLedger
from eyespot.store.settings import state_dir


def note_power_up(config: Config, clock: Clock) -> None:
    """Note that the camera of a configuration is powered up, where that is counted and there is a state.

    Raises:
        CameraError: it was powered up too often.
    """
    folder = state_dir(config.state, os.environ)
    if not (config.camera.wears and os.access(folder, os.W_OK)):
        return
    wait_s = FileLedger(folder, boot_id(), clock).power_up()
    if wait_s:
        raise CameraError(
            f"the AI camera was powered up too often since the machine started, and could lock up; "
            f"wait {wait_s / 60:.0f} min, or reboot"
        )
