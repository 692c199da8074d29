"""What a broker over the wire does beyond the contract: logins, TLS, old and dead brokers."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from eyespot.broker import hearing
from eyespot.broker import session as one_connection
from eyespot.broker.credentials import Credentials, credentials
from eyespot.broker.listener import Listener
from eyespot.broker.paho import PahoBroker
from eyespot.broker.session import Ending, Who
from eyespot.broker.settings import MqttSettings, endpoint
from eyespot.broker.visit import visit
from eyespot.domain.errors import ConfigError
from eyespot.domain.message import Delivery, Heard
from fakes.brokers import FAREWELL, ROOT, WILL, local_mosquitto, message, mosquitto_plugin, running
from fakes.certificates import Authority
from fakes.recorder import Recorder
from fakes.scripted import PUBLISH, SUBSCRIBE, WELCOME, Peer, ScriptedBroker
from fakes.tls import ME, tls_lines
from fakes.waiting import PATIENCE_S, until

OPEN = "allow_anonymous true"
# paho leaves a socket whose handshake failed to the garbage collector
leaves_sockets = pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning")


def broker_of(url: str, environ: dict[str, str] | None = None, **settings: str) -> PahoBroker:
    return PahoBroker(MqttSettings(url=url, **settings), "shop-1", environ or {}, lambda: 0.1)


def test_the_next_node_is_asked_at_once_where_one_is_away_and_a_pause_ends_each_round() -> None:
    with local_mosquitto(OPEN) as first, local_mosquitto(OPEN) as second:
        first.stop()
        broker = PahoBroker(MqttSettings(url=(first.url, second.url)), "shop-1", {}, lambda: 1.0)
        begun = time.monotonic()
        with running(broker) as device:
            device.told.wait_for(lambda: device.told.online)
            assert time.monotonic() - begun < 1  # which would have been the pause
            assert device.told.reasons == []  # the next node took it
            second.stop(kill=True)
            device.told.wait_for(lambda: len(device.told.reasons) >= 2)
            first.start()
            device.told.wait_for(lambda: device.told.online)
    lost, nobody = device.told.reasons[:2]
    assert lost.startswith(f"{second.url}: ")
    assert first.url not in lost
    assert nobody.startswith(f"{first.url}: ")
    assert f"; {second.url}: " in nobody


def test_a_message_leaves_from_the_thread_that_offers_it() -> None:
    heard: list[Heard] = []
    with local_mosquitto(OPEN) as mosquitto, Listener(mosquitto.url, f"{ROOT}/#", heard.append):
        nobody = Credentials(None, None, None, certified=False)
        with visit([Who(endpoint(mosquitto.url), "shop-1", nobody, None)]) as (session, _):
            assert session.offer(message("event", b"1", Delivery.DURABLE), 1)
            until(lambda: heard, "the message, although the session has no turn")


def test_a_denied_login_is_named_and_a_right_one_works(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "shop", "right"], check=True)
    given = tmp_path / "mqtt-password"
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    with local_mosquitto("allow_anonymous false", f"password_file {passwords}", ME) as mosquitto:
        for password in ("wrong", "right\n"):
            given.write_text(password)
            with running(broker_of(mosquitto.url, environ, username="shop")) as device:
                device.told.wait_for(lambda: device.told.online or device.told.reasons)
            assert device.told.online == (password != "wrong")
            assert all("login denied; check username" in reason for reason in device.told.reasons)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours", "our authority")


@leaves_sockets
def test_a_broker_is_believed_only_with_a_certificate_of_the_authority(
    tmp_path: Path, authority: Authority
) -> None:
    stranger = Authority(tmp_path / "stranger", "somebody else")
    with local_mosquitto(*tls_lines(authority)) as mosquitto:
        url = mosquitto.url.replace("mqtt:", "mqtts:")
        with running(broker_of(url, ca_file=str(authority.certificate))) as device:
            device.told.wait_for(lambda: device.told.online)
        for doubted, settings in (
            (url, {"ca_file": str(stranger.certificate)}),
            (url, {}),
            (url.replace("127.0.0.1", "localhost"), {"ca_file": str(authority.certificate)}),
        ):
            with running(broker_of(doubted, **settings)) as device:
                device.told.wait_for(lambda: len(device.told.reasons) >= 3)
            assert device.told.connections == 0
            assert all("its certificate is not trusted" in reason for reason in device.told.reasons)


@leaves_sockets
def test_a_broker_that_wants_to_know_us_gets_our_certificate(tmp_path: Path, authority: Authority) -> None:
    certificate, key = map(str, authority.sign("shop-1"))
    ca_file = str(authority.certificate)
    with local_mosquitto(*tls_lines(authority, "require_certificate true")) as mosquitto:
        url = mosquitto.url.replace("mqtt:", "mqtts:")
        known = broker_of(url, ca_file=ca_file, cert_file=certificate, key_file=key)
        with running(known) as device:
            device.told.wait_for(lambda: device.told.online)
        environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
        (tmp_path / "mqtt-key").write_bytes(Path(key).read_bytes())
        with running(broker_of(url, environ, ca_file=ca_file, cert_file=certificate)) as device:
            device.told.wait_for(lambda: device.told.online)
        with running(broker_of(url, ca_file=ca_file)) as device:
            device.told.wait_for(lambda: device.told.reasons)
        assert "set cert_file and key_file" in device.told.reasons[0]
        assert device.told.connections == 0


@leaves_sockets
def test_a_certificate_that_has_expired_is_told_as_such(tmp_path: Path, authority: Authority) -> None:
    gone = datetime.now(UTC) - timedelta(hours=1)
    ours, key = map(str, authority.sign("shop-3", ends=gone))
    old = Authority(tmp_path / "old", "once an authority", ends=gone)
    with local_mosquitto(*tls_lines(authority, "require_certificate true")) as mosquitto:
        url = mosquitto.url.replace("mqtt:", "mqtts:")
        with running(
            broker_of(url, ca_file=str(authority.certificate), cert_file=ours, key_file=key)
        ) as device:
            device.told.wait_for(lambda: device.told.reasons)
        # the alert that says so may be lost with the connection
        assert "our certificate" in device.told.reasons[0]
    with local_mosquitto(*tls_lines(old)) as mosquitto:
        url = mosquitto.url.replace("mqtt:", "mqtts:")
        with running(broker_of(url, ca_file=str(old.certificate))) as device:
            device.told.wait_for(lambda: device.told.reasons)
        assert "has expired, or that of its authority has" in device.told.reasons[0]


def test_an_empty_credential_is_none(tmp_path: Path, authority: Authority) -> None:
    certificate, key = map(str, authority.sign("shop-2"))
    (tmp_path / "mqtt-key").touch()
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    url = "mqtts://127.0.0.1:1"
    with pytest.raises(ConfigError, match="has no key: set key_file, or as a service write"):
        credentials(MqttSettings(url=url, cert_file=certificate), tls=True, environ=environ)
    named = MqttSettings(url=url, cert_file=certificate, key_file=key)
    assert credentials(named, tls=True, environ=environ).certified


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    (tmp_path / "empty").write_text("\n")
    for settings, name in (
        ({"ca_file": str(nonsense)}, "ca_file"),
        ({"ca_file": str(tmp_path / "missing")}, "ca_file"),
        ({"cert_file": str(nonsense), "key_file": str(nonsense)}, "cert_file"),
        ({"cert_file": str(nonsense)}, "has no key: set key_file"),
        ({"username": "me", "password_file": str(tmp_path / "missing")}, "password_file"),
        ({"username": "me", "password_file": str(tmp_path / "empty")}, "password_file"),
    ):
        with pytest.raises(ConfigError, match=name):
            credentials(MqttSettings(url="mqtts://127.0.0.1:1", **settings), tls=True, environ={})


def subscribes(*answers: bytes) -> Callable[[Peer], None]:
    """Accept whoever comes, and answer each subscription with the next of these codes (MQTT 5, 3.9.3)."""

    def script(peer: Peer) -> None:
        peer.say(WELCOME)
        for answer in answers:
            packet = peer.next(SUBSCRIBE)
            peer.say(b"\x90" + bytes([3 + len(answer)]) + packet.body[:2] + b"\x00" + answer)
        peer.hear_out()

    return script


@pytest.mark.parametrize(
    ("answer", "denied"),
    [
        (b"\x01\x01", {}),
        (b"\x00\x01", {}),
        (b"\x87\x01", {f"{ROOT}/cmd/#": "not authorized"}),
        (b"\x01\x80", {f"{ROOT}/model/desired": "unspecified error"}),
        (b"\x87\x87", {f"{ROOT}/cmd/#": "not authorized"}),
    ],
)
def test_a_broker_that_does_not_let_us_listen_is_named(answer: bytes, denied: dict[str, str]) -> None:
    with closing(ScriptedBroker(subscribes(answer))) as server, running(broker_of(server.url)) as device:
        device.told.wait_for(lambda: device.told.hears is not None)
        assert device.told.hears == (not denied)
        assert device.told.denied == denied
        assert device.told.online


def test_a_broker_that_takes_long_to_let_us_listen_is_named_until_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hearing, "_MOST_ANSWERING_S", 0.0)
    named = threading.Event()

    def answers_late(peer: Peer) -> None:
        peer.say(WELCOME)
        packet = peer.next(SUBSCRIBE)
        assert named.wait(PATIENCE_S)
        peer.say(b"\x90\x05" + packet.body[:2] + b"\x00\x01\x01")
        peer.hear_out()

    with closing(ScriptedBroker(answers_late)) as server, running(broker_of(server.url)) as device:
        device.told.wait_for(lambda: device.told.denied)
        assert device.told.denied == {f"{ROOT}/cmd/#": None}
        named.set()
        device.told.wait_for(lambda: device.told.hears)
        assert device.told.connections == 1


def test_only_what_was_refused_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "_TRY_AGAIN_S", 0.0)
    asked: list[bytes] = []

    def refuses_at_first(peer: Peer) -> None:
        peer.say(WELCOME)
        for answer in (b"\x87\x01", b"\x87", b"\x01"):
            packet = peer.next(SUBSCRIBE)
            asked.append(packet.body)
            peer.say(b"\x90" + bytes([3 + len(answer)]) + packet.body[:2] + b"\x00" + answer)
        peer.hear_out()

    with closing(ScriptedBroker(refuses_at_first)) as server, running(broker_of(server.url)) as device:
        device.told.wait_for(lambda: device.told.hears)
    assert [(b"/cmd/#" in body, b"/model/desired" in body) for body in asked] == [
        (True, True),
        (True, False),
        (True, False),
    ]


def test_a_broker_that_answers_no_more_is_not_taken_for_one_that_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(one_connection, "_KEEPALIVE_S", 1)

    def goes_mute(peer: Peer) -> None:
        peer.say(WELCOME)
        peer.hear_out()

    with closing(ScriptedBroker(goes_mute)) as server, running(broker_of(server.url)) as device:
        device.told.wait_for(lambda: len(device.told.reasons) >= 3, 20)
    assert all("it answers no more" in reason for reason in device.told.reasons)
    assert device.told.replacements == []


def test_a_mosquitto_that_refuses_to_let_us_listen_or_speak_is_named(tmp_path: Path) -> None:
    # its dynamic security: an acl_file would not tell that nothing will be heard
    rights = {
        "publishClientSend": False,
        "publishClientReceive": True,
        "subscribe": False,
        "unsubscribe": True,
    }
    said = {"defaultACLAccess": rights, "groups": [{"groupname": "all"}], "anonymousGroup": "all"}
    file = tmp_path / "rights.json"
    file.write_text(json.dumps(said))
    lines = (
        "allow_anonymous true",
        f"plugin {mosquitto_plugin('mosquitto_dynamic_security')}",
        f"plugin_opt_config_file {file}",
        ME,
    )
    with local_mosquitto(*lines) as mosquitto, running(broker_of(mosquitto.url)) as device:
        device.told.wait_for(lambda: device.told.denied)
        assert device.told.denied == {f"{ROOT}/cmd/#": "not authorized"}
        device.broker.publish(message("info", b"hello"), 7)
        device.told.wait_for(lambda: device.told.refusals == {7: "not authorized"})
        assert device.told.connections == 1


def test_what_was_refused_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "_TRY_AGAIN_S", 0.1)
    changes_its_mind = subscribes(b"\x87\x01", b"\x01\x01")
    with closing(ScriptedBroker(changes_its_mind)) as server, running(broker_of(server.url)) as device:
        device.told.wait_for(lambda: device.told.denied)
        device.told.wait_for(lambda: device.told.hears)
        assert device.told.connections == 1


def knows_only_3_1_1(peer: Peer, *, refuses: bool) -> None:
    """Refuse every other version, or leave without a word."""
    if peer.version == 4:
        peer.say(b"\x20\x02\x00\x00")
        for packet in peer.packets():
            if packet.kind == PUBLISH and packet.head & 0x06:
                peer.acknowledge(packet)
    elif refuses:
        peer.say(b"\x20\x02\x00\x01")


@pytest.mark.parametrize("refuses", [True, False])
def test_a_broker_that_knows_only_3_1_1_is_spoken_to_so(refuses: bool) -> None:
    script = partial(knows_only_3_1_1, refuses=refuses)
    with closing(ScriptedBroker(script)) as old, running(broker_of(old.url)) as device:
        device.told.wait_for(lambda: device.told.online)
        assert old.versions == ([5, 4] if refuses else [5, 5, 4])
        device.broker.publish(message("info", b"hello"), 7)
        device.told.wait_for(lambda: device.told.acknowledged_tokens == [7])


def stop_while_dialling(url: str) -> float:
    """Return the longest time without a heartbeat, in s."""
    with running(broker_of(url)) as device:
        time.sleep(1.2)
        begun = time.monotonic()
        device.stop()
        assert time.monotonic() - begun < 0.5
    return device.longest_silence_s


def await_dialling() -> None:
    """Wait for the threads that were left behind, so that what they leave is not the next test's."""
    for thread in threading.enumerate():
        if thread.name == "dial":
            thread.join(5)


