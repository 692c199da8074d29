"""Crashes in a row, kept over restarts and bad disks."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.store.crash_count import CrashCount, Crashes

THREE = Crashes(3, "killed by signal SEGV")


@pytest.fixture(name="folders")
def two_folders(tmp_path: Path) -> list[Path]:
    folders = [tmp_path / "state", tmp_path / "run"]
    for folder in folders:
        folder.mkdir()
    return folders


def test_the_count_is_kept_in_the_state_folder(folders: list[Path]) -> None:
    CrashCount(folders).keep(THREE)
    assert CrashCount(folders).read() == THREE
    assert [file.name for file in folders[0].iterdir()] == ["crashes.json"]
    assert not list(folders[1].iterdir())


def test_while_the_disk_takes_nothing_it_is_kept_in_the_runtime_folder(
    folders: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    CrashCount(folders).keep(Crashes(2, "exit code 74"))
    folders[0].rename(folders[0].with_name("unmounted"))
    count = CrashCount(folders)
    count.keep(THREE)
    assert "crashes in a row are not kept" in caplog.text
    folders[0].with_name("unmounted").rename(folders[0])
    assert count.read() == THREE  # not the older one of the disk
    count.keep(Crashes(4, "exit code 70"))
    assert not list(folders[1].iterdir())
    assert CrashCount(folders).read().count == 4


def test_without_any_folder_nothing_is_kept_and_nothing_fails(tmp_path: Path) -> None:
    count = CrashCount([tmp_path / "missing"])
    count.keep(THREE)
    assert count.read() == CrashCount([]).read() == Crashes()


@pytest.mark.parametrize(
    "left",
    [
        b"",
        b"{",
        b'{"count": -1}',
        b'{"count": 1e99}',
        b'{"count": 3, "x": 1}',
        b'{"last": "two\\nlines"}',
        b'{"last": "' + b"x" * 101 + b'"}',
        b"\xff" * 5000,
        b"[" * 1024,
        b'{"count":' + b"[" * 1000,
    ],
)
def test_a_damaged_file_counts_as_none(folders: list[Path], left: bytes) -> None:
    (folders[0] / "crashes.json").write_bytes(left)
    assert CrashCount(folders).read() == Crashes()


def test_a_damaged_one_in_the_runtime_folder_does_not_hide_the_kept_one(folders: list[Path]) -> None:
    CrashCount(folders).keep(THREE)
    (folders[1] / "crashes.json").write_bytes(b"}")
    assert CrashCount(folders).read() == THREE


def test_a_pipe_in_its_place_does_not_hold_up_the_start(folders: list[Path]) -> None:
    os.mkfifo(folders[0] / "crashes.json")
    assert CrashCount(folders).read() == Crashes()


@settings(deadline=None)  # it waits for the disk
@given(st.binary(max_size=1100))
def test_no_file_makes_it_fail(tmp_path_factory: pytest.TempPathFactory, left: bytes) -> None:
    folder = tmp_path_factory.mktemp("state")
    (folder / "crashes.json").write_bytes(left)
    assert CrashCount([folder]).read().count >= 0
