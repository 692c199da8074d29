"""Whatever comes over the broker: a device does what it may be told, once, and goes on."""

import json
import subprocess
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from paho.mqtt.enums import MQTTProtocolVersion

from eyespot.broker.paho import PahoBroker
from eyespot.broker.settings import MqttSettings
from eyespot.domain.message import Delivery, Heard
from eyespot.supervisor.inbox import MOST_WAITING
from eyespot.topics.commands import COMMANDS, Command, InvalidCommandError, Kind, parse
from eyespot.topics.model_payloads import Reply
from fakes.brokers import ROOT, local_mosquitto, running, say
from fakes.desk import Desk
from fakes.scripted import WELCOME, Peer, ScriptedBroker
from fakes.waiting import PATIENCE_S, until

DEEP = 5_000
HUGE = 20 * 2**20
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "an array": b"[]",
    "a number": b"17",
    "deep arrays": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"args":' * DEEP + b"{}" + b"}" * DEEP,
    "depth below args": b'{"req_id":"a","args":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "depth below an unknown key": b'{"x":' + b"[" * DEEP + b"]" * DEEP + b',"req_id":"a"}',
    "a url": b'{"req_id":"a","args":{"url":"https://evil.example/model.tflite"}}',
    "a path": b'{"req_id":"a","path":"/etc/shadow"}',
    "a path as the bundle": b'{"bundle":"../../etc","version":"1.0.0"}',
    "a version that is none": b'{"bundle":"people","version":"latest"}',
    "another kind of request": b'{"kind":"install","path":"/tmp/x"}',
    "not a number": b'{"req_id":NaN}',
    "infinity": b'{"expires":1e999}',
    "a number of 5000 digits": b'{"req_id":' + b"9" * 5000 + b"}",
    "the wrong type": b'{"req_id":{"req_id":"a"}}',
    "a time without an offset": b'{"expires":"2027-01-01T00:00:00"}',
    "no time": b'{"expires":"soon"}',
    "NUL": b'{"req_id":"a\\u0000b"}',
    "raw NUL": b'{"req_id":"a\x00b"}',
    "half a surrogate": b'{"req_id":"\\ud800"}',
    "no UTF-8": b'{"req_id":"\xff\xfe"}',
    "UTF-16": '{"req_id":"a"}'.encode("utf-16"),
    "a level in the id": b'{"req_id":"a/b"}',
    "a wildcard as the id": b'{"req_id":"#"}',
    "the id of 65 letters": b'{"req_id":"' + b"a" * 65 + b'"}',
    "a line break in the id": b'{"req_id":"a\\n"}',
    "latest with a line break": b"latest\n",
    "cut off": b'{"req_id":"a"',
    "two objects": b'{"req_id":"a"}{"req_id":"b"}',
    "a comment": b'{"req_id":"a"}//',
    "as large as may be": b'{"req_id":"a","args":{"x":"' + b"x" * 16_000 + b'"}}',
    "too large": b'{"req_id":"a"' + b" " * 16_384 + b"}",
}
NAMES = (
    "cmd/",
    "cmd/model",
    "cmd/model/",
    "cmd/model/update/",
    "cmd//model/update",
    "cmd/Model/Update",
    "cmd/model/update\x00",
    "cmd/+/update",
    "cmd/#",
    "cmd/model/../model/update",
    "cmd/model/install",
    "cmd/config",
    "cmd/" + "a/" * 200,
    "model/state",
    "model/desired/x",
    "status",
)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", Kind)
def test_what_is_not_as_it_should_be_is_never_passed_on(kind: Kind, name: str) -> None:
    desk = Desk()
    desk.told(kind.value, HOSTILE[name])
    assert desk.passed_on == []
    assert all(reply["code"] == "invalid" and len(reply["detail"]) <= 320 for reply in desk.replies)


