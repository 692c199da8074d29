"""What is usual for one model, and what is not as usual just now."""

from eyespot.domain.doubt import Doubt
from eyespot.domain.observation import Optics
from eyespot.domain.track import Scene
from eyespot.drift.flow import Flow
from eyespot.drift.focus import Focus
from eyespot.drift.kept import KeptModel
from eyespot.drift.moment import Moment
from eyespot.drift.places import Places
from eyespot.drift.walks import Walks

_BLANK = KeptModel("")


class Usual:
    """Learns, and compares.

    Args:
        kept: what `keep` returned.
    """

    def __init__(self, kept: KeptModel = _BLANK) -> None:
        self._walks = Walks()
        self._focus = Focus(kept.focus)
        self._places = Places(kept.places)
        self._flow = Flow(kept.flow)

    @property
    def doubts(self) -> dict[Doubt, str]:
        """What is not as usual, with the evidence in words."""
        told: dict[Doubt, str] = {
            "defocused": self._focus.words,
            "moved": self._places.words,
            "flow_changed": self._flow.words,
        }
        return {name: words for name, words in told.items() if words}

    def step(self, now: Moment, scene: Scene, optics: Optics | None, *, sees: bool) -> None:
        """Look on.

        Args:
            now: the instant.
            scene: what is seen.
            optics: how the picture is; None where nothing is told.
            sees: whether anything can be seen; else nothing is learned of places and numbers.
        """
        self._focus.step(now, optics, sees=sees)
        sees = sees and not self._focus.words
        ended = self._walks.step(scene.tracks) if sees else self._walks.stop()
        self._places.step(now, ended, sees=sees)
        self._flow.step(now, len(ended), sees=sees)

    def keep(self, bundle: str) -> KeptModel:
        """Return what is to outlive the process."""
        return KeptModel(bundle, self._focus.keep(), self._places.keep(), self._flow.keep())
