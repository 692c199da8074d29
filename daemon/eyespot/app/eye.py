"""What looks: source, engine and decoder, as an order asks for them."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import msgspec

from eyespot.config import Config
from eyespot.decoders import Decoder, build, tells
from eyespot.domain.errors import ModelError, foreign
from eyespot.domain.observation import Found, Tells
from eyespot.engines.litert import LiteRtEngine
from eyespot.frames import FrameSource
from eyespot.host.herald import heralded
from eyespot.ports import Clock, ModelIdentity, ObservationSource, Tell
from eyespot.recording import RecordingReader
from eyespot.sources.imx500 import Heralded, Imx500Source, SensorModel
from eyespot.sources.inferring import CpuModel, InferringSource
from eyespot.sources.picamera import PicameraSource
from eyespot.sources.replay import ReplaySource
from eyespot.sources.scene import SceneSource
from eyespot.sources.settings import CameraSettings
from eyespot.sources.video import VideoSource
from eyespot.sources.wire import Look
from eyespot.trust.bundle import Bundle, CpuBundle, find_bundle, read_bundle
from eyespot.trust.sensor_bundle import SensorBundle


def order(config: Config, bundle: str | None = None) -> Look:
    """Return what a configuration asks to be looked at, and with what; None: with its own model."""
    return Look(config.camera, bundle or config.model.bundle, config.model.min_score)


def open_source(look: Look, clock: Clock, heralded: Heralded = heralded) -> ObservationSource:
    """Load what is looked with; the source itself stays closed.

    Args:
        look: the order.
        clock: for the source.
        heralded: the context in which a camera may start for minutes, and nothing else can run.

    Raises:
        ConfigError: something that it needs is not installed.
        ModelError: the model is missing, damaged or cannot be run.
        InputError: the recording is, or the video.
    """
    if look.camera.source == "replay":
        camera = look.camera
        return ReplaySource(camera.path, camera.pace, clock, smallest_score(look), loop=camera.loop)
    bundle = fitting_bundle(look)
    if isinstance(bundle, SensorBundle):
        return Imx500Source(_sensor_model(look, bundle), look.camera, clock, heralded=heralded)
    frames, model = _frames(look.camera, clock), _cpu_model(look, bundle)
    return InferringSource(frames, model, clock=clock, steps=look.camera.steps)


def can_go_over(source: ObservationSource, before: Look, look: Look) -> bool:
    """Tell whether a source that looks by one order can go over to another one while it stays open."""
    if isinstance(source, Imx500Source):
        return look.camera.source == "imx500"
    return isinstance(source, InferringSource) and look.camera == before.camera


def going_over(source: ObservationSource, look: Look) -> Callable[[Tell], None]:
    """Load what an order wants beside what looks, and return what goes over to it in the source's thread.

    Raises:
        ConfigError: something that it needs is not installed.
        ModelError: the model is missing, damaged or cannot be run.
    """
    bundle = fitting_bundle(look)
    if isinstance(source, Imx500Source) and isinstance(bundle, SensorBundle):
        model = _sensor_model(look, bundle)
        return lambda tell: source.swap(model, tell, look.camera)
    if isinstance(source, InferringSource) and isinstance(bundle, CpuBundle):
        return partial(source.swap, _cpu_model(look, bundle))
    raise ModelError(f"{look.bundle} needs another source than the one that looks; start anew with it")


def glance(look: Look) -> tuple[ModelIdentity, Tells]:
    """Return the model that is looked with, and what it tells; checked, but not loaded.

    Raises:
        ModelError, InputError: as `open_source`.
    """
    if look.camera.source == "replay":
        header = RecordingReader(look.camera.path).header
        return header.identity(smallest_score(look)), "objects"
    bundle = fitting_bundle(look)
    _decoder(bundle, bundle.identity)
    return _with_score(bundle.identity, look), tells(bundle.decoder)


def smallest_score(look: Look) -> float:
    """Return the score from which on a track can start: the configured one, else the bundle's.

    Raises:
        ModelError: there is none configured, and no bundle.
    """
    return look.min_score if look.min_score is not None else fitting_bundle(look).manifest.min_score


def fitting_bundle(look: Look) -> Bundle:
    """Return the bundle that an order names.

    Raises:
        ModelError: it is missing or damaged, or is not made for what is looked with.
    """
    on_sensor = look.camera.source == "imx500"
    bundle = read_bundle(find_bundle(look.bundle, on_sensor=on_sensor))
    if on_sensor and isinstance(bundle, CpuBundle):
        raise ModelError(
            f'{look.bundle} is made for the processor; for the source "imx500" name a bundle '
            'whose runtime is "imx500"'
        )
    if not on_sensor and isinstance(bundle, SensorBundle):
        raise ModelError(
            f'{look.bundle} is made for the sensor; name a bundle whose runtime is "tflite", '
            'or the source "imx500"'
        )
    return bundle


def sealed(look: Look) -> Look:
    """Return an order with the sha256 of its bundle's manifest, which pins all other files.

    Raises:
        ModelError: there is none.
    """
    folder = find_bundle(look.bundle, on_sensor=look.camera.source == "imx500")
    with foreign(ModelError, f"cannot read {folder}"):
        sha256 = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    return msgspec.structs.replace(look, manifest=sha256)


def _cpu_model(look: Look, bundle: CpuBundle) -> CpuModel:
    model = _with_score(bundle.identity, look)
    entrance = bundle.manifest.input
    size = (entrance.width, entrance.height)
    return CpuModel(LiteRtEngine(bundle), _decoder(bundle, model), model, size, entrance.resize)


def _sensor_model(look: Look, bundle: SensorBundle) -> SensorModel:
    model = _with_score(bundle.identity, look)
    return SensorModel(bundle, _decoder(bundle, model), model)


def _decoder(bundle: Bundle, model: ModelIdentity) -> Decoder[Found]:
    floor, nms_iou = model.min_score / 2, bundle.manifest.nms_iou
    return build(bundle.decoder, bundle.layout, floor=floor, nms_iou=nms_iou)


def _with_score(model: ModelIdentity, look: Look) -> ModelIdentity:
    return model if look.min_score is None else replace(model, min_score=look.min_score)


def _frames(camera: CameraSettings, clock: Clock) -> FrameSource:
    if camera.source == "scene":
        return SceneSource(camera.seed, camera.scene_rate_hz, camera.pace, clock)
    if camera.source == "picamera":
        return PicameraSource(camera, clock)
    return VideoSource(camera.path, camera.pace, loop=camera.loop, clock=clock)
