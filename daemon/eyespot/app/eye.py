"""What looks: source, engine and decoder, as the configuration asks for them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from eyespot.config import Config
from eyespot.decoders import Decoder, build, tells
from eyespot.domain.observation import Found, Tells
from eyespot.engines.litert import LiteRtEngine
from eyespot.frames import FrameSource
from eyespot.ports import Clock, ModelIdentity, ObservationSource
from eyespot.recording import RecordingReader
from eyespot.sources.inferring import InferringSource
from eyespot.sources.replay import ReplaySource
from eyespot.sources.scene import SceneSource
from eyespot.sources.settings import CameraSettings
from eyespot.sources.video import VideoSource
from eyespot.trust.bundle import Bundle, find_bundle, read_bundle

Latency = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Eye:
    """A source of observations, and what is worth telling of it.

    Attributes:
        source: not opened yet.
        tells: what the model tells; a recording holds objects.
        engine: name and version of the runtime; None where nothing is inferred.
        inference_ms: p50 and p95 of the last inferences, once there are any.
    """

    source: ObservationSource
    tells: Tells
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
        return _replaying(config, clock)
    return _inferring(config, clock)


def _replaying(config: Config, clock: Clock) -> Eye:
    camera = config.camera
    source = ReplaySource(camera.path, camera.pace, clock, smallest_score(config), loop=camera.loop)
    return Eye(source, "objects", None, lambda: None)


def _inferring(config: Config, clock: Clock) -> Eye:
    bundle = read_bundle(find_bundle(config.model.bundle))
    model = _with_score(bundle.identity, config)
    engine = LiteRtEngine(bundle)
    entrance = bundle.manifest.input
    source = InferringSource(
        _frames(config.camera, clock),
        engine,
        _decoder(bundle, model),
        model,
        size=(entrance.width, entrance.height),
        resize=entrance.resize,
        clock=clock,
    )
    return Eye(source, tells(bundle.manifest.decoder), engine.runtime, lambda: source.inference_ms)


def glance(config: Config) -> tuple[ModelIdentity, Tells]:
    """Return the model that a configuration looks with, and what it tells; checked, but not loaded.

    Raises:
        ModelError, InputError: as `open_eye`.
    """
    if config.camera.source == "replay":
        header = RecordingReader(config.camera.path).header
        return header.identity(smallest_score(config)), "objects"
    bundle = read_bundle(find_bundle(config.model.bundle))
    _decoder(bundle, bundle.identity)
    return bundle.identity, tells(bundle.manifest.decoder)


def smallest_score(config: Config) -> float:
    """Return the score from which on a track can start: the configured one, else the bundle's.

    Raises:
        ModelError: there is none configured, and no bundle.
    """
    if config.model.min_score is not None:
        return config.model.min_score
    return read_bundle(find_bundle(config.model.bundle)).manifest.min_score


def _decoder(bundle: Bundle, model: ModelIdentity) -> Decoder[Found]:
    manifest = bundle.manifest
    return build(manifest.decoder, bundle.layout, floor=model.min_score / 2, nms_iou=manifest.nms_iou)


def _with_score(model: ModelIdentity, config: Config) -> ModelIdentity:
    score = config.model.min_score
    return model if score is None else replace(model, min_score=score)


def _frames(camera: CameraSettings, clock: Clock) -> FrameSource:
    if camera.source == "scene":
        return SceneSource(camera.seed, camera.rate_hz, camera.pace, clock)
    return VideoSource(camera.path, camera.pace, loop=camera.loop, clock=clock)