@pytest.mark.parametrize("suffix", NAMES)
def test_a_topic_that_is_no_command_is_none(suffix: str) -> None:
    desk = Desk()
    desk.told(suffix, '{"req_id": "a"}')
    assert desk.passed_on == []
    known = suffix.startswith(COMMANDS)
    assert [(reply["req_id"], reply["code"]) for reply in desk.replies] == [("a", "invalid")] * known


@pytest.mark.parametrize(
    "topic",
    ["eyespot/v1/shop-2/cmd/model/update", "x", "", ROOT, f"{ROOT}cmd/model/update", "#", f"x{ROOT}/cmd/x"],
)
def test_what_is_meant_for_another_device_is_not_for_us(topic: str) -> None:
    desk = Desk()
    desk.worker.hear(Heard(topic, b'{"req_id": "a"}', retain=False, qos=1))
    desk.worker.turn(0)
    assert (desk.passed_on, desk.posted) == ([], [])


def test_a_retained_command_does_nothing_however_often_it_comes() -> None:
    desk = Desk()
    for _ in range(5):
        desk.told("cmd/model/rollback", '{"req_id": "a"}', retain=True)
    assert (desk.passed_on, desk.posted) == ([], [])


def test_a_command_that_is_replayed_goes_back_once() -> None:
    desk = Desk()
    for _ in range(8):
        desk.told("cmd/model/rollback", '{"req_id": "a"}')
    assert desk.kinds == ["rollback"]


def test_a_flood_holds_up_neither_those_who_wait_nor_memory() -> None:
    desk = Desk()
    tracemalloc.start()
    try:
        for number in range(20_000):
            desk.hears("cmd/model/update", b'{"req_id": "%d"}' % number + b" " * 10_000)
        kept_mb = tracemalloc.get_traced_memory()[0] / 2**20
    finally:
        tracemalloc.stop()
    assert kept_mb < 2
    for _ in range(100):
        desk.worker.turn(0)
    assert len(desk.passed_on) <= 10


PLACES = {
    "clerk/desk-7": True,
    f"{ROOT}/reply/of/mine": True,
    f"{ROOT}/status": False,
    f"{ROOT}/rule/door/state": False,
    f"{ROOT}/cmd/model/rollback": False,
    f"{ROOT}/reply/../status": True,  # MQTT has no way up
    "eyespot/v1/shop-2/cmd/model/rollback": False,
    "eyespot/v1/shop-2/reply/17": False,
    "eyespot/v1/": False,
    "$SYS/broker": False,
    "$share/g/x": False,
    "clerk/+": False,
    "#": False,
    "": False,
    "clerk/\x00": False,
    "clerk/\n": False,
    "clerk/\ud800": False,
    "c" * 257: False,
}


@pytest.mark.parametrize("place", PLACES, ids=repr)
def test_nobody_has_a_device_speak_for_another_or_against_itself(place: str) -> None:
    desk = Desk()
    desk.told("cmd/model/update", '{"req_id": "a"}', answer_to=place, correlation=b"c")
    (message,) = desk.posted
    assert message.topic == (place if PLACES[place] else f"{ROOT}/reply/a")
    assert message.correlation == (b"c" if PLACES[place] else None)
    assert (message.retain, message.delivery) == (False, Delivery.ANSWER)
    msgspec.json.decode(message.payload, type=Reply)


def test_what_is_to_be_given_back_is_no_way_out_for_much() -> None:
    desk = Desk()
    desk.told("cmd/model/update", '{"req_id": "a"}', answer_to="clerk/1", correlation=bytes(257))
    (message,) = desk.posted
    assert (message.topic, message.correlation) == (f"{ROOT}/reply/a", None)


def test_no_command_takes_an_answer_of_ours_for_one() -> None:
    desk = Desk()
    desk.told("cmd/model/update", '{"req_id": "a"}')
    (message,) = desk.posted
    for kind in Kind:
        with pytest.raises(InvalidCommandError):
            parse(kind.value, message.payload)


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=6), inner, max_size=4),
)
keys = some.sampled_from(["req_id", "expires", "args", "check", "bundle", "version", "path", "url", "kind"])
nearly = some.dictionaries(keys, json_values | some.sampled_from(["a", "people", "1.0.0", True, {}]))
payloads = some.one_of(
    some.binary(max_size=64),
    nearly.map(lambda table: json.dumps(table).encode()),
    json_values.map(lambda value: json.dumps(value).encode()),
)
topics = some.sampled_from([kind.value for kind in Kind]) | some.text(max_size=20).map(COMMANDS.__add__)


