"""What leaves in a day, and what waits once that is as much as may leave."""

from pathlib import Path

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from eyespot.broker.hearing import answering
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.message import Delivery, Message
from eyespot.host.clock import ManualClock
from eyespot.store.budget import Budget
from eyespot.store.memo import Memo
from eyespot.topics.traffic import KINDS
from fakes.troubles import Troubles

ROOT = "eyespot/v1/shop"
MIDNIGHT_S = 1_767_225_600  # 2026-01-01
MB = 1_000_000
HOUR_S = 3600.0


def message(suffix: str, size: int = 100, delivery: Delivery = Delivery.STATE) -> Message:
    return Message(f"{ROOT}/{suffix}", bytes(size), delivery)


HEALTH = message("health")
STATUS = message("status")
FRAME = message("frame", delivery=Delivery.LIVE)
EVENT = message("rule/door/event", delivery=Delivery.DURABLE)
REPLY = message("reply/17", delivery=Delivery.ANSWER)
ONVIF = message("onvif-ej/RuleEngine/LineDetector/Crossed/&1/1/door.in", delivery=Delivery.DURABLE)
TOTAL = message("onvif-ej/RuleEngine/CountAggregation/Counter/&1/1/door.in")
DISCOVERY = Message("homeassistant/device/shop/config", bytes(100), Delivery.STATE)


class Day:
    """A budget of one megabyte, from some hour of the first of January on."""

    def __init__(self, folder: Path, *, hour: float = 0, synced: bool = True, most: int | None = MB) -> None:
        self.clock = ManualClock()
        self.set_clock(hour, synced=synced)
        self.health = Troubles()
        self.most = most
        self.memo = Memo(folder / "traffic.json")
        self.start()

    def start(self) -> None:
        """Begin a life: what was not written down is forgotten."""
        self.budget = Budget(self.clock, ROOT, self.most, self.memo)

    def set_clock(self, hour: float, *, synced: bool) -> None:
        """Let it be some hour of the first of January now."""
        utc_ns = round(MIDNIGHT_S + hour * HOUR_S) * SECOND_NS
        self.clock._timeline = Timeline(utc_ns - self.clock.now_ns(), synced)

    def pass_by(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.budget.turn(self.health)

    def spend(self, size: int, what: Message = EVENT) -> None:
        overhead = Message(what.topic, bytes(size), what.delivery).packet_bytes - size
        self.budget.spend(Message(what.topic, bytes(size - overhead), what.delivery))
        self.budget.turn(self.health)

    @property
    def total(self) -> int:
        return sum(self.budget.spent.values())


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return Day(tmp_path)


# What is counted


def paho_packet(message: Message, version: MQTTProtocolVersion) -> bytes:
    """What paho would write for a message."""
    packets: list[bytes] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, "shop", protocol=version)
    client._sock = object()  # type: ignore[assignment]  # it wants to be connected
    client._packet_queue = lambda _, packet, *__: packets.append(bytes(packet))  # type: ignore[method-assign]
    properties = answering(message, version)
    arguments = (1, message.topic.encode(), message.payload, message.qos, message.retain)
    client._send_publish(*arguments, dup=False, info=None, properties=properties)
    client._sock = None
    [packet] = packets
    return packet


@given(
    size=st.one_of(st.integers(0, 300), st.integers(16_200, 16_500), st.just(70_000)),
    delivery=st.sampled_from(Delivery),
    correlation=st.one_of(st.none(), st.binary(max_size=256)),
)
def test_a_message_counts_as_large_as_paho_makes_its_packet(
    size: int, delivery: Delivery, correlation: bytes | None
) -> None:
    sent = Message(f"{ROOT}/rule/größe/event", bytes(size), delivery, correlation)
    assert sent.packet_bytes == len(paho_packet(sent, MQTTProtocolVersion.MQTTv5))


@given(size=st.integers(0, 300), delivery=st.sampled_from(Delivery))
def test_in_the_older_mqtt_it_is_a_byte_less(size: int, delivery: Delivery) -> None:
    sent = Message(f"{ROOT}/state", bytes(size), delivery)
    # another one where the length just needs one digit less
    assert sent.packet_bytes - len(paho_packet(sent, MQTTProtocolVersion.MQTTv311)) in {1, 2}


