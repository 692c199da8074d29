"""The files of a bundle, as its manifest names them: where, how long, and with which sha256."""

import re
from typing import Annotated, Literal

import msgspec

from eyespot.trust import rpk

Role = Literal["golden", "model_card", "notice", "licence", "other"]

_MOST_BYTES = 256 * 1024 * 1024
_MOST_LABEL_BYTES = 256 * 1024
_MOST_FURTHER_BYTES = 16 * 1024 * 1024

# A plain name: no separators, so a bundle cannot reach outside its folder.
_FileName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]
# The same, or one in a folder: short enough for a header of tar.
_PATH = (
    r"\A([A-Za-z0-9][A-Za-z0-9._-]{0,99}|"
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}/[A-Za-z0-9][A-Za-z0-9._-]{0,49})\Z"
)
_Path = Annotated[str, msgspec.Meta(pattern=_PATH)]
_Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Label = Annotated[str, msgspec.Meta(pattern=r"\A[^A-Z\x00-\x1f\x7f]{1,64}\Z")]


class NetworkFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The network itself."""

    file: _FileName
    sha256: _Sha256
    size_bytes: Annotated[int, msgspec.Meta(ge=8, le=_MOST_BYTES)]


class SensorNetworkFile(NetworkFile, frozen=True, kw_only=True):
    """A network for the sensor, which takes no large ones."""

    size_bytes: Annotated[int, msgspec.Meta(ge=8, le=rpk.MOST_BYTES)]


class LabelsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The class names: UTF-8, one a line, the first is class 0.

    Attributes:
        aliases: lower-case name in the file -> the name to go by.
    """

    file: _FileName
    sha256: _Sha256
    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=_MOST_LABEL_BYTES)]
    aliases: dict[_Label, _Label] = {}


class FurtherFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What belongs to a bundle besides network and labels.

    Attributes:
        file: its path, with one folder at most.
        role: what it is.
    """

    file: _Path
    role: Role
    sha256: _Sha256
    size_bytes: Annotated[int, msgspec.Meta(ge=0, le=_MOST_FURTHER_BYTES)]


AnyFile = NetworkFile | LabelsFile | FurtherFile


def is_path(text: str) -> bool:
    """Tell whether a file of a bundle may have this path."""
    return re.search(_PATH, text) is not None
