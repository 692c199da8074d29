"""What is left beside the folder for people who look at the card on a laptop."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import eyespot
from eyespot.app.certificates import Now
from eyespot.store.disk import Disk

_NAME = "eyespot-report.txt"


def leave_report(boot: Path, lines: Iterable[str], now: Now, disk: Disk) -> None:
    """Write the report, in place of the one before. Where that cannot be, the journal has to do.

    Args:
        boot: the partition.
        lines: what to tell.
        now: when that is.
        disk: does the steps.
    """
    doubt = "" if now.synced else ", by a clock that is not set yet"
    head = f"Eyespot {eyespot.__version__}, {now.utc:%Y-%m-%d %H:%M:%S} UTC{doubt}"
    text = "".join(f"{line}\r\n" for line in (head, *lines))
    new = boot / f"{_NAME}.new"
    with suppress(OSError):
        disk.write(new, text.encode(errors="replace"))
        disk.rename(new, boot / _NAME)
        disk.settle(boot)
