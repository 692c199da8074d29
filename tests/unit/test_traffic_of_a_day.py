"""What a day costs by default: figures that the README and the decision rest on."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from eyespot.domain.event import Crossed, Direction, Event, LineState
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Message
from eyespot.domain.recovery import Step
from eyespot.domain.track import Scene
from eyespot.host.clock import ManualClock
from eyespot.host.facts import HostFacts
from eyespot.pipeline import Pipeline, Standard
from eyespot.ports import Handover, ModelIdentity, Readings, SensorReadings, View
from eyespot.store.budget import Budget
from eyespot.store.database import Database
from eyespot.store.worker import StoreWorker
from eyespot.supervisor.health import Health
from eyespot.supervisor.reporter import Gauges, Rates, Reporter
from eyespot.topics.durables import Durables
from eyespot.topics.gate import Gate
from eyespot.topics.native import Identity, Native
from eyespot.topics.onvif import Onvif
from eyespot.tracking.tracker import Tracker
from fakes.durables import AMPLE
from fakes.wire import Wire

ROOT = "eyespot/v1/entrance-1"
GATE = Gate(ROOT)
MB = 1_000_000
DAY_S = 86_400
CROSSINGS = 1000
LABELS = (*(f"class {number}" for number in range(79)), "person")
MODEL = ModelIdentity("ssd-mobilenet-v2-oidv4@1.0.0-d0a5255bf8c4", "ssd", "1.0.0", "0" * 64, LABELS, 0.35)
SENSOR = SensorReadings(12.345, 3.456, 41.123, 16.667, 8.125, 123.456, 12_345, 123, 12)
VIEW = View("imx500", 4056, 3040, 26.123, "IMX500", "binned")


class Passages:
    """A rule that counts somebody at each step."""

    def __init__(self) -> None:
        self._counts: dict[Direction, int] = {"in": 0, "out": 0}
        self.place = ""
        self.undecided = 0

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]:
        count = sum(self._counts.values())
        direction: Direction = "out" if count % 2 else "in"
        self._counts[direction] += 1
        return [Crossed("entrance", scene.taken_ns, direction, "person", 10_000 + count, MODEL.bundle)]

    def state(self) -> LineState:
        return LineState({"person": dict(self._counts)})

    def snapshot(self) -> dict[str, object]:
        return {"counts": self.state().counts}

    def restore(self, kept: object) -> None: ...

    def relabel(self, labels: Sequence[str], bundle: str) -> None: ...


class Device:
    """All that makes messages, from the birth on, over a broker that answers at once."""

    def __init__(self, database: Database, standards: Sequence[Standard] = ()) -> None:
        self.clock = ManualClock(utc_at_zero_ns=1_767_225_600 * SECOND_NS)
        self.wire = Wire()
        health, self.budget = Health(self.clock), Budget(self.clock, ROOT)
        durables = Durables(GATE, "24e8a49cc820ca25", self.clock)
        self.store = StoreWorker(
            database, self.wire, health, durables, self.clock, limits=AMPLE, budget=self.budget
        )
        native = Native(GATE, "24e8a49cc820ca25", 1_000_000)
        self.pipeline = Pipeline(MODEL, Tracker(0.35), {"entrance": Passages()}, native, standards=standards)
        self.reporter = Reporter(
            identity=Identity(
                "entrance-1",
                "Entrance",
                "Europe/Berlin",
                "a Pi",
                "0.1.0",
                "3.11.2",
                "oblique",
                publishes_frames=False,
            ),
            gauges=Gauges(
                lambda: MODEL,
                lambda: VIEW,
                self._rates,
                lambda: HostFacts(123.4, 55458.0, 6e4, 51.5),
                lambda: False,
            ),
            native=native,
            health=health,
            post=self.store.post,
            clock=self.clock,
        )
        self.store.post(self.pipeline.begin({}, 0, self.clock.timeline()))
        self.reporter.begin()
        self.store.connected()

    def live(self, *, reconnects_every_s: int) -> None:
        """Live from midnight to midnight."""
        for second in range(0, DAY_S, 60):
            if second and second % reconnects_every_s == 0:
                self.store.disconnected("gone")
                self.store.connected()
            self.reporter.tick()
            for number in range(second * CROSSINGS // DAY_S, (second + 60) * CROSSINGS // DAY_S):
                self.clock.sleep((number * DAY_S / CROSSINGS) - self.clock.now_ns() / SECOND_NS)
                now_ns = self.clock.now_ns()
                self._turn(self.pipeline.step(now_ns, None, self.clock.timeline()))
            self.clock.sleep(second + 60 - 0.001 - self.clock.now_ns() / SECOND_NS)
            self._turn()
            self.clock.sleep(0.001 if second + 60 < DAY_S else 0)

    @property
    def sent(self) -> list[Message]:
        return [message for _, message in self.wire.sent]

    def _turn(self, *handovers: Handover) -> None:
        for handover in handovers:
            self.store.post(handover)
        self.store.turn(0)
        while answers := self.wire.unanswered():
            for token, _ in answers:
                self.store.acknowledged(token)
            self.store.turn(0)

    def _rates(self) -> Rates:
        seen = self.clock.now_ns() // (SECOND_NS // 10)
        recoveries = {Step.RESTART: 1, Step.RELOAD: 1}
        return Rates(seen, 12, 3, Readings((37.41, 88.91), SENSOR), recoveries, self.store.bytes_today)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with closing(Database.open(tmp_path)) as database:
        monkeypatch.setattr(database, "sync", lambda: None)  # no power cut today
        yield database


@pytest.mark.parametrize("reconnects_every_s", [DAY_S, 3600])
def test_a_day_with_a_thousand_crossings_takes_two_megabytes_at_most(
    database: Database, reconnects_every_s: int
) -> None:
    device = Device(database)
    device.live(reconnects_every_s=reconnects_every_s)
    events = {message.payload for message in device.sent if message.topic.endswith("/event")}
    assert len(events) == CROSSINGS
    assert sum(message.topic.endswith("/health") for message in device.sent) >= 1440
    spent = device.budget.spent
    assert sum(spent.values()) == sum(message.packet_bytes for message in device.sent)
    print({kind: size for kind, size in spent.items() if size}, sum(spent.values()))  # noqa: T201 - with -rP
    assert sum(spent.values()) <= 2 * MB


def test_with_onvif_beside_it_the_same_day_takes_less_than_half_as_much_again(database: Database) -> None:
    device = Device(database, [Onvif(GATE.let_out, GATE.clear)])
    device.live(reconnects_every_s=DAY_S)
    spent = device.budget.spent
    print(spent, sum(spent.values()))  # noqa: T201 - with -rP
    assert sum("LineDetector" in message.topic for message in device.sent) == CROSSINGS
    assert 0 < spent["standards"] < (sum(spent.values()) - spent["standards"]) / 2
