"""Downloads that are not finished: kept for the next try, but not for ever."""

import hashlib
from pathlib import Path
from typing import NamedTuple

MOST_AGE_S = 7 * 86_400
MOST_BYTES = 128 * 1024 * 1024


class _Part(NamedTuple):
    """A file; the younger ones sort last."""

    mtime_s: float
    path: Path
    size_bytes: int


def part(folder: Path, url: str) -> Path:
    """Return where what has come of a download is kept."""
    return folder / f"{hashlib.sha256(url.encode()).hexdigest()}.part"


def tidy(folder: Path, now_s: float) -> None:
    """Remove what is older than a week, and of the rest the oldest that are too much.

    Raises:
        OSError: the disk fails.
    """
    kept_bytes = 0
    for one in sorted(_parts(folder), reverse=True):
        kept_bytes += one.size_bytes
        if kept_bytes > MOST_BYTES or now_s - one.mtime_s > MOST_AGE_S:
            one.path.unlink()


def _parts(folder: Path) -> list[_Part]:
    looked_at = [(path, path.lstat()) for path in folder.iterdir()]
    return [_Part(status.st_mtime, path, status.st_size) for path, status in looked_at]
