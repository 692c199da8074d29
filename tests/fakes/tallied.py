"""Buckets as the pipeline drives them, over clocks that jump, processes that die and models that change."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from eyespot.buckets import Buckets
from eyespot.domain.bucket import Bucket
from eyespot.domain.event import Crossed, Event
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.measures import Key, Measures
from eyespot.domain.observation import Sight

RULE = "door"
IN = Key("person", "in")
INSIDE = Key("person", "occupancy")


@dataclass
class Tallied:
    """One rule with buckets. Time goes on in steps, as far as a test says.

    Attributes:
        told: all that was published, in order.
        totals: what the rule has counted; before_resets: and before it began anew.
        looked_s: for how long something was seen.
        kept: what is on the disk: buckets and totals of one transaction.
    """

    bucket_s: int = 60
    zone: str = "UTC"
    utc_s: float = 1_767_225_600  # 2026-01-01
    synced: bool = True
    step_s: float = 0.1
    taken_ns: int = 5 * SECOND_NS
    bundle: str = "a@1.0.0-000000000000"
    told: list[Bucket] = field(default_factory=list)
    totals: int = 0
    inside: int = 0
    sight: Sight = "clear"
    before_resets: int = 0
    looked_s: float = 0.0
    kept: tuple[object, int] = (None, 0)

    def __post_init__(self) -> None:
        self.zero_ns = round(self.utc_s * SECOND_NS) - self.taken_ns
        self._begin()

    @property
    def timeline(self) -> Timeline:
        return Timeline(self.zero_ns, self.synced)

    @property
    def now_s(self) -> float:
        """UTC."""
        return (self.zero_ns + self.taken_ns) / SECOND_NS

    def _begin(self) -> None:
        kept, self.totals = self.kept
        self._sees_until_ns = self.taken_ns
        self.buckets = Buckets({RULE: self.bucket_s}, ZoneInfo(self.zone))
        self.buckets.begin(self.bundle, self.taken_ns, self.timeline)
        self.buckets.expect(1 / self.step_s)
        self.buckets.open(RULE, self.state, kept)
        self._tell()

    @property
    def state(self) -> Measures:
        return Measures({IN: self.totals}, {INSIDE: self.inside})

    def watch(self, seconds: float) -> None:
        """Look for so long."""
        self._pass(seconds, self.step_s, sees=True)

    def silence(self, seconds: float) -> None:
        """Let so much time pass while nothing comes of what looks."""
        self._pass(seconds, 1.0, sees=False)

    def _pass(self, seconds: float, step_s: float, *, sees: bool) -> None:
        until_ns = self.taken_ns + round(seconds * SECOND_NS)
        self.step(self.taken_ns, sees=sees)
        while self.taken_ns < until_ns:
            self.step(min(self.taken_ns + round(step_s * SECOND_NS), until_ns), sees=sees)

    def step(
        self, taken_ns: int, *, sees: bool = True, late_s: Sequence[float] = (), undecided: int = 0
    ) -> None:
        """Step once; some cross, each so long before."""
        before_ns, self.taken_ns = self.taken_ns, max(taken_ns, self.taken_ns)
        self.looked_s += max(min(self.taken_ns, self._sees_until_ns) - before_ns, 0) / SECOND_NS
        self.buckets.pass_time(taken_ns, self.timeline)
        if sees:
            self._sees_until_ns = self.taken_ns + round(max(2 * self.step_s, 0.25) * SECOND_NS)
            self.buckets.look(self.sight)
        events: list[Event] = [
            Crossed(RULE, self.taken_ns - round(late * SECOND_NS), "in", "person", 1, self.bundle)
            for late in late_s
        ]
        self.totals += len(events)
        self.buckets.count(RULE, self.state, events, undecided)
        self._tell(moved=bool(events))

    def cross(self, *late_s: float) -> None:
        """Let some cross now, each so long before."""
        self.step(self.taken_ns, late_s=late_s)

    def stand(self, inside: int) -> None:
        """Let so many be inside from now on."""
        self.inside = inside
        self.step(self.taken_ns)

    def doubt(self, undecided: int) -> None:
        self.step(self.taken_ns, undecided=undecided)

    def set_clock(self, by_s: float, synced: bool = True) -> None:  # noqa: FBT002 - of a script
        """Set UTC."""
        self.zero_ns += round(by_s * SECOND_NS)
        self.synced = synced

    def kill(self, down_s: float, reboots: bool = False) -> None:  # noqa: FBT002 - of a script
        """Lose the process, or the machine, and begin another one later."""
        utc_ns = self.zero_ns + self.taken_ns + round(down_s * SECOND_NS)
        self.taken_ns = 3 * SECOND_NS if reboots else self.taken_ns + round(down_s * SECOND_NS)
        self.zero_ns = utc_ns - self.taken_ns
        self._begin()

    def lose_power(self, down_s: float, off_s: float = 0.0, synced: bool = True) -> None:  # noqa: FBT002
        """Begin anew by a clock that is off by so much."""
        self.synced = synced
        self.zero_ns += round(off_s * SECOND_NS)
        self.kill(down_s, reboots=True)

    def stop(self) -> None:
        """Leave in order, and begin anew at once."""
        self.kept = (self.buckets.keep(RULE), self.totals)
        self.kill(0.5)

    def change_model(self, bundle: str) -> None:
        self.bundle = bundle
        self.buckets.pass_time(self.taken_ns, self.timeline)
        self.buckets.change_model(bundle)
        self._tell()

    def reset(self) -> None:
        self.buckets.pass_time(self.taken_ns, self.timeline)
        self.before_resets, self.totals = self.before_resets + self.totals, 0
        self.buckets.reset(RULE, self.state)
        self._tell(moved=True)

    def end(self) -> list[Bucket]:
        """End the open bucket, too, and return the newest of each."""
        self.buckets.close(RULE, "end")
        self.told += self.buckets.due()
        return self.newest()

    def newest(self) -> list[Bucket]:
        """Return of each bucket what was said last, in the order in which they were told first."""
        by_place = {(one.begin_utc_ns, one.end_utc_ns, one.bundle): one for one in self.told}
        return list(by_place.values())

    def _tell(self, *, moved: bool = False) -> None:
        self.told += self.buckets.due()
        if moved or self.buckets.wants_to_be_kept(RULE):
            self.kept = (self.buckets.keep(RULE), self.totals)


def number(buckets: Sequence[Bucket]) -> int:
    """Return how many were counted in all of them."""
    return sum(Counter(one.counts["person"])["in"] for one in buckets if one.counts)
