"""The body's end of the socket: what another process sees comes out here, checked.

The eye is not trusted. An eye that does what it must not is cut off, and may come again later.
"""

import logging
from dataclasses import replace
from pathlib import Path
from typing import get_args

from eyespot.domain.errors import CameraError, InputError, ModelRefused, foreign
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Observation
from eyespot.domain.recovery import Step, too_often
from eyespot.ports import (
    CameraLedger,
    Clock,
    HealthBoard,
    ModelIdentity,
    Readings,
    SourceEnded,
    Tell,
    View,
    silent,
)
from eyespot.sources import crossing, wire
from eyespot.sources.conduct import Conduct
from eyespot.sources.datagrams import Datagrams, Gone, Listener
from eyespot.sources.screening import Overstepped, Screening, Wanted

_log = logging.getLogger(__name__)

_BUSY_AT_MOST_S = 1200.0
_SEND_WITHIN_S = 1.0


class EyeSource:
    """Listens for the eye, tells it where to look, and gives what it sees.

    Args:
        path: of the socket.
        order: where it shall look.
        wanted: whose observations are wanted.
        steps: see `ObservationSource`.
        clock: orders and limits what comes.
        health: knows `eye_absent`, `eye_refused`, `camera_resting`, and what the eye tells.
        ledger: says whether a new eye may power the camera up; None where that does no harm.
        goes_back: whether somebody goes back to the order of before when the eye refuses this one; else
            that is a state on `health`.

    Attributes:
        view: as the eye said it last.
        order: where it is told to look.
        refusal: why the eye did not go over to the newest order; empty where nothing is known against it.
        losses: how often an eye went, or was cut off, since that order was given; of its own accord.
    """

    def __init__(
        self,
        path: Path,
        order: wire.Look,
        wanted: Wanted,
        *,
        steps: tuple[Step, ...],
        clock: Clock,
        health: HealthBoard,
        ledger: CameraLedger | None,
        goes_back: bool = False,
    ) -> None:
        self.refusal = ""
        self.losses = 0
        self.paced = order.camera.paced
        self.steps = steps
        self.view: View | None = None
        self._path = path
        self.order = order
        self._clock = clock
        self._health = health
        self._ledger = ledger
        self._goes_back = goes_back
        self._screening = Screening(wanted, order.camera, clock)
        self._conduct = Conduct(clock, health)
        self._listener: Listener | None = None
        self._peer: Datagrams | None = None
        self._ordered = self._rests = self._renewing = False
        self._told = Readings()
        self._dropped_before = 0  # by eyes that have gone
        self._seen_ns = clock.now_ns()

    @property
    def model(self) -> ModelIdentity:
        """Return whose work the observations are; after a `swap` another one, from its first one on."""
        return self._screening.model

    @property
    def readings(self) -> Readings:
        """As the eye says them; but what it is busy with is believed for so long only."""
        doing, seen_s = self._told.doing, (self._clock.now_ns() - self._seen_ns) / SECOND_NS
        if not self._ordered:
            doing = "waiting for the eye"
        elif self._rests:
            doing = "waiting until the camera may be powered up"
        elif seen_s > _BUSY_AT_MOST_S:
            doing = ""
        dropped = self._dropped_before + self._told.dropped + self._screening.misfits
        return replace(self._told, dropped=dropped, doing=doing)

    def open(self, tell: Tell = silent) -> None:
        """Listen. The eye may come at any time.

        Raises:
            CameraError: the socket cannot be made.
        """
        tell("waiting for the eye")
        if self._listener is None:
            with foreign(CameraError, f"cannot make the socket {self._path}; may this user write there?"):
                self._listener = Listener(self._path, wire.MOST_BYTES)
            self._conduct.connected()  # nobody can have come before

    def take(self, timeout_s: float) -> Observation | None:
        """Return the next observation of the eye, or None if there was none within the time.

        Raises:
            SourceEnded: the eye's file is over, or it is not open.
            InputError: the eye cannot read its file.
            ModelRefused: the eye cannot follow the order, and somebody goes back.
        """
        if self._listener is None:
            raise SourceEnded
        self._conduct.looked()
        until_ns = self._clock.now_ns() + round(timeout_s * SECOND_NS)
        while True:
            left_s = max(0.0, (until_ns - self._clock.now_ns()) / SECOND_NS)
            observation = self._patiently(left_s)
            if observation is not None or self._clock.now_ns() >= until_ns:
                self._notice_absence()
                return observation

    def recover(self, step: Step, tell: Tell = silent) -> None:
        """Leave the step to the eye."""
        tell(f"asking the eye: {step.value}")
        self._seen_ns = self._clock.now_ns()  # it may be busy with that
        if step is Step.RENEW:
            self._renewing = True
            self._conduct.expected()
        try:
            self._say(wire.Recover(step))
        except Gone:
            self._hang_up()

    def swap(self, order: wire.Look, wanted: Wanted) -> None:
        """Have the eye look with another model; until it does, what it sees with the one of now is taken.

        A refusal is kept in `refusal`: the eye goes on with the one of now.
        """
        self.order, self.refusal, self.losses = order, "", 0
        self._goes_back = False  # whoever swaps knows the way back
        self._screening.expect(wanted)
        try:
            if self._ordered:
                self._say(order)
        except Gone:
            self._hang_up()

    def close(self) -> None:
        """Hang up; the eye goes on looking for a while, and waits for the next body."""
        self._hang_up()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    # --- the connection ---------------------------------------------------------------------------------

    def _patiently(self, timeout_s: float) -> Observation | None:
        """Do the next thing there is to do; an eye that is gone, or cut off, may come again."""
        try:
            if self._peer is None:
                self._wait_for_peer(timeout_s)
                return None
            return self._listen(self._peer, timeout_s)
        except Gone:
            self._lose()
        except (wire.WireError, Overstepped) as error:
            self._lose()
            self._conduct.overstepped(str(error))
        return None

    def _wait_for_peer(self, timeout_s: float) -> None:
        shut_s = self._conduct.shut_s
        if shut_s > 0:
            self._clock.sleep(min(shut_s, timeout_s))
        elif self._listener is not None:
            self._peer = self._listener.accept(timeout_s)
            if self._peer is not None:
                self._conduct.connected()
                self._screening.begin()

    def _listen(self, peer: Datagrams, timeout_s: float) -> Observation | None:
        data = peer.receive(timeout_s)
        if data is None:
            return None
        if len(data) > wire.MOST_BYTES:
            raise Overstepped(f"a message of more than {wire.MOST_BYTES} bytes")
        return self._hear(wire.decode_from_eye(data))

    def _say(self, message: wire.FromBody) -> None:
        if self._peer is not None and not self._peer.send(wire.encode(message), _SEND_WITHIN_S):
            raise Gone("it does not listen")

    def _hang_up(self) -> None:
        if self._peer is not None:
            _log.info("the eye has gone, or was cut off")
            self._peer.close()
            self._conduct.gone()
        self._peer = None
        self._ordered = self._rests = self._renewing = False
        self._dropped_before = min(self._dropped_before + self._told.dropped, 2**53)
        self._told = Readings()

    def _lose(self) -> None:
        """Hang up on an eye that has gone or must go, and count it, unless it went as we wished."""
        self.losses += self._ordered and not self._renewing
        self._hang_up()

    def _notice_absence(self) -> None:
        """Name an absence that lasts. Whoever says nothing keeps nobody else from coming."""
        if self._peer is not None and self._conduct.is_mute:
            self._lose()
        if self._peer is None:
            self._conduct.missed()

    # --- what it says -----------------------------------------------------------------------------------

    def _hear(self, message: wire.FromEye) -> Observation | None:
        self._screening.admit(message)
        self._conduct.heard()
        match message:
            case wire.Hello():
                self._greet()
            case wire.MayPowerUp():
                self._say(wire.Leave(self._power_up()))
            case wire.Seen():
                return self._see(message)
            case wire.Opened():
                self.view = crossing.view(message)
            case wire.Status():
                told = crossing.readings(message)
                self._told = replace(told, dropped=max(told.dropped, self._told.dropped))
            case wire.Trouble():
                self._pass_on(message)
            case wire.Ended():
                self.close()
                raise SourceEnded if message.reason is None else InputError(message.reason)
        return None

    def _greet(self) -> None:
        """Tell an eye where to look."""
        self._conduct.greeted()
        for name in get_args(wire.TroubleName):  # it tells again what lasts
            self._health.clear_state(name)
        self._ordered, self._seen_ns = True, self._clock.now_ns()
        self._say(self.order)

    def _power_up(self) -> float:
        """Return 0 where the camera may be powered up, which is noted then; else the seconds to wait."""
        wait_s = self._ledger.power_up() if self._ledger is not None else 0.0
        self._rests = wait_s > 0
        if self._rests:
            self._health.raise_state("camera_resting", too_often(wait_s))
        else:
            self._health.clear_state("camera_resting")
        return wait_s

    def _see(self, message: wire.Seen) -> Observation | None:
        observation = self._screening.observation(message)
        if observation is not None:
            self._seen_ns = self._clock.now_ns()
            self._conduct.saw()
        return observation

    def _pass_on(self, trouble: wire.Trouble) -> None:
        if trouble.reason is None:
            self._health.clear_state(trouble.name)
        elif trouble.name == "swap_refused":
            self._be_refused(trouble.reason)
        else:
            self._health.raise_state(trouble.name, trouble.reason)

    def _be_refused(self, reason: str) -> None:
        self.refusal = reason
        if self._screening.awaits_another:
            return  # who gave that order acts on it
        if self._goes_back:
            raise ModelRefused(reason)
        self._health.raise_state("swap_refused", reason)
