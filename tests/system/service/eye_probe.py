"""Runs where the eye runs, in its sandbox: tries what it must not, tells each thing that works after all."""

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_FAMILIES = ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_BLUETOOTH")
_NODES = {"null", "zero", "full", "random", "urandom", "tty", "ptmx"}
_SPARED = {"/proc"}  # a process may write there about itself


def writable_folders() -> Iterator[str]:
    """Yield every folder in which a file can be made."""
    for folder, folders, _ in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in _SPARED]  # noqa: PTH118
        if os.access(folder, os.W_OK):
            with tempfile.TemporaryFile(dir=folder):
                yield f"can write in {folder}"


def sockets() -> Iterator[str]:
    """Yield every way to a network, and services of the machine that could carry a word out."""
    for name in _FAMILIES:
        try:
            socket.socket(getattr(socket, name), socket.SOCK_DGRAM).close()
        except OSError:
            continue
        yield f"can make a socket of {name}"
    links = [line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]]
    yield from (f"sees the network card {link}" for link in links if link != "lo")
    for path in Path("/run").rglob("*"):
        if path.is_socket() and str(path) not in {"/run/eyespot/eye.sock", "/run/systemd/notify"}:
            yield f"sees the socket {path}"


def nodes() -> Iterator[str]:
    """Yield every device that it can open, but those that everybody can."""
    for path in Path("/dev").iterdir():
        if path.is_char_device() and not path.is_symlink() and path.name not in _NODES:
            try:
                os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
            except OSError:
                continue
            yield f"can open {path}"


def needs() -> Iterator[str]:
    """Yield what it needs and has not."""
    try:
        os.close(os.memfd_create("network"))
    except OSError as error:
        yield f"cannot make a file in memory: {error}"
    if not Path("/run/eyespot/eye.sock").is_socket():
        yield "does not see the body's socket"


if __name__ == "__main__":
    sys.exit("\n".join((*writable_folders(), *sockets(), *nodes(), *needs())) or 0)
