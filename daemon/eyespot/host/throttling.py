"""What the board says of its voltage and heat."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from eyespot.domain.paths import small_text
from eyespot.domain.throttling import Throttling

_FIRMWARE = "sys/devices/platform/soc*/soc*:firmware/get_throttled"
_MONITORS = "sys/class/hwmon/hwmon*"

# https://www.raspberrypi.com/documentation/computers/os.html#get_throttled: bits of now, and since the start
_BITS: Mapping[int, Throttling] = {
    0: "under_voltage",
    1: "frequency_capped",
    2: "throttled",
    3: "soft_temperature_limit",
    16: "under_voltage_before",
    17: "frequency_capped_before",
    18: "throttled_before",
    19: "soft_temperature_limit_before",
}


def throttling(root: Path) -> tuple[Throttling, ...] | None:
    """Return what there is, what is now first; None where the board does not say.

    Where the kernel has no file for all of it, as on a Raspberry Pi 5, only the voltage of now is known.

    Args:
        root: where the file system begins, for /sys.
    """
    for flags in _firmware(root):
        return tuple(name for bit, name in _BITS.items() if flags >> bit & 1)
    for is_low in _monitors(root):
        return ("under_voltage",) if is_low else ()
    return None


def _firmware(root: Path) -> Iterator[int]:
    for file in root.glob(_FIRMWARE):
        text = small_text(file)
        if re.fullmatch("(0x)?[0-9a-fA-F]{1,8}", text):
            yield int(text, 16)


def _monitors(root: Path) -> Iterator[bool]:
    for folder in root.glob(_MONITORS):
        alarm = small_text(folder / "in0_lcrit_alarm")
        if small_text(folder / "name") == "rpi_volt" and alarm in {"0", "1"}:
            yield alarm == "1"
