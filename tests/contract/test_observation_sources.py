"""What every source of observations does: one suite over all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from eyespot.domain.observation import Observation
from eyespot.frames import FrameSource
from eyespot.host.clock import ManualClock
from eyespot.ports import ObservationSource, SourceEnded
from eyespot.recording import SCHEMA, Header, RecordingWriter
from eyespot.sources.inferring import CpuModel, InferringSource
from eyespot.sources.replay import ReplaySource
from eyespot.sources.scene import SceneSource
from eyespot.sources.settings import CameraSettings, Pace
from eyespot.sources.video import VideoSource
from fakes.across import Across
from fakes.models import IDENTITY, FakeDecoder, FakeEngine
from fakes.videos import write_video

START_NS = 4_000
BOX = [0.1, 0.2, 0.3, 0.4]


@dataclass(frozen=True)
class Case:
    make: Callable[..., ObservationSource]
    length: int | None  # observations until it ends; None: never


def _seeing(frames: FrameSource, clock: ManualClock) -> InferringSource:
    return InferringSource(
        frames, CpuModel(FakeEngine(), FakeDecoder(BOX), IDENTITY, (32, 24), "stretch"), clock=clock
    )


def _scene(folder: Path, pace: Pace, clock: ManualClock, *, loop: bool = False) -> ObservationSource:
    return _seeing(SceneSource(1, 10, pace, clock), clock)


def _video(folder: Path, pace: Pace, clock: ManualClock, *, loop: bool = False) -> ObservationSource:
    return _seeing(VideoSource(write_video(folder / "v.avi", 6), pace, loop=loop, clock=clock), clock)


def _replay(folder: Path, pace: Pace, clock: ManualClock, *, loop: bool = False) -> ObservationSource:
    path = folder / "r.eyespot.jsonl.zst"
    header = Header(
        schema=SCHEMA, started="2026-01-01T00:00:00Z", labels=("person",), width=64, height=48, rate_hz=10
    )
    with RecordingWriter(path, header) as writer:
        for number in (50, 51, 51, 53, 54, 55):
            found = FakeDecoder(BOX).decode([])
            writer.write(Observation(number * 10**8, "any", found))
    return ReplaySource(path, pace, clock, 0.35, loop=loop)


def _scene_across(folder: Path, pace: Pace, clock: ManualClock, *, loop: bool = False) -> ObservationSource:
    camera = CameraSettings(source="scene", pace=pace)
    return Across(folder, _scene(folder, pace, clock), camera, clock)


def _video_across(folder: Path, pace: Pace, clock: ManualClock, *, loop: bool = False) -> ObservationSource:
    camera = CameraSettings(source="video", file="v.avi", pace=pace, loop=loop)
    return Across(folder, _video(folder, pace, clock, loop=loop), camera, clock)


CASES = [
    pytest.param(Case(_scene, None), id="scene"),
    pytest.param(Case(_scene_across, None), id="scene seen by an eye"),
    pytest.param(Case(_video, 6), id="video"),
    pytest.param(Case(_replay, 6), id="replay"),
    pytest.param(Case(_video_across, 6), id="video seen by an eye"),
]
ending_source = pytest.mark.parametrize("case", CASES[2:])
every_source = pytest.mark.parametrize("case", CASES)
every_pace = pytest.mark.parametrize("pace", ["real", "fast"])


def take(source: ObservationSource, at_most: int) -> list[Observation]:
    found: list[Observation] = []
    try:
        while len(found) < at_most:
            observation = source.take(0.05)
            if observation is not None:
                found.append(observation)
    except SourceEnded:
        pass
    return found


@every_source
@every_pace
def test_observations_come_from_the_opening_on_and_never_go_back(
    tmp_path: Path, pace: Pace, case: Case
) -> None:
    clock = ManualClock(START_NS)
    source = case.make(tmp_path, pace, clock)
    source.open()
    view = source.view
    assert view is not None
    found = take(source, 8)
    source.close()
    times = [observation.taken_ns for observation in found]
    assert len(found) == (case.length or 8)
    assert times[0] == START_NS
    assert times == sorted(times)
    assert min(view.width, view.height, view.rate_hz) > 0


@every_source
def test_every_observation_is_one_of_its_model(tmp_path: Path, case: Case) -> None:
    source = case.make(tmp_path, "fast", ManualClock())
    source.open()
    (seen,) = take(source, 1)
    source.close()
    assert seen.bundle == source.model.bundle
    assert seen.found.boxes_xyxy_n.tolist() == [pytest.approx(BOX)]
    assert max(seen.found.classes) < len(source.model.labels)


@every_source
def test_at_real_pace_an_observation_is_not_given_before_its_time(tmp_path: Path, case: Case) -> None:
    clock = ManualClock(START_NS)
    source = case.make(tmp_path, "real", clock)
    assert source.paced
    source.open()
    for _ in range(20):
        try:
            observation = source.take(0.03)
        except SourceEnded:
            break
        assert observation is None or observation.taken_ns <= clock.now_ns()
    assert clock.now_ns() > START_NS
    source.close()


@every_source
def test_at_fast_pace_nobody_waits(tmp_path: Path, case: Case) -> None:
    clock = ManualClock(START_NS)
    source = case.make(tmp_path, "fast", clock)
    assert not source.paced
    source.open()
    take(source, 5)
    source.close()
    assert clock.now_ns() == START_NS


@ending_source
def test_what_has_ended_stays_ended(tmp_path: Path, case: Case) -> None:
    source = case.make(tmp_path, "fast", ManualClock())
    source.open()
    take(source, 100)
    for _ in range(2):
        with pytest.raises(SourceEnded):
            source.take(0)
    source.close()


@every_source
@every_pace
def test_a_loop_does_not_end_and_time_goes_on(tmp_path: Path, pace: Pace, case: Case) -> None:
    source = case.make(tmp_path, pace, ManualClock(START_NS), loop=True)
    source.open()
    times = [observation.taken_ns for observation in take(source, 20)]
    source.close()
    assert len(times) == 20
    assert times == sorted(times)


@every_source
def test_closing_is_harmless_at_any_time_and_opening_begins_again(tmp_path: Path, case: Case) -> None:
    clock = ManualClock(START_NS)
    source = case.make(tmp_path, "fast", clock)
    source.close()
    source.open()
    first = take(source, 3)
    source.close()
    source.close()
    clock.sleep(5)
    source.open()
    again = take(source, 3)
    source.close()
    later_ns = 5 * 10**9
    assert [seen.taken_ns + later_ns for seen in first] == [seen.taken_ns for seen in again]


@every_source
def test_a_closed_source_gives_nothing(tmp_path: Path, case: Case) -> None:
    source = case.make(tmp_path, "fast", ManualClock())
    source.open()
    source.close()
    with pytest.raises(SourceEnded):
        source.take(0)
