"""Figures of the machine, each None where it cannot be known."""

import os
from pathlib import Path

import psutil
import pytest

from eyespot.host.facts import HostFacts, enough_disk_mb, read_facts, voltage_is_low


def test_figures_of_this_machine_are_those_that_others_read(tmp_path: Path) -> None:
    facts = read_facts(tmp_path)
    assert facts.memory_mb == pytest.approx(psutil.Process().memory_info().rss / 2**20, rel=0.1)
    assert facts.disk_free_mb == pytest.approx(psutil.disk_usage(str(tmp_path)).free / 2**20, rel=0.1)
    assert facts.disk_mb == pytest.approx(psutil.disk_usage(str(tmp_path)).total / 2**20, rel=0.1)


def test_what_cannot_be_known_is_none(tmp_path: Path) -> None:
    assert read_facts(tmp_path / "nothing", root=tmp_path) == HostFacts(None, None, None, None)


def test_figures_are_in_mebibytes_and_degrees(tmp_path: Path) -> None:
    zone = tmp_path / "sys/class/thermal/thermal_zone0"
    process = tmp_path / "proc/self"
    zone.mkdir(parents=True)
    process.mkdir(parents=True)
    (zone / "temp").write_text("48312\n")
    (process / "statm").write_text("9000 512 100 1 0 200 0\n")
    facts = read_facts(tmp_path, root=tmp_path)
    assert facts.temperature_c == 48.3
    assert facts.memory_mb == 512 * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.parametrize("text", ["", "hot", "48 312 °C"])
def test_figures_that_make_no_sense_are_none(text: str, tmp_path: Path) -> None:
    zone = tmp_path / "sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "temp").write_text(text)
    assert read_facts(tmp_path, root=tmp_path).temperature_c is None


def test_a_small_disk_may_be_fuller_than_a_large_one() -> None:
    assert enough_disk_mb(30_000) == 100
    assert enough_disk_mb(200) == 10


MONITOR = "sys/class/hwmon/hwmon2"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({f"{MONITOR}/name": "rpi_volt", f"{MONITOR}/in0_lcrit_alarm": "1"}, True),
        ({f"{MONITOR}/name": "rpi_volt", f"{MONITOR}/in0_lcrit_alarm": "0"}, False),
        ({f"{MONITOR}/name": "rpi_volt", f"{MONITOR}/in0_lcrit_alarm": "low"}, None),
        ({f"{MONITOR}/name": "cpu_thermal", f"{MONITOR}/in0_lcrit_alarm": "1"}, None),
        ({f"{MONITOR}/name": "rpi_volt"}, None),
        ({}, None),
    ],
)
def test_too_little_voltage_is_what_the_driver_says(
    files: dict[str, str], expected: bool | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    assert voltage_is_low(tmp_path) is expected
