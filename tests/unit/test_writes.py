"""What is written to the disk: nothing for a frame, little for a count."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Delivery, Message
from eyespot.domain.observation import Observation
from eyespot.host.clock import ManualClock
from eyespot.pipeline import Pipeline
from eyespot.ports import Handover, ModelIdentity
from eyespot.rules.line import Line, LineSettings
from eyespot.store.database import Database
from eyespot.store.worker import StoreWorker
from eyespot.topics.durables import Durables
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from fakes.crowd import A_MINUTE, MINUTE_S, RATE_HZ, crowd
from fakes.durables import AMPLE
from fakes.troubles import Troubles
from fakes.walkers import Walker, film
from fakes.wire import Wire

MODEL = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", None, ("person",), 0.35)
HEALTH = Message("eyespot/v1/shop/health", b"{}", Delivery.STATE)
GATE = Gate("eyespot/v1/shop")
IO = Path("/proc/self/io")

pytestmark = pytest.mark.skipif(not IO.exists(), reason="this kernel does not say what a process writes")


def written() -> int:
    """Return how many bytes this process has ever handed to write(2) and the like: proc(5), `wchar`."""
    return int(IO.read_text().split("wchar:")[1].split()[0])


class Body:
    """From observations to the disk, without threads; the broker answers at once, or is not there.

    Attributes:
        is_patient: answers are read when something else comes, as the store thread does while it has room.
    """

    def __init__(self, database: Database, lines: int = 1) -> None:
        self.is_patient = False
        self.wire = Wire()
        self.clock = ManualClock()
        self.store = StoreWorker(
            database, self.wire, Troubles(), Durables(GATE, "0" * 16, self.clock), self.clock, limits=AMPLE
        )
        rules = {
            f"door-{number}": Line(
                LineSettings(id=f"door-{number}", a=(0.5, 1), b=(0.5, 0)), MODEL.labels, "overhead"
            )
            for number in range(lines)
        }
        native = Native(GATE, "0" * 16, database.seq())
        self.pipeline = Pipeline(MODEL, Tracker(MODEL.min_score), rules, native)
        self._turn(self.pipeline.begin({}, 0, self.clock.timeline()))
        self.clock.sleep(1)
        self._turn(Handover((), {}, 0))

    def watch(self, walkers: Sequence[Walker]) -> int:
        """Look for a minute; return how many bytes were written for that."""
        before, began_ns = written(), self.clock.now_ns()
        for taken_ns, found in film(walkers, RATE_HZ, MINUTE_S):
            self.clock.sleep((began_ns + taken_ns - self.clock.now_ns()) / SECOND_NS)
            now_ns = self.clock.now_ns()
            self._turn(
                self.pipeline.step(now_ns, Observation(now_ns, MODEL.bundle, found), self.clock.timeline())
            )
        self._turn(Handover((HEALTH,), {}, 0))
        return written() - before

    def _turn(self, handover: Handover) -> None:
        if self.is_patient and not (handover.messages or handover.snapshots):
            return
        self.store.post(handover)
        self.store.turn(0)
        for token, _ in self.wire.unanswered():
            self.store.acknowledged(token)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database.open(tmp_path)) as database:
        yield database


def test_people_who_cross_nothing_cost_not_a_byte(database: Database) -> None:
    body = Body(database)
    body.store.connected()
    assert body.watch(crowd(crosses=False)) == 0
    assert body.pipeline.tracks_alive  # there were some


@pytest.mark.parametrize("is_patient", [True, False])
@pytest.mark.parametrize(
    ("lines", "connected", "most"), [(1, True, 1300), (1, False, 2300), (2, True, 2800), (2, False, 4096)]
)
def test_a_crossing_a_second_costs_less_than_a_block(
    database: Database, lines: int, connected: bool, most: int, is_patient: bool
) -> None:
    body = Body(database, lines)
    body.is_patient = is_patient
    if connected:
        body.store.connected()
    spent = body.watch(crowd())
    events = lines * A_MINUTE
    assert len({m.payload for _, m in body.wire.sent if m.topic.endswith("event")}) == connected * events
    assert body.store.backlog == (not connected) * events
    assert spent / A_MINUTE < most
