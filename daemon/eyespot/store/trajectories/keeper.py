"""Keeps where people went, for as long as somebody wants that, and no longer."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import zstandard

from eyespot.domain.errors import one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock, HealthBoard
from eyespot.store.memo import Memo
from eyespot.store.settings import TrajectoriesSettings
from eyespot.store.trajectories.aiming import Aiming
from eyespot.store.trajectories.gathering import Gathering
from eyespot.store.trajectories.segments import Block, Segments
from eyespot.store.trajectories.ways import Salt, pieces_of
from eyespot.topics.trajectories import MOST_BYTES, Piece

_log = logging.getLogger(__name__)

FOLDER, AIM = "trajectories", "aim.json"
KEEP_EVERY_S = 30  # so much is lost with the power
_MS_NS = 1_000_000
_HOUR_MS = 3_600_000
_EVER_MS = 1 << 62

Keeps = Literal["off", "always", "aim"]


class Kept(NamedTuple):
    """A piece and its cursor."""

    cursor: int
    piece: Piece


class Keeper:
    """Keeps what `gathering` gathers. Its other methods are for one thread; none but `read` raises.

    Args:
        state: the folder of the device's state.
        settings: in force just now.
        health: knows `trajectories_failed`.
        clock: for what is old.
        has_room: whether the disk has room for more than counts.

    Attributes:
        gathering: for the thread that counts.
        aiming: whether somebody wants it for some time.
        lost: pieces that could not be written.
    """

    def __init__(
        self,
        state: Path,
        settings: Callable[[], TrajectoriesSettings],
        health: HealthBoard,
        clock: Clock,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self._settings = settings
        self._health = health
        self._clock = clock
        self._has_room = has_room
        self._segments = Segments(state / FOLDER, clock.now_ns)
        self._salt = Salt()
        self._unread = 0
        self._kept_ns = clock.now_ns()
        self.gathering = Gathering()
        self.aiming = Aiming(clock, Memo(state / AIM))
        self.lost = 0

    @property
    def keeps(self) -> Keeps:
        """Whether anything is kept just now, and why."""
        if self._settings().keep:
            return "always"
        return "aim" if self.aiming.active else "off"

    @property
    def kept_bytes(self) -> int:
        """What is taken on the disk."""
        return self._segments.kept_bytes

    @property
    def since_ms(self) -> int | None:
        """The time of the oldest, in ms since 1970; None where there is nothing."""
        return self._segments.since_ms

    @property
    def given_up(self) -> int:
        """How many pieces were given up for room."""
        return self._segments.given_up

    @property
    def damaged(self) -> int:
        """How often something could not be read."""
        return self._segments.damaged + self._unread

    def aim(self, minutes: int) -> bool:
        """Keep it for so long; 0 ends that. Whether it is on the disk: else nothing is kept."""
        kept = self.aiming.begin(minutes)
        self._go_by_settings()
        return kept

    def tick(self) -> None:
        """Attend to what time brings; about once a second."""
        self.aiming.tick()
        if self._clock.now_ns() - self._kept_ns >= KEEP_EVERY_S * SECOND_NS:
            self.keep()
        self._go_by_settings()

    def keep(self) -> None:
        """Write down what was gathered, and remove what is too old or too much."""
        self._kept_ns = self._clock.now_ns()
        looks, missed = self.gathering.take()
        pieces = list(pieces_of(looks, self._salt))
        try:
            self._make_room()
            if pieces and not self._has_room():
                raise OSError("there is hardly any room left, which is for counts")  # noqa: TRY301 - one way to tell
            self._segments.add([_span(piece) for piece in pieces])
            self._segments.make_room(self._settings().mb * 1_000_000)
        except OSError as error:
            self.lost += len(pieces)
            self._health.raise_state(
                "trajectories_failed",
                f"where people went is not kept, counts are ({one_line(error)}): see to the disk",
            )
        else:
            self.lost += missed > 0
            forbidden = not (self._settings().keep or self._settings().aim)
            if pieces or (self.keeps == "off" and not (forbidden and self.kept_bytes)):
                self._health.clear_state("trajectories_failed")

    def read(self, after: int, since_ms: int, until_ms: int, most: int) -> tuple[list[Kept], bool]:
        """Return pieces behind a cursor, of a time, and whether there are more than so many."""
        self.keep()
        found: list[Kept] = []
        for block in self._segments.read(after, since_ms, until_ms):
            if len(found) == most:
                return found, True
            piece = self._piece(block)
            if piece is not None:
                found.append(Kept(block.number, piece))
        return found, False

    def _piece(self, block: Block) -> Piece | None:
        try:
            data = zstandard.ZstdDecompressor().decompress(block.data, max_output_size=MOST_BYTES)
            return msgspec.json.decode(data, type=Piece)
        except (zstandard.ZstdError, msgspec.DecodeError, UnicodeDecodeError) as error:
            self._unread += 1
            _log.warning("piece %d of where people went cannot be read: %s", block.number, one_line(error))
            return None

    def _make_room(self) -> None:
        timeline, now_ns = self._clock.timeline(), self._clock.now_ns()
        now_ms = timeline.utc_ns(now_ns) // _MS_NS
        settings = self._settings()
        kept_ms = settings.hours * _HOUR_MS
        self._segments.forget(
            now_ms - kept_ms, now_ms + _HOUR_MS if timeline.synced else None, now_ns - kept_ms * _MS_NS
        )
        self._segments.make_room(settings.mb * 1_000_000)

    def _go_by_settings(self) -> None:
        settings = self._settings()
        if self.aiming.active and not settings.aim:
            self.aiming.begin(0)
        if self.keeps == "off" and self.gathering.is_open:
            self.keep()
        self.gathering.open(wanted=self.keeps != "off")
        if not (settings.keep or settings.aim) and self.kept_bytes:
            self._forget_all()

    def _forget_all(self) -> None:
        try:
            self._segments.forget(_EVER_MS)
        except OSError as error:
            self._health.raise_state(
                "trajectories_failed",
                f"where people went cannot be removed ({one_line(error)}): see to the disk",
            )


def _span(piece: Piece) -> tuple[int, int, bytes]:
    packed = zstandard.compress(msgspec.json.encode(piece))
    return piece.begun, piece.begun + sum(piece.steps), packed
