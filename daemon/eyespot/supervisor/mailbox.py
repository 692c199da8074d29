"""The hand-over from the source's thread to the vision thread: a mailbox of one."""

import threading

from eyespot.domain.observation import Observation


class Mailbox:
    """Holds the newest observation until somebody takes it.

    Args:
        overwrites: True: an unread observation gives way to a newer one, and counts as dropped.
            False: `put` waits until the last one was taken.

    Attributes:
        received: how many were left, those that gave way included.
        dropped: how many gave way.
    """

    def __init__(self, *, overwrites: bool) -> None:
        self._overwrites = overwrites
        self._changed = threading.Condition()
        self._waiting: Observation | None = None
        self._closed = False
        self.received = 0
        self.dropped = 0

    def put(self, observation: Observation, timeout_s: float) -> bool:
        """Leave an observation.

        Returns:
            False when the last one was not taken in time, so that this one was not left; try again.
        """
        with self._changed:
            if self._waiting is not None:
                if self._overwrites:
                    self.dropped += 1
                elif not self._changed.wait_for(lambda: self._waiting is None, timeout_s):
                    return False
            self._waiting = observation
            self.received += 1
            self._changed.notify_all()
            return True

    def take(self, timeout_s: float) -> Observation | None:
        """Return the observation, waiting for one at most this long; None if there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._closed, timeout_s)
            taken, self._waiting = self._waiting, None
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Say that nothing more will be left; what was can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def exhausted(self) -> bool:
        """Return whether it is closed and empty."""
        with self._changed:
            return self._closed and self._waiting is None
