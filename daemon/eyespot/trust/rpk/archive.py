"""The cpio archive behind the blocks: "newc" (magic 070701), regular files, zeros at the end.

The kernel takes the first member whose name *begins* with `imx500_regs`, so a stranger is refused.
"""

import re
import struct

from eyespot.trust.damage import damaged

REGISTERS = "imx500_regs"
NETWORK_INFO = "network_info.txt"
INTRINSICS = "network_intrinsics"
_TRAILER = "TRAILER!!!"
_MOST_BYTES = {REGISTERS: 7 * 1024, NETWORK_INFO: 64 * 1024, INTRINSICS: 256 * 1024, _TRAILER: 0}

_HEADER = re.compile(rb"070701([0-9A-Fa-f]{104})")
_HEADER_BYTES = 110
_FIELDS = struct.Struct(">13I")  # of which second: mode, seventh: file size, twelfth: name size
_MODE, _FILE_SIZE, _NAME_SIZE = 1, 6, 11
_FILE_TYPE, _REGULAR = 0o170000, 0o100000
_MOST_NAME_BYTES = 64


def read_archive(data: bytes, start: int) -> dict[str, bytes]:
    """Return the members by name.

    Args:
        data: the whole file; members lie at multiples of 4 in it.
        start: where the archive begins, a multiple of 4.

    Raises:
        ModelError: it is cut off or damaged, a member is unknown or needed and not there, or something
            follows it.
    """
    members: dict[str, bytes] = {}
    while (member := _read_member(data, start))[0] != _TRAILER:
        name, content, start = member
        if name in members:
            raise damaged(f"its archive has {name} twice")
        members[name] = content
    if data[member[2] :].strip(b"\0"):
        raise damaged("something stands behind its archive")
    for name in (REGISTERS, NETWORK_INFO):
        if name not in members:
            raise damaged(f"its archive has no {name}")
    return members


def _read_member(data: bytes, start: int) -> tuple[str, bytes, int]:
    """Return name and content of a member, and where the next one begins."""
    header = _HEADER.match(data, start)
    if header is None:
        what = "is cut off" if len(data) < start + _HEADER_BYTES else "has a broken header"
        raise damaged(f"its archive {what} at byte {start}")
    fields = _FIELDS.unpack(bytes.fromhex(header[1].decode()))
    name_bytes, content_bytes = fields[_NAME_SIZE], fields[_FILE_SIZE]
    name_end = header.end() + min(name_bytes, _MOST_NAME_BYTES)
    name = _name(data[header.end() : name_end], name_bytes)
    if name != _TRAILER and fields[_MODE] & _FILE_TYPE != _REGULAR:
        raise damaged(f"{name} in its archive is no regular file")
    if content_bytes > _MOST_BYTES[name]:
        raise damaged(f"{name} in its archive has {content_bytes} bytes, more than {_MOST_BYTES[name]}")
    content_start = _aligned(name_end)
    content_end = content_start + content_bytes
    if content_end > len(data):
        raise damaged(f"its archive is cut off in {name}")
    return name, data[content_start:content_end], _aligned(content_end)


def _name(stored: bytes, name_bytes: int) -> str:
    for name in _MOST_BYTES:
        if stored == name.encode() + b"\0" and len(stored) == name_bytes:
            return name
    raise damaged(f"its archive has a member that nobody knows, {stored.rstrip(bytes(1))!r}")


def _aligned(place: int) -> int:
    return -(-place // 4) * 4
