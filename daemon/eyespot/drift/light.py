"""Whether there is light to see by, and nothing over the lens; and which light is usual at an hour."""

import math
from collections.abc import Sequence

from eyespot.domain.doubt import Doubt
from eyespot.domain.observation import Optics, Sight
from eyespot.drift.doubts import two_digits
from eyespot.drift.dwell import Dwell
from eyespot.drift.kept import HOURS_OF_DAY, KeptMean
from eyespot.drift.moment import Moment

# A lorry in front of the lens, or somebody who wipes it, is no trouble.
_BEGINS_S, _ENDS_S = 60, 30
_SIGHTS: dict[Doubt, Sight] = {"too_dark": "dark", "covered": "covered"}
_ENOUGH = 600  # seconds of an hour of the day, until its light is called usual
_SLOW = 7 * 3600
_LEAST_LUX = 0.01


class Light:
    """Follows what cameras and pictures say of the light.

    Args:
        kept: the usual light by hour of the day, as `keep` returned it.
        even: whether it is meant that the picture is the same everywhere.

    Attributes:
        even: that.
        doubts: `too_dark` and `covered`, with words, while they last.
    """

    def __init__(self, kept: Sequence[KeptMean] = (), *, even: bool = False) -> None:
        self.even = even
        self.doubts: dict[Doubt, str] = {}
        self._usual = [*kept, *[KeptMean(0, 0.0)] * HOURS_OF_DAY][:HOURS_OF_DAY]
        self._newest = Optics()
        self._dwells: dict[Doubt, Dwell] = {name: Dwell(_BEGINS_S, _ENDS_S) for name in _SIGHTS}

    def step(self, now: Moment, sight: Sight | None, optics: Optics | None) -> None:
        """Look on.

        Args:
            now: the instant.
            sight: whether there was something to be seen; None: nothing came.
            optics: of the newest picture; None where nothing is told of it.
        """
        if optics is not None:
            self._newest = optics
            if sight is not None and self.seen(sight) == "clear":
                self._learn(now, optics)
        for name, dwell in self._dwells.items():
            if dwell.note(now.taken_ns, told=None if sight is None else sight == _SIGHTS[name]):
                self._turn(name, now)

    def seen(self, sight: Sight) -> Sight:
        """Return whether something is to be seen; in a picture that is even, as it is meant, there is."""
        return "clear" if sight == "covered" and self.even else sight

    def relearn(self) -> None:
        """Take it as meant if the picture is the same everywhere just now: a floor, seen from above."""
        self.even = self._dwells["covered"].holds
        self.doubts.pop("covered", None)

    def keep(self) -> tuple[KeptMean, ...]:
        """Return the usual light by hour of the day."""
        return tuple(self._usual)

    def _turn(self, name: Doubt, now: Moment) -> None:
        if not self._dwells[name].holds:
            self.doubts.pop(name, None)
            return
        if name == "covered" and self.even:
            return
        figures = ", ".join(_figures(self._newest)) or "as the camera says"
        since = Moment(now.taken_ns, now.utc_s and max(now.utc_s - _BEGINS_S, 0)).since
        if name == "covered":
            self.doubts[name] = (
                f"something lies over the lens{since}: the picture is the same everywhere ({figures})."
                " Where that is an even floor, send cmd/view/relearn"
            )
        else:
            self.doubts[name] = f"nothing can be seen{since}: {figures}{self._usually(now)}"

    def _learn(self, now: Moment, optics: Optics) -> None:
        if now.hour is not None and optics.lux is not None:
            hour = now.hour % HOURS_OF_DAY
            self._usual[hour] = self._usual[hour].with_one(math.log(max(optics.lux, _LEAST_LUX)), _SLOW)

    def _usually(self, now: Moment) -> str:
        usual = None if now.hour is None else self._usual[now.hour % HOURS_OF_DAY]
        if usual is None or usual.number < _ENOUGH:
            return ""
        return f"; usually {two_digits(math.exp(usual.mean))} lux at this hour"


def _figures(optics: Optics) -> list[str]:
    told = {
        "{:g} lux": optics.lux,
        "brightness {:g} %": optics.brightness,
        "exposure {:g} ms": optics.exposure_ms,
        "gain {:g}": optics.gain,
    }
    return [words.format(value) for words, value in told.items() if value is not None]
