"""What a recording says of lines, zones and queues: do they lie where people can be counted?"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from eyespot.app.eye import order, smallest_score
from eyespot.app.survey_places import PlaceTally
from eyespot.app.traces import trace_of
from eyespot.config import Loaded
from eyespot.domain.account import Account, Fate
from eyespot.domain.geometry import Mount, Reals
from eyespot.domain.polyline import Polyline
from eyespot.rules import Explaining, build
from eyespot.rules.line import Line, LineSettings
from eyespot.rules.queue import QueueSettings
from eyespot.rules.zone import ZoneSettings

_ENOUGH = 5  # tracks, before anything is said of them
_MANY = 0.2  # of those that came to the line
_ROOM = 1.0  # box sizes before the line: less is hardly time enough to be confirmed
_FLAT = 20.0  # degrees

_BADLY_SEEN: tuple[Fate, ...] = ("lost_before", "first_behind", "on_it", "first_on_it", "doubted")


def survey(loaded: Loaded, recording: Path, tell: Callable[[str], None] = lambda _: None) -> Iterator[str]:
    """Yield doubts about lines, zones and queues of a configuration, a line of text each, with file and line.

    Args:
        loaded: the configuration.
        recording: of what its camera sees.
        tell: is told how far it is, as that may take minutes the first time.

    Raises:
        InputError: the recording cannot be read.
    """
    traced = trace_of(recording, smallest_score(order(loaded.config)))
    labels, mount = traced.model.labels, loaded.config.camera.mount
    lines = {
        index: (rule, Line(rule, labels, mount))
        for index, rule in enumerate(loaded.config.rules)
        if isinstance(rule, LineSettings)
    }
    places = {
        index: (rule, build(rule, labels, mount), PlaceTally(rule.classes))
        for index, rule in enumerate(loaded.config.rules)
        if isinstance(rule, ZoneSettings | QueueSettings)
    }
    accounts: dict[int, list[Account]] = {index: [] for index in lines}
    for strip in traced.strips:
        tell(f"{int(strip.taken_ns[-1]) // 60_000_000_000} min")
        for index, (_, line) in lines.items():
            accounts[index] += line.explain(strip)
        for _, logic, tally in places.values():
            if isinstance(logic, Explaining):
                tally.add(logic.explain(strip))
    for index, (rule, _) in lines.items():
        place = loaded.at("rules", index, "a" if rule.points is None else "points")
        for doubt in doubts(rule, _of_its_classes(rule, accounts[index]), mount, traced.size):
            yield f'{place}: line "{rule.id}" {doubt}, in {recording}'
    for index, (one, _, tally) in places.items():
        place, kind = loaded.at("rules", index, "points"), one.__struct_config__.tag
        for doubt in tally.doubts():
            yield f'{place}: {kind} "{one.id}" {doubt}, in {recording}'


def doubts(
    line: LineSettings, accounts: Sequence[Account], mount: Mount, size: tuple[float, float]
) -> Iterator[str]:
    """Yield what is doubtful about a line, in words that go on after its name.

    Args:
        line: where it is.
        accounts: of tracks that it would count.
        mount: which point of a box counts.
        size: width and height of the picture; their ratio matters.
    """
    fates = Counter(fate for account in accounts for fate in {one.fate for one in account.remarks})
    came = len([account for account in accounts if _came(account)])
    if not came:
        yield _nobody(accounts)
        return
    if came < _ENOUGH:
        return
    badly = sum(any(one.fate in _BADLY_SEEN for one in account.remarks) for account in accounts)
    if badly > _MANY * came:
        yield (
            f"has {badly} of {came} tracks lost before it, or seen first behind it; move it to where people"
            " are seen well"
        )
    if fates["past"] > _MANY * came:
        yield f"was passed beyond its ends by {fates['past']} of {came} tracks; make it longer"
    crossing = [account for account in accounts if account.counted]
    if len(crossing) >= _ENOUGH:
        yield from _doubts_of_crossings(line, crossing, mount, size)


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


def _of_its_classes(line: LineSettings, accounts: Sequence[Account]) -> list[Account]:
    return [one for one in accounts if line.classes is None or one.label in line.classes]


def _nobody(accounts: Sequence[Account]) -> str:
    if not accounts:
        return "has nothing to count: nobody is seen"
    nearest = min(float(np.abs(account.distances).min()) for account in accounts)
    return f"is crossed by nobody: of {len(accounts)} tracks none comes nearer than {nearest:.1f} boxes"
