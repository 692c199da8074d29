"""Asks for a reboot of the machine, in a way that somebody else has to grant.

The daemon has no right to reboot. It leaves a file; `eyespot-reboot.path`, where an operator has enabled it,
sees the file and reboots.
"""

import logging
import os
from pathlib import Path

from eyespot.domain.notice import Notice
from eyespot.ports import CameraLedger

_log = logging.getLogger(__name__)

_NAME = "reboot-wanted"


def ask_for_reboot(ledger: CameraLedger) -> str:
    """Leave the file in the runtime folder of the unit, once a day at most.

    Returns:
        Why it was not left; empty where it was.
    """
    folder = os.environ.get("RUNTIME_DIRECTORY")
    if not folder:
        return "nobody is there to be asked for one"
    wait_s = ledger.reboot()
    if wait_s:
        return f"the next may be asked for in {wait_s / 3600:.0f} h"
    words = "asking for a reboot, as nothing else helped the camera"
    _log.warning(words, extra=Notice.REBOOT_ASKED.of())
    try:
        Path(folder, _NAME).touch()
    except OSError as error:
        return f"it cannot be asked for: {error.strerror}"
    return ""
