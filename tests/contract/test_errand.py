"""A few messages on their way to a real broker, in a process of their own."""

import getpass
import json
import socket
import time
from pathlib import Path

import pytest

from eyespot.broker.errand import Errand
from eyespot.broker.listener import Listener
from eyespot.broker.settings import MqttSettings
from eyespot.domain.message import Heard, Message
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native, Stamp
from fakes.brokers import ROOT, local_mosquitto, message
from fakes.waiting import until

NOON = Stamp(1_800_000_000 * 10**9, synced=True)


def errand_to(url: str, *messages: Message) -> Errand:
    offline = Native(Gate(ROOT), "0123456789abcdef", 0).status("offline", NOON, NOON.utc_ns)
    return Errand(MqttSettings(url=url), "shop-1", ROOT, messages or (offline,))


def over(errand: Errand) -> bool:
    until(lambda: not errand.under_way, "the end of the errand")
    return errand.done


def test_what_is_delivered_stays_with_the_broker() -> None:
    heard: list[Heard] = []
    with local_mosquitto("allow_anonymous true") as mosquitto:
        errand = errand_to(mosquitto.url)
        assert not errand.done
        errand.start()
        assert over(errand)
        with Listener(mosquitto.url, "#", heard.append):
            until(lambda: heard, "the retained message")
    assert (heard[0].topic, heard[0].retain) == (f"{ROOT}/status", True)
    assert json.loads(heard[0].payload)["state"] == "offline"


def test_a_refusal_is_said_and_a_second_attempt_may_succeed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rights = tmp_path / "rights"
    rights.write_text("topic read #\n")
    lines = ("allow_anonymous true", f"acl_file {rights}", f"user {getpass.getuser()}")
    with local_mosquitto(*lines) as mosquitto:
        errand = errand_to(mosquitto.url)
        errand.start()
        assert not over(errand)
        assert f"it refuses {ROOT}/status: not authorized" in capfd.readouterr().err
        rights.write_text("topic readwrite #\n")
        mosquitto.stop()
        mosquitto.start()
        errand.start()
        assert over(errand)


def test_what_the_gate_did_not_make_does_not_leave(capfd: pytest.CaptureFixture[str]) -> None:
    with local_mosquitto("allow_anonymous true") as mosquitto:
        errand = errand_to(mosquitto.url, message("picture", b"\xff\xd8\xff"))
        errand.start()
        assert not over(errand)
    assert "GateError" in capfd.readouterr().err


def test_one_that_hangs_can_be_ended_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        errand = errand_to(f"mqtt://127.0.0.1:{silent.getsockname()[1]}")
        errand.start()
        silent.accept()[0].close()
        assert errand.under_way
        begun = time.monotonic()
        errand.end()
        assert time.monotonic() - begun < 1
        assert not errand.under_way
        assert not errand.done
