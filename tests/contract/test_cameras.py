"""What every source that is a camera does, also under the worker that recovers it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from eyespot.domain.errors import CameraError, CameraStuck
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections, Observation
from eyespot.domain.recovery import Step
from eyespot.host.clock import ManualClock
from eyespot.ports import ObservationSource, SourceEnded
from eyespot.sources.imx500 import Imx500Source
from eyespot.sources.inferring import CpuModel, InferringSource
from eyespot.sources.picamera import PicameraSource
from eyespot.sources.settings import CameraSettings
from eyespot.supervisor.source_worker import SourceWorker
from fakes.cameras import BUSY, FakeCameras, hang
from fakes.models import IDENTITY, FakeDecoder, FakeEngine
from fakes.sensor_models import BOX, endless, sensor_model

START_NS = 100 * SECOND_NS


@dataclass
class Rig:
    source: ObservationSource
    library: FakeCameras
    clock: ManualClock

    def take(self, at_most: int) -> list[Observation]:
        found = [self.source.take(0.01) for _ in range(at_most)]
        return [one for one in found if one is not None]


def _imx500(folder: Path) -> Rig:
    clock = ManualClock(START_NS)
    library = FakeCameras(clock, endless())
    camera = CameraSettings(source="imx500")
    return Rig(Imx500Source(sensor_model(folder / "model"), camera, clock, library), library, clock)


def _picamera(folder: Path) -> Rig:
    clock = ManualClock(START_NS)
    library = FakeCameras(clock, repeat({"ScalerCrop": (0, 0, 4056, 3040)}), shows_pictures=True)
    frames = PicameraSource(CameraSettings(source="picamera"), clock, library)
    steps = (Step.RESTART, Step.RENEW)
    source = InferringSource(
        frames,
        CpuModel(FakeEngine(), FakeDecoder(BOX), IDENTITY, (32, 24), "stretch"),
        clock=clock,
        steps=steps,
    )
    return Rig(source, library, clock)


@pytest.fixture(params=[_imx500, _picamera], ids=["imx500", "picamera"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    made: Rig = request.param(tmp_path)
    yield made
    made.source.close()


def test_observations_are_of_the_model_and_go_forward_in_time(rig: Rig) -> None:
    rig.source.open()
    found = rig.take(8)
    times = [one.taken_ns for one in found]
    assert len(set(times)) == 8
    assert times == sorted(times)
    assert times[0] > START_NS
    assert {one.bundle for one in found} == {rig.source.model.bundle}
    assert isinstance(found[0].found, Detections)
    assert found[0].found.boxes_xyxy_n.tolist() == [pytest.approx(BOX, abs=1e-4)]
    assert max(found[0].found.classes) < len(rig.source.model.labels)


def test_time_does_not_wait_for_cameras(rig: Rig) -> None:
    assert rig.source.paced
    assert rig.source.steps[0] is Step.RESTART
    assert rig.source.steps[-1] is Step.RENEW


def test_the_view_is_known_once_it_is_open(rig: Rig) -> None:
    assert rig.source.view is None
    rig.source.open()
    view = rig.source.view
    assert view is not None
    assert (view.width, view.height, view.roi_xyxy_n) == (4056, 3040, (0, 0, 1, 1))
    assert view.engine
    assert view.rate_hz > 0


def test_nothing_in_time_is_none(rig: Rig) -> None:
    rig.library.frames = iter([])
    rig.source.open()
    assert rig.take(3) == []
    assert rig.library.questions == 1


def test_a_frame_that_fails_is_an_error_and_the_camera_stays(rig: Rig) -> None:
    good = next(rig.library.frames)
    rig.library.frames = iter([good, RuntimeError("the buffer is gone")])
    rig.source.open()
    assert len(rig.take(1)) == 1
    with pytest.raises(CameraError, match="the buffer is gone"):
        rig.source.take(0.01)
    rig.library.calls.clear()
    rig.source.open()
    assert "camera" not in rig.library.calls
    assert "close" not in rig.library.calls


def test_closing_is_harmless_at_any_time_and_opening_begins_again(rig: Rig) -> None:
    rig.source.close()
    for _ in range(2):
        rig.source.open()
        assert len(rig.take(3)) == 3
        rig.source.close()
        rig.source.close()
    with pytest.raises(SourceEnded):
        rig.source.take(0)


@pytest.mark.parametrize("step", [Step.RESTART, Step.RELOAD, Step.RENEW])
def test_after_each_step_it_goes_on(rig: Rig, step: Step) -> None:
    for _ in range(2):
        rig.source.recover(step)
        assert len(rig.take(3)) == 3


def test_a_close_that_fails_is_nobodys_business_any_more(rig: Rig) -> None:
    rig.source.open()
    rig.library.faults = {"close": [OSError("gone")]}
    rig.source.close()
    rig.source.open()
    assert len(rig.take(1)) == 1


# --- under the worker ---------------------------------------------------------------------------------------


@dataclass
class Watcher:
    """An outlet and a health board that stop the worker after so many observations."""

    wanted: int
    stop: Callable[[], None] = lambda: None
    got: int = 0
    states: list[tuple[str, str]] = field(default_factory=list)

    def put(self, observation: Observation, timeout_s: float) -> bool:
        self.got += 1
        if self.got >= self.wanted:
            self.stop()
        return True

    def close(self) -> None:
        pass

    def raise_state(self, name: str, reason: str) -> None:
        self.states.append((name, reason))

    def clear_state(self, name: str) -> None:
        pass


def watched(rig: Rig, wanted: int, **options: Any) -> tuple[SourceWorker, Watcher]:
    watcher = Watcher(wanted)
    worker = SourceWorker(rig.source, watcher, watcher, rig.clock, stall_s=20, **options)
    watcher.stop = worker.stop
    return worker, watcher


def test_a_camera_whose_start_fails_is_tried_again_by_the_worker(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eyespot.supervisor.source_worker._PATIENCE_S", 0.001)
    rig.library.faults = {"start": [BUSY]}
    worker, watcher = watched(rig, 3)
    worker.run(lambda: rig.clock.sleep(0.1))
    assert watcher.got == 3
    assert watcher.states[0][0] == "source_failed"
    assert "busy" in watcher.states[0][1]
    assert rig.library.calls.count("camera") == 1


def test_a_silent_camera_is_recovered_by_gentle_steps_first(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eyespot.supervisor.source_worker._PATIENCE_S", 0.001)
    good = next(rig.library.frames)
    rig.library.frames = iter([good, *[None] * len(rig.source.steps), good])
    worker, watcher = watched(rig, 2)
    worker.run(lambda: rig.clock.sleep(1))
    assert tuple(worker.recoveries) == rig.source.steps
    assert watcher.got == 2


def test_a_camera_that_hangs_ends_the_worker_where_a_new_process_takes_over(rig: Rig) -> None:
    rig.library.faults = {"configure": [hang]}
    worker, _ = watched(rig, 1, replaceable=True)
    with pytest.raises(CameraStuck):
        worker.run(lambda: None)
