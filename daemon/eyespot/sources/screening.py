"""What the body believes of an eye's messages: their number, their order, their content and their time.

An eye may be broken, or in somebody else's hands. Nothing that it says may crash, flood or confuse.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections, Found, Labels, Observation, Poses, Shares, Tells
from eyespot.ports import Clock, ModelIdentity
from eyespot.sources import crossing, wire
from eyespot.sources.quota import Quota
from eyespot.sources.settings import CameraSettings

_AHEAD_S = 1.0
_LATE_S = 10.0
_FILE_AHEAD_S = 400 * 86_400.0
# observations a second, and of all else, which comes once a second and when something changes
_SEEN_PER_S = 200.0
_TOLD_PER_S = 5.0
_SEEN_AT_ONCE = 400.0
_TOLD_AT_ONCE = 50.0
_FIGURES_NS = SECOND_NS // 2  # of pictures; a good eye tells them once a second


_KINDS: Mapping[Tells, type[Found]] = {
    "objects": Detections,
    "labels": Labels,
    "shares": Shares,
    "poses": Poses,
}


class Overstepped(Exception):  # noqa: N818 - an eye's doing, not an error of ours
    """The eye did what it must not; says what."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose observations are wanted.

    Attributes:
        tells: what this model tells.
    """

    model: ModelIdentity
    tells: Tells


class Screening:
    """Lets through what a well-behaved eye says.

    Args:
        wanted: whose observations are.
        camera: what the eye looks at.
        clock: for the number of messages, and their time.

    Attributes:
        misfits: observations that were passed over: of the model of before, out of order, or late.
        model: whose were let through last.
    """

    def __init__(self, wanted: Wanted, camera: CameraSettings, clock: Clock) -> None:
        self.misfits = 0
        self._now = self._next = wanted
        self._camera = camera
        self._clock = clock
        self._newest_ns = 0
        self._figures_ns = -_FIGURES_NS
        self.begin()

    @property
    def model(self) -> ModelIdentity:  # noqa: D102 - see above
        return self._now.model

    @property
    def awaits_another(self) -> bool:
        """Whether the model that is expected has not been seen yet."""
        return self._next is not self._now

    def expect(self, wanted: Wanted) -> None:
        """Let through another model's from its first one on, and those of now until then."""
        self._next = wanted

    def begin(self) -> None:
        """Begin anew, as another eye connects."""
        self._seen_quota = Quota(self._clock, per_s=_SEEN_PER_S, at_once=_SEEN_AT_ONCE)
        self._told_quota = Quota(self._clock, per_s=_TOLD_PER_S, at_once=_TOLD_AT_ONCE)
        self._greeted = False

    def admit(self, message: wire.FromEye) -> None:
        """Check that a message may come now.

        Raises:
            Overstepped: it may not.
        """
        if not self._allows(message):
            raise Overstepped("more messages than anybody can need")
        if isinstance(message, wire.Hello) == self._greeted:
            raise Overstepped("it greets once, and first of all")
        self._greeted = True
        if isinstance(message, wire.Ended) and self._camera.is_endless:
            raise Overstepped("it says that a camera has come to its end")

    def observation(self, message: wire.Seen) -> Observation | None:
        """Return the observation; None where it is passed over.

        Raises:
            Overstepped: no model sees such a thing, or not yet.
            WireError: its columns differ in length.
        """
        observation = crossing.observed(message)
        if observation.bundle == self._next.model.bundle:
            self._now = self._next
        elif observation.bundle != self._now.model.bundle:
            self.misfits += 1
            return None
        kind = _KINDS[self._now.tells]
        if not isinstance(observation.found, kind):
            raise Overstepped(f"{type(observation.found).__name__}, of a model that tells {kind.__name__}")
        _check_classes(observation.found, len(self.model.labels))
        ahead_s = (observation.taken_ns - self._clock.now_ns()) / SECOND_NS
        if ahead_s > (_AHEAD_S if self._camera.paced else _FILE_AHEAD_S):
            raise Overstepped("an observation from the future")
        if observation.taken_ns < self._newest_ns or (self._camera.paced and ahead_s < -_LATE_S):
            self.misfits += 1
            return None
        self._newest_ns = observation.taken_ns
        return self._thinned(observation)

    def _thinned(self, observation: Observation) -> Observation:
        """Return an observation, without figures of its picture where others came just before."""
        if observation.optics is None:
            return observation
        if observation.taken_ns - self._figures_ns < _FIGURES_NS:
            return replace(observation, optics=None)
        self._figures_ns = observation.taken_ns
        return observation

    def _allows(self, message: wire.FromEye) -> bool:
        if not isinstance(message, wire.Seen):
            return self._told_quota.allows()
        # a file is read as fast as we take
        return not self._camera.paced or self._seen_quota.allows()


def _check_classes(found: Found, labels: int) -> None:
    match found:
        case Detections() | Labels():
            highest = int(found.classes.max(initial=-1))
            if highest >= labels:
                raise Overstepped(f"class {highest}, of a model with {labels} labels")
        case Shares():
            if len(found.shares) != labels:
                raise Overstepped(f"{len(found.shares)} shares, of a model with {labels} labels")
        case Poses():
            pass
