"""A connection outlives the certificates and passwords that it was made with; none begins too early."""

import itertools
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from eyespot.broker import paho
from eyespot.broker.listener import Listener
from eyespot.broker.paho import PahoBroker
from eyespot.broker.settings import MqttSettings
from eyespot.domain.message import Heard
from fakes.brokers import local_mosquitto, message, running
from fakes.certificates import Authority
from fakes.scripted import PUBLISH, WELCOME, Peer, ScriptedBroker
from fakes.tls import ME, DeviceFiles, tls_lines
from fakes.waiting import until

DISCONNECT = 0xE0

# paho leaves a socket whose handshake failed to the garbage collector
leaves_sockets = pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paho, "_LOOK_S", 0.05)
    monkeypatch.setattr(paho, "_BEAT_S", 0.05)


@pytest.fixture(name="files")
def of_a_device(tmp_path: Path) -> DeviceFiles:
    return DeviceFiles(tmp_path, Authority(tmp_path / "ours", "ours"))


def broker_of(settings: MqttSettings) -> PahoBroker:
    return PahoBroker(settings, "shop-1", {}, lambda: 0.1)


def known_as(files: DeviceFiles, *names: str) -> tuple[str, ...]:
    """Return the lines of a broker to which a device is who its certificate names: it may write as these."""
    acl = files.folder / "acl"
    acl.write_text("".join(f"user {name}\ntopic write eyespot/#\n" for name in names))
    return tls_lines(
        files.authority, "require_certificate true", "use_identity_as_username true", f"acl_file {acl}"
    )


@leaves_sockets
def test_a_new_certificate_is_used_without_a_restart_and_nobody_hears_of_an_end(files: DeviceFiles) -> None:
    with local_mosquitto(*known_as(files, "renewed")) as mosquitto:
        url = mosquitto.url.replace("mqtt:", "mqtts:")
        with running(broker_of(files.settings(url))) as device:
            device.told.wait_for(lambda: device.told.online)
            device.broker.publish(message("info", b"1"), 1)
            device.told.wait_for(lambda: 1 in device.told.refusals)
            files.put_pair("renewed")
            device.told.wait_for(lambda: device.told.connections == 2)
            device.broker.publish(message("info", b"2"), 2)
            device.told.wait_for(lambda: device.told.acknowledged_tokens == [2])
        assert device.told.reasons == []
        assert device.told.refusal == ""


def test_a_new_password_is_used_too_and_the_will_is_not_spoken(files: DeviceFiles) -> None:
    passwords, heard = files.folder / "passwords", list[Heard]()
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "shop", "first"], check=True)
    lines = ("allow_anonymous true", f"password_file {passwords}", ME)
    with local_mosquitto(*lines) as mosquitto, Listener(mosquitto.url, "#", heard.append):
        settings = MqttSettings(
            url=mosquitto.url, username="shop", password_file=str(files.folder / "password")
        )
        with running(broker_of(settings)) as device:
            device.told.wait_for(lambda: device.told.online)
            files.put("password", b"first\n")  # as good as the one before
            device.told.wait_for(lambda: device.told.connections == 2)
            device.broker.publish(message("info", b"still here"), 1)
            until(lambda: heard)
            assert [said.payload for said in heard] == [b"still here"]


@leaves_sockets
def test_a_new_certificate_that_the_broker_does_not_take_gives_way_to_the_one_before(
    files: DeviceFiles,
) -> None:
    stranger = Authority(files.folder / "stranger", "somebody else")
    with local_mosquitto(*known_as(files, "shop-1")) as mosquitto:
        url = mosquitto.url.replace("mqtt:", "mqtts:")
        with running(broker_of(files.settings(url))) as device:
            device.told.wait_for(lambda: device.told.online)
            files.put_pair("shop-1", stranger)
            device.told.wait_for(lambda: device.told.connections == 2)
            device.told.wait_for(lambda: device.told.refusal)
            assert "no connection with the new" in device.told.refusal
            files.put_pair("shop-1")
            device.told.wait_for(lambda: device.told.connections == 3)
            device.told.wait_for(lambda: device.told.refusal == "")


@leaves_sockets
def test_files_that_do_not_fit_together_leave_the_connection_alone(files: DeviceFiles) -> None:
    with local_mosquitto(*known_as(files, "shop-1")) as mosquitto:
        url = mosquitto.url.replace("mqtt:", "mqtts:")
        with running(broker_of(files.settings(url))) as device:
            device.told.wait_for(lambda: device.told.online)
            certificate, key = files.pair("shop-1")
            files.put("client.crt", certificate)
            device.told.wait_for(lambda: "cannot use cert_file" in device.told.refusal)
            assert device.told.connections == 1
            mosquitto.stop()
            device.told.wait_for(lambda: device.told.reasons)
            mosquitto.start()
            device.told.wait_for(lambda: device.told.connections == 2)
            assert device.told.refusal
            files.put("client.key", key)
            device.told.wait_for(lambda: device.told.connections == 3)
            device.told.wait_for(lambda: device.told.refusal == "")


