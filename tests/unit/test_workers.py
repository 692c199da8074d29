"""What runs in the source and vision threads, and the board of troubles."""

from collections.abc import Iterable, Iterator

import pytest

from eyespot.domain.errors import CameraError, InputError
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation, no_detections
from eyespot.host.clock import ManualClock
from eyespot.pipeline import Pipeline
from eyespot.ports import Handover, ModelIdentity, SourceEnded, View
from eyespot.supervisor.health import Health
from eyespot.supervisor.mailbox import Mailbox
from eyespot.supervisor.source_worker import SourceWorker
from eyespot.supervisor.vision_worker import VisionWorker
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker

MODEL = ModelIdentity("m", "m", "1", None, ("person",), 0.35)


def seen(taken_ns: int) -> Observation:
    return Observation(taken_ns, "m", no_detections())


class Script:
    """A source that does what is written: an observation, None for silence, or an error."""

    model, paced = MODEL, True

    def __init__(self, clock: ManualClock, steps: Iterable[Observation | Exception | None]) -> None:
        self._clock = clock
        self._steps: Iterator[Observation | Exception | None] = iter(steps)
        self.opened = self.closed = 0

    def open(self) -> View:
        self.opened += 1
        return View("script", 640, 480, 10)

    def take(self, timeout_s: float) -> Observation | None:
        step = next(self._steps, SourceEnded())
        if isinstance(step, Exception):
            raise step
        if step is None:
            self._clock.sleep(timeout_s)
        return step

    def close(self) -> None:
        self.closed += 1


def worked(*steps: Observation | Exception | None) -> tuple[Script, Health, Mailbox, list[str]]:
    """Work a script off; every wait passes at once. Returns also what was ever troubled."""
    clock = ManualClock()
    health, mailbox, source = Health(clock), Mailbox(overwrites=True), Script(clock, steps)
    troubled: list[str] = []

    def beat() -> None:
        troubled.extend(t.name for t in health.troubles() if t.name not in troubled)

    worker = SourceWorker(source, mailbox, health, clock)
    worker._stopping.wait = lambda seconds: bool(clock.sleep(seconds))
    worker.run(beat)
    assert worker.view == View("script", 640, 480, 10)
    return source, health, mailbox, troubled


def test_what_was_seen_goes_into_the_mailbox_which_is_closed_at_the_end() -> None:
    source, _, mailbox, _ = worked(seen(1), seen(2))
    assert (mailbox.received, mailbox.dropped, source.closed) == (2, 1, 1)
    assert mailbox.take(0) is not None
    assert mailbox.exhausted()


def test_a_camera_that_fails_is_named_and_opened_again_until_it_works() -> None:
    source, health, mailbox, troubled = worked(CameraError("unplugged"), CameraError("unplugged"), seen(1))
    assert (source.opened, mailbox.received, troubled) == (3, 1, ["source_failed"])
    assert health.troubles() == []


def test_a_camera_that_worked_for_a_while_is_tried_again_soon() -> None:
    steps: list[Observation | Exception] = []
    for number in range(8):
        steps += [CameraError("unplugged"), seen(number)]
    source, *_ = worked(*steps)
    assert source._clock.now_ns() == 8 * SECOND_NS  # a second each time, not more and more


def test_long_silence_is_named_and_taken_back_when_it_ends() -> None:
    silence = [None] * 12
    _, health, _, troubled = worked(seen(1), *silence, seen(2))
    assert troubled == ["source_silent"]
    assert health.troubles() == []


def test_a_file_that_cannot_be_read_on_ends_it() -> None:
    with pytest.raises(InputError):
        worked(seen(1), InputError("clip.avi: cut off"))


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
