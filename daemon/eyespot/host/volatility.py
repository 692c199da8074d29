"""Whether a folder lies in memory only, so that what is kept there goes with the power."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from eyespot.domain.paths import small_text

GONE_WITH_THE_POWER = "counts begin anew after a power cut; set [state] dir to a disk that stays writable"

_ROOT = Path("/")
_IN_MEMORY = {"tmpfs", "ramfs"}
_OVERLAY = "overlay"


class _Mount(NamedTuple):
    point: PurePosixPath
    kind: str
    options: str


def volatility(folder: Path, root: Path = _ROOT) -> str:
    """Return in words why what a folder holds is gone after a power cut; empty where it is not.

    Args:
        folder: it need not exist.
        root: where the file system begins, for /proc.
    """
    mounts, command_line = (small_text(root / "proc" / name) for name in ("self/mountinfo", "cmdline"))
    return why_volatile(PurePosixPath(folder.resolve()), mounts, command_line)


def why_volatile(folder: PurePosixPath, mountinfo: str, command_line: str) -> str:
    """Return what `volatility` does.

    Args:
        folder: absolute, without links.
        mountinfo: the text of /proc/self/mountinfo, proc(5).
        command_line: the kernel's. raspi-config's overlay leaves `boot=overlay` or `overlayroot=tmpfs` there;
            the file system that it writes to may be out of sight by then.
    """
    mounts = [mount for line in mountinfo.splitlines() if (mount := _mount(line)) is not None]
    holder = _holder(folder, mounts)
    if holder is None:
        return ""
    if holder.kind in _IN_MEMORY:
        return f"{holder.point} is a {holder.kind}, which is memory"
    upper = re.search(r"(?:^|,)upperdir=([^,]+)", holder.options)
    if holder.kind != _OVERLAY or upper is None:
        return ""
    beneath = _holder(PurePosixPath(_unescaped(upper[1])), mounts)
    out_of_sight = beneath is None or beneath.kind == _OVERLAY
    if (out_of_sight and _boots_into_memory(command_line)) or (beneath and beneath.kind in _IN_MEMORY):
        return f"{holder.point} is an overlay that writes to memory"
    return ""


def _mount(line: str) -> _Mount | None:
    """Return what a line tells: "36 35 98:0 /root /point options [optional...] - type source options"."""
    where, separator, what = line.partition(" - ")
    words, told = where.split(), what.split()
    if not separator or len(words) < 5 or len(told) < 3:  # noqa: PLR2004 - as the line above
        return None
    return _Mount(PurePosixPath(_unescaped(words[4])), told[0], told[2])


def _holder(path: PurePosixPath, mounts: Sequence[_Mount]) -> _Mount | None:
    """Return the mount in which a path lies; of several on one point the last one hides the others."""
    around = [mount for mount in mounts if path.is_relative_to(mount.point)]
    deepest = max((len(mount.point.parts) for mount in around), default=0)
    return next((mount for mount in reversed(around) if len(mount.point.parts) == deepest), None)


def _boots_into_memory(command_line: str) -> bool:
    words = command_line.split()
    return "boot=overlay" in words or any(word.startswith("overlayroot=tmpfs") for word in words)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