def read(suffix: str, payload: bytes) -> Command | InvalidCommandError:
    try:
        return parse(suffix, payload)
    except InvalidCommandError as refused:
        return refused


@settings(max_examples=500)
@given(topics, payloads)
def test_whatever_comes_is_a_command_or_refused_in_a_line(suffix: str, payload: bytes) -> None:
    found = read(suffix, payload)
    if isinstance(found, InvalidCommandError):
        assert str(found).isprintable()
        assert len(str(found)) <= 320
    elif payload != b"latest":
        assert set(json.loads(payload)) <= {"req_id", "expires", "args", "check", "bundle", "version"}


@given(some.text(max_size=300), some.none() | some.binary(max_size=300))
def test_wherever_an_answer_is_wanted_it_goes_to_no_topic_of_ours_but_replies(
    topic: str, back: bytes | None
) -> None:
    desk = Desk()
    desk.told("cmd/model/update", '{"req_id": "a"}', answer_to=topic, correlation=back)
    (message,) = desk.posted
    assert message.topic.startswith(f"{ROOT}/reply/") or not message.topic.startswith("eyespot/v1/")
    assert not set(message.topic) & set("+#\0")
    assert 0 < len(message.topic) <= 256
    assert len(message.correlation or b"") <= 256


# Over a real broker, with either version of MQTT.


@contextmanager
def device(url: str, version: MQTTProtocolVersion) -> Iterator[tuple[Desk, Callable[[], None]]]:
    """Yield a device that hears, and a function that waits until it has attended to all that came."""
    desk = Desk()
    numbers = count()
    broker = PahoBroker(MqttSettings(url=url), "shop-1", {}, lambda: 0.1)
    broker._version.now = version
    with running(broker, desk) as run:
        until(lambda: run.told.online, "a connection")
        until(lambda: desk.hears_broker, "an answer to the subscription")

        def settle() -> None:
            """Wait for the answer to a last word, which comes after everything else."""
            word = f"last-{next(numbers)}"
            give_up = time.monotonic() + PATIENCE_S
            while word not in desk.answered:  # where there is a flood, it may find no room
                assert time.monotonic() < give_up, "never: an answer to the last word"
                say(url, Heard(f"{ROOT}/cmd/last", b'{"req_id": "%s"}' % word.encode(), retain=False, qos=1))
                desk.attend()
            assert run.told.connections == 1, run.told.reasons

        yield desk, settle


@pytest.fixture(params=[MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311], ids=["5", "3.1.1"])
def version(request: pytest.FixtureRequest) -> MQTTProtocolVersion:
    return request.param


def test_hostile_payloads_pass_a_real_broker_and_come_to_nothing(version: MQTTProtocolVersion) -> None:
    with (
        local_mosquitto("allow_anonymous true") as mosquitto,
        device(mosquitto.url, version) as (desk, settle),
    ):
        for number, payload in enumerate(HOSTILE.values()):
            kind = list(Kind)[number % 3]
            say(mosquitto.url, Heard(f"{ROOT}/{kind.value}", payload, retain=False, qos=number % 2))
            desk.attend()
        settle()
        assert desk.passed_on == []


def test_a_message_of_20_mb_neither_fills_memory_nor_ends_the_connection(
    version: MQTTProtocolVersion,
) -> None:
    with (
        local_mosquitto("allow_anonymous true") as mosquitto,
        device(mosquitto.url, version) as (desk, settle),
    ):
        for kind in Kind:  # what is desired is kept: with each connection it would come again
            keep = ["-r"] if kind is Kind.DESIRED else []
            command = ["mosquitto_pub", "-p", str(mosquitto.port), *keep, "-t", f"{ROOT}/{kind.value}", "-s"]
            tracemalloc.start()
            subprocess.run(command, input=b'{"req_id": "a"}' + b" " * HUGE, check=True, timeout=20)
            tracemalloc.reset_peak()
            settle()
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak - HUGE < 2 * 2**20
        assert desk.passed_on == []


