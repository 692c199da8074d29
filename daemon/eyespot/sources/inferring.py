"""Frames to observations: a frame source, an engine and a decoder, swapped together."""

import threading
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from eyespot.decoders import Decoder
from eyespot.domain.errors import ModelError, one_line
from eyespot.domain.geometry import Resize, content_span, full_frame_span
from eyespot.domain.observation import Floats, Found, Observation, Optics
from eyespot.domain.recovery import Step
from eyespot.frames import Engine, Frame, FrameSource
from eyespot.ports import Clock, ModelIdentity, Readings, Tell, View, silent
from eyespot.sources.camera_metadata import EverySecond, optics_by
from eyespot.sources.mapping import full_frame
from eyespot.sources.sight import brightness_of, sharpness_of, sight_of

_REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class CpuModel:
    """What is swapped together.

    Attributes:
        engine: runs the model.
        decoder: makes sense of what the engine returns.
        identity: whose work the observations are.
        size: width and height of the model's input.
        resize: how a frame comes to this size.
    """

    engine: Engine
    decoder: Decoder[Found]
    identity: ModelIdentity
    size: tuple[int, int]
    resize: Resize


class InferringSource:
    """Looks at frames with a model.

    Args:
        frames: where the frames come from; opened and closed with this.
        model: what looks at them.
        clock: measures the inferences.
        steps: what helps the frame source when it gives nothing: to open it anew, or to close it before.

    Attributes:
        steps: those.
        view: as the frame source said when it was opened last; None before.
    """

    def __init__(
        self, frames: FrameSource, model: CpuModel, *, clock: Clock, steps: tuple[Step, ...] = ()
    ) -> None:
        self.steps = steps
        self.view: View | None = None
        self._frames = frames
        self._model = model
        self._clock = clock
        self._glances = EverySecond()
        self._lock = threading.Lock()
        self._durations_ns: deque[int] = deque(maxlen=_REMEMBERED)
        self._error = ""

    @property
    def model(self) -> ModelIdentity:
        """Return whose work the observations are; another one after a `swap`."""
        return self._model.identity

    @property
    def paced(self) -> bool:
        """Return whether time does not wait."""
        return self._frames.paced

    @property
    def readings(self) -> Readings:
        """Return how it does just now; from any thread."""
        return Readings(self._inference_ms(), self._frames.sensor, model_error=self._error)

    def open(self, tell: Tell = silent) -> None:
        """Open the frame source; raises as it does."""
        tell("opening the frame source")
        model = self._model
        view = self._frames.open(*model.size, model.resize, tell)
        self.view = replace(view, engine=model.engine.runtime)

    def swap(self, model: CpuModel, tell: Tell = silent) -> None:
        """Look with another model from the next frame on. It is loaded already, so no frame is lost.

        Where its input is of another size, frames are fitted to that; raises as the frame source does.
        """
        before, self._model = self._model, model
        with self._lock:
            self._durations_ns.clear()
            self._error = ""
        if self.view is None:
            return
        if (model.size, model.resize) != (before.size, before.resize):
            self.view = self._frames.fit(*model.size, model.resize, tell)
        self.view = replace(self.view, engine=model.engine.runtime)

    def recover(self, step: Step, tell: Tell = silent) -> None:
        """Open the frame source anew, closed before where more than a new start is asked for."""
        if step is not Step.RESTART:
            self._frames.close()
        self.open(tell)

    def take(self, timeout_s: float) -> Observation | None:
        """Return what the model sees in the next frame, or None if there was none within the time.

        Raises:
            SourceEnded, CameraError, InputError: as the frame source.
            ModelError: the model cannot be run, or gives what the decoder does not know.
        """
        frame = self._frames.take(timeout_s)
        return None if frame is None else self._observe(frame)

    def close(self) -> None:
        """Close the frame source. Harmless when not open."""
        self._frames.close()

    def _inference_ms(self) -> tuple[float, float] | None:
        with self._lock:
            durations_ns = tuple(self._durations_ns)
        if not durations_ns:
            return None
        middle, high = np.percentile(durations_ns, (50, 95)) / 1e6
        return float(middle), float(high)

    def _observe(self, frame: Frame) -> Observation:
        model = self._model
        begun_ns = self._clock.now_ns()
        try:
            tensors = model.engine.infer(frame.pixels)
            with self._lock:
                self._durations_ns.append(self._clock.now_ns() - begun_ns)
            found = full_frame(model.decoder.decode(tensors), self._span(frame))
        except ModelError as error:
            self._error = one_line(error)
            raise
        sensor = self._frames.sensor
        sight = sight_of(frame.pixels, None if sensor is None else sensor.lux)
        optics = self._optics(frame) if self._glances.is_due(frame.taken_ns) else None
        return Observation(frame.taken_ns, model.identity.bundle, found, sight, optics)

    def _optics(self, frame: Frame) -> Optics:
        """Return how the picture is as a whole; the camera's own word on focus goes before ours."""
        told = optics_by(self._frames.sensor)
        sharpness = sharpness_of(frame.pixels) if told.focus is None else None
        return replace(told, brightness=brightness_of(frame.pixels), sharpness=sharpness)

    def _span(self, frame: Frame) -> Floats:
        """Return where the full frame lies in the model's input."""
        height, width = frame.pixels.shape[:2]
        content = content_span((width, height), self._model.size, self._model.resize)
        return full_frame_span(frame.region_xyxy_n, content)
