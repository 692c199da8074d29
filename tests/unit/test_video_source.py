"""Videos: every frame once, in time, scaled for the model; and files that are none, or no longer whole."""

import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from eyespot.domain.errors import ConfigError, InputError
from eyespot.domain.instants import SECOND_NS
from eyespot.frames import Frame
from eyespot.host.clock import ManualClock
from eyespot.ports import SourceEnded
from eyespot.sources.settings import Pace
from eyespot.sources.video import VideoSource
from fakes.videos import cut_off, write_video

TENTH_NS = SECOND_NS // 10


def video(
    path: Path, pace: Pace = "fast", *, loop: bool = False, clock: ManualClock | None = None
) -> VideoSource:
    return VideoSource(path, pace, loop=loop, clock=clock or ManualClock(7))


def frames_of(source: VideoSource, at_most: int = 1000) -> list[Frame]:
    """Take until the end, and close."""
    found: list[Frame] = []
    try:
        while len(found) < at_most:
            frame = source.take(1)
            if frame is not None:
                found.append(frame)
    except SourceEnded:
        pass
    finally:
        source.close()
    return found


def opened(source: VideoSource) -> VideoSource:
    source.open(32, 24, "stretch")
    return source


def blues(frames: list[Frame]) -> list[float]:
    return [frame.pixels[..., 2].mean() for frame in frames]


@pytest.mark.parametrize("suffix", ["avi", "mp4", "mkv"])
@pytest.mark.parametrize("pace", ["fast", "real"])
def test_every_frame_is_given_once_in_its_own_time(tmp_path: Path, suffix: str, pace: Pace) -> None:
    frames = frames_of(opened(video(write_video(tmp_path / f"v.{suffix}", 30), pace)))
    assert [frame.taken_ns for frame in frames] == [7 + number * TENTH_NS for number in range(30)]
    assert blues(frames) == pytest.approx([4 * number for number in range(30)], abs=8)


def test_at_its_own_pace_a_frame_that_is_not_due_is_waited_for(tmp_path: Path) -> None:
    clock = ManualClock()
    source = opened(video(write_video(tmp_path / "v.avi", 3), "real", clock=clock))
    assert source.paced
    assert source.take(0.01) is not None
    assert source.take(0.06) is None
    frame = source.take(0.06)
    assert frame is not None
    assert (frame.taken_ns, clock.now_ns()) == (TENTH_NS, TENTH_NS)
    source.close()


def test_at_its_own_pace_a_late_caller_gets_the_newest_frame_that_is_due(tmp_path: Path) -> None:
    clock = ManualClock()
    source = opened(video(write_video(tmp_path / "v.avi", 10), "real", clock=clock))
    clock.sleep(0.55)
    frames = frames_of(source)
    assert [frame.taken_ns for frame in frames] == [number * TENTH_NS for number in (5, 6, 7, 8, 9)]


def test_a_loop_goes_on_in_time(tmp_path: Path) -> None:
    frames = frames_of(opened(video(write_video(tmp_path / "v.avi", 4), loop=True)), at_most=10)
    assert [frame.taken_ns for frame in frames] == [7 + number * TENTH_NS for number in range(10)]


@pytest.mark.parametrize(
    ("resize", "shape"), [("stretch", (100, 100)), ("letterbox", (50, 100)), ("crop", (100, 200))]
)
def test_frames_are_scaled_for_the_model_in_its_colours(
    tmp_path: Path, resize: str, shape: tuple[int, int]
) -> None:
    source = video(write_video(tmp_path / "v.avi", 2, size=(160, 80)))
    view = source.open(100, 100, resize)
    assert (view.width, view.height, view.rate_hz) == (160, 80, 10)
    frame, _ = frames_of(source)
    assert frame.pixels.shape == (*shape, 3)
    assert frame.pixels.dtype == np.uint8
    left, right = np.array_split(frame.pixels.astype(float), 2, axis=1)
    assert left.mean(axis=(0, 1)) == pytest.approx([200, 0, 0], abs=12)
    assert right.mean(axis=(0, 1)) == pytest.approx([0, 0, 0], abs=12)


@pytest.mark.parametrize(("rotation", "red_half"), [(90, "bottom"), (-90, "top"), (180, "right")])
def test_a_video_of_a_telephone_held_upright_is_seen_upright(
    tmp_path: Path, rotation: int, red_half: str
) -> None:
    source = video(write_video(tmp_path / "v.mp4", 2, size=(160, 80), rotation=rotation))
    view = source.open(100, 100, "letterbox")
    frame, _ = frames_of(source)
    height, width = frame.pixels.shape[:2]
    assert (width / height) == pytest.approx(view.width / view.height)
    assert (view.width < view.height) == (red_half != "right")
    reds = frame.pixels[..., 0].astype(float)
    halves = {
        "top": reds[: height // 2],
        "bottom": reds[height // 2 :],
        "left": reds[:, : width // 2],
        "right": reds[:, width // 2 :],
    }
    assert max(halves, key=lambda half: halves[half].mean()) == red_half


def test_odd_sizes_are_scaled(tmp_path: Path) -> None:
    source = video(write_video(tmp_path / "v.avi", 1, size=(66, 50)))
    source.open(37, 53, "stretch")
    (frame,) = frames_of(source)
    assert frame.pixels.shape == (53, 37, 3)


@pytest.mark.parametrize("pace", ["fast", "real"])
@pytest.mark.parametrize(
    ("suffix", "options"), [("avi", {}), ("mkv", {}), ("mp4", {"movflags": "faststart"})]
)
def test_of_a_video_that_was_cut_off_all_frames_are_given_first(
    tmp_path: Path, pace: Pace, suffix: str, options: dict[str, str]
) -> None:
    path = cut_off(write_video(tmp_path / f"v.{suffix}", 40, **options), 0.6)
    source = opened(video(path, pace))
    clock = source._clock
    given = [source.take(1) for _ in range(15)]
    clock.sleep(60)
    with pytest.raises(InputError, match=r"cut off at about [56].%"):
        given += [source.take(1) for _ in range(40)]
    assert None not in given
    source.close()


def test_a_damaged_frame_is_passed_over_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_video(tmp_path / "v.avi", 20)
    content = path.read_bytes()
    start = content.index(b"\xff\xd8", len(content) // 2)
    end = content.index(b"\xff\xd8", start + 2) - 16
    path.write_bytes(content[:start] + bytes(end - start) + content[end:])
    assert len(frames_of(opened(video(path)))) == 19
    assert "passed over 1 damaged" in caplog.text


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "v.avi"
    text.write_text("this is no video\n" * 100)
    for path, said in (
        (text, "not a video"),
        (tmp_path / "none.avi", "no such file"),
        (tmp_path, "no such file"),
    ):
        with pytest.raises(InputError, match=said):
            opened(video(path))


def test_a_file_of_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 800, "NONE", ""))
        sound.writeframes(bytes(1600))
    with pytest.raises(InputError, match="no pictures"):
        opened(video(path))


def test_a_video_without_one_whole_frame_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.avi", 1)
    content = path.read_bytes()
    start, end = content.index(b"\xff\xd8"), content.index(b"idx1")
    path.write_bytes(content[:start] + bytes(end - start) + content[end:])
    source = opened(video(path))
    with pytest.raises(InputError, match="no picture in it can be decoded"):
        source.take(1)
    source.close()


def test_without_pyav_it_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ConfigError, match=r"pip install 'eyespot\[video\]'"):
        video(tmp_path / "v.avi")
