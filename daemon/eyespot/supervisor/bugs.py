"""The last resort of the main thread, as `threads.Watched` is that of the others."""

import logging
from collections.abc import Callable

from eyespot.domain.errors import EyespotError
from eyespot.domain.notice import Notice

_log = logging.getLogger(__name__)


def guarded(work: Callable[[], int]) -> int:
    """Return what the work returns; after a bug 70, with its traceback in the log.

    Raises:
        EyespotError, OSError: as the work does; they have exit codes of their own.
    """
    try:
        return work()
    except (EyespotError, OSError):
        raise
    except Exception:  # noqa: BLE001 - whatever else is a bug, and that has an exit code of its own
        _log.exception("a bug in the main thread", extra=Notice.BUG.of(thread="main"))
        return EyespotError.exit_code
