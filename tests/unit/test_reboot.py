"""Asking for a reboot: a file in the runtime folder, for somebody else to see."""

from pathlib import Path

import pytest

from eyespot.host.reboot import ask_for_reboot
from fakes.eyes import Ledger


class Grants(Ledger):
    """Grants a reboot after a wait."""

    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self._wait_s = wait_s

    def reboot(self) -> float:
        self.asked += 1
        return self._wait_s


def test_a_reboot_that_the_ledger_grants_is_asked_for_by_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    ask_for_reboot(Grants(0))
    ask_for_reboot(Grants(0))
    assert [file.name for file in tmp_path.iterdir()] == ["reboot-wanted"]


def test_a_reboot_is_not_asked_for_before_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    assert "in 2 h" in ask_for_reboot(Grants(7200))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", [None, ""])
def test_where_nobody_can_be_asked_the_ledger_is_not_charged(
    folder: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    if folder is not None:
        monkeypatch.setenv("RUNTIME_DIRECTORY", folder)
    ledger = Grants(0)
    assert "nobody is there" in ask_for_reboot(ledger)
    assert ledger.asked == 0


def test_a_folder_that_cannot_be_written_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/nonexistent")
    assert "cannot be asked for: No such file or directory" in ask_for_reboot(Grants(0))
