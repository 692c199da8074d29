"""Whether what is seen is still what used to be: by light, focus, places and numbers; no picture, no clock.

What is usual is learned slowly, of each model by itself, as another one sees otherwise. Where nothing is
known nothing is said.
"""

from zoneinfo import ZoneInfo

from eyespot.domain.doubt import Doubt
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Optics, Sight
from eyespot.domain.track import Scene
from eyespot.drift.kept import MOST_MODELS, Kept, packed, unpacked
from eyespot.drift.light import Light
from eyespot.drift.moment import Moment, moment
from eyespot.drift.usual import Usual


class Drift:
    """Compares what is seen with what is usual, once a second.

    Args:
        zone: by whose clock the hours of a week are told apart.

    Attributes:
        doubts: what is in doubt now, with the evidence in words.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self.doubts: dict[Doubt, str] = {}
        self._light = Light()
        self._usual: dict[str, Usual] = {}
        self._now = Usual()
        self._optics: Optics | None = None
        self._due_ns: int | None = None

    def begin(self, bundle: str, kept: bytes) -> None:
        """Go on from what was kept; from nothing where that is of no use, as it comes from a disk.

        Args:
            bundle: id of the model bundle that looks.
            kept: see `keep`.
        """
        known = unpacked(kept)
        self._light = Light(known.light, even=known.even)
        self._usual = {one.bundle: Usual(one) for one in known.models}
        self.change_model(bundle)

    def change_model(self, bundle: str) -> None:
        """Go by what is usual for another model: what it did when it looked last, or nothing."""
        self._now = self._usual.pop(bundle) if bundle in self._usual else Usual()
        self._usual[bundle] = self._now  # the newest last
        while len(self._usual) > MOST_MODELS:
            del self._usual[next(iter(self._usual))]
        self._optics = None
        self._tell()

    def relearn(self) -> None:
        """Forget what was usual in places and numbers and of the focus, as the camera looks elsewhere now.

        An even picture is taken as meant if there is one now, and as a cover if not.
        """
        self._light.relearn()
        self._now = Usual()
        self._usual = dict.fromkeys(list(self._usual)[-1:], self._now)
        self._tell()

    def is_due(self, taken_ns: int) -> bool:
        """Return whether a scene of that instant is compared; it has to be in order, as all instants are."""
        return self._due_ns is None or not self._due_ns - SECOND_NS <= taken_ns < self._due_ns

    def note(self, optics: Optics) -> None:
        """Take note of how pictures are as a whole."""
        self._optics = optics

    def step(self, scene: Scene) -> None:
        """Look at a scene, or pass over it, as it is not due yet."""
        observation = scene.observation
        if observation is not None and observation.optics is not None:
            self.note(observation.optics)
        if not self.is_due(scene.taken_ns):
            return
        self._due_ns = scene.taken_ns + SECOND_NS
        self._compare(moment(scene, self._zone), scene, None if observation is None else observation.sight)
        self._tell()

    def seen(self, sight: Sight) -> Sight:
        """Return whether something is to be seen, if a picture tells that of itself."""
        return self._light.seen(sight)

    def keep(self) -> bytes:
        """Return what is to outlive the process."""
        models = tuple(usual.keep(bundle) for bundle, usual in self._usual.items())
        return packed(Kept(self._light.keep(), models, even=self._light.even))

    def _compare(self, now: Moment, scene: Scene, sight: Sight | None) -> None:
        optics, self._optics = self._optics, None
        self._light.step(now, sight, optics)
        sees = sight is not None and self.seen(sight) == "clear"
        if sight is not None:  # of a slow camera much time is silence
            self._now.step(now, scene, optics if sees else None, sees=sees)

    def _tell(self) -> None:
        self.doubts = self._light.doubts | self._now.doubts
