"""How the machine is doing."""

import os
from dataclasses import dataclass
from pathlib import Path

from eyespot.domain.paths import small_text

HOT_C = 80  # from there on a Raspberry Pi works slower
WEAK_POWER = "the voltage is too low: use a better power supply or cable"

_ROOT = Path("/")
_MIB = 1024 * 1024
_ENOUGH_MB, _ENOUGH_SHARE = 100, 0.05


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Figures for `health`; each None where it cannot be known.

    Attributes:
        memory_mb: what this process holds in memory (RSS), in MiB.
        disk_free_mb: what may still be written where the state is kept, in MiB.
        disk_mb: what there is in all, in MiB.
        temperature_c: of the processor.
    """

    memory_mb: float | None
    disk_free_mb: float | None
    disk_mb: float | None
    temperature_c: float | None


def read_facts(state_dir: Path, root: Path = _ROOT) -> HostFacts:
    """Return the figures of now.

    Args:
        state_dir: where the state is kept.
        root: where the file system begins, for /proc and /sys.
    """
    return HostFacts(memory_mb(root), *_disk_mb(state_dir), _temperature_c(root))


def memory_mb(root: Path = _ROOT) -> float | None:
    """Return what this process holds in memory (RSS), in MiB; None where that cannot be known."""
    # proc(5): statm is in pages; the second figure is the resident set.
    pages = _number(root / "proc/self/statm", 1)
    return None if pages is None else round(pages * os.sysconf("SC_PAGE_SIZE") / _MIB, 1)


def voltage_is_low(root: Path = _ROOT) -> bool | None:
    """Return whether the board had too little voltage in the last two seconds; None where it does not say.

    So often the driver raspberrypi-hwmon asks the firmware. What else the firmware knows no kernel of today
    tells (https://github.com/raspberrypi/linux/pull/6697).
    """
    for folder in root.glob("sys/class/hwmon/hwmon*"):
        if small_text(folder / "name") == "rpi_volt":
            return {"0": False, "1": True}.get(small_text(folder / "in0_lcrit_alarm"))
    return None


def enough_disk_mb(disk_mb: float) -> float:
    """Return how many MiB should be free on a disk of that many: 100, on small ones a twentieth."""
    return min(_ENOUGH_MB, disk_mb * _ENOUGH_SHARE)


def _disk_mb(state_dir: Path) -> tuple[float | None, float | None]:
    try:
        disk = os.statvfs(state_dir)
    except OSError:
        return None, None
    free, whole = (round(blocks * disk.f_frsize / _MIB, 1) for blocks in (disk.f_bavail, disk.f_blocks))
    return free, whole


def _temperature_c(root: Path) -> float | None:
    # The first zone is the processor's on a Raspberry Pi; in thousandths of a degree.
    millidegrees = _number(root / "sys/class/thermal/thermal_zone0/temp", 0)
    return None if millidegrees is None else round(millidegrees / 1000, 1)


def _number(path: Path, place: int) -> int | None:
    try:
        return int(path.read_text(encoding="ascii").split()[place])
    except (OSError, ValueError, IndexError):
        return None
