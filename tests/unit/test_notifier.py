"""What the service manager hears, over a real socket, with and without python3-systemd."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eyespot.host import systemd
from eyespot.host.systemd import Notifier

SECOND_NS = 1_000_000_000


class Manager:
    """A socket that listens where the service manager would."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(0)

    def heard(self) -> list[str]:
        texts = []
        while True:
            try:
                texts.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return texts


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(systemd, "_library_notify", None)


@pytest.fixture(params=["file", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Manager]:
    name = f"eyespot-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    is_abstract = request.param == "abstract"
    manager = Manager(f"\0{name}" if is_abstract else name)
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}" if is_abstract else name)
    with manager.socket:
        yield manager


def tell_everything(notifier: Notifier) -> None:
    notifier.ready("counting\n at 10 Hz")
    notifier.status("x" * 500)
    notifier.reloading()
    notifier.stopping()


EVERYTHING = [
    "READY=1\nSTATUS=counting at 10 Hz",
    "STATUS=" + "x" * 200,
    "RELOADING=1\nMONOTONIC_USEC=7000000",
    "STOPPING=1",
]


def test_the_manager_hears_the_life_of_the_service(manager: Manager) -> None:
    tell_everything(Notifier(monotonic_ns=lambda: 7 * SECOND_NS))
    assert manager.heard() == EVERYTHING


def test_the_library_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch, manager: Manager) -> None:
    told: list[str] = []
    monkeypatch.setattr(systemd, "_library_notify", told.append)
    tell_everything(Notifier(monotonic_ns=lambda: 7 * SECOND_NS))
    assert told == EVERYTHING
    assert manager.heard() == []


def test_nothing_happens_when_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "_library_notify", lambda _: pytest.fail("told"))
    monkeypatch.setattr(systemd, "_send", lambda *_: pytest.fail("told"))
    tell_everything(Notifier())


@pytest.mark.parametrize("address", ["/nonexistent/notify", "@nobody-binds-this", "/" + "x" * 200])
def test_a_manager_that_went_away_does_no_harm(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    tell_everything(Notifier())


def failing(_: str) -> bool:
    raise OSError("gone")


def test_a_library_that_fails_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/nonexistent/notify")
    monkeypatch.setattr(systemd, "_library_notify", failing)
    tell_everything(Notifier())


def ticking(step_s: float) -> Callable[[], int]:
    ticks = iter(range(10**6))
    return lambda: round(next(ticks) * step_s * SECOND_NS)


@pytest.mark.parametrize("pid", [None, str(os.getpid())], ids=["anybody", "ours"])
def test_the_watchdog_is_pinged_at_a_third_of_its_time(
    pid: str | None, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    if pid:
        monkeypatch.setenv("WATCHDOG_PID", pid)
    notifier = Notifier(monotonic_ns=ticking(0.5))
    for _ in range(61):  # 0 to 30 s
        notifier.watchdog()
    assert manager.heard() == ["WATCHDOG=1"] * 4


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}],
)
def test_a_watchdog_that_does_not_wait_for_us_is_not_pinged(
    environment: dict[str, str], manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    Notifier().watchdog()
    assert manager.heard() == []


def test_a_start_that_takes_long_is_extended_once_a_second_and_says_what_it_does(manager: Manager) -> None:
    notifier = Notifier(monotonic_ns=ticking(0.4))
    for percent in range(6):  # 0 to 2 s
        notifier.starting(f"sending the network: {percent} %")
    assert manager.heard() == [
        f"EXTEND_TIMEOUT_USEC=30000000\nSTATUS=sending the network: {percent} %" for percent in (0, 3)
    ]
