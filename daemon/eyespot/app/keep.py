"""`eyespot record`: what the model sees goes into a file, whole lines only."""

from collections.abc import Callable
from pathlib import Path

from eyespot.app.choice import order_of_now
from eyespot.app.eye import glance, open_source
from eyespot.app.plan import device_id
from eyespot.app.power import note_power_up
from eyespot.config import Loaded, load, problems_with_model
from eyespot.domain.errors import CameraError, ConfigError, StorageError
from eyespot.domain.instants import rfc3339
from eyespot.domain.observation import Tells
from eyespot.domain.paths import is_file
from eyespot.host.clock import SystemClock
from eyespot.ports import ModelIdentity, ObservationSource, SourceEnded, View
from eyespot.recording import SCHEMA, Header, RecordingWriter
from eyespot.supervisor.signals import Wish, held_back, wishes_within

_PATIENCE_S = 0.5
_RECORDABLE: tuple[Tells, ...] = ("objects", "poses")


def record(config: Path, output: Path, seconds: float | None) -> int:
    """Record until the source ends, a signal comes or the seconds are over.

    Returns:
        How many observations were written.

    Raises:
        StorageError: the file is there already, or cannot be written; after a full disk it has whole lines.
        ConfigError: the model tells nothing that a recording could hold, or the configuration is broken.
        EyespotError: as the source and the model do.
    """
    clock = SystemClock()
    with held_back():
        _refuse_to_overwrite(output)
        loaded = load(config)
        look = order_of_now(loaded.config)
        model, tells = glance(look)
        _refuse_what_has_no_boxes(loaded, tells)
        problems_with_model(loaded, model.labels, tells)
        source = open_source(look, clock)
        note_power_up(look.camera, loaded.config.state, clock)
        try:
            begun_ns = clock.now_ns()
            begun = rfc3339(clock.timeline().utc_ns(begun_ns))
            source.open()
            header = _header(source.view, source.model, device_id(loaded.config), begun)
            with RecordingWriter(output, header, begun_ns) as writer:
                return _fill(writer, source, wishes_within(seconds, clock))
        finally:
            source.close()


def _refuse_to_overwrite(output: Path) -> None:
    if is_file(output, StorageError) and output.stat().st_size:
        raise StorageError(f"{output} is there already; name another file with -o, or remove it")


def _refuse_what_has_no_boxes(loaded: Loaded, tells: Tells) -> None:
    if tells not in _RECORDABLE:
        raise ConfigError(
            f"{loaded.at('model', 'bundle')}: bundle: the model finds no objects, and a recording holds "
            "nothing else; name one that does"
        )


def _header(view: View | None, model: ModelIdentity, device: str, begun: str) -> Header:
    if view is None:
        raise CameraError("the source does not say how large its frames are; try another one")
    return Header(
        schema=SCHEMA,
        started=begun,
        labels=model.labels,
        width=view.width,
        height=view.height,
        rate_hz=view.rate_hz,
        device=device,
        model=model.bundle,
    )


def _fill(writer: RecordingWriter, source: ObservationSource, wish: Callable[[float], Wish | None]) -> int:
    count = 0
    while wish(0) is None:
        try:
            observation = source.take(_PATIENCE_S)
        except SourceEnded:
            break
        if observation is not None:
            writer.write(observation)
            count += 1
    return count
