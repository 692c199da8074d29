"""The body looks at itself once a day: no camera, no strange socket, no room for an image."""

import os
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from eyespot.app.privacy import Finding, audit
from eyespot.app.selftest.world import BODY
from eyespot.domain.errors import EyespotError, foreign
from eyespot.domain.instants import SECOND_NS
from eyespot.host.processes import Process
from eyespot.ports import Clock, Handover
from eyespot.topics.extent import extent
from eyespot.topics.native import Native, stamp
from eyespot.topics.payloads import LONGEST_LINE
from eyespot.topics.privacy_payloads import Probed, Proof

# What loads no model and enters no sandbox: the body has little memory, and is in one itself.
_BY_ITSELF = frozenset({"body's cameras", "body's sockets", "schemas", "files"})
_EVERY_NS = 86_400 * SECOND_NS
_PROOFS: dict[str, Proof] = {"ok": "proved", "warn": "proved", "fail": "failed", "skip": "unknown"}


def look_at_itself(file: Path, *, looks: bool) -> Sequence[Finding]:
    """Return what can be found out about this process.

    Args:
        file: the configuration.
        looks: whether it looks for itself, too, so that nothing keeps it from cameras.
    """

    def service(name: str, root: Path) -> Sequence[Process]:
        return [Process(os.getpid(), root)] if name == BODY and not looks else []

    return list(audit(file, optional=True, service=service, only=_BY_ITSELF))[1:]


class SelfAuditing:
    """Has the body look at itself, in a thread of its own, as a disk may hang.

    Args:
        look: returns what is found; may take long.
        native: makes the message.
        post: takes it.
        clock: says when it is time again.
    """

    def __init__(
        self,
        look: Callable[[], Sequence[Finding]],
        *,
        native: Native,
        post: Callable[[Handover], None],
        clock: Clock,
    ) -> None:
        self._look = look
        self._native = native
        self._post = post
        self._clock = clock
        self._due_ns = clock.now_ns()
        self._found: queue.SimpleQueue[Sequence[Finding]] = queue.SimpleQueue()

    def tick(self) -> None:
        """Begin where it is time, and tell what was found; about once a second, from one thread."""
        if self._clock.now_ns() >= self._due_ns:
            self._due_ns = self._clock.now_ns() + _EVERY_NS
            threading.Thread(target=self._work, name="self-audit", daemon=True).start()
        if not self._found.empty():
            self._tell(self._found.get())

    def _work(self) -> None:
        try:
            with foreign(EyespotError, "this could not be looked at"):
                self._found.put(self._look())
        except EyespotError as error:
            self._found.put([Finding("self-audit", "skip", str(error))])

    def _tell(self, found: Sequence[Finding]) -> None:
        probes = tuple(
            Probed(name=one.name, verdict=_PROOFS[one.verdict], words=one.words[:LONGEST_LINE])
            for one in found
        )
        proofs = {probe.verdict for probe in probes}
        verdict: Proof = "failed" if "failed" in proofs else "unknown" if "unknown" in proofs else "proved"
        at = stamp(self._clock.timeline(), self._clock.now_ns())
        fields = {"verdict": verdict, "schemas_sha256": extent().digest, "probes": probes}
        self._post(Handover((self._native.privacy(at, fields),), {}, 0))
