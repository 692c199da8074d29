"""What is in doubt: kept beside the snapshots of rules, and told among the messages of a recording."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from eyespot.domain.bucket import Worth
from eyespot.domain.doubt import Doubt
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Message
from eyespot.domain.observation import Sight
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.drift import Drift
from eyespot.drift.doubts import worth
from eyespot.ports import Readings
from eyespot.topics.native import Native, Trouble, Vitals, stamp

# To versions before it is the snapshot of a rule that has gone, as `places.ROW` is.
ROW = "what-is-usually-seen"
_KEEP_NS = 600 * SECOND_NS
_MOST_BYTES = 512 * 1024


class Drifting:
    """Steps `Drift` beside the rules.

    Args:
        zone: of the device.

    Attributes:
        doubts: what is in doubt now, in words; from any thread.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._drift = Drift(zone)
        self._kept: tuple[int, Mapping[Doubt, str]] | None = None
        self.doubts: Mapping[Doubt, str] = {}
        self._told: Mapping[Doubt, str] = self.doubts
        self._since_utc_ns: dict[Doubt, int] = {}

    def take_from(self, kept: Mapping[str, bytes], bundle: str) -> dict[str, bytes]:
        """Go on from what was kept, and return the snapshots of rules."""
        own = kept.get(ROW, b"")
        self._drift.begin(bundle, own if len(own) <= _MOST_BYTES else b"")
        self.doubts = dict(self._drift.doubts)
        return {rule_id: snapshot for rule_id, snapshot in kept.items() if rule_id != ROW}

    def change_model(self, bundle: str) -> None:
        """Go by what is usual for another model."""
        self._drift.change_model(bundle)
        self.doubts = dict(self._drift.doubts)

    def relearn(self) -> dict[str, bytes]:
        """Learn anew what is usual, as the camera looks elsewhere; return what is to be kept."""
        self._drift.relearn()
        self.doubts = dict(self._drift.doubts)
        return {ROW: self._drift.keep()}

    def step(self, scene: Scene) -> None:
        """Look at a scene."""
        self._drift.step(scene)
        if self._drift.doubts != self.doubts:
            self.doubts = dict(self._drift.doubts)

    def worth(self, sight: Sight) -> Worth:
        """Return what a look is worth."""
        return worth(self._drift.seen(sight), self.doubts)

    def keep(self, taken_ns: int, *, now: bool = False) -> dict[str, bytes]:
        """Return what is to be kept: every ten minutes, when a doubt comes or goes, or now."""
        if self._kept is None:
            self._kept = taken_ns, self.doubts
        kept_ns, doubts = self._kept
        if not now and taken_ns - kept_ns < _KEEP_NS and doubts == self.doubts:
            return {}
        self._kept = taken_ns, self.doubts
        return {ROW: self._drift.keep()}

    def news(self, native: Native, strip: Strip) -> list[Message]:
        """Go by what is in doubt in a strip; return `health` where that changed, as nobody else tells it."""
        self.doubts = strip.doubts
        if self.doubts == self._told:
            return []
        self._told = self.doubts
        at = stamp(strip.timeline, int(strip.taken_ns[0]))
        self._since_utc_ns = {name: self._since_utc_ns.get(name, at.utc_ns) for name in self.doubts}
        troubles = [Trouble(name, words, self._since_utc_ns[name]) for name, words in self.doubts.items()]
        vitals = Vitals(
            uptime_s=int(strip.taken_ns[0]) // SECOND_NS,
            observations=0,
            observations_hz=0.0,
            dropped=0,
            backlog=0,
            readings=Readings(),
            recoveries={},
            memory_mb=None,
            disk_free_mb=None,
            temperature_c=None,
        )
        return [native.health(vitals, troubles, at)]
