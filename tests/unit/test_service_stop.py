"""The service stands still for a while, and runs again whatever happens. A script plays systemctl."""

import os
from pathlib import Path

import pytest

from eyespot.domain.errors import StorageError
from eyespot.host.service import stopped_service

# keeps the unit's state in a file; `refuse` names a verb that fails
SYSTEMCTL = """#!/bin/sh
cd "$(dirname "$0")" || exit
verb=$2
echo "$verb" >>calls
if [ -e refuse ] && [ "$verb" = "$(cat refuse)" ]; then echo "it will not" >&2; exit 1; fi
case $verb in
show) cat state ;;
stop) echo inactive >state ;;
start) echo active >state ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the unit's `state`, the `calls`, and the mark."""
    script = tmp_path / "systemctl"
    script.write_text(SYSTEMCTL)
    script.chmod(0o755)
    (tmp_path / "state").write_text("active\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def state(machine: Path) -> str:
    return (machine / "state").read_text().strip()


@pytest.mark.parametrize("before", ["active", "activating", "failed", "reloading"])
def test_it_stands_still_meanwhile_and_runs_afterwards(before: str, machine: Path) -> None:
    (machine / "state").write_text(before)
    with stopped_service(machine / "mark") as starts:
        assert (starts, state(machine)) == (True, "inactive")
    assert state(machine) == "active"
    assert not (machine / "mark").exists()


def test_one_that_somebody_had_stopped_stays_so(machine: Path) -> None:
    (machine / "state").write_text("inactive\n")
    with stopped_service(machine / "mark") as starts:
        assert not starts
    assert (machine / "calls").read_text() == "show\n"


def test_it_runs_again_after_an_error(machine: Path) -> None:
    with pytest.raises(StorageError, match="disk full"), stopped_service(machine / "mark"):
        raise StorageError("disk full")
    assert state(machine) == "active"


def test_it_runs_again_when_the_one_before_was_killed(machine: Path) -> None:
    before = stopped_service(machine / "mark")
    before.__enter__()
    assert state(machine) == "inactive"
    with stopped_service(machine / "mark") as starts:
        assert starts
    assert state(machine) == "active"


def test_one_that_does_not_stop_is_named_and_goes_on(machine: Path) -> None:
    (machine / "refuse").write_text("stop")
    with pytest.raises(StorageError, match=r"systemctl stop eyespot.service: it will not"):
        stopped_service(machine / "mark").__enter__()
    assert state(machine) == "active"
    assert not (machine / "mark").exists()


def test_one_that_does_not_start_is_named(machine: Path) -> None:
    (machine / "refuse").write_text("start")
    with pytest.raises(StorageError, match=r"systemctl start eyespot.service: it will not"):  # noqa: SIM117 - of its end
        with stopped_service(machine / "mark"):
            pass


def test_a_start_that_fails_does_not_hide_what_failed_before(machine: Path) -> None:
    (machine / "refuse").write_text("start")
    with pytest.raises(StorageError, match="disk full"), stopped_service(machine / "mark"):
        raise StorageError("disk full")


def test_without_systemctl_nothing_is_done(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine / "nowhere"))
    with pytest.raises(StorageError, match=r"systemctl show eyespot.service"):
        stopped_service(machine / "mark").__enter__()
    assert not (machine / "mark").exists()
