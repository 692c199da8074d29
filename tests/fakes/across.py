"""A source as the body has it: what looks is across a socket. One thread does the work of both ends."""

from pathlib import Path

from eyespot.domain.observation import Observation
from eyespot.domain.recovery import Step
from eyespot.ports import Clock, ModelIdentity, ObservationSource, Readings, SourceEnded, Tell, View, silent
from eyespot.sources.eye import EyeSource
from eyespot.sources.link import BodyLink
from eyespot.sources.screening import Wanted
from eyespot.sources.settings import CameraSettings
from eyespot.sources.wire import Look
from eyespot.supervisor.health import Health

_MESSAGES = 5  # that can be under way


class Across:
    """An `EyeSource`, and an eye that does its next thing whenever the body does.

    Args:
        folder: for the socket.
        looking: what the eye looks with.
        camera: what it is told to look at.
        clock: of both.
    """

    steps: tuple[Step, ...] = ()

    def __init__(
        self, folder: Path, looking: ObservationSource, camera: CameraSettings, clock: Clock
    ) -> None:
        self._looking = looking
        self._path = folder / "eye"
        self._clock = clock
        self._link = BodyLink(self._path, clock)
        self._body = EyeSource(
            self._path,
            Look(camera, "factory", None),
            Wanted(looking.model, "objects"),
            steps=(),
            clock=clock,
            health=Health(clock),
            ledger=None,
        )

    @property
    def model(self) -> ModelIdentity:
        return self._body.model

    @property
    def paced(self) -> bool:
        return self._body.paced

    @property
    def view(self) -> View | None:
        return self._body.view

    @property
    def readings(self) -> Readings:
        return self._body.readings

    def open(self, tell: Tell = silent) -> None:
        self._body.open(tell)
        self._link = BodyLink(self._path, self._clock)
        self._link.on_order = self._begin
        self._link._connect()
        self._hear()
        self._link._listen()
        self._link._tell_news()
        self._hear()

    def take(self, timeout_s: float) -> Observation | None:
        try:
            observation = self._looking.take(timeout_s)
        except SourceEnded:
            self._link.ended(self._link.follows)
            self._link._tell_news()
        else:
            assert observation is None or self._link.put(observation, 0)
        return self._hear()

    def recover(self, step: Step, tell: Tell = silent) -> None:
        self._body.recover(step, tell)

    def close(self) -> None:
        self._body.close()
        self._looking.close()
        self._link._hang_up()

    def _begin(self, order: Look) -> None:
        self._looking.open()
        self._link.source, self._link.follows = self._looking, order

    def _hear(self) -> Observation | None:
        for _ in range(_MESSAGES):
            observation = self._body.take(0)
            if observation is not None:
                return observation
        return None