@leaves_sockets
@pytest.mark.parametrize("scheme", ["mqtt", "mqtts"])
def test_a_server_that_says_nothing_does_not_hold_us_up(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        silence_s = stop_while_dialling(f"{scheme}://127.0.0.1:{server.getsockname()[1]}")
    await_dialling()
    assert silence_s < 1.1


def test_a_name_that_is_never_found_does_not_hold_us_up(monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()

    def hangs(*_: object) -> list[object]:
        found.wait(10)
        raise socket.gaierror("at last")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    silence_s = stop_while_dialling("mqtt://broker.example")
    found.set()
    await_dialling()
    assert silence_s < 0.5


@leaves_sockets
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mqtt://127.0.0.1:1", "is the broker running"),
        ("mqtt://broker.invalid", "there is no such host"),
        ("unix:///nonexistent/broker", "no such socket"),
    ],
)
def test_why_there_is_no_connection_is_said(url: str, reason: str) -> None:
    with running(broker_of(url)) as device:
        device.told.wait_for(lambda: device.told.reasons)
    assert url in device.told.reasons[0]
    assert reason in device.told.reasons[0]


def test_whom_another_client_with_our_id_replaces_says_so_and_does_not_fight() -> None:
    def takes_over(peer: Peer) -> None:
        peer.say(WELCOME, b"\xe0\x02\x8e\x00")

    with closing(ScriptedBroker(takes_over)) as server, running(broker_of(server.url)) as device:
        device.told.wait_for(lambda: device.told.reasons)
        time.sleep(0.5)
    assert "give each device its own [device] id" in device.told.reasons[0]
    assert device.told.replacements == device.told.reasons
    assert device.told.connections == 1


