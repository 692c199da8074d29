"""What an audit of privacy finds, in processes and folders that are made up."""

import os
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eyespot.app.privacy import audit, traces, trespass, walls
from eyespot.app.privacy.site import Site
from eyespot.app.selftest.world import World, look_around
from eyespot.domain.message import Delivery, Message
from eyespot.host.clock import ManualClock
from eyespot.host.processes import Process, processes_of
from eyespot.host.sandbox import NoSandboxError, properties_of, run_inside
from eyespot.store.budget import NAME, Budget
from eyespot.store.memo import Memo
from fakes.daemon import write_config

_TCP_HEAD = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
)
_UNIX_HEAD = "Num RefCount Protocol Flags Type St Inode Path\n"
_DAY_NS = 86_400 * 10**9
TODAY = 20_000


def tcp(inode: int, remote_port: int, state: int = 1) -> str:
    """Return a line as in /proc/net/tcp, of a socket to the loopback."""
    queues = "00000000:00000000 00:00000000 00000000  1000        0"
    return f"   0: 0100007F:C000 0100007F:{remote_port:04X} {state:02X} {queues} {inode} 1\n"


class Made:
    """A process that is made up, in a file system that is."""

    def __init__(self, root: Path, number: int = 7) -> None:
        self.folder = root / "proc" / str(number)
        for name in ("fd", "net", "root/dev/dma_heap"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "maps").write_text(
            "7f00-7f01 r--p 00000000 08:01 17    /usr/lib/libc.so.6\n7f02-7f03 rw-p 0 0 0\n"
        )
        (self.folder / "net/tcp").write_text(_TCP_HEAD)
        (self.folder / "net/unix").write_text(f"{_UNIX_HEAD}00000000: 2 0 0 1 01 17 /run/eyespot/eye.sock\n")
        self.process = Process(number, root)

    def opens(self, what: str) -> None:
        fds = self.folder / "fd"
        (fds / str(len(list(fds.iterdir())))).symlink_to(what)

    def sees(self, node: str) -> None:
        (self.folder / "root" / node).touch()

    def connects(self, remote_port: int, state: int = 1) -> None:
        self.opens("socket:[4711]")
        (self.folder / "net/tcp").write_text(_TCP_HEAD + tcp(4711, remote_port, state) + tcp(9, 22))


@pytest.fixture(name="made")
def a_process(tmp_path: Path) -> Made:
    return Made(tmp_path)


def site(
    folder: Path, *, source: str = "scene", eye: Process | None = None, body: Process | None = None
) -> Site:
    config = write_config(folder, camera={"source": source}, url="mqtt://127.0.0.1:1883")
    world, _ = look_around(config, folder, {}, optional=False)
    return Site(world, [eye] if eye else [], [body] if body else [], folder / "state", TODAY)


# --- the eye's sandbox --------------------------------------------------------------------------------------


def test_a_sandbox_in_which_nothing_works_is_proved(tmp_path: Path) -> None:
    found = walls.sandbox(site(tmp_path), lambda *_: '{"writable": [], "families": [], "cards": []}')
    assert found.verdict == "ok"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ('{"writable": ["/tmp"], "families": [], "cards": []}', "can write in /tmp"),
        ('{"writable": [], "families": ["AF_INET"], "cards": []}', "can make a socket of AF_INET"),
        ('{"writable": [], "families": [], "cards": ["eth0"]}', "sees the network card eth0"),
    ],
)
def test_whatever_works_in_the_sandbox_fails(tmp_path: Path, answer: str, words: str) -> None:
    found = walls.sandbox(site(tmp_path), lambda *_: answer)
    assert found.verdict == "fail"
    assert words in found.words


def test_a_sandbox_that_cannot_be_entered_is_unknown(tmp_path: Path) -> None:
    def none(*_: str) -> str:
        raise NoSandboxError("no systemd")

    assert walls.sandbox(site(tmp_path), none).verdict == "skip"
    assert walls.sandbox(site(tmp_path), lambda *_: "Segmentation fault").verdict == "skip"


def test_who_tries_finds_a_folder_to_write_to_and_a_network(tmp_path: Path) -> None:
    assert trespass.writable_folders(str(tmp_path)) == [str(tmp_path)]
    assert "AF_INET" in trespass.families()
    assert list(tmp_path.iterdir()) == []


def test_the_sandbox_is_all_of_the_unit_but_how_it_starts(tmp_path: Path) -> None:
    unit = Path(__file__).parents[2] / "systemd/eyespot-eye.service"
    taken = list(properties_of(unit.read_text() + "\n# a drop-in\n[Service]\nPrivateNetwork=no\n"))
    assert {
        "User=eyespot-eye",
        "PrivateNetwork=yes",
        "ProtectSystem=strict",
        "RestrictAddressFamilies=AF_UNIX",
    } <= {*taken}
    assert taken[-1] == "PrivateNetwork=no"
    assert not [line for line in taken if line.startswith(("Exec", "Type", "Restart=", "Watchdog", "#"))]


