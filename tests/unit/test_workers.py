"""What runs in the vision thread, and the board of troubles."""

import json
import logging

import pytest

from eyespot.domain.doubt import Doubt
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.notice import NOTICE, Notice, Told
from eyespot.domain.observation import Observation
from eyespot.host.clock import ManualClock
from eyespot.pipeline import Pipeline
from eyespot.ports import Handover
from eyespot.rules import build
from eyespot.rules.line import LineSettings
from eyespot.supervisor.doubt_watch import DoubtWatch
from eyespot.supervisor.health import Health
from eyespot.supervisor.mailbox import Mailbox
from eyespot.supervisor.vision_worker import VisionWorker
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from fakes.script import MODEL, seen


def test_a_trouble_lasts_since_it_began_and_a_new_reason_is_a_change() -> None:
    clock = ManualClock(utc_at_zero_ns=100 * SECOND_NS)
    health = Health(clock)
    health.raise_state("broker_unreachable", "refused")
    clock.sleep(60)
    health.raise_state("broker_unreachable", "refused")
    assert health.changes == 1
    health.raise_state("broker_unreachable", "no route")
    [trouble] = health.troubles()
    assert (trouble.reason, trouble.since_utc_ns, health.changes) == ("no route", 100 * SECOND_NS, 2)
    health.clear_state("broker_unreachable")
    health.clear_state("broker_unreachable")
    assert (health.troubles(), health.changes) == ([], 3)


def test_a_trouble_and_its_end_can_be_found_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    health = Health(ManualClock())
    with caplog.at_level(NOTICE):
        for reason in ("refused", "refused", "no route"):
            health.raise_state("broker_unreachable", reason)
        for _ in range(2):
            health.clear_state("broker_unreachable")
    name = "broker_unreachable"
    assert [(record.levelno, record.eyespot) for record in caplog.records] == [
        (logging.WARNING, Told(Notice.STATE_RAISED, {"state": name, "reason": "refused"})),
        (logging.WARNING, Told(Notice.STATE_RAISED, {"state": name, "reason": "no route"})),
        (NOTICE, Told(Notice.STATE_OVER, {"state": name})),
    ]


def test_a_reason_too_long_to_be_published_is_cut() -> None:
    health = Health(ManualClock())
    health.raise_state("reload_refused", "x" * 5000)
    [trouble] = health.troubles()
    assert (len(trouble.reason), trouble.reason[-1]) == (320, "…")


class Steps(Pipeline):
    """Writes down when it was stepped, and with what."""

    def __init__(self) -> None:
        super().__init__(MODEL, Tracker(0.35), {}, Native(Gate("eyespot/v1/x"), "0" * 16, 0))
        self.steps: list[tuple[int, bool]] = []

    def step(self, taken_ns: int, observation: Observation | None, timeline: Timeline) -> Handover:
        self.steps.append((taken_ns, observation is not None))
        return super().step(taken_ns, observation, timeline)


class Letters(Mailbox):
    """A mailbox with a script: observations, and None for a second without any."""

    def __init__(self, clock: ManualClock, letters: list[Observation | None]) -> None:
        super().__init__(overwrites=True)
        self._clock, self._letters = clock, letters

    def take(self, timeout_s: float) -> Observation | None:
        if not self._letters:
            self.close()
            return None
        letter = self._letters.pop(0)
        if letter is None:
            self._clock.sleep(timeout_s)
        return letter


def test_while_the_source_is_silent_rules_still_step_once_a_second_and_time_never_goes_back() -> None:
    clock, pipeline = ManualClock(now_ns=10 * SECOND_NS), Steps()
    read_ahead = seen(500 * SECOND_NS)
    mailbox = Letters(clock, [seen(10 * SECOND_NS), None, read_ahead, None, None])
    VisionWorker(pipeline, mailbox, lambda _: None, clock).run(lambda: None)
    assert pipeline.steps == [
        (10 * SECOND_NS, True),
        (11 * SECOND_NS, False),
        (500 * SECOND_NS, True),
        (501 * SECOND_NS, False),
        (502 * SECOND_NS, False),
    ]


def test_before_it_ends_what_buckets_know_of_now_is_kept() -> None:
    clock, posted = ManualClock(now_ns=10 * SECOND_NS), list[Handover]()
    door = LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0), bucket_s=60)
    native = Native(Gate("eyespot/v1/shop"), "0" * 16, 0)
    rules = {"door": build(door, MODEL.labels, "overhead")}
    pipeline = Pipeline(MODEL, Tracker(0.35), rules, native, spans={"door": 60})
    pipeline.begin({}, clock.now_ns(), clock.timeline())
    mailbox = Letters(clock, [seen(10 * SECOND_NS), None])
    VisionWorker(pipeline, mailbox, posted.append, clock).run(lambda: None)
    [last] = posted
    assert json.loads(last.snapshots["door"])["buckets"]["until_utc_ns"] == clock.now_ns()


def test_what_is_in_doubt_is_on_the_board_while_it_is() -> None:
    health, doubts = Health(ManualClock()), dict[Doubt, str]()
    watch = DoubtWatch(health, lambda: doubts)
    watch.tick()
    assert (health.troubles(), health.changes) == ([], 0)
    doubts["moved"] = "25 of 40"
    watch.tick()
    watch.tick()
    assert [(one.name, one.reason) for one in health.troubles()] == [("moved", "25 of 40")]
    assert health.changes == 1
    doubts.clear()
    watch.tick()
    assert health.troubles() == []
