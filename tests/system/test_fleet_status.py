"""`eyespot-fleet simulate` and `status` at a real broker: what operators see of devices that fare badly."""

import fcntl
import getpass
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.domain.instants import rfc3339
from eyespot.domain.message import Heard
from eyespot_fleet.simulating.speaking import Speaker
from fakes.brokers import local_mosquitto, say
from fakes.daemon import Ear
from fakes.waiting import until

COUNT = 12
FLEET = [sys.executable, "-m", "eyespot_fleet"]


@pytest.fixture(name="ear")
def an_ear(mosquitto: LocalMosquitto) -> Iterator[Ear]:
    """Hear everything, and hold it against the schemas."""
    ear = Ear()
    with Listener(mosquitto.url, "eyespot/v1/#", ear):
        yield ear


@contextmanager
def simulated(url: str, *options: object) -> Iterator[subprocess.Popen[str]]:
    command = [*FLEET, "simulate", "--devices", str(COUNT), "--broker", url, "--json", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def status(url: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FLEET, "status", "--broker", url, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


def devices(url: str, *options: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(status(url, "--json", *options).stdout)
    return told


def presence(ear: Ear, state: str) -> set[str]:
    newest = {heard.topic: heard.payload for heard in list(ear.heard) if heard.topic.endswith("/status")}
    return {topic for topic, payload in newest.items() if json.loads(payload)["state"] == state}


def say_unwell(url: str) -> None:
    """Be one device more, that is not well."""
    now_ns = time.time_ns()
    trouble = {
        "name": "disk_full",
        "reason": "the disk is full: make room",
        "since": rfc3339(now_ns - 3600 * 10**9),
    }
    for message in Speaker("eyespot/v1", "till-1", "0" * 16, now_ns).states(now_ns):
        payload = json.loads(message.payload)
        if message.topic.endswith("/health"):
            payload |= {"ok": False, "states": [trouble]}
        say(url, Heard(message.topic, json.dumps(payload).encode(), message.retain, message.qos))


def test_the_one_that_is_not_well_is_told_with_what_since_when_and_why(
    mosquitto: LocalMosquitto, ear: Ear
) -> None:
    with simulated(mosquitto.url, "--rate", 1):
        until(lambda: len(presence(ear, "online")) == COUNT, "all devices")
        well = status(mosquitto.url, "--sick")
        assert (well.returncode, well.stderr) == (0, f"{COUNT} devices, {COUNT} online, 0 not well\n")
        say_unwell(mosquitto.url)
        sick = status(mosquitto.url, "--sick")
        assert sick.returncode == 1
        _, row = sick.stdout.splitlines()
        assert re.fullmatch(r"till-1  disk_full  20\S+Z  the disk is full: make room", row)
        assert re.match(r"till-1 +online +disk_full ", status(mosquitto.url).stdout.splitlines()[1])
        (told,) = devices(mosquitto.url, "--sick")
        assert (told["device"], told["sick"][0]["name"]) == ("till-1", "disk_full")
        assert len(devices(mosquitto.url)) == COUNT + 1


def test_devices_that_vanish_are_offline_since_their_last_word(mosquitto: LocalMosquitto, ear: Ear) -> None:
    with simulated(mosquitto.url) as process:
        until(lambda: len(presence(ear, "online")) == COUNT, "all devices")
        process.kill()
        until(lambda: len(presence(ear, "offline")) == COUNT, "the last wills")
    told = status(mosquitto.url, "--sick")
    assert (told.returncode, told.stdout.count(" offline ")) == (1, COUNT)
    for one in devices(mosquitto.url):
        assert one["sick"][0]["since"] == one["since"] == one["last_word"]


def test_simulated_devices_say_what_real_ones_say_come_back_and_lose_nothing(
    mosquitto: LocalMosquitto, ear: Ear
) -> None:
    with simulated(mosquitto.url, "--rate", 5) as process:
        until(lambda: len(presence(ear, "online")) == COUNT, "all devices")
        ask = Heard("eyespot/v1/sim-00001/cmd/model/update", b'{"req_id":"a"}', retain=False, qos=1)
        say(mosquitto.url, ask)
        until(lambda: ear.newest("/sim-00001/reply/a").get("code") == "refused", "an answer")
        mosquitto.stop(kill=True)
        time.sleep(1)
        ear.heard.clear()
        mosquitto.start()
        until(lambda: len(presence(ear, "online")) == COUNT and ear.numbers(), "all are back")
        process.send_signal(signal.SIGINT)
        facts = json.loads(process.communicate(timeout=30)[0])
        until(lambda: len(presence(ear, "offline")) == COUNT, "the farewells")
    assert facts["returned"] == facts["connected"] == COUNT
    assert facts["sent"] == facts["acknowledged"]
    assert facts["dropped"] == facts["refused"] == 0


HOSTILE = (
    ("evil-1/status", b'{"state":"\\u001b]0;owned\\u0007","since":"\\u001b[2J","t":"\\u202e"}'),
    ("evil-2/status", b'{"state":"online","since":"2026-01-01T00:00:00Z"}'),
    ("evil-2/info", b'{"model":{"bundle":"[bold red]\\n\\r\\u001b[31m\\u009b2J"}}'),
    ("evil-2/health", json.dumps({
        "ok": False, "observations_hz": 1, "states": [
            {"name": "\x1b[H\x08\x7f", "reason": "\x1bP\u2028[link=x]" + "a\u0300" * 400, "since": "\x9b"}
        ] * 9,
    }).encode()),
    ("evil-3/status", b"[" * 50_000),
    ("evil-4/status", b"\xff\xfe\x00"),
    ("evil-5/status", b'{"state":"\\ud800","since":""}'),
    ("evil-4/info", b"x" * 100_000),
)  # fmt: skip


@pytest.mark.parametrize("options", [[], ["--sick"], ["--json"]], ids=str)
def test_nothing_that_a_device_says_reaches_the_terminal_as_it_is(
    mosquitto: LocalMosquitto, options: list[str]
) -> None:
    for topic, payload in HOSTILE:
        say(mosquitto.url, Heard(f"eyespot/v1/{topic}", payload, retain=True, qos=1))
    told = status(mosquitto.url, *options)
    assert told.returncode in {0, 1}, told.stderr
    assert "evil-2" in told.stdout
    assert (told.stdout + told.stderr).replace("\n", "").isprintable()
    drawn = on_terminal(mosquitto.url, *(option for option in options if option != "--json"))
    for sequence in ("\x1b]", "\x1bP", "\x9b", "\x1b[2J\x1b", "\x07", "\x08", "\u202e"):
        assert sequence not in drawn


def test_a_terminal_that_can_do_nothing_is_shown_it_once(mosquitto: LocalMosquitto) -> None:
    assert "no devices" in on_terminal(mosquitto.url, TERM="dumb")


def test_a_terminal_without_utf8_is_served_too(mosquitto: LocalMosquitto) -> None:
    say(
        mosquitto.url,
        Heard("eyespot/v1/shop-1/status", b'{"state":"\xc3\xa4\\u0007","since":""}', retain=True, qos=1),
    )
    told = status(mosquitto.url, PYTHONIOENCODING="ascii")
    assert (told.returncode, "shop-1" in told.stdout) == (0, True), told.stderr


def on_terminal(url: str, *options: str, columns: int = 60, lines: int = 12, **environment: str) -> str:
    """Return all that is drawn in some seconds, until Ctrl-C."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    unset = {
        name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}
    }
    process = subprocess.Popen(
        [*FLEET, "status", "--broker", url, *options],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**unset, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    drawn, asked = b"", False
    with suppress(OSError):  # EIO: it has ended
        while data := os.read(ours, 65536):
            drawn += data
            if not asked and drawn.count(b" devices, ") + drawn.count(b"no devices") >= 3:
                process.send_signal(signal.SIGINT)
                asked = True
    os.close(ours)
    assert process.wait(10) == 0
    return drawn.decode()


COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def test_on_a_terminal_the_worst_off_are_drawn_and_the_rest_is_counted(
    mosquitto: LocalMosquitto, ear: Ear
) -> None:
    with simulated(mosquitto.url):
        until(lambda: len(presence(ear, "online")) == COUNT, "all devices")
        say_unwell(mosquitto.url)
        drawn = on_terminal(mosquitto.url)
        assert COLOURS.search(drawn)
        last = COLOURS.sub("", drawn).split(" devices, ")[-1]
        assert last.startswith(f"{COUNT + 1} online, 1 not well (disk_full 1)")
        assert re.search(r"device +state", last)
        assert "room" in on_terminal(mosquitto.url, "--sick", columns=40)
        assert last.index("till-1") < last.index("sim-00001")
        assert re.search(r"and \d+ more", last)
        assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", on_terminal(mosquitto.url, NO_COLOR="1"))
        assert "sim-" in on_terminal(mosquitto.url, columns=20)


def test_a_broker_that_goes_is_told_and_its_return_is_seen(mosquitto: LocalMosquitto) -> None:
    say(
        mosquitto.url, Heard("eyespot/v1/shop-1/status", b'{"state":"online","since":""}', retain=True, qos=1)
    )
    assert status(mosquitto.url).returncode == 0
    mosquitto.stop()
    told = status(mosquitto.url, "--once")
    assert (told.returncode, told.stdout) == (69, "")
    assert told.stderr.startswith("cannot listen to the devices: ")
    assert len(told.stderr.splitlines()) == 1
    mosquitto.start()
    told = status(mosquitto.url, "--sick")
    assert (told.returncode, "no devices" in told.stderr) == (1, True)


def test_a_broker_that_takes_a_connection_and_never_says_a_word_is_named() -> None:
    """Takes the time that connecting may take: ten seconds."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"mqtt://127.0.0.1:{mute.getsockname()[1]}"
        told = status(url, "--once")
    assert told.returncode == 69
    assert url in told.stderr
    assert told.stdout == ""


def test_who_is_not_let_in_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong")
    login = ("--username", "me", "--password-file", str(tmp_path / "password"))
    with local_mosquitto("allow_anonymous false") as mosquitto:
        told = status(mosquitto.url, *login)
        assert (told.returncode, told.stdout, len(told.stderr.splitlines())) == (69, "", 1)
        with simulated(mosquitto.url, "--seconds", 2, *login) as process:
            out, err = process.communicate(timeout=30)
        assert (process.returncode, json.loads(out)["connected"]) == (69, 0)
        assert f"none of {COUNT} devices is connected: " in err
        assert len(err.splitlines()) == 1


def enrolled(folder: Path) -> Path:
    """Return the folder of somebody with a certificate; that of the broker is beside it."""
    (folder / "eyespot.toml").write_text('[camera]\nsource = "scene"\n[mqtt]\nurl = "mqtts://127.0.0.1"\n')
    (folder / "devices.csv").write_text("id\nsims\n")
    for arguments in (("enrol", "devices.csv", "--out", "sd"), ("broker", "127.0.0.1", "--out", "broker")):
        command = [*FLEET, *arguments, "--ca", "ca"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    return folder / "sd" / "sims" / "eyespot"


def test_over_tls_nothing_is_left_unread_and_what_a_rule_forbids_is_counted(tmp_path: Path) -> None:
    mine, theirs = enrolled(tmp_path), tmp_path / "broker"
    login = [
        *("--ca-file", str(mine / "ca.crt")),
        *("--cert-file", str(mine / "client.crt")),
        *("--key-file", str(mine / "client.key")),
    ]
    (tmp_path / "acl").write_text("topic readwrite eyespot/v1/#\ntopic deny eyespot/v1/+/info\n")
    lines = (
        f"cafile {theirs / 'ca.crt'}",
        f"certfile {theirs / 'broker.crt'}",
        f"keyfile {theirs / 'broker.key'}",
        "require_certificate true",
        f"acl_file {tmp_path / 'acl'}",
        f"user {getpass.getuser()}",
        "allow_anonymous true",
    )
    with local_mosquitto(*lines) as mosquitto:
        url = mosquitto.url.replace("mqtt:", "mqtts:")
        with simulated(url, "--rate", 20, "--seconds", 6, *login) as process:
            facts = json.loads(process.communicate(timeout=60)[0])
        assert facts["connected"] == COUNT
        assert facts["refused"] == COUNT  # one `info` each
        assert facts["sent"] == facts["acknowledged"] > COUNT * 20
        assert len(devices(url, *login)) == COUNT


def test_crossings_that_the_broker_takes_from_nobody_are_not_acknowledged(tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic readwrite eyespot/v1/#\ntopic deny eyespot/v1/+/rule/+/event\n")
    rights = ("allow_anonymous true", f"acl_file {tmp_path / 'acl'}", f"user {getpass.getuser()}")
    with (
        local_mosquitto(*rights) as mosquitto,
        simulated(mosquitto.url, "--rate", 5, "--seconds", 4) as process,
    ):
        facts = json.loads(process.communicate(timeout=60)[0])
    assert (facts["connected"], facts["acknowledged"]) == (COUNT, 0)
    assert facts["refused"] == facts["sent"] > COUNT