def test_each_kind_is_counted_by_itself_and_as_often_as_it_leaves(day: Day) -> None:
    assert day.budget.spent == dict.fromkeys(KINDS, 0)
    for what in (HEALTH, STATUS, FRAME, EVENT, EVENT, REPLY, ONVIF, TOTAL, DISCOVERY):
        day.budget.spend(what)
    assert day.budget.spent == {
        "events": 2 * EVENT.packet_bytes,
        "states": STATUS.packet_bytes,
        "health": HEALTH.packet_bytes,
        "live": FRAME.packet_bytes,
        "standards": ONVIF.packet_bytes + TOTAL.packet_bytes + DISCOVERY.packet_bytes,
        "answers": REPLY.packet_bytes,
    }


# Which day it is


def test_the_count_begins_anew_at_midnight_of_utc(tmp_path: Path) -> None:
    day = Day(tmp_path, hour=23)
    day.spend(1000)
    day.pass_by(HOUR_S - 1)
    assert day.total == 1000
    day.pass_by(1)
    assert day.total == 0


def test_without_a_right_clock_a_day_is_24_hours_of_running_over_restarts(tmp_path: Path) -> None:
    day = Day(tmp_path, hour=23, synced=False)
    day.spend(1000)
    day.pass_by(20 * HOUR_S)
    assert day.total == 1000
    day.budget.keep()
    day.start()
    day.pass_by(4 * HOUR_S - 1)
    assert day.total == 1000
    day.pass_by(1)
    assert day.total == 0


@pytest.mark.parametrize(("hour", "left"), [(8.0, 1000), (24.5, 0)])
def test_once_the_clock_is_right_what_was_counted_is_of_today_or_over(
    tmp_path: Path, hour: float, left: int
) -> None:
    day = Day(tmp_path, hour=7)
    day.spend(1000)
    day.budget.keep()
    day.set_clock(-400_000, synced=False)  # after a power cut, on a board without a battery
    day.start()
    day.pass_by(60)
    assert day.total == 1000
    day.set_clock(hour, synced=True)
    day.pass_by(1)
    assert day.total == left


def test_what_was_counted_before_the_time_was_known_at_all_counts_today(tmp_path: Path) -> None:
    day = Day(tmp_path, synced=False)
    day.spend(1000)
    day.set_clock(12, synced=True)
    day.pass_by(1)
    assert day.total == 1000
    day.pass_by(12 * HOUR_S)
    assert day.total == 0


def test_a_clock_that_is_right_no_longer_ends_the_day_when_it_would_have_ended(tmp_path: Path) -> None:
    day = Day(tmp_path, hour=10)
    day.pass_by(0)
    day.spend(1000)
    day.set_clock(500, synced=False)
    day.pass_by(23 * HOUR_S)
    assert day.total == 1000
    day.pass_by(HOUR_S)
    assert day.total == 0


# What is kept


def test_a_restart_goes_on_counting_and_a_crash_forgets_an_hour_at_most(day: Day) -> None:
    day.spend(1000)
    day.pass_by(HOUR_S)
    day.spend(500)
    day.pass_by(60)
    day.start()
    assert day.total == 1000
    day.spend(500)
    day.budget.keep()
    day.start()
    assert day.budget.spent == {**dict.fromkeys(KINDS, 0), "events": 1500}


def test_the_disk_is_written_once_an_hour_and_not_at_all_where_nothing_left(tmp_path: Path) -> None:
    day, kept = Day(tmp_path), []
    day.memo.keep = lambda data: not kept.append(data)  # type: ignore[method-assign]
    for _ in range(3 * 60 + 1):
        day.spend(100)
        day.pass_by(60)
    assert len(kept) == 3
    day.budget.keep()
    day.budget.keep()
    day.pass_by(5 * HOUR_S)
    assert len(kept) == 4


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b"[]", b'{"spent":{"pictures":1}}', b'{"spent":{"live":-1}}']
)
def test_a_file_that_is_damaged_counts_as_none(day: Day, data: bytes) -> None:
    day.memo.keep(data)
    day.start()
    assert day.total == 0