def test_a_connection_that_mosquitto_closed_for_another_client_makes_one_think_of_that() -> None:
    with (
        local_mosquitto("allow_anonymous true") as mosquitto,
        running(broker_of(mosquitto.url)) as first,
    ):
        first.told.wait_for(lambda: first.told.online)
        with running(broker_of(mosquitto.url)):
            first.told.wait_for(lambda: first.told.reasons)
    assert "does another client use our id" in first.told.reasons[0]


def test_two_clients_with_one_id_that_mosquitto_cuts_off_in_turn_stop_fighting() -> None:
    with (
        local_mosquitto("allow_anonymous true") as mosquitto,
        running(broker_of(mosquitto.url)) as first,
        running(broker_of(mosquitto.url)) as second,
    ):
        until(lambda: first.told.replacements or second.told.replacements, "one of them gives in")
        time.sleep(0.5)
        reasons = [*first.told.replacements, *second.told.replacements]
    assert "give each device its own [device] id" in reasons[0]
    assert first.told.connections + second.told.connections <= 8


def test_what_is_not_mqtt_ends_the_connection_and_nothing_else() -> None:
    def babbles(peer: Peer) -> None:
        peer.say(b"\x20\x7f" + b"\xff" * 127)

    with closing(ScriptedBroker(babbles)) as server, running(broker_of(server.url)) as device:
        device.told.wait_for(lambda: len(device.told.reasons) >= 2)
    assert device.error is None


