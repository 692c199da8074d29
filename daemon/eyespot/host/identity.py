"""Who this machine is: an id that stays, its hardware in words, its time zone."""

import hashlib
import os
import platform
import re
from pathlib import Path

_ROOT = Path("/")
_SERIAL = "proc/device-tree/serial-number"
_MODEL = "proc/device-tree/model"
_BOOT_ID = "proc/sys/kernel/random/boot_id"
_MACHINE_ID = "etc/machine-id"
_DIGITS = 8
_LONGEST = 120


def default_device_id(root: Path = _ROOT) -> str:
    """Return an id that stays the same over restarts: `[a-z0-9-]`, at most 63 characters.

    From the board's serial number, as Raspberry Pis have one; else from the machine id, hashed as
    machine-id(5) asks of what leaves the machine; else from the host name.

    Args:
        root: where the file system begins.
    """
    serial = re.sub("[^0-9a-z]", "", _read(root / _SERIAL).lower())
    if serial.strip("0"):
        return f"eyespot-{serial[-_DIGITS:]}"
    machine_id = _read(root / _MACHINE_ID)
    if re.fullmatch("[0-9a-f]{32}", machine_id):
        return f"eyespot-{hashlib.sha256(f'eyespot {machine_id}'.encode()).hexdigest()[:_DIGITS]}"
    host = re.sub("[^a-z0-9]+", "-", platform.node().lower()).strip("-")
    return host[:63].strip("-") or "eyespot"


def boot_id(root: Path = _ROOT) -> str:
    """Return the id of this start of the machine; empty where it has none."""
    return _read(root / _BOOT_ID)


def hardware(root: Path = _ROOT) -> str:
    """Return the machine in words, as `Raspberry Pi 5 Model B Rev 1.0`, else architecture and processor."""
    model = _read(root / _MODEL)
    if model:
        return model[:_LONGEST]
    named = re.search(r"^model name\s*:\s*(.+)$", _read(root / "proc/cpuinfo"), re.MULTILINE)
    processor = f", {named[1]}" if named else ""
    return f"{platform.machine()}, {os.cpu_count() or 1} cores{processor}"[:_LONGEST]


def system_timezone(root: Path = _ROOT) -> str:
    """Return the IANA name of the system's time zone; UTC where it has none."""
    try:
        target = str((root / "etc/localtime").readlink())
    except OSError:
        target = ""
    _, found, name = target.partition("zoneinfo/")
    return name if found else _read(root / "etc/timezone") or "UTC"


def _read(path: Path) -> str:
    """Return the text of a small file, printable; empty where there is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.strip("\0\n\t ")
