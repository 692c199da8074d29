"""A device that can be told things, without one."""

import json
from collections import OrderedDict
from typing import Any

from eyespot.domain.errors import StoreError
from eyespot.domain.message import Heard, Message
from eyespot.host.clock import ManualClock
from eyespot.supervisor.command_worker import CommandWorker
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.trust.notes import Request
from eyespot.trust.slots import Record
from fakes.brokers import ROOT
from fakes.standings import NEW, OLD, standing
from fakes.troubles import Troubles

RUNNING = standing(Record(current=NEW, good=NEW, previous=OLD))


class Desk:
    """A command worker, what it passes on and what it answers. Implements `ports.Ear`.

    Args:
        clock: its own where none is given.
        wired: more of what the worker takes.

    Attributes:
        hears_broker: whether the broker passes on what was subscribed to.
    """

    def __init__(self, clock: ManualClock | None = None, **wired: Any) -> None:
        self.clock = clock or ManualClock(0)
        self.health = Troubles()
        self.passed_on: list[tuple[str, Request]] = []
        self.posted: list[Message] = []
        self.standing = RUNNING
        self.fails = False
        self.hears_broker = False
        self.worker = CommandWorker(
            root=ROOT,
            standing=lambda: self.standing,
            pass_on=self._pass_on,
            native=Native(Gate(ROOT), "0" * 16, 0),
            post=lambda handover: self.posted.extend(handover.messages),
            health=self.health,
            clock=self.clock,
            **{"answered": OrderedDict()} | wired,
        )

    def _pass_on(self, to: str, request: Request) -> None:
        if self.fails:
            raise StoreError("no space left; make room")
        self.passed_on.append((to, request))

    def hear(self, heard: Heard) -> None:
        self.worker.hear(heard)

    def listening(self) -> None:
        self.hears_broker = True
        self.worker.listening()

    def deaf(self, topic_filter: str, reason: str | None) -> None:
        self.worker.deaf(topic_filter, reason)

    def attend(self) -> None:
        """Attend to some of what came, at leisure."""
        for _ in range(5):
            self.clock.sleep(6)
            self.worker.turn(0)

    def hears(self, suffix: str, payload: bytes, *, retain: bool = False, **more: Any) -> None:
        self.worker.hear(Heard(f"{ROOT}/{suffix}", payload, retain=retain, qos=1, **more))

    def told(self, suffix: str, payload: bytes | str, **more: Any) -> None:
        """Hear something, and attend to it."""
        self.hears(suffix, payload if isinstance(payload, bytes) else payload.encode(), **more)
        self.worker.turn(0)

    @property
    def kinds(self) -> list[str]:
        return [request.kind for _, request in self.passed_on]

    @property
    def replies(self) -> list[dict[str, Any]]:
        return [json.loads(message.payload) for message in self.posted]

    @property
    def answered(self) -> list[str]:
        return [reply["req_id"] for reply in self.replies]
