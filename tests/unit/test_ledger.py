"""How often the camera is powered up, kept over restarts."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.instants import SECOND_NS
from eyespot.host.clock import ManualClock
from eyespot.store.ledger import FileLedger

DAY_S = 86_400
HOUR_S = 3_600


def test_the_count_outlives_the_process_and_then_one_an_hour_is_left(tmp_path: Path) -> None:
    time = ManualClock(10**12, 1_800_000_000 * SECOND_NS)
    for _ in range(16):
        assert FileLedger(tmp_path, "boot-1", time).power_up() == 0
    again = FileLedger(tmp_path, "boot-1", time)
    assert (again.power_ups, again.power_up()) == (16, HOUR_S)
    time.sleep(HOUR_S)
    assert again.power_up() == 0
    assert again.power_up() == HOUR_S


def test_a_reboot_of_the_machine_begins_the_count_anew(tmp_path: Path) -> None:
    time = ManualClock(10**12, 1_800_000_000 * SECOND_NS)
    first = FileLedger(tmp_path, "boot-1", time)
    while not first.power_up():
        pass
    assert FileLedger(tmp_path, "boot-2", time).power_up() == 0


def test_a_reboot_is_asked_for_once_a_day_over_reboots(tmp_path: Path) -> None:
    time = ManualClock(10**12, 1_800_000_000 * SECOND_NS)
    assert FileLedger(tmp_path, "boot-1", time).reboot() == 0
    time.sleep(HOUR_S)
    assert FileLedger(tmp_path, "boot-2", time).reboot() == DAY_S - HOUR_S
    time.sleep(DAY_S)
    assert FileLedger(tmp_path, "boot-3", time).reboot() == 0


@pytest.mark.parametrize("left", [b"", b"{", b'{"boot": 1}', b'{"x": 1}', b"\xff" * 9000, b"[" * 4096])
def test_a_damaged_file_counts_anew(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "camera.json").write_bytes(left)
    ledger = FileLedger(tmp_path, "boot-1", ManualClock())
    assert ledger.power_up() == 0
    assert json.loads((tmp_path / "camera.json").read_bytes())["power_ups"] == 1


def test_a_folder_that_is_not_there_keeps_the_count_in_memory_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = FileLedger(tmp_path / "missing", "boot-1", ManualClock())
    assert [ledger.power_up() for _ in range(17)] == [0.0] * 16 + [HOUR_S]
    assert "cannot be written" in caplog.text


@settings(deadline=None)  # it waits for the disk
@given(st.lists(st.integers(-2 * HOUR_S, 2 * HOUR_S), max_size=80))
def test_beyond_the_free_ones_no_two_are_nearer_than_an_hour(
    tmp_path_factory: pytest.TempPathFactory, waits: list[int]
) -> None:
    time, granted = ManualClock(), list[int]()
    ledger = FileLedger(tmp_path_factory.mktemp("ledger"), "boot-1", time)
    for wait_s in waits:
        time.sleep(max(wait_s, 0))
        if not ledger.power_up():
            granted.append(time.now_ns() // SECOND_NS)
    late = granted[15:]
    assert all(later - before >= HOUR_S for before, later in itertools.pairwise(late))
