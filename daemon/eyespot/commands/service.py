"""What the two commands that are services have in common: their logs, and how they end."""

import faulthandler
import logging
from collections.abc import Callable

from eyespot.domain.errors import EyespotError, one_line
from eyespot.domain.notice import Notice
from eyespot.host.logs import LogHandler, set_up

_log = logging.getLogger(__name__)


def serve(work: Callable[[LogHandler], int]) -> int:
    """Do what a service does, and return its exit code; what ends it is logged."""
    # The watchdog kills with SIGABRT: the journal then shows where every thread was.
    faulthandler.enable()
    logs = set_up()
    try:
        return work(logs)
    except EyespotError as error:
        failed = Notice.FAILED.of(reason=one_line(error), exit_code=error.exit_code)
        _log.error("%s", error, extra=failed)
        return error.exit_code
