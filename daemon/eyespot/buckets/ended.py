"""Buckets that have ended: they wait a little, are told, and may be corrected for a while."""

from collections.abc import Iterable

from eyespot.buckets.tally import EVER, Open, Tally
from eyespot.domain.instants import SECOND_NS

# What a track has done is counted once it is confirmed, which it is soon or never.
_GRACE_NS = 2 * SECOND_NS
# Who stops on a line may settle much later: then the bucket of back then is corrected, if it is among these.
_MOST_CORRECTABLE = 8


class Ended:
    """The ended buckets of a rule, the oldest first.

    Args:
        waiting: of another process, which did not tell them any more.
    """

    def __init__(self, waiting: Iterable[Tally] = ()) -> None:
        self._ended = [Open(tally, None, EVER, 0, to_ns=EVER) for tally in waiting]
        self._corrected: list[Open] = []
        self._in_haste = False

    @property
    def waiting(self) -> list[Tally]:
        """Those that were not told yet."""
        return [one.tally for one in self._ended if one.rev < 0]

    @property
    def are_told(self) -> bool:
        """Whether none of them waits; the newest are last."""
        return not self._ended or self._ended[-1].rev >= 0

    def add(self, one: Open) -> None:
        """Let one wait that ends at its `to_ns`."""
        self._ended.append(one)

    def at(self, taken_ns: int) -> Open | None:
        """Return the one to which it belongs what happened then; None where it can be corrected no more."""
        return next((one for one in reversed(self._ended) if one.covers(taken_ns)), None)

    def correct(self, one: Open) -> None:
        """Let one be told again, if it was told already: something was counted in it."""
        if one.rev >= 0 and one not in self._corrected:
            self._corrected.append(one)

    def hasten(self) -> None:
        """Tell all of them now, and correct none of them."""
        self._in_haste = True

    def due(self, taken_ns: int) -> list[Open]:
        """Return those that are to be told now, once each; `rev` says how often they were told before."""
        due, self._corrected = self._corrected, []
        due += [one for one in self._ended if one.rev < 0 and self._is_due(one, taken_ns)]
        if not due and not self._in_haste:
            return due
        for one in due:
            one.rev += 1
        waiting = [one for one in self._ended if one.rev < 0]
        told = [one for one in self._ended if one.rev >= 0]
        self._ended = [] if self._in_haste else [*told[-_MOST_CORRECTABLE:], *waiting]
        self._in_haste = False
        return due

    def _is_due(self, one: Open, taken_ns: int) -> bool:
        return self._in_haste or one.to_ns is None or taken_ns - one.to_ns >= _GRACE_NS
