"""A machine's id, hardware and time zone, read from a file system that is made up."""

import platform
import re
from pathlib import Path

import pytest

from eyespot.host.identity import board, default_device_id, hardware, system_timezone

MACHINE_ID = "3d1219c7c4c5404aaa1f6d2a48adfda4"


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_board_is_known_by_the_end_of_its_serial_number(tmp_path: Path) -> None:
    write(tmp_path, "proc/device-tree/serial-number", "10000000ABCDEF12\0")
    write(tmp_path, "etc/machine-id", MACHINE_ID)
    assert default_device_id(tmp_path) == "eyespot-abcdef12"


def test_boards_are_told_apart_without_telling_their_serial_numbers(tmp_path: Path) -> None:
    write(tmp_path, "etc/machine-id", MACHINE_ID)
    boards = {board(tmp_path)}
    for serial in ("10000000abcdef12", "20000000abcdef12"):
        write(tmp_path, "proc/device-tree/serial-number", serial + "\0")
        boards.add(board(tmp_path))
        assert "abcdef12" not in board(tmp_path)
    assert len(boards) == 3


@pytest.mark.parametrize("serial", ["", "0000000000000000\0"])
def test_without_serial_number_the_machine_id_counts_and_is_not_told(serial: str, tmp_path: Path) -> None:
    write(tmp_path, "proc/device-tree/serial-number", serial)
    write(tmp_path, "etc/machine-id", MACHINE_ID + "\n")
    name = default_device_id(tmp_path)
    assert name == default_device_id(tmp_path)
    assert re.fullmatch("eyespot-[0-9a-f]{8}", name)
    assert name.removeprefix("eyespot-") not in MACHINE_ID
    write(tmp_path, "etc/machine-id", MACHINE_ID[::-1])
    assert default_device_id(tmp_path) != name


@pytest.mark.parametrize(
    ("host", "name"),
    [("Shop_Door.local", "shop-door-local"), ("", "eyespot"), ("--", "eyespot"), ("a" * 62 + "-b", "a" * 62)],
)
def test_without_both_the_host_name_counts(
    host: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "etc/machine-id", "uninitialized\n")
    monkeypatch.setattr(platform, "node", lambda: host)
    assert default_device_id(tmp_path) == name


def test_a_board_says_what_it_is(tmp_path: Path) -> None:
    write(tmp_path, "proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
    assert hardware(tmp_path) == "Raspberry Pi 5 Model B Rev 1.0"


def test_other_machines_are_told_by_architecture_and_processor(tmp_path: Path) -> None:
    bare = hardware(tmp_path)
    assert re.fullmatch(rf"{platform.machine()}, \d+ cores", bare)
    write(tmp_path, "proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n")
    assert hardware(tmp_path) == f"{bare}, Some CPU @ 2 GHz"


def test_the_time_zone_is_where_localtime_points(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert system_timezone(tmp_path) == "Europe/Berlin"


def test_without_that_link_the_file_counts_then_utc(tmp_path: Path) -> None:
    assert system_timezone(tmp_path) == "UTC"
    write(tmp_path, "etc/timezone", "Asia/Tokyo\n")
    assert system_timezone(tmp_path) == "Asia/Tokyo"
