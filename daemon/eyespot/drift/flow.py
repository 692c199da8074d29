"""Whether about as many walk by as usual at an hour of the week."""

from eyespot.domain.instants import SECOND_NS
from eyespot.drift.kept import HOURS_OF_WEEK, KeptFlow
from eyespot.drift.moment import Moment

_HOUR_NS = 3600 * SECOND_NS
_SEEN_NS = round(0.9 * _HOUR_NS)
_LONGEST_NS = 2 * SECOND_NS
_ENOUGH_WEEKS, _SLOW = 3, 8
_ENOUGH = 30  # tracks, so that chance alone does not do it
_FEW, _MANY = 0.2, 5.0
_HOURS = 2  # that follow each other
_LASTS_NS = HOURS_OF_WEEK * _HOUR_NS  # where the place is too quiet to compare, or has no clock any more


class Flow:
    """Learns how many walk by in each hour of the week, and compares whole hours.

    Args:
        kept: what `keep` returned.

    Attributes:
        words: evidence for that it is not as usual; empty where there is none.
    """

    def __init__(self, kept: KeptFlow) -> None:
        self._hours = [*kept.hours, *[(0, 0.0)] * HOURS_OF_WEEK][:HOURS_OF_WEEK]
        self._hour: int | None = None
        self._begin_ns = self._newest_ns = 0
        self._count = self._seen_ns = 0
        self._odd: list[tuple[int, float, int]] = []
        self._told_ns = 0
        self.words = ""

    def step(self, now: Moment, ended: int, *, sees: bool) -> None:
        """Take note of how many walks have ended.

        Args:
            now: the instant.
            ended: how many.
            sees: whether anything could be seen since the last step.
        """
        if now.hour != self._hour or now.taken_ns - self._begin_ns >= _HOUR_NS + _LONGEST_NS:
            self._end_hour()
            self._hour, self._begin_ns, self._count, self._seen_ns = now.hour, now.taken_ns, 0, 0
        elif sees:
            self._seen_ns += min(max(now.taken_ns - self._newest_ns, 0), _LONGEST_NS)
        self._newest_ns = now.taken_ns
        self._count += ended
        if now.taken_ns - self._told_ns >= _LASTS_NS:
            self.words = ""

    def keep(self) -> KeptFlow:
        """Return what is to outlive the process."""
        return KeptFlow(self._hours)

    def _end_hour(self) -> None:
        """Judge and learn the hour that is over, if it was seen as a whole."""
        if self._hour is None or self._seen_ns < _SEEN_NS:
            self._odd = []
            return
        weeks, usual = self._hours[self._hour]
        if weeks >= _ENOUGH_WEEKS and usual >= _ENOUGH:
            self._judge(usual, weeks)
        else:
            self._odd = []
        number = min(weeks + 1, _SLOW)
        self._hours[self._hour] = number, usual + (self._count - usual) / number

    def _judge(self, usual: float, weeks: int) -> None:
        if _FEW * usual <= self._count <= _MANY * usual:
            self._odd, self.words = [], ""
            return
        self._odd = [*self._odd, (self._count, usual, weeks)][-_HOURS:]
        if len(self._odd) == _HOURS:
            count, mean = (sum(one[of] for one in self._odd) for of in (0, 1))
            self._told_ns = self._newest_ns
            fewest = min(one[2] for one in self._odd)
            self.words = (
                f"{count:.0f} walked by in the last {_HOURS} hours, usually {mean:.0f} at these hours of"
                f" the week ({fewest} weeks); counts go on"
            )
