"""Errors, named by whose fault they are.

    EyespotError
    ├── ConfigError     the configuration; stays down until someone mends it (78)
    ├── InputError      a file that was handed in (65)
    ├── BrokerError     the broker or the way to it (69)
    ├── StorageError    the disk (74)
    ├── CameraError     the camera; tried again with back-off
    │   └── CameraStuck its software hangs; only a new process helps
    ├── ModelError      a model bundle; refused, the old one stays
    │   └── ModelRefused the camera cannot run it; what ran before runs again
    └── UpdateError     an update of the model; the old one stays
        ├── TrustError  what is offered is not vouched for
        ├── FeedError   the way to the repository; tried again later
        └── StoreError  the disk of the model slots (74)

Anything else that is raised is a bug.
"""

from contextlib import AbstractContextManager
from typing import ClassVar

_LONGEST = 300


class EyespotError(Exception):
    """Something that went wrong and has a name. Its text is one line that says what to do."""

    exit_code: ClassVar[int] = 70


class ConfigError(EyespotError):
    """The configuration cannot be used as it stands."""

    exit_code = 78


class InputError(EyespotError):
    """A file that was handed in is missing, damaged or of the wrong kind."""

    exit_code = 65


class BrokerError(EyespotError):
    """The broker cannot be reached, or will not have us."""

    exit_code = 69


class StorageError(EyespotError):
    """The disk is full, read-only or failing."""

    exit_code = 74


class CameraError(EyespotError):
    """The camera does not deliver."""

    exit_code = 69


class CameraStuck(CameraError):  # noqa: N818 - what it is in, as the tree above says
    """The camera's software hangs in a call that cannot be ended: only a new process helps."""


class ModelError(EyespotError):
    """A model bundle that cannot be loaded, or that does not fit."""

    exit_code = 78


class ModelRefused(ModelError):  # noqa: N818 - what happened to it, as the tree above says
    """The eye cannot run the model that it was told to; what it ran before runs again."""


class UpdateError(EyespotError):
    """The model cannot be updated; the one that looks goes on.

    Args:
        text: one line that says what to do.
        code: the same in a word, for programs; that of the kind where there is none better.
    """

    exit_code = 69
    code = "failed"

    def __init__(self, text: str, code: str | None = None) -> None:
        super().__init__(text)
        self.code = code or self.code


class TrustError(UpdateError):
    """What the repository offers is not vouched for, too old, or not meant for this device."""

    exit_code = 65
    code = "untrusted"


class FeedError(UpdateError):
    """The repository cannot be reached, or does not deliver."""

    code = "unreachable"


class StoreError(UpdateError):
    """The model slots cannot be read or written."""

    exit_code = 74
    code = "disk"


def one_line(error: BaseException, most: int = _LONGEST) -> str:
    """Return the error's text on one line, printable and short; its type where it has no text."""
    text = " ".join(str(error).split()) or type(error).__name__
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return printable if len(printable) <= most else printable[: most - 1] + "…"


def foreign(kind: type[EyespotError], doing: str) -> AbstractContextManager[None]:
    """Turn whatever a third-party call raises into an error of ours; so, too, what judges words from afar.

    Args:
        kind: the error to raise instead.
        doing: what was tried, as the beginning of a sentence ("cannot load model.tflite").

    Raises:
        EyespotError: of the given kind, with the original as its cause; ours pass unchanged.
    """
    return _Foreign(kind, doing)


class _Foreign:
    # a generator would cost as much as many of the calls that it is put around
    __slots__ = ("_doing", "_kind")

    def __init__(self, kind: type[EyespotError], doing: str) -> None:
        self._kind = kind
        self._doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, EyespotError):
            message = f"{self._doing}: {one_line(error)}"
            raise self._kind(message) from error
