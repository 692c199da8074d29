"""A disk that is read-only, full, or only memory: real file systems, so root alone can make them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyespot.broker.local import LocalMosquitto
from fakes.daemon import Daemon, Ear, write_config, write_recording
from fakes.waiting import until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB, in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "eyespot-test", disk], check=False)
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def remount(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", disk], check=True)


def counting(folder: Path, url: str, disk: Path, crossings: int, **camera: object) -> Path:
    recording = write_recording(folder / "walk.eyespot.jsonl", crossings)
    camera = {"source": "replay", "file": str(recording), **camera}
    return write_config(folder, camera=camera, url=url, state=disk / "state")


def test_a_read_only_disk_costs_no_count_and_no_number_once_it_can_be_written(
    tmp_path: Path, disk: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    config = counting(tmp_path, mosquitto.url, disk, 30)
    with Daemon(config) as daemon:
        until(lambda: len(ear.numbers()) >= 2, "events")
        daemon.signal(signal.SIGKILL)  # its newest counts are in the log only
        daemon.wait()
    before = ear.newest("/door/state")["counts"]["person"]["in"]
    remount(disk, "ro")
    with Daemon(config) as daemon:
        until(daemon.ready, "READY=1")
        until(lambda: "storage_failed" in str(ear.newest("/health")), "health names the disk")
        assert "Read-only file system" in str(ear.newest("/health"))
        until(lambda: len(ear.numbers()) > before, "it counts on")
        assert ear.newest("/door/state")["counts"]["person"]["in"] > before
        remount(disk, "rw")
        until(lambda: "storage_failed" not in str(ear.newest("/health")), "all well again")
        daemon.signal(signal.SIGKILL)
    with Daemon(counting(tmp_path, mosquitto.url, disk, 1, pace="fast")) as daemon:
        assert daemon.wait() == 0
    counted = ear.newest("/door/state")["counts"]["person"]["in"]
    assert sorted(ear.numbers()) == list(range(1, counted + 1))


def test_a_full_disk_at_the_start_is_waited_for(
    tmp_path: Path, disk: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    with Daemon(counting(tmp_path, mosquitto.url, disk, 2, pace="fast")) as daemon:
        assert daemon.wait() == 0
    filler = disk / "filler"
    subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4096"], check=False, capture_output=True)
    with Daemon(counting(tmp_path, mosquitto.url, disk, 2, loop=True)) as daemon:
        until(lambda: "storage_failed" in str(ear.newest("/health")), "health names the disk")
        assert "disk_low" in str(ear.newest("/health"))
        until(lambda: len(ear.numbers()) > 2, "it counts on")
        filler.unlink()
        until(lambda: "storage_failed" not in str(ear.newest("/health")), "all well again")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    counted = ear.newest("/door/state")["counts"]["person"]["in"]
    assert sorted(ear.numbers()) == list(range(1, counted + 1))


def test_counts_that_are_only_in_memory_are_warned_of_once(
    tmp_path: Path, disk: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    with Daemon(counting(tmp_path, mosquitto.url, disk, 1, loop=True)) as daemon:
        until(ear.numbers, "an event")
        states = ear.newest("/health")["states"]
        assert [state["name"] for state in states] == ["state_volatile"]
        assert f"{disk} is a tmpfs" in states[0]["reason"]
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert daemon.stderr.count("WARNING state_volatile") == 1


def test_a_stop_while_the_disk_is_read_only_says_that_counts_are_lost(tmp_path: Path, disk: Path) -> None:
    remount(disk, "ro")
    with Daemon(counting(tmp_path, "mqtt://127.0.0.1:9", disk, 1, loop=True)) as daemon:
        until(daemon.ready, "READY=1")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 74
        assert "the newest counts are lost" in daemon.stderr