def test_a_message_that_the_broker_finds_too_large_is_refused_not_repeated() -> None:
    with (
        local_mosquitto("allow_anonymous true", "max_packet_size 1000") as mosquitto,
        running(broker_of(mosquitto.url)) as device,
    ):
        device.told.wait_for(lambda: device.told.online)
        device.broker.publish(message("info", b"x" * 1000), 1)
        device.broker.publish(message("info", b"x" * 100), 2)
        device.told.wait_for(lambda: device.told.acknowledged_tokens == [2])
    assert "larger than the 1000 bytes" in device.told.refusals[1]
    assert device.told.connections == 1


def test_a_broker_that_swallows_messages_is_named_and_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(one_connection, "_MOST_SWALLOWING_S", 0.3)

    def swallows(peer: Peer) -> None:
        peer.say(WELCOME)
        peer.hear_out()

    with closing(ScriptedBroker(swallows)) as server, running(broker_of(server.url)) as device:
        for connection in range(1, 4):
            device.told.wait_for(lambda: device.told.online and device.told.connections == connection)  # noqa: B023
            assert device.broker.publish(message("event", b"1", Delivery.DURABLE), connection)
            device.told.wait_for(lambda: not device.told.online, 20)
    assert len(device.told.reasons) == 3
    assert all("acknowledges none" in reason for reason in device.told.reasons)


