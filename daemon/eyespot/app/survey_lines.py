"""What a recording says of lines: does anybody cross them, and is well seen when doing so?"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from eyespot.domain.account import Account, Fate
from eyespot.domain.geometry import Mount, Reals
from eyespot.domain.polyline import Polyline
from eyespot.rules.line import LineSettings

_ENOUGH = 5  # tracks, before anything is said of them
_MANY = 0.2  # of those that came to the line
_ROOM = 1.0  # box sizes before the line: less is hardly time enough to be confirmed
_FLAT = 20.0  # degrees

_BADLY_SEEN: tuple[Fate, ...] = ("lost_before", "first_behind", "on_it", "first_on_it", "doubted")


class LineSurvey:
    """Gathers what became of the tracks near a line.

    Args:
        line: where it is, and what counts.
        mount: which point of a box counts.
        size: width and height of the picture; their ratio matters.
    """

    def __init__(self, line: LineSettings, mount: Mount, size: tuple[float, float]) -> None:
        self._line = line
        self._mount = mount
        self._size = size
        self._accounts: list[Account] = []

    def add(self, accounts: Iterable[Account]) -> None:
        """Take note of tracks."""
        classes = self._line.classes
        self._accounts += [one for one in accounts if classes is None or one.label in classes]

    def doubts(self) -> Iterator[str]:
        """Yield what is doubtful about the line, in words that go on after its name."""
        fates = Counter(fate for account in self._accounts for fate in {one.fate for one in account.remarks})
        came = sum(_came(account) for account in self._accounts)
        if not came:
            yield _nobody(self._accounts)
        if came < _ENOUGH:
            return
        badly = sum(any(one.fate in _BADLY_SEEN for one in account.remarks) for account in self._accounts)
        if badly > _MANY * came:
            yield (
                f"has {badly} of {came} tracks lost before it, or seen first behind it; move it to where"
                " people are seen well"
            )
        if fates["past"] > _MANY * came:
            yield f"was passed beyond its ends by {fates['past']} of {came} tracks; make it longer"
        crossing = [account for account in self._accounts if account.counted]
        if len(crossing) >= _ENOUGH:
            yield from _doubts_of_crossings(self._line, crossing, self._mount, self._size)


def _doubts_of_crossings(
    line: LineSettings, crossing: Sequence[Account], mount: Mount, size: tuple[float, float]
) -> Iterator[str]:
    room = float(np.median([abs(account.distances[0]) for account in crossing]))
    if room < _ROOM:
        yield f"has too little room: people are seen first {room:.1f} boxes before it; move it inwards"
    frame = np.array(size)
    ways = np.diff(np.array(line.path), axis=0) * frame
    width, height = np.median([account.size for account in crossing], axis=0) * frame
    lengths = np.hypot(*ways.T)
    main = ways[lengths.argmax()] / lengths.max()
    span = abs(main) @ np.array([width, height if mount == "overhead" else width])
    if lengths.sum() < span:
        yield "is shorter than a box; make it as long as the passage is wide"
    angle = float(np.median([_angle(account, Polyline(line.path), frame) for account in crossing]))
    if angle < _FLAT:
        yield f"lies along the flow: people cross it at {angle:.0f} degrees; turn it across their way"


def _angle(account: Account, line: Polyline, frame: Reals) -> float:
    """Return the angle between where somebody went all in all and the piece of a line that was met there.

    In degrees, 0 to 90.
    """
    nearest = int(np.abs(account.distances).argmin())
    way = line.places(account.points[nearest : nearest + 1], 1 / frame[None]).ways[0] * frame
    went = (account.points[-1] - account.points[0]) * frame
    across, ahead = abs(way[0] * went[1] - way[1] * went[0]), abs(float(way @ went))
    return float(np.degrees(np.arctan2(across, ahead)))


def _came(account: Account) -> bool:
    """Return whether somebody came to the line, however that ended."""
    return any(remark.fate not in {"far", "turned"} for remark in account.remarks)


def _nobody(accounts: Sequence[Account]) -> str:
    if not accounts:
        return "has nothing to count: nobody is seen"
    nearest = min(float(np.abs(account.distances).min()) for account in accounts)
    return f"is crossed by nobody: of {len(accounts)} tracks none comes nearer than {nearest:.1f} boxes"
