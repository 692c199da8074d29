"""Has devices keep where people go, and takes what they have kept into the history of the page."""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import numpy as np

from eyespot.broker.settings import MqttSettings
from eyespot.domain.errors import BrokerError, one_line
from eyespot.domain.instants import Timeline
from eyespot.domain.track import Scene
from eyespot.store.trajectories.strips import strips_of
from eyespot.topics.trajectories import PARTS, Piece
from eyespot_fleet.fetching.asking import Asking
from eyespot_fleet.fetching.trajectories import aim, pieces
from eyespot_fleet.listening import listening
from eyespot_fleet.view.seen import MOST_BYTES, ROW, Observation, Sightings

_HOUR_MS: Final = 3_600_000
_MS_NS: Final = 1_000_000
_SURE: Final = 100  # scores are not kept
_FETCHED: Final = "fetched"
_SYNCED: Final = Timeline(0, synced=True)


class Aimer(Protocol):
    """Asks devices about where people went; each call may take minutes."""

    def aim(self, device: str, minutes: int) -> str:
        """Have it be kept for so long; return what the device says to that. Raises BrokerError."""

    def load(self, device: str, until_ms: int, hours: int) -> int:
        """Put what was kept in the place of what was noticed; return how many looks. Raises BrokerError."""


class BrokerAimer:
    """Asks over a connection of its own each time. An `Aimer`.

    Args:
        settings: of the broker.
        history: where what was kept goes.
    """

    def __init__(self, settings: MqttSettings, history: Sightings) -> None:
        self._settings = settings
        self._history = history

    def aim(self, device: str, minutes: int) -> str:
        """See `Aimer`."""
        asking = Asking(self._settings.prefix, device)
        with listening(self._settings, asking):
            return aim(asking, minutes)

    def load(self, device: str, until_ms: int, hours: int) -> int:
        """See `Aimer`."""
        asking = Asking(self._settings.prefix, device)
        with listening(self._settings, asking):
            kept = list(pieces(asking, until_ms - hours * _HOUR_MS, until_ms + _HOUR_MS))
        return put_into(self._history, device, kept)


def put_into(history: Sightings, device: str, kept: Sequence[Piece]) -> int:
    """Put what was kept in the place of what was noticed, unless it is nothing; return how many looks.

    Raises:
        BrokerError: it is not understood; nothing has changed.
    """
    return history.replace(device, observations_of(newest(kept, MOST_BYTES // ROW.itemsize)))


def newest(kept: Sequence[Piece], most_rows: int) -> Sequence[Piece]:
    """Return so many of the newest pieces that no more places are in them: there is no room for more."""
    rows = 0
    for index in range(len(kept) - 1, -1, -1):
        rows += sum(len(way.left) for way in kept[index].ways)
        if rows > most_rows:
            return kept[index + 1 :]
    return kept


def observations_of(kept: Sequence[Piece]) -> Iterator[Observation]:
    """Yield what was kept as it would have been told on `frame`: of confirmed tracks, where they were seen.

    Tracks are numbered anew, in the order in which they come.

    Raises:
        BrokerError: a piece does not fit together.
    """
    labels = list(dict.fromkeys(name for piece in kept for name in piece.labels))
    numbers: dict[int, int] = {}
    try:
        for strip in strips_of(kept, {name: nth for nth, name in enumerate(labels)}, _SYNCED):
            for scene in strip.scenes():
                yield _observation(scene, labels, numbers)
    except ValueError as error:
        raise BrokerError(f"what the device has kept is not understood: {one_line(error)}") from error


def _observation(scene: Scene, labels: Sequence[str], numbers: dict[int, int]) -> Observation:
    tracks = scene.tracks
    rows = np.flatnonzero(tracks.seen & tracks.confirmed)
    ids = [numbers.setdefault(track, len(numbers)) for track in tracks.ids[rows].tolist()]
    names = [labels[index] for index in tracks.classes[rows].tolist()]
    boxes = (tracks.boxes_xyxy_n[rows] * PARTS).round().astype(int).tolist()
    return Observation(_FETCHED, scene.taken_ns, ids, names, [_SURE] * len(rows), list(map(tuple, boxes)))
