"""What a running process holds, as the kernel tells it: proc(5)."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LIMIT_S = 10
_CAMERA_NODES = ("video*", "media*", "v4l-subdev*", "dma_heap/*")
_FRAMES = ("/dmabuf", "anon_inode:dmabuf", "/dev/video", "/dev/dma_heap")
_STATES = {1: "established", 7: "unconnected", 10: "listening"}  # include/net/tcp_states.h


@dataclass(frozen=True, slots=True)
class InetSocket:
    """A socket of a process on an IP network; `remote` is empty where there is no other end."""

    kind: str
    local_port: int
    remote_port: int
    state: str


class Process:
    """One process. What its owner or root alone may see raises PermissionError; once gone, FileNotFoundError.

    Args:
        number: its process id.
        root: where the file system begins.
    """

    def __init__(self, number: int, root: Path = Path("/")) -> None:
        self.number = number
        self._folder = root / "proc" / str(number)

    def open_files(self) -> list[str]:
        """Return what its file descriptors lead to, as `/dev/video0` or `socket:[17]`."""
        found = []
        for entry in sorted((self._folder / "fd").iterdir()):
            with suppress(FileNotFoundError):  # closed meanwhile
                found.append(str(entry.readlink()))
        return found

    def camera_nodes(self) -> list[str]:
        """Return the camera nodes in the /dev that it sees."""
        dev = self._folder / "root" / "dev"
        dev.stat()
        return sorted(f"/dev/{path.relative_to(dev)}" for name in _CAMERA_NODES for path in dev.glob(name))

    def frames_mapped(self) -> list[str]:
        """Return what of its memory is shared with a camera, one entry a mapping."""
        lines = (self._folder / "maps").read_text(encoding="utf-8", errors="replace").splitlines()
        names = [fields[5] for line in lines if len(fields := line.split(maxsplit=5)) == 6]  # noqa: PLR2004 - columns
        return [name for name in names if name.startswith(_FRAMES)]

    def inet_sockets(self) -> list[InetSocket]:
        """Return its sockets on IP networks."""
        own = {name[8:-1] for name in self.open_files() if name.startswith("socket:[")}
        return [one for inode, one in self._all_sockets() if inode in own]

    def _all_sockets(self) -> Iterator[tuple[str, InetSocket]]:
        """Yield every socket of its network, with the number by which descriptors name it."""
        for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
            with suppress(FileNotFoundError):  # a kernel without it
                for line in (self._folder / "net" / kind).read_text().splitlines()[1:]:
                    fields = line.split()
                    local, remote = (int(end.rpartition(":")[2], 16) for end in fields[1:3])
                    state = _STATES.get(int(fields[3], 16), "closing or opening")
                    yield fields[9], InetSocket(kind, local, remote, state)


def main_process(unit: str) -> int | None:
    """Return the process id of a running unit; None where it does not run, or there is no systemd."""
    ask = ("systemctl", "show", "--property=MainPID", "--value", unit)
    try:
        done = subprocess.run(ask, check=True, timeout=_LIMIT_S, capture_output=True, text=True)  # noqa: S603 - fixed words
        return int(done.stdout) or None
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