def test_without_systemd_nobody_gets_into_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoSandboxError, match="systemctl"):
        run_inside("eyespot-eye.service", "")


# --- processes ----------------------------------------------------------------------------------------------


def test_a_body_without_a_camera_is_proved(tmp_path: Path, made: Made) -> None:
    made.opens("/dev/null")
    assert walls.body_cameras(site(tmp_path, body=made.process)).verdict == "ok"


@pytest.mark.parametrize(
    "how", [lambda made: made.opens("/dev/video0"), lambda made: made.sees("dev/dma_heap/cma")]
)
def test_a_body_that_could_look_fails(tmp_path: Path, made: Made, how: Callable[[Made], None]) -> None:
    how(made)
    assert walls.body_cameras(site(tmp_path, body=made.process)).verdict == "fail"


def test_a_body_talks_to_the_brokers_port_alone(tmp_path: Path, made: Made) -> None:
    made.connects(1883)
    found = walls.body_sockets(site(tmp_path, body=made.process))
    assert (found.verdict, found.facts["sockets"]) == ("ok", ["tcp to port 1883, established"])
    made.connects(443)
    assert walls.body_sockets(site(tmp_path, body=made.process)).verdict == "fail"
    made.connects(0, state=10)
    assert "listening" in walls.body_sockets(site(tmp_path, body=made.process)).words


def test_an_eye_with_a_network_socket_fails(tmp_path: Path, made: Made) -> None:
    assert walls.eye_sockets(site(tmp_path, eye=made.process)).verdict == "ok"
    made.connects(1883)
    assert walls.eye_sockets(site(tmp_path, eye=made.process)).verdict == "fail"


def test_on_the_sensor_buffers_in_the_eyes_memory_are_counted_and_not_judged(
    tmp_path: Path, made: Made
) -> None:
    of_sensor = site(tmp_path, source="imx500", eye=made.process)
    assert walls.frames(of_sensor).verdict == "ok"
    maps = made.folder / "maps"
    maps.write_text(maps.read_text() + "7f10-7f20 rw-s 00000000 00:0b 3    /dmabuf:frame (deleted)\n")
    assert walls.frames(of_sensor).facts == {"mapped": ["/dmabuf:frame (deleted)"]}
    assert walls.frames(of_sensor).verdict == "skip"


def test_where_the_processor_looks_nothing_is_claimed_of_pictures(tmp_path: Path, made: Made) -> None:
    found = walls.frames(site(tmp_path, eye=made.process))
    assert found.verdict == "skip"
    assert "pass through the eye's memory" in found.words


def test_a_service_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    gone = Process(4_000_000, tmp_path)
    for probe in (walls.eye_sockets, walls.body_cameras, walls.body_sockets):
        assert probe(site(tmp_path)).verdict == "skip"
        assert probe(site(tmp_path, eye=gone, body=gone)).verdict == "skip"


def test_of_this_very_process_files_sockets_and_memory_are_read() -> None:
    own = Process(os.getpid())
    assert own.open_files()
    assert own.frames_mapped() == []
    assert all(one.kind for one in own.outward_sockets())


def test_a_socket_that_the_kernels_tables_do_not_name_is_never_proved(tmp_path: Path, made: Made) -> None:
    made.opens("socket:[17]")
    assert walls.eye_sockets(site(tmp_path, eye=made.process)).verdict == "ok"
    made.opens("socket:[4711]")
    for found in (
        walls.eye_sockets(site(tmp_path, eye=made.process)),
        walls.body_sockets(site(tmp_path, body=made.process)),
    ):
        assert (found.verdict, found.facts["sockets"]) == (
            "fail",
            ["another kind, in no table of the kernel"],
        )


def test_where_nobody_knows_which_sockets_are_unix_sockets_none_is_proved(tmp_path: Path, made: Made) -> None:
    made.opens("socket:[17]")
    (made.folder / "net/unix").unlink()
    assert walls.eye_sockets(site(tmp_path, eye=made.process)).verdict == "fail"


def test_a_socket_that_the_machine_handed_over_is_known_by_its_table(tmp_path: Path, made: Made) -> None:
    machine = tmp_path / "proc/1/net"
    machine.mkdir(parents=True)
    (machine / "unix").write_text(f"{_UNIX_HEAD}00000000: 2 0 0 1 01 18 /run/systemd/journal/stdout\n")
    made.opens("socket:[18]")
    assert walls.eye_sockets(site(tmp_path, eye=made.process)).verdict == "ok"
    for table in (machine, made.folder / "net"):  # which may be one and the same
        (table / "tcp").write_text(_TCP_HEAD + tcp(19, 443))
    made.opens("socket:[19]")
    found = walls.eye_sockets(site(tmp_path, eye=made.process))
    assert (found.verdict, found.facts["sockets"]) == ("fail", ["tcp to port 443, established"])