def test_a_disk_that_fails_is_tried_again(tmp_path: Path) -> None:
    day = Day(tmp_path / "missing")
    day.spend(1000)
    day.budget.keep()
    (tmp_path / "missing").mkdir()
    day.pass_by(HOUR_S)
    day.start()
    assert day.total == 1000


# What waits


def allowed(day: Day) -> set[str]:
    """Which of one message of each kind may leave, a minute after the last one of each."""
    everything = (HEALTH, STATUS, FRAME, EVENT, REPLY, ONVIF, TOTAL, DISCOVERY, message("rule/door/state"))
    for what in everything:
        if what.retain:
            day.budget._sent_ns[what.topic] = day.clock.now_ns()
    day.clock.sleep(60)
    leaves = [what for what in everything if day.budget.admits(what) and not day.budget.holds(what)]
    return {what.topic.removeprefix(f"{ROOT}/").split("/")[0] + "/" + what.delivery.value for what in leaves}


ALL = {
    "health/state",
    "status/state",
    "frame/live",
    "rule/durable",
    "reply/answer",
    "onvif-ej/durable",
    "onvif-ej/state",
    "homeassistant/state",
    "rule/state",
}


def test_near_the_cap_what_is_optional_stops_and_over_it_states_wait_but_events_never_do(day: Day) -> None:
    day.spend(799_000)
    assert allowed(day) == ALL
    assert day.health.lasting == {}
    day.spend(1000)
    assert allowed(day) == ALL - {"frame/live", "onvif-ej/durable", "onvif-ej/state"}
    assert list(day.health.lasting) == ["near_daily_cap"]
    day.spend(199_999)
    assert list(day.health.lasting) == ["near_daily_cap"]
    day.spend(200)
    assert allowed(day) == {"status/state", "rule/durable", "reply/answer"}
    assert list(day.health.lasting) == ["over_daily_cap"]
    assert "daily_mb = 1 " in day.health.lasting["over_daily_cap"]


def test_at_midnight_all_leaves_again(tmp_path: Path) -> None:
    day = Day(tmp_path, hour=23)
    day.spend(MB)
    day.pass_by(HOUR_S)
    assert allowed(day) == ALL
    assert day.health.lasting == {}


def test_a_cap_that_is_passed_outlives_a_crash(day: Day) -> None:
    day.spend(MB)
    day.start()
    day.pass_by(0)
    assert list(day.health.lasting) == ["over_daily_cap"]


def test_over_the_cap_a_value_leaves_every_quarter_of_an_hour_and_the_reason_at_once(
    day: Day,
) -> None:
    day.budget.spend(HEALTH)
    day.spend(MB)
    assert not day.budget.holds(HEALTH)  # it has the reason
    day.budget.spend(HEALTH)
    day.pass_by(899)
    assert day.budget.holds(HEALTH)
    assert not day.budget.holds(Message(HEALTH.topic, b"", Delivery.STATE))  # what clears a topic never waits
    day.pass_by(1)
    assert not day.budget.holds(HEALTH)


def test_what_became_of_a_desired_configuration_never_waits(day: Day) -> None:
    report = Message(f"{ROOT}/config/reported", b"{}", Delivery.STATE)
    day.spend(MB)
    day.budget.spend(report)
    assert not day.budget.holds(report)


def test_by_itself_nothing_is_capped(tmp_path: Path) -> None:
    day = Day(tmp_path, most=None)
    day.spend(10_000 * MB)
    assert allowed(day) == ALL


@given(sizes=st.lists(st.integers(0, 300_000), max_size=30))
def test_what_is_optional_never_takes_the_last_fifth(sizes: list[int]) -> None:
    """However large the messages are, and however many within a second: who passes the line is the last."""
    clock = ManualClock(utc_at_zero_ns=MIDNIGHT_S * SECOND_NS)
    budget = Budget(clock, ROOT, MB)
    for size in sizes:
        frame = message("frame", size, Delivery.LIVE)
        before = sum(budget.spent.values())
        if budget.admits(frame):
            assert before < 0.8 * MB
            budget.spend(frame)
