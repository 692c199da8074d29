"""The id of a device that goes on in another board: a file that counts on that board alone.

A card that was cloned brings the file along; in its own board the clone has an id of its own again.
"""

from pathlib import Path
from typing import Annotated

import msgspec

from eyespot.domain.errors import StorageError, one_line
from eyespot.domain.names import DeviceId

NAME = "device.json"
_MOST_BYTES = 4096


class KeptId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds.

    Attributes:
        id: of the device.
        board: the one on which it counts, as `host.identity.board` has it.
    """

    id: DeviceId
    board: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


def kept_id(folder: Path, board: str) -> str | None:
    """Return the id that was given to this board; None where none was, or this user cannot look.

    Args:
        folder: where state is kept.
        board: which one this is.

    Raises:
        StorageError: there is one, and it cannot be read: another id would mean other topics.
    """
    path = folder / NAME
    try:
        with path.open("rb") as file:
            kept = msgspec.json.decode(file.read(_MOST_BYTES), type=KeptId)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        advice = "remove it, and set [device] id to what the device was called"
        raise StorageError(f"{path} cannot be read: {one_line(error)}; {advice}") from error
    return kept.id if kept.board == board else None
