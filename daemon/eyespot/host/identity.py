"""Who this machine is: an id that stays, its hardware in words, its time zone."""

import hashlib
import os
import platform
import re
from pathlib import Path

from eyespot.domain.paths import small_text

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
    if serial := _serial(root):
        return f"eyespot-{serial[-_DIGITS:]}"
    if machine_id := _machine_id(root):
        return f"eyespot-{_digest(machine_id)[:_DIGITS]}"
    host = re.sub("[^a-z0-9]+", "-", platform.node().lower()).strip("-")
    return host[:63].strip("-") or "eyespot"


def board(root: Path = _ROOT) -> str:
    """Return what tells this board from all others: 64 hex digits, of what the default id is made from."""
    return _digest(_serial(root) or _machine_id(root) or platform.node())


def boot_id(root: Path = _ROOT) -> str:
    """Return the id of this start of the machine; empty where it has none."""
    return small_text(root / _BOOT_ID)


def hardware(root: Path = _ROOT) -> str:
    """Return the machine in words, as `Raspberry Pi 5 Model B Rev 1.0`, else architecture and processor."""
    model = small_text(root / _MODEL)
    if model:
        return model[:_LONGEST]
    named = re.search(r"^model name\s*:\s*(.+)$", small_text(root / "proc/cpuinfo"), re.MULTILINE)
    processor = f", {named[1]}" if named else ""
    return f"{platform.machine()}, {os.cpu_count() or 1} cores{processor}"[:_LONGEST]


def system_timezone(root: Path = _ROOT) -> str:
    """Return the IANA name of the system's time zone; UTC where it has none."""
    try:
        target = str((root / "etc/localtime").readlink())
    except OSError:
        target = ""
    _, found, name = target.partition("zoneinfo/")
    return name if found else small_text(root / "etc/timezone") or "UTC"


def _serial(root: Path) -> str:
    """Return the board's serial number; empty where it has none, as nothing but zeros is none."""
    serial = re.sub("[^0-9a-z]", "", small_text(root / _SERIAL).lower())
    return serial if serial.strip("0") else ""


def _machine_id(root: Path) -> str:
    found = re.fullmatch("[0-9a-f]{32}", small_text(root / _MACHINE_ID))
    return found[0] if found else ""


def _digest(text: str) -> str:
    return hashlib.sha256(f"eyespot {text}".encode()).hexdigest()
