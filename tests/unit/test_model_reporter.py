"""What is told of the model is told when it changes, in the order of all events, and once over restarts."""

import json
import threading
from pathlib import Path
from typing import Any

import msgspec

from eyespot.domain.message import Message
from eyespot.host.clock import ManualClock
from eyespot.ports import Handover
from eyespot.store.memo import Memo
from eyespot.supervisor.model_reporter import ModelReporter
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.trust.slots import Record, Result, Trial
from eyespot.update.reports import Standing
from fakes.standings import NEW, NOW_S, OFFER, OLD, note, standing

TRIED = standing(Record(current=NEW, good=OLD, trial=Trial(bundle=NEW)))
COMMITTED = standing(
    Record(
        current=NEW,
        good=NEW,
        previous=OLD,
        last_result=Result(bundle=NEW, outcome="committed", at_s=NOW_S),
    )
)


class Life:
    """One life of a reporter; the next one finds what this one kept."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(0, utc_at_zero_ns=NOW_S * 10**9)
        self.handovers: list[Handover] = []
        self.turn = threading.Lock()
        self.reporter = ModelReporter(
            memo=Memo(folder / "model.json"),
            native=Native(Gate("eyespot/v1/shop"), "0" * 16, 7),
            post=self._post,
            turn=self.turn,
            clock=self.clock,
        )

    def _post(self, handover: Handover) -> None:
        assert self.turn.locked()  # nobody else numbers an event meanwhile
        self.handovers.append(handover)

    def tell(self, *standings: Standing, every_s: float = 1) -> None:
        for each in standings:
            self.reporter.tell(each)
            self.clock.sleep(every_s)

    @property
    def messages(self) -> list[Message]:
        return [message for handover in self.handovers for message in handover.messages]

    def on(self, suffix: str) -> list[dict[str, Any]]:
        return [json.loads(m.payload) for m in self.messages if m.topic.endswith(suffix)]

    @property
    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.on("model/event")]


def test_states_are_told_at_once_and_then_when_they_change(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.tell(TRIED, TRIED, TRIED, COMMITTED, COMMITTED)
    assert [detail["state"] for detail in life.on("model/detail")] == ["trial", "idle"]
    assert [state["installed_version"] for state in life.on("model/state")] == ["1.2.0", "1.2.0"]
    assert [detail["seq"] for detail in life.on("model/detail")] == [1, 2]


def test_steps_are_numbered_with_all_other_events_of_the_device(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.tell(standing(Record(current=OLD)), TRIED, COMMITTED)
    assert [(event["kind"], event["seq"]) for event in life.on("model/event")] == [
        ("trial", 8),
        ("committed", 9),
    ]
    assert [handover.seq for handover in life.handovers] == [7, 8, 9]


def test_what_happened_before_anybody_took_note_is_no_news(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.tell(COMMITTED, COMMITTED)
    assert life.kinds == []


def test_a_step_that_a_crash_hid_is_told_by_the_next_life_and_none_twice(tmp_path: Path) -> None:
    first = Life(tmp_path)
    first.tell(TRIED, TRIED, TRIED, TRIED)
    second = Life(tmp_path)
    second.tell(COMMITTED, COMMITTED, COMMITTED, COMMITTED)
    third = Life(tmp_path)
    third.tell(COMMITTED)
    assert (first.kinds, second.kinds, third.kinds) == ([], ["committed"], [])


def test_a_step_that_may_not_be_kept_yet_is_told_again(tmp_path: Path) -> None:
    Life(tmp_path).tell(TRIED, TRIED, TRIED, TRIED)
    killed = Life(tmp_path)
    killed.tell(COMMITTED)  # and at that moment the power goes
    again = Life(tmp_path)
    again.tell(COMMITTED)
    assert (killed.kinds, again.kinds) == (["committed"], ["committed"])


def test_progress_is_told_now_and_then_and_what_else_happens_at_once(tmp_path: Path) -> None:
    life = Life(tmp_path)
    loading = [
        standing(Record(current=OLD), note("downloading", offer=OFFER, percent=float(percent)))
        for percent in range(100)
    ]
    life.tell(*loading, every_s=0.5)
    told = [state["update_percentage"] for state in life.on("model/state")]
    assert told == [float(percent) for percent in range(0, 100, 10)]
    life.tell(standing(Record(current=OLD), note("verifying", offer=OFFER)))
    assert life.on("model/state")[-1]["update_percentage"] is None


def test_a_worker_that_is_killed_stops_the_spinner_without_a_word(tmp_path: Path) -> None:
    life = Life(tmp_path)
    stuck = standing(Record(current=OLD), note("downloading", offer=OFFER, percent=42.5))
    life.tell(*[stuck] * 12, every_s=60)
    assert [state["in_progress"] for state in life.on("model/state")] == [True, False]
    assert life.kinds == ["failed"]


def test_a_memo_that_is_none_and_a_disk_that_fails_keep_nothing_from_being_told(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_bytes(b"\xff{")
    life = Life(tmp_path)
    (tmp_path / ".model.json.new").mkdir()  # nothing can be written there
    life.tell(TRIED, TRIED, TRIED, TRIED, COMMITTED)
    assert life.kinds == ["committed"]


def test_what_is_kept_is_small(tmp_path: Path) -> None:
    long = msgspec.structs.replace(
        OFFER, name="n" * 300, version="v" * 300, notes="ä" * 300, notes_url="h" * 500
    )
    reason = "\u0000" * 300
    result = Result(bundle=NEW, rollout="r" * 64, outcome="refused", reason=reason, at_s=2**53)
    record = Record(current=NEW, trial=Trial(bundle=NEW, rollout="r" * 64), last_result=result)
    life = Life(tmp_path)
    life.tell(*[standing(record, note("failed", reason=reason, offer=long))] * 4)
    assert (tmp_path / "model.json").stat().st_size < 16 * 1024
    again = Life(tmp_path)
    again.tell(standing(record, note("failed", reason=reason, offer=long)))
    assert again.kinds == []