def test_a_flood_over_the_wire_is_counted_and_ends(version: MQTTProtocolVersion) -> None:
    with (
        local_mosquitto("allow_anonymous true") as mosquitto,
        device(mosquitto.url, version) as (desk, settle),
    ):
        flood = [Heard(f"{ROOT}/cmd/model/update", b"latest", retain=False, qos=1)] * 500
        say(mosquitto.url, *flood)
        until(lambda: desk.worker._inbox.dropped == 500 - MOST_WAITING, "all that finds no room")
        desk.attend()
        assert f"not looked at {500 - MOST_WAITING};" in desk.health.lasting["commands_dropped"]
        settle()
        assert len(desk.passed_on) <= MOST_WAITING
        desk.clock.sleep(60)
        desk.attend()
        assert desk.health.lasting == {}


def publish(topic: bytes, payload: bytes, head: int = 0x30, properties: bytes = b"\x00") -> bytes:
    rest = len(topic).to_bytes(2, "big") + topic + (b"\x00\x01" if head & 6 else b"") + properties + payload
    return bytes([head]) + length(len(rest)) + rest


def length(count: int) -> bytes:
    """Return a length as MQTT has it (MQTT 5, 1.5.5)."""
    found = b""
    while True:
        count, low = divmod(count, 128)
        found += bytes([low | (0x80 if count else 0)])
        if not count:
            return found


COMMAND = f"{ROOT}/cmd/model/update".encode()
PACKETS = {
    "a topic that is no text": publish(b"\xff\xfe" + COMMAND, b"latest"),
    "a topic with NUL": publish(COMMAND + b"\x00", b"latest"),
    "a wildcard": publish(f"{ROOT}/cmd/#".encode(), b"latest"),
    "another device's command": publish(b"eyespot/v1/shop-2/cmd/model/update", b"latest"),
    "QoS 2": publish(COMMAND, b"latest", head=0x34),
    "QoS 3": publish(COMMAND, b"latest", head=0x36),
    "an answer that is no text": publish(COMMAND, b'{"req_id":"a"}', properties=b"\x05\x08\x00\x02\xff\xfe"),
    "properties that end too early": publish(COMMAND, b"latest", properties=b"\x7f\x08"),
    "an answer to a topic of 65535 letters": publish(
        COMMAND, b'{"req_id":"a"}', properties=length(65_538) + b"\x08\xff\xff" + b"a" * 65_535
    ),
    "a packet of 256 MB that does not come": b"\x30\xff\xff\xff\x7f" + b"x" * 200_000,
    "an answer to a subscription that nobody made": b"\x90\x05\x00\x09\x00\x87\x87",
    "an answer to a subscription without an end": b"\x90\x03\x00\x01\x00",
    "nonsense": b"\xf0\x7f" + b"\xff" * 127,
}


@pytest.mark.parametrize("name", PACKETS)
def test_a_broker_that_goes_mad_harms_nothing_but_the_connection(name: str) -> None:
    desk = Desk()

    def goes_mad(peer: Peer) -> None:
        peer.say(WELCOME, PACKETS[name])
        peer.hear_out(silence_s=0.2)

    with closing(ScriptedBroker(goes_mad)) as rogue:
        broker = PahoBroker(MqttSettings(url=rogue.url), "shop-1", {}, lambda: 0.1)
        with running(broker, desk) as run:
            until(lambda: run.told.connections >= 2, "a second connection")
        assert run.error is None
    desk.attend()
    assert set(desk.kinds) <= {"check"}  # as far as it is one
    assert all(message.topic == f"{ROOT}/reply/a" for message in desk.posted)
