"""Asks for a reboot of the machine, in a way that somebody else has to grant.

The daemon has no right to reboot. It leaves a file; `eyespot-reboot.path`, where an operator has enabled it,
sees the file and reboots.
"""

import logging
import os
from pathlib import Path

from eyespot.ports import CameraLedger

_log = logging.getLogger(__name__)

_NAME = "reboot-wanted"


def ask_for_reboot(ledger: CameraLedger) -> None:
    """Leave the file in the runtime folder of the unit, once a day at most."""
    folder = os.environ.get("RUNTIME_DIRECTORY")
    if not folder:
        _log.warning("a reboot might help the camera; nobody is there to be asked for one")
        return
    wait_s = ledger.reboot()
    if wait_s:
        _log.warning("a reboot might help the camera; the next may be asked for in %.0f h", wait_s / 3600)
        return
    _log.warning("asking for a reboot, as nothing else helped the camera")
    try:
        Path(folder, _NAME).touch()
    except OSError as error:
        _log.warning("a reboot cannot be asked for: %s", error.strerror)
