"""Looking at paths that others have named: what cannot be looked at is no bug."""

import errno
import os
from pathlib import Path

from eyespot.domain.errors import EyespotError, foreign


def is_file(path: Path, kind: type[EyespotError]) -> bool:
    """Return whether there is a file.

    Raises:
        EyespotError: of the given kind, where this user may not look, or there can be no such path.
    """
    with foreign(kind, f"cannot look at {path}; mend the name, or who may look there"):
        return path.is_file()


def there_is_file(path: str) -> bool:
    """Return whether there is a file that this user could look at."""
    try:
        return Path(path).is_file()
    except OSError:
        return False


def is_folder(path: Path, kind: type[EyespotError]) -> bool:
    """Return whether there is a folder; raises as `is_file`."""
    with foreign(kind, f"cannot look at {path}; mend the name, or who may look there"):
        return path.is_dir()


def small_text(path: Path) -> str:
    """Return a small file's text without what surrounds it; empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n\t ")
    except OSError:
        return ""


def read_small(path: Path, most_bytes: int) -> bytes | None:
    """Return the beginning of a file that may be anything by now; None where it cannot be read.

    A pipe that somebody left in its place does not hold us up, and a link is not followed.
    """
    try:
        return _beginning(path, most_bytes)
    except (OSError, ValueError):
        return None


def read_kept(path: Path, most_bytes: int) -> bytes | None:
    """Return the whole of a file that may be anything by now; None where there is none. Else as `read_small`.

    Raises:
        OSError: it cannot be read, or is larger.
        ValueError: there can be no such path.
    """
    try:
        data = _beginning(path, most_bytes + 1)
    except FileNotFoundError:
        return None
    if len(data) > most_bytes:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return data


def _beginning(path: Path, most_bytes: int) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(file, most_bytes)
    finally:
        os.close(file)
