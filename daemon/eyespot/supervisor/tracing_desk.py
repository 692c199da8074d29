"""Where people went: switched on for some time, told piece by piece, and shown that it is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from eyespot.domain.instants import SECOND_NS, rfc3339
from eyespot.domain.message import Heard
from eyespot.ports import Clock, Handover
from eyespot.store.settings import TrajectoriesSettings
from eyespot.store.trajectories.keeper import Keeper, Kept
from eyespot.supervisor.health import Health
from eyespot.topics.commands import Command
from eyespot.topics.model_payloads import Result
from eyespot.topics.native import Native, stamp
from eyespot.topics.trajectories import MOST_PIECES
from eyespot.update.commands import Verdict

PIECES_AT_ONCE = 4  # a second; the rest of what may be under way is for others
TELL_EVERY_S = 300  # how much is kept, while anything is
_MS_NS = 1_000_000
_LATEST_MS = 1 << 62


@dataclass(slots=True)
class _Asked:
    """An answer under way: to whom, its pieces, whether there are more, and how many have left."""

    req_id: str
    heard: Heard
    pieces: list[Kept]
    more: bool
    told: int = 0


class TracingDesk:
    """Does what is asked about where people went. For the commands thread.

    Args:
        keeper: has it.
        settings: in force just now.
        native: makes the messages.
        post: takes them.
        clock: for their times.
        health: knows whether as much has left as may in a day.
    """

    def __init__(
        self,
        keeper: Keeper,
        settings: Callable[[], TrajectoriesSettings],
        *,
        native: Native,
        post: Callable[[Handover], None],
        clock: Clock,
        health: Health,
    ) -> None:
        self._keeper = keeper
        self._settings = settings
        self._native = native
        self._post = post
        self._clock = clock
        self._health = health
        self._asked: _Asked | None = None
        self._told: tuple[object, ...] = ()
        self._told_ns = clock.now_ns()

    def aim(self, minutes: int) -> Verdict:
        """Keep where people go for so many minutes; 0 ends it."""
        if not self._settings().aim:
            return Verdict("refused", "[trajectories] aim = false in the device's configuration")
        if not self._keeper.aim(minutes):
            again = "a restart may go on with what was asked for before"
            return Verdict(
                "failed", f"it cannot be written down, so nothing is kept now, but {again}: see to the disk"
            )
        self._tell(again=True)
        if not minutes:
            always = ", [trajectories] keep goes on" if self._keeper.keeps == "always" else ""
            return Verdict("ok", f"aiming has ended{always}")
        until = self._until()
        return Verdict("ok", f"where people go is kept until {until}", done=Result(until=until))

    def send(self, command: Command, heard: Heard) -> Verdict:
        """Begin to tell what is kept, for who asked so; return what to tell them at once."""
        if command.req_id is None or self._asked is not None:
            under_way = "" if self._asked is None else f"that of {self._asked.req_id} is still under way"
            return Verdict("refused", under_way or "nobody could be answered")
        if self._health.lasts("over_daily_cap"):
            return Verdict("refused", "all of [mqtt] daily_mb has left today: ask after midnight, UTC")
        since, until = _ms(command.since, 0), _ms(command.until, _LATEST_MS)
        pieces, more = self._keeper.read(command.after, since, until, MOST_PIECES)
        if pieces:
            self._asked = _Asked(command.req_id, heard, pieces, more)
        follow = "1 piece follows" if len(pieces) == 1 else f"{len(pieces)} pieces follow"
        kept = follow if pieces else "nothing is kept of that time"
        return Verdict("ok", kept, done=Result(pieces=len(pieces)))

    def tick(self) -> None:
        """Keep what was gathered, tell some pieces, and whether anything is kept; about once a second."""
        self._keeper.tick()
        self._tell(again=False)
        asked = self._asked
        if asked is None:
            return
        for _ in range(min(PIECES_AT_ONCE, len(asked.pieces) - asked.told)):
            self._send_next(asked)
        if asked.told == len(asked.pieces):
            self._asked = None

    def _send_next(self, asked: _Asked) -> None:
        cursor, piece = asked.pieces[asked.told]
        fields: dict[str, Any] = {
            "req_id": asked.req_id,
            "index": asked.told,
            "of": len(asked.pieces),
            "more": asked.more,
            "cursor": cursor,
            "piece": piece,
        }
        asked.told += 1
        at = stamp(self._clock.timeline(), self._clock.now_ns())
        message = self._native.trajectories(at, fields, asked.heard.answer_to, asked.heard.correlation)
        self._post(Handover((message,), {}, 0))

    def _tell(self, *, again: bool) -> None:
        """Tell whether anything is kept: when that changes, and now and then how much."""
        keeper, now_ns = self._keeper, self._clock.now_ns()
        hours = self._settings().hours
        figures = (keeper.kept_bytes, keeper.given_up, keeper.lost, keeper.damaged)
        standing = (keeper.keeps, hours, *figures)
        changed = standing[:2] != self._told[:2]
        due = now_ns - self._told_ns >= TELL_EVERY_S * SECOND_NS and standing != self._told
        if not (again or changed or due):
            return
        self._told, self._told_ns = standing, now_ns
        since_ms = keeper.since_ms
        fields = {
            "keeps": keeper.keeps,
            "until": self._until() if keeper.aiming.active else None,
            "hours": hours,
            "kept_bytes": keeper.kept_bytes,
            "since": None if since_ms is None else rfc3339(since_ms * _MS_NS),
            "given_up": keeper.given_up,
            "lost": keeper.lost,
            "damaged": keeper.damaged,
        }
        message = self._native.trajectories_state(stamp(self._clock.timeline(), now_ns), fields)
        self._post(Handover((message,), {}, 0))

    def _until(self) -> str:
        now_ns = self._clock.timeline().utc_ns(self._clock.now_ns())
        return rfc3339(now_ns + self._keeper.aiming.left_ms * _MS_NS)


def _ms(moment: datetime | None, otherwise: int) -> int:
    return otherwise if moment is None else int(moment.timestamp() * 1000)
