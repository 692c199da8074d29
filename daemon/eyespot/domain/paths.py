"""Looking at paths that others have named: what cannot be looked at is no bug."""

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
