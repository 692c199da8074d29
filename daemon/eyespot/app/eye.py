"""What looks: source, engine and decoder, as the configuration asks for them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from eyespot.config import Config
from eyespot.decoders import build
from eyespot.engines.litert import LiteRtEngine
from eyespot.frames import FrameSource
from eyespot.ports import Clock, ModelIdentity, ObservationSource
from eyespot.recording import RecordingReader
from eyespot.sources.inferring import InferringSource
from eyespot.sources.replay import ReplaySource
from eyespot.sources.scene import SceneSource
from eyespot.sources.settings import CameraSettings
from eyespot.sources.video import VideoSource
from eyespot.trust.bundle import find_bundle, read_bundle

Latency = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Eye:
    """A source of observations, and what is worth telling of it.

    Attributes:
        source: not opened yet.
        engine: name and version of the runtime; None where nothing is inferred.
        inference_ms: p50 and p95 of the last inferences, once there are any.
    """

    source: ObservationSource
    engine: str | None
    inference_ms: Callable[[], Latency | None]

    @property
    def model(self) -> ModelIdentity:
        """What makes the observations."""
        return self.source.model


def open_eye(config: Config, clock: Clock) -> Eye:
    """Load what the configuration looks with; the source itself stays closed.

    Raises:
        ModelError: the model is missing, damaged or cannot be run.
        InputError: the recording is.
    """
    if config.camera.source == "replay":
        camera = config.camera
        replay = ReplaySource(
            Path(str(camera.file)), camera.pace, clock, smallest_score(config), loop=camera.loop
        )
        return Eye(replay, None, lambda: None)
    bundle = read_bundle(find_bundle(config.model.bundle))
    model = _with_score(bundle.identity, config)
    engine = LiteRtEngine(bundle)
    manifest = bundle.manifest
    decoder = build(manifest.decoder, bundle.layout, floor=model.min_score / 2, nms_iou=manifest.nms_iou)
    source = InferringSource(
        _frames(config.camera, clock),
        engine,
        decoder,
        model,
        size=(manifest.input.width, manifest.input.height),
        resize=manifest.input.resize,
        clock=clock,
    )
    return Eye(source, engine.runtime, lambda: source.inference_ms)


def labels_seen(config: Config) -> tuple[str, tuple[str, ...]]:
    """Return id and labels of the model that a configuration looks with, without loading a runtime.

    Raises:
        ModelError, InputError: as `open_eye`.
    """
    if config.camera.source == "replay":
        header = RecordingReader(Path(str(config.camera.file))).header
        model = header.identity(smallest_score(config))
    else:
        model = read_bundle(find_bundle(config.model.bundle)).identity
    return model.bundle, model.labels


def smallest_score(config: Config) -> float:
    """Return the score from which on a track can start: the configured one, else the bundle's.

    Raises:
        ModelError: there is none configured, and no bundle.
    """
    if config.model.min_score is not None:
        return config.model.min_score
    return read_bundle(find_bundle(config.model.bundle)).manifest.min_score


def _with_score(model: ModelIdentity, config: Config) -> ModelIdentity:
    score = config.model.min_score
    return model if score is None else replace(model, min_score=score)


def _frames(camera: CameraSettings, clock: Clock) -> FrameSource:
    if camera.source == "scene":
        return SceneSource(camera.seed, camera.rate_hz, camera.pace, clock)
    return VideoSource(Path(str(camera.file)), camera.pace, loop=camera.loop, clock=clock)
