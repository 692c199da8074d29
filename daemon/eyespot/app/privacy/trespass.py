"""Runs by itself, in the eye's sandbox: tries what the eye must not, and prints what works after all.

It is given to another interpreter as text, so it imports nothing of Eyespot.
"""

import json
import os
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

_FAMILIES = ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_BLUETOOTH")


def writable_folders(root: str = "/") -> list[str]:
    """Return the folders in which a file can be made, but those of processes about themselves."""
    found = []
    for folder, folders, _ in os.walk(root):
        folders[:] = [name for name in folders if str(Path(folder, name)) != "/proc"]
        if os.access(folder, os.W_OK):
            with suppress(OSError), tempfile.TemporaryFile(dir=folder):
                found.append(folder)
    return found


def families() -> list[str]:
    """Return the kinds of network for which a socket can be made."""
    found = []
    for name in _FAMILIES:
        with suppress(OSError, AttributeError):
            socket.socket(getattr(socket, name), socket.SOCK_DGRAM).close()
            found.append(name)
    return found


def cards() -> list[str]:
    """Return the network cards that can be seen, but the loopback."""
    lines = Path("/proc/net/dev").read_text(encoding="ascii").splitlines()[2:]
    return [name for line in lines if (name := line.split(":")[0].strip()) != "lo"]


if __name__ == "__main__":
    found = {"writable": writable_folders(), "families": families(), "cards": cards()}
    sys.stdout.write(json.dumps(found))
