"""The AI camera: the IMX500 sensor runs the model, and what comes here are tensors, never pixels.

picamera2 cannot do without a picture. It is made as small as can be, and nobody asks for it.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from eyespot.domain.errors import CameraError, CameraStuck, ModelError, one_line
from eyespot.domain.geometry import WHOLE, full_frame_span
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Observation
from eyespot.domain.recovery import Step
from eyespot.ports import Clock, ModelIdentity, Readings, SensorReadings, SourceEnded, Tell, View, silent
from eyespot.sources.camera import Camera, controls_for, rate_in_force
from eyespot.sources.camera_library import Sensor, SensorLibrary, load_sensor_library
from eyespot.sources.camera_metadata import Stamps, readings_of, sight_by
from eyespot.sources.mapping import full_frame
from eyespot.sources.pacing import Pacer
from eyespot.sources.sensor_model import SensorModel
from eyespot.sources.sensor_modes import MOST_HZ, mode_of, parts_for
from eyespot.sources.sensor_network import (
    SENSOR_HEIGHT,
    SENSOR_WIDTH,
    in_fractions,
    load_network,
)
from eyespot.sources.sensor_tensors import SensorTensors
from eyespot.sources.settings import CameraSettings

__all__ = ["Heralded", "Imx500Source", "SensorModel"]

Heralded = Callable[[], AbstractContextManager[None]]

_USUAL_HZ = 25.0  # where a network does not say it
_LOAD_LIMIT_S = 30.0
_PROOF_S = 20.0
_SETTLES_S = 2.0
_PATIENCE_S = 0.5


class Imx500Source:
    """Gives what the sensor sees. Paced: what nobody takes in time is gone.

    Errors leave the camera open, so that it is not turned off and on: after some twenty times of that the
    chip that sends the network stays locked until the machine reboots.

    Args:
        model: that it is to run.
        camera: how it is to look.
        clock: ours.
        library: picamera2, or what stands in for it.
        heralded: the context in which the camera starts: this process cannot tell how far it is, since
            libcamera keeps the interpreter's lock meanwhile.

    Attributes:
        steps: what helps when nothing comes.
        view: as in force since the last start; None before.

    Raises:
        ConfigError: picamera2 is not installed.
    """

    paced = True

    def __init__(
        self,
        model: SensorModel,
        camera: CameraSettings,
        clock: Clock,
        library: SensorLibrary | None = None,
        heralded: Heralded = nullcontext,
    ) -> None:
        self._heralded = heralded
        self.steps = camera.steps
        self.view: View | None = None
        self._model = model
        self._settings = camera
        self._clock = clock
        self._library = library or load_sensor_library()
        self._camera = Camera(self._library, clock)
        self._sensor: Sensor | None = None  # at most one: it holds the driver's device open
        self._tensors = SensorTensors(model.shapes)
        self._span = full_frame_span(WHOLE)
        self._stamps = Stamps(clock)
        self._pacer = Pacer(_USUAL_HZ, clock)
        self._told = SensorReadings()

    @property
    def model(self) -> ModelIdentity:
        """Return whose work the observations are; another one after a `swap`."""
        return self._model.identity

    @property
    def readings(self) -> Readings:
        """Return how the sensor does just now; from any thread."""
        return Readings(sensor=self._told)

    def open(self, tell: Tell = silent) -> None:
        """Start to look. A camera that is open already gets its network anew, and keeps its power.

        Raises:
            CameraError: it cannot be started.
            CameraStuck: it hangs.
        """
        self._bring(self._model, tell)

    def take(self, timeout_s: float) -> Observation | None:
        """Return what the sensor saw in the next frame; None if it saw none in time, or had no time for it.

        Raises:
            CameraError: what comes cannot be read.
            ModelError: the decoder cannot read it.
            SourceEnded: the source is closed.
        """
        if not self._camera.is_open:
            raise SourceEnded
        metadata = self._camera.next_metadata(timeout_s) if self._pacer.wait(timeout_s) else None
        if metadata is None:
            return None
        self._pacer.came()
        tensors = self._tensors.read(metadata)
        self._note(metadata)
        if tensors is None:
            return None
        found = full_frame(self._model.decoder.decode(tensors), self._span)
        sight = sight_by(self._told.lux)  # all that is known of the picture
        return Observation(self._stamps.taken_ns(metadata), self._model.identity.bundle, found, sight)

    def recover(self, step: Step, tell: Tell = silent) -> None:
        """Do something so that observations come again; raises as `open`."""
        if step is Step.RESTART and self._camera.is_started:  # else the driver may have lost its network
            self._camera.stop(tell)
            self._configure(self._model, tell)  # what is configured holds for one start
            self._start(tell)
            return
        if step is Step.RENEW:
            self._camera.close(tell)
            self._sensor = None
        self.open(tell)

    def close(self) -> None:
        """Let the camera go. Harmless when not open."""
        self._camera.close_quietly()
        self._sensor = None

    def swap(self, model: SensorModel, tell: Tell = silent, camera: CameraSettings | None = None) -> None:
        """Run another model from now on, once it has shown that it runs; else the old one again.

        Args:
            model: the other one, or the same.
            tell: is told how far it is.
            camera: how to look then; None: as now. The camera's power stays on all the same.

        Raises:
            ModelError: it does not run; the old one is in force again.
            CameraError: neither runs; the old one is in force when the source is opened again.
            CameraStuck: the camera hangs.
        """
        old, before = self._model, self._settings
        if model.bundle == old.bundle and camera in {None, before} and self._camera.is_open:
            self._model = model  # only scores differ, and those are for the decoder
            return
        reason = self._tried(model, camera or before, tell)
        if not reason:
            return
        refusal = f"{model.identity.bundle} does not run on the sensor: {reason}"
        again = self._tried(old, before, tell)
        if again:
            raise CameraError(f"{refusal}; and {old.identity.bundle} does not run any more: {again}")
        raise ModelError(f"{refusal}; {old.identity.bundle} is in force again")

    def _note(self, metadata: Mapping[str, Any]) -> None:
        """Keep what the sensor says of itself; how long the network took stays until it says that again."""
        told, before, tensors = readings_of(metadata), self._told, self._tensors
        self._told = replace(
            told,
            dnn_ms=before.dnn_ms if told.dnn_ms is None else told.dnn_ms,
            dsp_ms=before.dsp_ms if told.dsp_ms is None else told.dsp_ms,
            without_tensor=tensors.without_tensor,
            repeated=tensors.repeated,
            missed=tensors.missed,
            inputs=tensors.inputs,
        )

    def _tried(self, model: SensorModel, camera: CameraSettings, tell: Tell) -> str:
        """Return why a model does not run; empty when it has shown that it does.

        The error itself goes no further: it may keep what picamera2 had begun to make, and the device open.
        """
        before = self._model, self._settings
        try:
            self._settings = camera
            self._bring(model, tell)
            self._prove(model.identity.bundle, tell)
        except (CameraError, ModelError) as error:
            self._model, self._settings = before
            if isinstance(error, CameraStuck):
                raise
            return one_line(error)
        return ""

    def _bring(self, model: SensorModel, tell: Tell) -> None:
        """Bring a model to the sensor: the network before the camera, which sees it when it is configured."""
        if self._camera.is_open:
            self._camera.stop(tell)
        roi_px = model.roi_px(self._settings.roi)
        self._sensor = None
        self._sensor = self._camera.patience.wait(
            lambda: load_network(self._library, model.bundle.network, roi_px),
            "handing the network to the driver",
            _LOAD_LIMIT_S,
            tell,
        )
        if not self._camera.is_open:
            self._camera.open(self._sensor.camera_num, tell)
        self._model = model
        self._configure(model, tell)
        self._start(tell)

    def _configure(self, model: SensorModel, tell: Tell) -> None:
        """Set the stopped camera up, and tell of it as it is then."""
        mode = self._settings.mode
        rate_hz = rate_in_force(self._settings, model.bundle.rate_hz or _USUAL_HZ, MOST_HZ[mode])
        controls = controls_for(self._camera.device, self._settings, rate_hz)
        self._camera.configure(parts_for(mode, controls), tell)
        self._pacer = Pacer(rate_hz, self._clock)
        region = in_fractions(model.roi_px(self._settings.roi))
        self._span = full_frame_span(region)
        self.view = View(
            "imx500",
            SENSOR_WIDTH,
            SENSOR_HEIGHT,
            rate_hz,
            engine="imx500",
            mode=mode_of(self._camera.configuration),
            roi_xyxy_n=region,
        )

    def _start(self, tell: Tell) -> None:
        self._tensors.expect(self._model.shapes)
        with self._heralded():
            self._camera.start(tell)

    def _prove(self, name: str, tell: Tell) -> None:
        """Wait for a first observation, which is not handed on.

        Raises:
            CameraError, ModelError: there is none, or as `take`.
        """
        begun_ns, waited_s = self._clock.now_ns(), 0.0
        while not self._has_seen(settling=waited_s < _SETTLES_S):
            waited_s = (self._clock.now_ns() - begun_ns) / SECOND_NS
            if waited_s > _PROOF_S:
                raise CameraError(f"no tensor of it has come within {_PROOF_S:.0f} s")
            tell(f"waiting for the first tensor of {name} ({waited_s:.0f} s)")

    def _has_seen(self, *, settling: bool) -> bool:
        """Return whether the next frame brings an observation; one that cannot be read may be an old one."""
        try:
            return self.take(_PATIENCE_S) is not None
        except CameraError:
            if settling:
                return False
            raise