@leaves_sockets
def test_who_begins_with_a_certificate_whose_key_is_yet_to_come_connects_once_it_comes(
    files: DeviceFiles,
) -> None:
    certificate, key = files.pair("shop-1")
    files.put("client.crt", certificate)
    with local_mosquitto(*known_as(files, "shop-1")) as mosquitto:
        url = mosquitto.url.replace("mqtt:", "mqtts:")
        with running(broker_of(files.settings(url))) as device:
            device.told.wait_for(lambda: "cannot use cert_file" in device.told.refusal)
            device.told.wait_for(lambda: "credentials" in str(device.told.reasons))
            assert not device.broker.publish(message("info", b"1"), 1)  # so it is kept
            files.put("client.key", key)
            device.told.wait_for(lambda: device.told.online)
            assert device.told.refusal == ""


def test_who_is_to_stop_does_not_wait_for_a_key(files: DeviceFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paho, "_LOOK_S", 5.0)
    files.put("client.key", b"junk")
    with running(broker_of(files.settings("mqtts://127.0.0.1:1"))) as device:
        device.told.wait_for(lambda: device.told.reasons)
        begun = time.monotonic()
        device.stop()
    assert time.monotonic() - begun < 0.5


def test_what_is_under_way_is_answered_before_the_connection_is_left(files: DeviceFiles) -> None:
    kinds: list[int] = []

    def answers_late(peer: Peer) -> None:
        peer.say(WELCOME)
        for packet in peer.packets():
            kinds.append(packet.kind)
            if packet.kind == PUBLISH:
                time.sleep(0.5)
                peer.acknowledge(packet)

    with closing(ScriptedBroker(answers_late)) as server:
        settings = MqttSettings(url=server.url, username="me", password_file=str(files.folder / "password"))
        with running(broker_of(settings)) as device:
            device.told.wait_for(lambda: device.told.online)
            device.broker.publish(message("info", b"1"), 1)
            files.put("password", b"second")
            device.told.wait_for(lambda: device.told.connections == 2)
            assert device.told.acknowledged_tokens == [1]
    assert kinds.index(PUBLISH) < kinds.index(DISCONNECT)
    assert device.told.reasons == []


@pytest.mark.parametrize(("tls", "waits"), [(True, True), (False, False)])
def test_tls_alone_waits_for_a_clock_that_is_about_to_be_set(
    files: DeviceFiles, tls: bool, waits: bool
) -> None:
    asked = itertools.count(1)
    lines = tls_lines(files.authority) if tls else ("allow_anonymous true",)
    with local_mosquitto(*lines) as mosquitto:
        url = mosquitto.url.replace("mqtt:", "mqtts:") if tls else mosquitto.url
        settings = files.settings(url) if tls else MqttSettings(url=url)
        broker = PahoBroker(settings, "shop-1", {}, lambda: 0.1, lambda: next(asked) < 4)
        with running(broker) as device:
            device.told.wait_for(lambda: device.told.online)
    assert [("the clock is not set yet" in reason) for reason in device.told.reasons] == [True] * 3 * waits


def test_who_is_to_stop_does_not_wait_for_the_clock(files: DeviceFiles) -> None:
    broker = PahoBroker(files.settings("mqtts://127.0.0.1:1"), "shop-1", {}, lambda: 0.1, lambda: True)
    with running(broker) as device:
        device.told.wait_for(lambda: device.told.reasons)
        begun = time.monotonic()
        device.stop()
    assert time.monotonic() - begun < 0.5


def test_who_is_to_stop_while_a_connection_is_renewed_still_says_farewell(files: DeviceFiles) -> None:
    said: list[bytes] = []

    def never_answers_info(peer: Peer) -> None:
        peer.say(WELCOME)
        for packet in peer.packets():
            if packet.kind == PUBLISH:
                topic = int.from_bytes(packet.body[:2], "big")
                said.append(packet.body[2 : 2 + topic])
                if said[-1].endswith(b"/status"):
                    peer.acknowledge(packet)

    with closing(ScriptedBroker(never_answers_info)) as server:
        settings = MqttSettings(url=server.url, username="me", password_file=str(files.folder / "password"))
        with running(broker_of(settings)) as device:
            device.told.wait_for(lambda: device.told.online)
            device.broker.publish(message("info", b"1"), 1)
            files.put("password", b"second")
            until(lambda: not device.broker.publish(message("info", b"2"), 2), "it parts")
            device.stop()
    assert said[-1].endswith(b"/status")
