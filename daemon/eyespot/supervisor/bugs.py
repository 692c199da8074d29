"""The last resort of the main thread, as `threads.Watched` is that of the others."""

import traceback
from collections.abc import Callable

from eyespot.domain.errors import EyespotError


def guarded(work: Callable[[], int]) -> int:
    """Return what the work returns; after a bug 70, with its traceback on stderr.

    Raises:
        EyespotError, OSError: as the work does; they have exit codes of their own.
    """
    try:
        return work()
    except (EyespotError, OSError):
        raise
    except Exception:  # noqa: BLE001 - whatever else is a bug, and that has an exit code of its own
        traceback.print_exc()
        return EyespotError.exit_code
