"""An import that power cuts, full disks and read-only partitions interrupt is whole or not there at all."""

import re
from pathlib import Path

import pytest

from eyespot.domain.errors import StorageError
from fakes.boot_folders import NOW, OLD, PLAIN, SECRETS, Device, good_files
from fakes.certificates import DAY, Authority
from fakes.disks import FrailDisk, FullDisk, PowerCut, ReadOnlyDisk

UNIT = Path(__file__).parents[2] / "systemd" / "eyespot-provision.service"


@pytest.fixture(scope="module", name="files")
def the_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return good_files(Authority(tmp_path_factory.mktemp("ca") / "ours", "ours", NOW - DAY, NOW + 400 * DAY))


@pytest.fixture(name="device")
def a_device(tmp_path: Path) -> Device:
    return Device(tmp_path / "device")


# --- power --------------------------------------------------------------------------------------------------


def unit_would_run(root: Path) -> bool:
    """Whether the conditions in the unit's file let it run."""
    conditions = re.findall(r"^Condition\w+=\|(.+)$", UNIT.read_text(), re.MULTILINE)
    return any(any(root.glob(pattern.lstrip("/"))) for pattern in conditions)


@pytest.mark.parametrize("loses", [True, False], ids=["what was not settled is lost", "it is kept"])
def test_power_may_go_at_any_step(tmp_path: Path, files: dict[str, bytes], *, loses: bool) -> None:
    steps = steps_of_an_import(tmp_path / "whole", files)
    assert steps > 20
    for cut in range(steps):
        device = Device(tmp_path / f"{cut}")
        device.put(files)
        with pytest.raises(PowerCut):
            device.start(FrailDisk(cut, loses=loses))
        assert device.in_force("eyespot.toml") in {OLD.encode(), files["eyespot.toml"]}
        if device.in_force("eyespot.toml") != OLD.encode():
            assert device.has(files)
        while unit_would_run(device.root):
            device.start()
        assert device.has(files)
        assert device.in_force("eyespot.toml.before").decode() == OLD
        assert device.secrets_on_the_card() == set()
        assert not list(device.etc.rglob("*.new"))
        assert "imported" in device.report()


def steps_of_an_import(folder: Path, files: dict[str, bytes]) -> int:
    device, disk = Device(folder), FrailDisk(10_000, loses=True)
    device.put(files)
    device.start(disk)
    disk.lose()  # after the end nothing may be at stake
    assert device.has(files)
    assert device.secrets_on_the_card() == set()
    assert not device.folder.exists()
    return disk.done


def test_power_may_go_again_and_again(tmp_path: Path, files: dict[str, bytes]) -> None:
    device = Device(tmp_path / "device")
    device.put(files)
    for steps in range(100):
        if not unit_would_run(device.root):
            break
        try:
            device.start(FrailDisk(steps, loses=True))
        except PowerCut:
            continue
    assert device.has(files)
    assert device.secrets_on_the_card() == set()


# --- disks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", range(7))
def test_a_full_disk_changes_nothing(device: Device, files: dict[str, bytes], room: int) -> None:
    device.put(files)
    with pytest.raises(StorageError, match="No space left on device; nothing was changed"):
        device.start(FullDisk(device.etc, room))
    assert not device.changed()
    assert device.secrets_on_the_card() == SECRETS
    assert "No space left on device" in device.report()
    device.start()
    assert device.has(files)


def test_a_read_only_partition_is_imported_once_and_complained_of_at_each_start(
    device: Device, files: dict[str, bytes]
) -> None:
    device.put(files)
    disk = ReadOnlyDisk(device.boot)
    with pytest.raises(StorageError, match=r"was imported, but .* mqtt-password and client\.key"):
        device.start(disk)
    assert device.has(files)
    (device.etc / "eyespot.toml").write_text(OLD)  # by hand, and to stay
    with pytest.raises(StorageError, match="remount,rw"):
        device.start(disk)
    assert device.in_force("eyespot.toml").decode() == OLD
    device.start()
    assert device.in_force("eyespot.toml").decode() == OLD
    assert device.secrets_on_the_card() == set()
    device.put(files)
    device.start()
    assert device.has(files)  # the same folder again is another import


def test_a_read_only_partition_without_secrets_is_no_trouble(device: Device) -> None:
    device.put({"eyespot.toml": PLAIN.encode()})
    device.start(ReadOnlyDisk(device.boot))
    assert "nothing in it is secret" in device.told[-1]


def test_of_two_folders_the_one_in_the_newer_place_counts_and_the_other_never_will(device: Device) -> None:
    device.put({"eyespot.toml": PLAIN.encode()})
    device.put({"eyespot.toml": OLD.replace("as-before", "other").encode()}, device.root / "boot/eyespot")
    device.start()
    assert device.in_force("eyespot.toml").decode() == PLAIN
    assert "boot/eyespot-ignored now" in device.report()
    device.start()
    assert device.in_force("eyespot.toml").decode() == PLAIN


def test_the_older_place_is_looked_at_too(device: Device) -> None:
    device.put({"eyespot.toml": PLAIN.encode()}, device.root / "boot/eyespot")
    device.start()
    assert device.in_force("eyespot.toml").decode() == PLAIN
    assert (device.root / "boot/eyespot-report.txt").exists()
