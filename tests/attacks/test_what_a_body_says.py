"""What a broken or hostile body may try: the eye hangs up or carries on, and stays one."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from eyespot.domain.errors import InputError, ModelError
from eyespot.domain.recovery import Step
from eyespot.host.clock import SystemClock
from eyespot.sources import wire
from eyespot.sources.datagrams import Datagrams, Gone, Listener
from eyespot.sources.settings import CameraSettings
from fakes.eyes import Eye, look
from fakes.waiting import until

pack = msgspec.msgpack.encode
ORDER = msgspec.msgpack.decode(wire.encode(look()))


class Fiend:
    """Listens where a body would."""

    def __init__(self, folder: Path) -> None:
        self._listener = Listener(folder / "eye", wire.MOST_BYTES)
        self.end: Datagrams | None = None

    def meet(self) -> None:
        """Let the eye in, hanging up on the one before."""
        if self.end is not None:
            self.end.close()
        self.end = None
        until(self._accept, "the eye comes")

    def say(self, *messages: bytes) -> None:
        for message in messages:
            assert self.end is not None
            self.end._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)  # for what is too large
            assert self.end.send(message, 1)

    def hung_up(self) -> bool:
        try:
            while self.end is not None and self.end.receive(0.01):
                pass
        except Gone:
            return True
        return False

    def close(self) -> None:
        if self.end is not None:
            self.end.close()
        self._listener.close()

    def _accept(self) -> bool:
        self.end = self._listener.accept(0.1)
        return self.end is not None


@pytest.fixture(name="fiend")
def a_fiend(tmp_path: Path) -> Iterator[Fiend]:
    fiend = Fiend(tmp_path)
    yield fiend
    fiend.close()


@pytest.fixture(name="eye")
def an_eye(tmp_path: Path, fiend: Fiend, monkeypatch: pytest.MonkeyPatch) -> Iterator[Eye]:
    with Eye(tmp_path / "eye", SystemClock(), monkeypatch) as eye:
        yield eye


@pytest.mark.parametrize(
    "message",
    [
        b"\xc1",
        os.urandom(1000),
        b"\x91" * 100_000,
        wire.encode(look()) + b"\0" * wire.MOST_BYTES,
        wire.encode(wire.Hello()),
        pack(["look"]),
        pack([*ORDER, 1]),
        pack(["look", {"source": "webcam"}, "factory", None]),
        pack(["look", {"source": "video", "file": "x" * 5000}, "factory", None]),
        pack(["look", {"source": "picamera", "rate_hz": float("nan")}, "factory", None]),
        pack(["look", {"source": "picamera", "stall_s": 0}, "factory", None]),
        pack(["look", {"source": "picamera", "shell": "rm"}, "factory", None]),
        pack(["look", {"source": "picamera"}, "", None]),
        pack(["look", {"source": "picamera"}, "factory", 0]),
        pack(["recover", "explode"]),
        pack(["recover"]),
    ],
    ids=range(16),
)
def test_the_eye_hangs_up_on_what_is_no_message_and_comes_again(
    fiend: Fiend, eye: Eye, message: bytes
) -> None:
    fiend.meet()
    fiend.say(message)
    until(fiend.hung_up, "the eye hangs up")
    fiend.meet()
    fiend.say(wire.encode(look()))
    until(lambda: eye.looked, "the eye looks")
    assert len(eye.looked) == 1


def test_thousands_of_orders_while_one_is_followed_leave_only_the_last(fiend: Fiend, eye: Eye) -> None:
    goes_on = threading.Event()
    eye.opening = lambda _: goes_on.wait(5)
    fiend.meet()
    scene = [CameraSettings(source="scene", seed=seed) for seed in range(3000)]
    fiend.say(*(wire.encode(look(camera)) for camera in scene))
    until(lambda: eye.link._order == look(scene[-1]), "the last order arrives")
    goes_on.set()
    until(lambda: eye.looked[-1:] and eye.looked[-1][0] == look(scene[-1]), "the last is followed")
    assert len(eye.looked) < 5


def test_steps_of_recovery_for_an_eye_that_does_not_look_do_no_harm(fiend: Fiend, eye: Eye) -> None:
    fiend.meet()
    fiend.say(*(wire.encode(wire.Recover(step)) for step in (Step.RESTART, Step.RELOAD, Step.REBOOT) * 100))
    fiend.say(wire.encode(look()))
    until(lambda: eye.looked, "the eye looks")


def test_a_body_that_comes_and_goes_or_never_orders_leaves_nothing_behind(fiend: Fiend, eye: Eye) -> None:
    fiend.meet()
    before, threads = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for _ in range(30):
        fiend.meet()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    assert threading.active_count() <= threads
    assert eye.looked == []


def test_a_body_that_never_accepts_does_not_hold_the_eye_up(
    tmp_path: Path, fiend: Fiend, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = [Datagrams.dial(tmp_path / "eye", wire.MOST_BYTES) for _ in range(2)]
    with pytest.raises(Gone):
        Datagrams.dial(tmp_path / "eye", wire.MOST_BYTES)
    with Eye(tmp_path / "eye", SystemClock(), monkeypatch) as eye:
        until(lambda: eye.link.away_since_ns is not None, "the eye waits")
        assert eye.threads[0].silent_s() < 1
    for end in queue:
        end.close()


@pytest.mark.parametrize("error", [InputError("x\n" * 500), ModelError("\x1b[2J" + "y" * 5000)])
def test_an_error_of_any_length_reaches_the_body_as_a_line(fiend: Fiend, eye: Eye, error: Exception) -> None:
    def opening(_: object) -> None:
        raise error

    eye.opening = opening
    fiend.meet()
    fiend.say(wire.encode(look()))
    heard: list[wire.FromEye] = []

    def told() -> bool:
        assert fiend.end is not None
        data = fiend.end.receive(0.1)
        if data is not None:
            heard.append(wire.decode_from_eye(data))
        return any(isinstance(one, wire.Ended | wire.Trouble) for one in heard)

    until(told, "the error")
    reason = heard[-1].reason
    assert reason.isprintable()
    assert 100 < len(reason) <= 320
