"""Waiting before the next try, with a clock that stands still and signals from a list."""

import json
from pathlib import Path

import pytest

from eyespot.app.restarts import Restarts
from eyespot.domain.instants import SECOND_NS
from eyespot.host.clock import ManualClock
from eyespot.host.last_run import NAME
from eyespot.supervisor.health import Health
from eyespot.supervisor.signals import Wish

SEGV = "signal killed SEGV\n"
STOPPED = "success exited 0\n"


class Machine:
    """What stays from run to run. The configuration names no broker, so nobody is told."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(utc_at_zero_ns=1_800_000_000 * SECOND_NS)
        self.config = folder / "eyespot.toml"
        self.config.write_text("")
        self.state, self.run = folder / "state", folder / "run"
        self.state.mkdir()
        self.run.mkdir()
        self.environ = {
            "EYESPOT_RESTART_WAIT_MAX_S": "900",
            "STATE_DIRECTORY": str(self.state),
            "RUNTIME_DIRECTORY": str(self.run),
        }
        self.wishes: dict[int, Wish] = {}
        self.edit_after_s: int | None = None
        self.told: list[str] = []
        self.pings = 0

    # the service manager

    def starting(self, status: str) -> None:
        self.told.append(status)

    def watchdog(self) -> None:
        self.pings += 1

    def ready(self, status: str) -> None:
        pytest.fail("waiting is not being ready")

    def status(self, text: str) -> None:
        pytest.fail("a status alone does not make systemd wait")

    def stopping(self) -> None:
        pytest.fail("nothing runs that could stop")

    def next_wish(self, timeout_s: float) -> Wish | None:
        assert timeout_s >= 0
        self.clock.sleep(max(timeout_s, 0.001))
        second = self.clock.now_ns() // SECOND_NS - self.begun_s
        if self.edit_after_s is not None and second >= self.edit_after_s:
            self.config.write_text("# mended")
        return self.wishes.get(second)

    def restarts(self) -> Restarts:
        return Restarts(
            self.config, self.clock, self, self.next_wish, environ=self.environ, jitter=lambda: 0.0
        )

    def start(self, ended: str | None = None) -> tuple[bool, float]:
        """Start after such an ending; return whether it went on, and after how many seconds."""
        if ended is not None:
            (self.run / NAME).write_text(ended)
        begun_ns = self.clock.now_ns()
        self.begun_s = begun_ns // SECOND_NS
        goes_on = self.restarts().wait()
        return goes_on, round((self.clock.now_ns() - begun_ns) / SECOND_NS)

    def reboot(self) -> None:
        for file in self.run.iterdir():
            file.unlink()


@pytest.fixture(name="machine")
def a_machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_waits_grow_with_each_crash_in_a_row_and_end_at_15_minutes(machine: Machine) -> None:
    waits = [machine.start(SEGV)[1] for _ in range(20)]
    assert waits == [0, 5, 15, 35, 75, 155, 315, 635, *[900] * 12]


def test_only_a_unit_starts_it_again(machine: Machine) -> None:
    assert machine.restarts().unattended
    machine.environ.clear()
    assert not machine.restarts().unattended


def test_while_it_waits_it_says_why_and_until_when_and_systemd_stays_patient(machine: Machine) -> None:
    for _ in range(3):
        machine.start(SEGV)
    assert machine.told[-1] == (
        "crashed 3 times in a row, last: killed by signal SEGV; next try at 2027-01-15T08:00:20Z"
    )
    assert len(machine.told) == machine.pings == 20


def test_a_stop_during_the_wait_ends_it_for_good_and_a_start_by_hand_is_at_once(machine: Machine) -> None:
    for _ in range(8):
        machine.start(SEGV)
    machine.wishes = {3: Wish.STOP}
    assert machine.start(SEGV) == (False, 3)
    machine.wishes = {}
    assert machine.start(STOPPED) == (True, 0)
    assert machine.start(SEGV) == (True, 900)  # a stop does not end a row of crashes


def test_a_reload_or_a_changed_configuration_ends_the_wait(machine: Machine) -> None:
    for _ in range(8):
        machine.start(SEGV)
    machine.wishes = {4: Wish.RELOAD}
    assert machine.start(SEGV) == (True, 4)
    machine.wishes, machine.edit_after_s = {}, 6
    assert machine.start(SEGV) == (True, 6)


def test_after_a_reboot_it_tries_at_once_but_the_row_goes_on(machine: Machine) -> None:
    for _ in range(9):
        machine.start(SEGV)
    machine.reboot()
    assert machine.start() == (True, 0)
    assert machine.start(SEGV) == (True, 900)


def test_what_asks_for_people_does_not_count(machine: Machine) -> None:
    for ended in ("exit-code exited 78\n", "exit-code exited 64\n", STOPPED) * 5:
        assert machine.start(ended) == (True, 0)
    assert machine.start(SEGV) == (True, 0)
    assert not machine.told


class Carrier:
    """Takes word to a broker that can be reached from the third time on."""

    def __init__(self) -> None:
        self.starts = 0
        self.ended = False
        self.under_way = False

    @property
    def done(self) -> bool:
        return self.starts > 2

    def start(self) -> None:
        self.starts += 1

    def end(self) -> None:
        self.ended = True


def test_the_broker_is_told_once_and_as_often_as_it_takes_to_reach_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = Carrier()
    for _ in range(6):
        machine.start(SEGV)
    monkeypatch.setattr("eyespot.app.restarts.word", lambda *_: carrier)
    machine.start(SEGV)
    assert (carrier.starts, carrier.ended) == (3, True)


def test_ten_good_minutes_end_the_row(machine: Machine) -> None:
    for _ in range(9):
        machine.start(SEGV)
    restarts, health = machine.restarts(), Health(machine.clock)
    assert restarts.wait()
    restarts.tick(health)
    assert [trouble.name for trouble in health.troubles()] == ["crash_loop"]
    machine.clock.sleep(601)
    restarts.tick(health)
    assert not health.troubles()
    assert json.loads((machine.state / "crashes.json").read_bytes())["count"] == 0
    assert machine.start(SEGV) == (True, 0)


def test_a_state_folder_that_is_gone_changes_nothing(machine: Machine) -> None:
    machine.state.rmdir()
    assert [machine.start(SEGV)[1] for _ in range(4)] == [0, 5, 15, 35]


def test_without_the_units_variable_nothing_is_counted_and_nothing_waits(machine: Machine) -> None:
    del machine.environ["EYESPOT_RESTART_WAIT_MAX_S"]
    for _ in range(5):
        assert machine.start(SEGV) == (True, 0)
    assert not list(machine.state.iterdir())


@pytest.mark.parametrize(
    ("given", "longest"), [("0", 0), ("60", 60), ("soon", 900), ("-1", 900), ("nan", 900)]
)
def test_an_operator_may_say_how_long_at_most(machine: Machine, given: str, longest: float) -> None:
    machine.environ["EYESPOT_RESTART_WAIT_MAX_S"] = given
    assert [machine.start(SEGV)[1] for _ in range(12)][-1] == longest