def test_a_broker_that_swallows_messages_is_left_alone_for_longer_each_time() -> None:
    broker = PahoBroker(MqttSettings(url="mqtt://localhost"), "shop-1", {}, lambda: 1.0)
    broker.attach(Recorder(), None)
    swallowed, closed = Ending("it swallows", swallowed=True), Ending("it closes")
    waits_s = [broker._learn(ending, 100.0) for ending in (swallowed, swallowed, swallowed, closed)]
    assert waits_s == [1.0, 2.0, 4.0, 1.0]


def test_a_broker_that_is_slow_to_acknowledge_or_forgets_one_message_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(one_connection, "_MOST_SWALLOWING_S", 4.0)

    def takes_its_time(peer: Peer) -> None:
        peer.say(WELCOME)
        peer.next(PUBLISH)
        for packet in peer.packets():
            if packet.kind == PUBLISH:
                time.sleep(0.5)
                peer.acknowledge(packet)

    with closing(ScriptedBroker(takes_its_time)) as server, running(broker_of(server.url)) as device:
        device.told.wait_for(lambda: device.told.online)
        for token in range(12):
            assert device.broker.publish(message("event", b"1", Delivery.DURABLE), token)
        device.told.wait_for(lambda: device.told.acknowledged_tokens == list(range(1, 12)), 20)
    assert device.told.connections == 1


