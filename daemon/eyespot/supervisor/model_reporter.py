"""Says how it stands with the model: `model/state`, `model/detail`, `model/event`."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import msgspec

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Message
from eyespot.ports import Clock, Handover
from eyespot.store.memo import Memo
from eyespot.topics.model_payloads import UpdateState
from eyespot.topics.native import Native, Stamp, stamp
from eyespot.update.reports import Milestones, Standing, detail, events, is_at_work, milestones, update_state

_PROGRESS_EVERY_NS = 5 * SECOND_NS
# The events are kept by then: after a crash one may come twice, and none is lost.
_KEEP_AFTER_NS = 2 * SECOND_NS


@dataclass(frozen=True, slots=True)
class _Words:
    """What the two states say."""

    state: UpdateState
    detail: Mapping[str, Any]

    def but_progress(self) -> "_Words":
        state = msgspec.structs.replace(self.state, update_percentage=None)
        return _Words(state, {**self.detail, "percent": None})


class ModelReporter:
    """Posts what has changed. Thread-safe.

    Args:
        memo: what was told last, over restarts.
        native: makes the messages.
        post: takes them.
        turn: held by whoever numbers durable messages, until they are posted.
        clock: for UTC, and so that progress is not told too often.
    """

    def __init__(
        self,
        *,
        memo: Memo,
        native: Native,
        post: Callable[[Handover], None],
        turn: AbstractContextManager[object],
        clock: Clock,
    ) -> None:
        self._memo = memo
        self._native = native
        self._post = post
        self._turn = turn
        self._clock = clock
        self._telling = threading.Lock()
        self._kept = self._reached = _read(memo.read())
        self._reached_ns = 0
        self._told_of: Standing | None = None
        self._words: _Words | None = None
        self._words_ns = 0

    def tell(self, standing: Standing) -> None:
        """Post what is new. Cheap when nothing is: to be called every few seconds, whatever happens."""
        with self._telling:
            settled = standing == self._told_of and self._reached == self._kept
            if not settled or is_at_work(standing.note):
                self._tell(standing, self._clock.now_ns())
                self._told_of = standing

    def _tell(self, standing: Standing, now_ns: int) -> None:
        at = stamp(self._clock.timeline(), now_ns)
        now_s = max(0, at.utc_ns // SECOND_NS)
        reached = milestones(standing, now_s)
        words = _Words(update_state(standing, now_s), detail(standing, now_s))
        with self._turn:
            messages = (*self._events(reached, at), *self._states(words, at))
            if messages:
                self._post(Handover(messages, {}, self._native.seq))
        if reached != self._reached:
            self._reached, self._reached_ns = reached, now_ns
        self._keep(now_ns)

    def _events(self, reached: Milestones, at: Stamp) -> Iterator[Message]:
        if self._reached is not None:  # else it happened before anybody took note, and is no news
            yield from (self._native.model_event(at, fields) for fields in events(self._reached, reached))

    def _states(self, words: _Words, at: Stamp) -> Iterator[Message]:
        if words == self._words:
            return
        progress = self._words is not None and words.but_progress() == self._words.but_progress()
        if progress and self._clock.now_ns() - self._words_ns < _PROGRESS_EVERY_NS:
            return
        self._words, self._words_ns = words, self._clock.now_ns()
        yield self._native.model_state(words.state)
        yield self._native.model_detail(at, words.detail)

    def _keep(self, now_ns: int) -> None:
        reached = self._reached
        if reached is None or reached == self._kept or now_ns - self._reached_ns < _KEEP_AFTER_NS:
            return
        if self._memo.keep(msgspec.json.encode(reached)):
            self._kept = reached


def _read(kept: bytes | None) -> Milestones | None:
    try:
        return None if kept is None else msgspec.json.decode(kept, type=Milestones)
    except (msgspec.DecodeError, UnicodeDecodeError):  # another release keeps it otherwise
        return None
