"""What a running process holds, as the kernel tells it: proc(5)."""

import os
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LIMIT_S = 10
_CAMERA_NODES = ("video*", "media*", "v4l-subdev*", "dma_heap/*")
_FRAMES = ("/dmabuf", "anon_inode:dmabuf", "/dev/video", "/dev/dma_heap")
_STATES = {1: "established", 7: "unconnected", 10: "listening"}  # include/net/tcp_states.h


@dataclass(frozen=True, slots=True)
class Outward:
    """A socket of a process that is no Unix socket; ports are 0 where there is none, or nobody knows."""

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

    def outward_sockets(self) -> list[Outward]:
        """Return each of its sockets that is not known to be a Unix socket.

        The kernel's tables name those on IP networks once they are bound. What is in no table, as a packet
        socket, is of an unknown kind: it has to be told, as nobody knows where it leads.
        """
        own = self._sockets()
        named = {inode: one for inode, one in self._ip_sockets() if inode in own}  # both networks may be one
        unknown = own - named.keys() - set(self._unix_sockets())
        if unknown:
            unknown &= self._sockets()  # others were closed meanwhile
        return [*named.values()] + [Outward("another kind", 0, 0, "in no table of the kernel")] * len(unknown)

    def _sockets(self) -> set[str]:
        return {name[8:-1] for name in self.open_files() if name.startswith("socket:[")}

    def _tables(self, kind: str) -> Iterator[list[str]]:
        """Yield rows of a kind of sockets: of its network, and of the machine's, for what it was handed."""
        (self._folder / "net").stat()
        yield from _rows({self._folder, self._folder.parent / "1"}, kind)

    def _unix_sockets(self) -> Iterator[str]:
        """Yield the Unix sockets of all networks: an accepted one is of the network of who connected."""
        networks: dict[Path, Path] = {}
        for folder in self._folder.parent.glob("[0-9]*"):
            with suppress(OSError):  # gone, or root's to see
                networks.setdefault((folder / "ns" / "net").readlink(), folder)
        yield from (fields[6] for fields in self._tables("unix"))
        yield from (fields[6] for fields in _rows(networks.values(), "unix"))
        if self._folder == Path("/proc", str(os.getpid())):  # who is not root may ask its own
            yield from _own_unix_sockets(self._folder)

    def _ip_sockets(self) -> Iterator[tuple[str, Outward]]:
        """Yield every socket on an IP network, with the number by which descriptors name it."""
        for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
            for fields in self._tables(kind):
                local, remote = (int(end.rpartition(":")[2], 16) for end in fields[1:3])
                state = _STATES.get(int(fields[3], 16), "closing or opening")
                yield fields[9], Outward(kind, local, remote, state)


def _rows(folders: Iterable[Path], kind: str) -> Iterator[list[str]]:
    for folder in folders:
        with suppress(FileNotFoundError, PermissionError):  # a kernel without it: then nothing is known
            for line in (folder / "net" / kind).read_text().splitlines()[1:]:
                yield line.split()


def _own_unix_sockets(folder: Path) -> Iterator[str]:
    for entry in (folder / "fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            name = str(entry.readlink())
            if name.startswith("socket:["):
                with socket.socket(fileno=os.dup(int(entry.name))) as copy:
                    if copy.family == socket.AF_UNIX:
                        yield name[8:-1]


def processes_of(unit: str, root: Path = Path("/")) -> list[Process]:
    """Return all processes of a running unit; none where it does not run, or there is no systemd."""
    ask = ("systemctl", "show", "--property=ControlGroup", "--value", unit)
    try:
        done = subprocess.run(ask, check=True, timeout=_LIMIT_S, capture_output=True, text=True)  # noqa: S603 - fixed words
        group = done.stdout.strip().lstrip("/")
        listed = (root / "sys/fs/cgroup" / group / "cgroup.procs").read_text() if group else ""
        return [Process(int(number), root) for number in listed.split()]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
