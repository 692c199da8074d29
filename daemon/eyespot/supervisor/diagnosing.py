"""One diagnosis at a time: gathered by a thread of its own, as a disk may hang, and told piece by piece."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from eyespot.domain.errors import EyespotError, foreign, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Heard
from eyespot.ports import Clock, Handover
from eyespot.topics.diagnosis import Piece
from eyespot.topics.native import Native, stamp
from eyespot.update.commands import Verdict

_log = logging.getLogger(__name__)

EVERY_S = 60
PIECES_AT_ONCE = 5  # of the twenty messages that may be under way, the rest is for others


@dataclass(slots=True)
class _Case:
    """A diagnosis under way.

    Attributes:
        heard: who wants it, and where.
        pieces: all of them; None until they are gathered, and where that was not possible.
        trouble: why it was not.
        told: how many have left.
    """

    req_id: str
    heard: Heard
    pieces: Sequence[Piece] | None = None
    trouble: str = ""
    told: int = 0
    gathered: threading.Event = field(default_factory=threading.Event)


class Diagnosing:
    """Gathers what there is to say, once a minute at most. All but the gathering is for one thread.

    Args:
        gather: returns all pieces; may take long.
        native: makes the messages.
        post: takes them.
        clock: for the minute.
    """

    def __init__(
        self,
        gather: Callable[[], Sequence[Piece]],
        *,
        native: Native,
        post: Callable[[Handover], None],
        clock: Clock,
    ) -> None:
        self._gather = gather
        self._native = native
        self._post = post
        self._clock = clock
        self._case: _Case | None = None
        self._next_ns = clock.now_ns()

    @property
    def gathers(self) -> bool:
        """Whether the pieces of one are still to come."""
        return self._case is not None and not self._case.gathered.is_set()

    def begin(self, req_id: str, heard: Heard) -> Verdict:
        """Begin to gather, for who asked so; return what to tell them at once."""
        left_s = (self._next_ns - self._clock.now_ns()) / SECOND_NS
        if self._case is not None:
            return Verdict("refused", f"that of {self._case.req_id} is still under way")
        if left_s > 0:
            return Verdict("refused", f"once in {EVERY_S} s; ask again in {left_s:.0f} s")
        self._next_ns = self._clock.now_ns() + EVERY_S * SECOND_NS
        self._case = case = _Case(req_id, heard)
        threading.Thread(target=self._work, args=(case,), name="diagnosis", daemon=True).start()
        return Verdict("ok", "looking; what is found follows, in pieces")

    def tick(self) -> None:
        """Tell some pieces, if there are any yet; about once a second."""
        case = self._case
        if case is None or not case.gathered.is_set():
            return
        if (pieces := case.pieces) is None:
            self._tell_failure(case)
            self._case = None
            return
        last = min(case.told + PIECES_AT_ONCE, len(pieces))
        for index in range(case.told, last):
            self._tell(case, index, len(pieces), pieces[index])
        case.told = last
        if case.told == len(pieces):
            self._case = None

    def _tell(self, case: _Case, index: int, of: int, piece: Piece) -> None:
        at = stamp(self._clock.timeline(), self._clock.now_ns())
        fields = {"req_id": case.req_id, "index": index, "of": of, "piece": piece}
        message = self._native.diagnosis(at, fields, case.heard.answer_to, case.heard.correlation)
        self._post(Handover((message,), {}, 0))

    def _tell_failure(self, case: _Case) -> None:
        at = stamp(self._clock.timeline(), self._clock.now_ns())
        fields = {"req_id": case.req_id, "code": "failed", "detail": case.trouble, "result": None}
        message = self._native.reply(at, fields, case.heard.answer_to, case.heard.correlation)
        self._post(Handover((message,), {}, 0))

    def _work(self, case: _Case) -> None:
        try:
            with foreign(EyespotError, "nothing could be found out"):
                case.pieces = self._gather()
        except EyespotError as error:
            case.trouble = one_line(error)
            _log.warning("no diagnosis: %s", case.trouble)
        finally:
            case.gathered.set()
