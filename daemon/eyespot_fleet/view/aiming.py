"""Has devices keep where people go, and takes what they have kept into the history of the page."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

from eyespot.broker.settings import MqttSettings
from eyespot.domain.errors import BrokerError, one_line
from eyespot.domain.instants import Timeline
from eyespot.store.trajectories.strips import strips_of
from eyespot.topics.trajectories import Piece
from eyespot_fleet.fetching.asking import Asking
from eyespot_fleet.fetching.trajectories import aim, pieces
from eyespot_fleet.listening import listening
from eyespot_fleet.view.blocks import ROW
from eyespot_fleet.view.recalling import observations_of
from eyespot_fleet.view.seen import MOST_BYTES, Observation, Sightings

_HOUR_MS: Final = 3_600_000
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
            kept = pieces(asking, until_ms - hours * _HOUR_MS, until_ms + _HOUR_MS)
            return put_into(self._history, device, kept)


def put_into(history: Sightings, device: str, kept: Iterable[Piece]) -> int:
    """Put what was kept in the place of what was noticed, unless it is nothing; return how many looks.

    Raises:
        BrokerError: it is not understood; nothing has changed.
    """
    return history.replace(device, _observations_of(newest(kept, MOST_BYTES // ROW.itemsize)))


def newest(kept: Iterable[Piece], most: int) -> Sequence[Piece]:
    """Return so many of the newest pieces that there is room for their places and looks."""
    found: deque[Piece] = deque()
    many = 0
    for piece in kept:
        found.append(piece)
        many += _size(piece)
        while many > most:
            many -= _size(found.popleft())
    return found


def _size(piece: Piece) -> int:
    names = sum(len(name) for name in piece.labels) // ROW.itemsize
    return max(sum(len(way.left) for way in piece.ways), len(piece.steps), names)


def _observations_of(kept: Sequence[Piece]) -> Iterator[Observation]:
    """Yield what was kept; see `recalling.observations_of`.

    Raises:
        BrokerError: a piece does not fit together.
    """
    labels = list(dict.fromkeys(name for piece in kept for name in piece.labels))
    try:
        for strip in strips_of(kept, {name: nth for nth, name in enumerate(labels)}, _SYNCED):
            yield from observations_of(strip, labels, _FETCHED, _SYNCED)
    except (ValueError, OverflowError) as error:
        raise BrokerError(f"what the device has kept is not understood: {one_line(error)}") from error