def test_a_connection_that_another_network_made_is_known_by_its_table(tmp_path: Path, made: Made) -> None:
    other = tmp_path / "proc/9"
    (other / "net").mkdir(parents=True)
    (other / "ns").mkdir()
    (other / "ns/net").symlink_to("net:[4026532000]")
    (other / "net/unix").write_text(f"{_UNIX_HEAD}00000000: 3 0 0 1 03 21 /run/eyespot/eye.sock\n")
    made.opens("socket:[21]")  # accepted from the eye, whose network is its own
    assert walls.body_sockets(site(tmp_path, body=made.process)).verdict == "ok"


def test_a_child_of_a_service_is_looked_at_as_well(tmp_path: Path, made: Made) -> None:
    child = Made(tmp_path, 8)
    both = replace(site(tmp_path), eye=[made.process, child.process], body=[made.process, child.process])
    assert walls.eye_sockets(both).verdict == "ok"
    child.connects(1883)
    child.opens("/dev/video0")
    assert (walls.eye_sockets(both).verdict, walls.body_cameras(both).verdict) == ("fail", "fail")


_KINDS = {
    "tcp": (socket.AF_INET, socket.SOCK_STREAM),
    "udp": (socket.AF_INET, socket.SOCK_DGRAM),
    "udplite": (socket.AF_INET, socket.SOCK_DGRAM, 136),
    "mptcp": (socket.AF_INET, socket.SOCK_STREAM, 262),
    "netlink": (socket.AF_NETLINK, socket.SOCK_RAW),
    "packet": (socket.AF_PACKET, socket.SOCK_DGRAM),
    "vsock": (socket.AF_VSOCK, socket.SOCK_STREAM),
}


@pytest.mark.parametrize("kind", _KINDS)
def test_whatever_the_kernel_makes_but_a_unix_socket_is_told(kind: str) -> None:
    own = Process(os.getpid())
    before = len(own.outward_sockets())
    try:
        opened = socket.socket(*_KINDS[kind])
    except OSError as error:
        pytest.skip(f"this kernel makes none of {kind} here: {error}")
    with opened, closing(socket.socket(socket.AF_UNIX)):
        assert len(own.outward_sockets()) == before + 1


def test_all_processes_of_a_unit_are_those_of_its_cgroup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "systemctl").write_text("#!/bin/sh\necho /system.slice/eyespot.service\n")
    (programs / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    assert processes_of("eyespot.service", tmp_path) == []
    group = tmp_path / "sys/fs/cgroup/system.slice/eyespot.service"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("7\n8\n")
    assert [one.number for one in processes_of("eyespot.service", tmp_path)] == [7, 8]


# --- what was left ------------------------------------------------------------------------------------------


def test_schemas_and_model_are_proved(tmp_path: Path) -> None:
    assert traces.schemas(site(tmp_path)).verdict == "ok"
    assert traces.model(site(tmp_path)).verdict == "ok"
    assert traces.model(Site(World(tmp_path, None, {}), [], [], tmp_path, TODAY)).verdict == "skip"


def test_a_file_that_begins_as_an_image_fails(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    assert traces.files(site(tmp_path)).verdict == "skip"
    (state / "eyespot.db").write_bytes(b"SQLite format 3\0")
    assert traces.files(site(tmp_path)).facts["sizes"] == {"eyespot.db": 16}
    assert traces.files(site(tmp_path)).verdict == "ok"
    (state / "door.txt").write_bytes(b"\xff\xd8\xff\xe0 JFIF")
    assert traces.files(site(tmp_path)).verdict == "fail"


def test_bytes_are_those_that_the_body_kept_of_today_and_yesterday(tmp_path: Path) -> None:
    assert traces.sent(site(tmp_path)).verdict == "skip"
    (tmp_path / "state").mkdir()
    clock = ManualClock(utc_at_zero_ns=(TODAY - 1) * _DAY_NS)
    budget = Budget(clock, "eyespot/v1/shop", memo=Memo(tmp_path / "state" / NAME))
    message = Message("eyespot/v1/shop/rule/door/event", b"{}", Delivery.DURABLE)
    budget.turn(Board())
    budget.spend(message)
    clock.sleep(86_400)
    budget.turn(Board())
    budget.spend(message)
    budget.keep()
    size = message.packet_bytes
    facts: Any = traces.sent(site(tmp_path)).facts
    assert (facts["today"]["events"], facts["yesterday"]["events"]) == (size, size)


class Board:
    """A board of health on which nothing is looked at."""

    def raise_state(self, name: str, reason: str) -> None: ...

    def clear_state(self, name: str) -> None: ...


def test_every_probe_says_something_where_there_is_nothing(tmp_path: Path) -> None:
    found = list(
        audit(tmp_path / "none.toml", optional=True, root=tmp_path, environ={}, service=lambda *_: [])
    )
    assert [one.name for one in found][1:] == [
        "eye's sandbox", "eye's sockets", "body's cameras", "body's sockets", "schemas", "model", "frames",
        "files", "bytes",
    ]  # fmt: skip
    assert all(one.words and "could not be looked at" not in one.words for one in found)
