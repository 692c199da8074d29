"""Whether pictures are as sharp as they usually are in such a light."""

import math
from collections import Counter
from statistics import median

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Optics
from eyespot.drift.doubts import two_digits
from eyespot.drift.dwell import Dwell
from eyespot.drift.kept import NOTHING, KeptFocus, KeptMean, Standing
from eyespot.drift.moment import Moment

_MINUTE_NS = 60 * SECOND_NS
_ENOUGH_LOOKS = 20  # in a minute
_ENOUGH_MINUTES = 60  # at a level of light
_SLOW = 7 * 24 * 60
# A crowd changes the detail in a picture, by less than the half; so does rain.
_BLURRED, _SHARP = math.log(3), math.log(2)
_SPREADS = 4
_BEGINS_S, _ENDS_S = 240, 120  # from the end of the first minute to that of the fifth
# Without anything to compare, for that many minutes in which something was seen.
_SAYS_SO, _GIVES_UP = 5, 60
_LEAST, _LEAST_LUX = 0.01, 0.1

_DARKEST, _BRIGHTEST = -2, 12
# By who measures, c for the camera and p for the picture, since two scales are never compared.
_LIGHTS = (*(f"l{half}" for half in range(_DARKEST, _BRIGHTEST + 1)), *(f"b{one}" for one in range(5)))
_LEVELS = frozenset(f"{measure}{light}" for measure in "cp" for light in _LIGHTS)


class Focus:
    """Learns the usual focus for each level of light, minute by minute, and compares.

    Args:
        kept: what `keep` returned.

    Attributes:
        words: evidence for that it is out of focus; empty where there is none.
    """

    def __init__(self, kept: KeptFocus) -> None:
        self._levels: dict[str, KeptMean] = {name: kept.levels[name] for name in _LEVELS & kept.levels.keys()}
        knows = any(one.number >= _ENOUGH_MINUTES for one in self._levels.values())
        self._standing = kept.standing if knows else None
        self._dwell = Dwell(_BEGINS_S, _ENDS_S, holds=self._standing is not None)
        self._looks: list[tuple[str, float]] = []
        self._saw = False
        self._lacking = 0  # minutes without a comparison, since the last one that tells of a blur
        self._ends_ns: int | None = None
        self.words = _words(self._standing)

    def step(self, now: Moment, optics: Optics | None, *, sees: bool) -> None:
        """Take note of a picture.

        Args:
            now: the instant.
            optics: how it is; None where nothing is told of it, or there is nothing to be seen.
            sees: whether there is something to be seen.
        """
        if self._ends_ns is None or now.taken_ns >= self._ends_ns:
            self._end_minute(now)
            self._saw = False
        self._saw = self._saw or sees
        look = None if optics is None else _look(optics)
        if look is not None:
            self._looks.append(look)

    def keep(self) -> KeptFocus:
        """Return what is to outlive the process."""
        return KeptFocus(self._levels, self._standing)

    def _end_minute(self, now: Moment) -> None:
        looks, self._looks = self._looks, []
        late = self._ends_ns is not None and now.taken_ns - self._ends_ns >= _MINUTE_NS
        self._ends_ns = now.taken_ns + _MINUTE_NS
        if late or len(looks) < _ENOUGH_LOOKS:
            self._lack(now)
            return
        level = Counter(one for one, _ in looks).most_common(1)[0][0]
        focus = median(value for one, value in looks if one == level)
        usual = self._levels.get(level, NOTHING)
        knows = usual.number >= _ENOUGH_MINUTES
        below = usual.mean - focus if knows else 0.0
        self._judge(now, focus, usual, knows=knows)
        if not self._dwell.holds and below < _SHARP:
            self._levels[level] = usual.with_one(focus, _SLOW)

    def _judge(self, now: Moment, focus: float, usual: KeptMean, *, knows: bool) -> None:
        below = usual.mean - focus
        blurred = below >= (_SHARP if self._dwell.holds else max(_BLURRED, _SPREADS * usual.spread))
        if not knows:
            self._lack(now)
        else:
            self._lacking = 0 if blurred else self._lacking
            self._turn(now, focus, usual, blurred=blurred)

    def _turn(self, now: Moment, focus: float, usual: KeptMean, *, blurred: bool) -> None:
        if self._dwell.note(now.taken_ns, told=blurred):
            self._standing = Standing(now.utc_s, math.exp(focus), math.exp(usual.mean)) if blurred else None
        self._tell()

    def _lack(self, now: Moment) -> None:
        """Note a minute with nothing to compare; what is in doubt does not outlive its evidence for long."""
        self._dwell.note(now.taken_ns, told=None)
        self._lacking += self._saw
        if self._standing is not None and self._lacking >= _GIVES_UP:
            self._standing, self._dwell = None, Dwell(_BEGINS_S, _ENDS_S)
        self._tell()

    def _tell(self) -> None:
        self.words = _words(self._standing, lacking=self._lacking >= _SAYS_SO)


def _look(optics: Optics) -> tuple[str, float] | None:
    """Return by whose measure and in which light a picture is, and the logarithm of its focus."""
    light = _light(optics)
    measure, focus = ("c", optics.focus) if optics.focus is not None else ("p", optics.sharpness)
    return None if light is None or focus is None else (measure + light, math.log(max(focus, _LEAST)))


def _light(optics: Optics) -> str | None:
    """Return the name of a level of light: half decades of lux, else fifths of the brightness."""
    if optics.lux is not None:
        return f"l{min(round(2 * math.log10(max(optics.lux, _LEAST_LUX))), _BRIGHTEST)}"
    return None if optics.brightness is None else f"b{min(int(optics.brightness / 20), 4)}"


def _words(standing: Standing | None, *, lacking: bool = False) -> str:
    if standing is None:
        return ""
    since = Moment(0, standing.utc_s).since
    figures = f"focus {two_digits(standing.now)}, usually {two_digits(standing.usual)} at this light"
    if lacking:
        what = "now nothing comes that could be compared; so this ends in an hour of such pictures"
    else:
        what = (
            "is the lens dirty or turned, or something before it? Where that is meant, send cmd/view/relearn"
        )
    return f"the picture is not sharp{since}: {figures}; {what}"