def test_no_more_is_under_way_than_the_broker_allows() -> None:
    with (
        local_mosquitto("allow_anonymous true", "max_inflight_messages 3") as mosquitto,
        running(broker_of(mosquitto.url)) as device,
    ):
        device.told.wait_for(lambda: device.told.online)
        sent = 0
        while device.broker.publish(message("info", b"hello"), sent + 1) and sent < 1000:
            sent += 1
        assert sent < 1000
        device.told.wait_for(lambda: len(device.told.acknowledged_tokens) == sent)
        assert device.broker.publish(message("info", b"hello"), sent + 1)


def test_answers_do_not_rest_while_whoever_sends_waits_for_them() -> None:
    with local_mosquitto(OPEN) as mosquitto, running(broker_of(mosquitto.url)) as device:
        device.told.wait_for(lambda: device.told.online)
        begun, answered = time.monotonic(), device.told.acknowledged_tokens
        for token in range(1, 201):
            until(lambda: len(answered) > token - 11, "room among ten that are unanswered")  # noqa: B023
            assert device.broker.publish(message("event", b"1", Delivery.DURABLE), token)
        until(lambda: len(answered) == 200, "all answers")
        assert time.monotonic() - begun < 2.5  # half of what twenty rests take


def test_live_messages_of_a_dead_link_are_not_delivered_late() -> None:
    heard: list[Heard] = []
    with (
        local_mosquitto("allow_anonymous true") as mosquitto,
        Listener(mosquitto.url, "#", heard.append),
        running(broker_of(mosquitto.url)) as device,
    ):
        device.told.wait_for(lambda: device.told.online)
        process = mosquitto._process
        assert process is not None
        process.send_signal(19)  # SIGSTOP: the link is there, nobody reads
        begun = time.monotonic()
        while time.monotonic() - begun < 1.5:
            device.broker.publish(message("frame", b"%.1f" % (time.monotonic() - begun), Delivery.LIVE), 0)
            time.sleep(0.05)
        process.send_signal(18)
        device.broker.publish(message("info", b"end"), 1)
        until(lambda: heard and heard[-1].payload == b"end")


def test_a_farewell_that_nobody_heard_leaves_the_word_to_the_will() -> None:
    heard: list[Heard] = []
    with (
        local_mosquitto("allow_anonymous true") as mosquitto,
        Listener(mosquitto.url, "#", heard.append),
        running(broker_of(mosquitto.url)) as device,
    ):
        device.told.wait_for(lambda: device.told.online)
        process = mosquitto._process
        assert process is not None
        process.send_signal(19)
        device.stop(0.2)
        process.send_signal(18)
        until(lambda: heard)
        until(lambda: heard[-1] == Heard(WILL.topic, WILL.payload, retain=False, qos=1))
    assert {h.payload for h in heard} <= {WILL.payload, FAREWELL.payload}


def test_a_socket_of_this_machine_will_do(tmp_path: Path) -> None:
    path = tmp_path / "mosquitto.sock"
    with (
        local_mosquitto("allow_anonymous true", f"listener 0 {path}", ME),
        running(broker_of(f"unix://{path}")) as device,
    ):
        device.told.wait_for(lambda: device.told.online)
        device.broker.publish(message("frame", b"1", Delivery.LIVE), 0)
        device.broker.publish(message("info", b"hello"), 7)
        device.told.wait_for(lambda: device.told.acknowledged_tokens == [7])
