"""Frames to observations: where things lie in the full frame, and how long it took."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eyespot.decoders import Decoder
from eyespot.domain.errors import ModelError
from eyespot.domain.geometry import Resize
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import KEYPOINTS, Found, Labels, Observation, Poses, Shares
from eyespot.host.clock import ManualClock
from eyespot.ports import SourceEnded
from eyespot.sources.inferring import CpuModel, InferringSource
from eyespot.sources.scene import SceneSource
from eyespot.sources.video import VideoSource
from fakes.models import IDENTITY, FakeDecoder, FakeEngine, FixedDecoder
from fakes.videos import write_video


def observe_wide_video(folder: Path, resize: Resize, decoder: Decoder[Found]) -> Observation:
    """Look at a frame twice as wide as high with a model whose input is a square."""
    frames = VideoSource(
        write_video(folder / "v.avi", 1, size=(160, 80)), "fast", loop=False, clock=ManualClock(3)
    )
    source = InferringSource(
        frames, CpuModel(FakeEngine(), decoder, IDENTITY, (100, 100), resize), clock=ManualClock()
    )
    source.open()
    observation = source.take(1)
    source.close()
    assert observation is not None
    return observation


@pytest.mark.parametrize(
    ("resize", "box", "expected"),
    [
        ("stretch", [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]),
        ("letterbox", [0.1, 0.25, 0.3, 0.5], [0.1, 0.0, 0.3, 0.5]),
        ("letterbox", [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]),
        ("crop", [0.0, 0.2, 1.0, 0.4], [0.25, 0.2, 0.75, 0.4]),
    ],
)
def test_boxes_are_told_in_fractions_of_the_full_frame(
    tmp_path: Path, resize: Resize, box: list[float], expected: list[float]
) -> None:
    observation = observe_wide_video(tmp_path, resize, FakeDecoder(box))
    assert observation.found.boxes_xyxy_n.tolist() == [pytest.approx(expected, abs=1e-6)]
    assert (observation.taken_ns, observation.bundle) == (3, "fake@1-0")


def test_what_lies_in_the_padding_alone_is_dropped(tmp_path: Path) -> None:
    padding, inside = [0.2, 0.0, 0.4, 0.2], [0.2, 0.3, 0.4, 0.6]
    found = observe_wide_video(tmp_path, "letterbox", FakeDecoder(padding, inside)).found
    assert len(found) == 1
    assert found.scores.tolist() == [0.5]


def a_pose(*keypoints: tuple[float, float, float]) -> np.ndarray:
    """The first keypoints, as x, y and score; the others were not seen."""
    pose = np.zeros((KEYPOINTS, 3), np.float32)
    pose[: len(keypoints)] = keypoints
    return pose


@pytest.mark.parametrize(
    ("resize", "keypoint", "expected"),
    [
        ("stretch", (0.25, 0.5, 0.9), (0.25, 0.5, 0.9)),
        ("letterbox", (0.25, 0.375, 0.9), (0.25, 0.25, 0.9)),
        ("letterbox", (0.25, 0.75, 0.9), (0.25, 1.0, 0.9)),
        ("letterbox", (0.25, 0.875, 0.9), (0.25, 1.0, 0.0)),
        ("letterbox", (0.25, 0.125, 0.9), (0.25, 0.0, 0.0)),
        ("crop", (0.0, 0.5, 0.9), (0.25, 0.5, 0.9)),
    ],
)
def test_keypoints_are_told_in_fractions_of_the_full_frame_and_in_the_padding_not_at_all(
    tmp_path: Path,
    resize: Resize,
    keypoint: tuple[float, float, float],
    expected: tuple[float, float, float],
) -> None:
    poses = Poses(a_pose(keypoint, (0.5, 0.5, 0.5))[None], np.array([0.75], np.float32))
    found = observe_wide_video(tmp_path, resize, FixedDecoder(poses)).found
    assert isinstance(found, Poses)
    assert found.keypoints[0, 0].tolist() == pytest.approx(expected)
    assert found.keypoints[0, 1].tolist() == [0.5, 0.5, 0.5]
    assert found.scores.tolist() == [0.75]


def test_a_person_who_is_in_the_padding_alone_is_dropped(tmp_path: Path) -> None:
    keypoints = np.stack([a_pose((0.5, 0.1, 0.9), (0.2, 0.9, 0.9)), a_pose((0.5, 0.5, 0.9))])
    poses = Poses(keypoints, np.array([0.9, 0.5], np.float32))
    found = observe_wide_video(tmp_path, "letterbox", FixedDecoder(poses)).found
    assert found.scores.tolist() == [0.5]


@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize(
    "found",
    [Labels(np.array([0.9], np.float32), np.array([3])), Shares(np.array([0.25, 0.5], np.float32))],
)
def test_what_is_said_of_the_frame_as_a_whole_stays_as_it_is(
    tmp_path: Path, resize: Resize, found: Found
) -> None:
    assert observe_wide_video(tmp_path, resize, FixedDecoder(found)).found is found


def scene(engine: FakeEngine, clock: ManualClock) -> InferringSource:
    frames = SceneSource(0, 10, "fast", clock)
    return InferringSource(
        frames, CpuModel(engine, FakeDecoder(), IDENTITY, (40, 30), "stretch"), clock=clock
    )


def test_the_engine_is_shown_frames_of_its_own_size() -> None:
    engine = FakeEngine()
    source = scene(engine, ManualClock())
    source.open()
    source.take(0)
    assert engine.shown == [(30, 40, 3)]


def test_inference_times_are_those_of_the_last_hundred() -> None:
    clock = ManualClock()
    durations_s = iter([9.0] * 50 + [0.010] * 90 + [0.020] * 10)
    source = scene(FakeEngine(lambda: clock.sleep(next(durations_s))), clock)
    assert source.readings.inference_ms is None
    source.open()
    for _ in range(150):
        source.take(0)
    assert source.readings.inference_ms == (pytest.approx(10), pytest.approx(20))


def test_with_what_is_seen_goes_whether_anything_could_be(tmp_path: Path) -> None:
    source = scene(FakeEngine(), ManualClock())
    source.open()
    seen = source.take(0)
    assert seen is not None
    assert seen.sight == "clear"
    assert seen.optics is not None
    assert (seen.optics.lux, seen.optics.focus) == (None, None), "no camera says"
    assert seen.optics.brightness is not None
    assert seen.optics.sharpness is not None
    assert (seen.optics.brightness > 5, seen.optics.sharpness > 1) == (True, True)
    again = source.take(0)
    assert (again is not None, again and again.optics) == (True, None), "once a second"
    black = write_video(tmp_path / "v.avi", 1, red=0)
    source = InferringSource(
        VideoSource(black, "fast", loop=False, clock=ManualClock()),
        another(FakeEngine()),
        clock=ManualClock(),
    )
    source.open()
    seen = source.take(0)
    assert seen is not None
    assert seen.sight == "dark"


def test_an_unpaced_source_stays_unpaced() -> None:
    assert not scene(FakeEngine(), ManualClock()).paced


def test_a_model_that_fails_is_no_observation() -> None:
    def fail() -> None:
        raise ModelError("the runtime gave up")

    source = scene(FakeEngine(fail), ManualClock(SECOND_NS))
    source.open()
    with pytest.raises(ModelError, match="gave up"):
        source.take(0)


def another(engine: FakeEngine, size: tuple[int, int] = (40, 30)) -> CpuModel:
    return CpuModel(engine, FakeDecoder(), replace(IDENTITY, bundle="another"), size, "stretch")


def test_a_swap_lies_between_two_frames_and_loses_none() -> None:
    clock = ManualClock()
    old, new = FakeEngine(lambda: clock.sleep(0.01)), FakeEngine(lambda: clock.sleep(0.02))
    source = scene(old, clock)
    source.open()
    seen = []
    for number in range(10):
        if number == 5:
            source.swap(another(new))
        seen.append(source.take(0))
    assert [one.bundle for one in seen if one] == [IDENTITY.bundle] * 5 + ["another"] * 5
    assert [one.taken_ns for one in seen if one] == [number * SECOND_NS // 10 for number in range(10)]
    assert (len(old.shown), len(new.shown)) == (5, 5)
    assert source.model.bundle == "another"
    assert source.readings.inference_ms == (pytest.approx(20), pytest.approx(20)), "only the new one's"


def test_after_a_swap_frames_have_the_size_of_the_new_models_input_and_the_scene_goes_on() -> None:
    engine = FakeEngine()
    source = scene(FakeEngine(), ManualClock())
    source.open()
    source.take(0)
    source.swap(another(engine, (80, 60)))
    frame = source.take(0)
    assert frame is not None
    assert (engine.shown, frame.taken_ns) == ([(60, 80, 3)], SECOND_NS // 10)


def test_a_video_goes_on_where_it_was_when_the_model_changes(tmp_path: Path) -> None:
    frames = VideoSource(write_video(tmp_path / "v.avi", 4), "fast", loop=False, clock=ManualClock())
    source = InferringSource(frames, another(FakeEngine()), clock=ManualClock())
    source.open()
    times = []
    for number in range(4):
        seen = source.take(0)
        assert seen is not None
        times.append(seen.taken_ns)
        source.swap(another(FakeEngine(), (40 + number, 30)))
    assert times == sorted(set(times))
    with pytest.raises(SourceEnded):
        source.take(0)


def test_the_models_last_error_is_told_until_another_model_looks() -> None:
    def fail() -> None:
        raise ModelError("the model's boxes are not finite")

    source = scene(FakeEngine(fail), ManualClock())
    source.open()
    with pytest.raises(ModelError):
        source.take(0)
    assert source.readings.model_error == "the model's boxes are not finite"
    source.swap(another(FakeEngine()))
    assert source.readings.model_error == ""
