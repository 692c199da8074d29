"""What devices say on `frame`, as observations."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from eyespot.domain.instants import LATEST_NS, parse_rfc3339
from eyespot.topics.payloads import MOST_BOXES, ClassName, ShortBox
from eyespot_fleet.view.seen import LAST_TRACK, Observation

_SCHEMA: Final = "eyespot.frame/2"


class _Frame(msgspec.Struct, frozen=True):
    """What matters here of a `topics.payloads.Frame`."""

    schema: str
    t: str
    boot_id: Annotated[str, Meta(max_length=64)]
    labels: Annotated[tuple[ClassName, ...], Meta(max_length=MOST_BOXES)]
    tracks: Annotated[tuple[Annotated[int, Meta(ge=0, lt=LAST_TRACK)], ...], Meta(max_length=MOST_BOXES)]
    classes: Annotated[tuple[Annotated[int, Meta(ge=0, lt=MOST_BOXES)], ...], Meta(max_length=MOST_BOXES)]
    scores: Annotated[tuple[Annotated[int, Meta(ge=0, le=100)], ...], Meta(max_length=MOST_BOXES)]
    boxes: Annotated[tuple[ShortBox, ...], Meta(max_length=MOST_BOXES)]


def observation_in(payload: bytes) -> Observation | None:
    """Return what a device says on `frame`; None where that is no frame of ours."""
    try:
        frame = msgspec.json.decode(payload, type=_Frame)
        taken_ns = parse_rfc3339(frame.t)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    columns = {len(frame.tracks), len(frame.classes), len(frame.scores), len(frame.boxes)}
    known = all(index < len(frame.labels) for index in frame.classes)
    timely = 0 <= taken_ns <= LATEST_NS
    whole = all(left <= right and top <= low for left, top, right, low in frame.boxes)
    numbered = len(set(frame.tracks)) == len(frame.tracks)
    if frame.schema != _SCHEMA or len(columns) != 1 or not (timely and known and whole and numbered):
        return None
    labels = [frame.labels[index] for index in frame.classes]
    return Observation(frame.boot_id, taken_ns, frame.tracks, labels, frame.boxes)
