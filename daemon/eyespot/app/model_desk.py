"""What is said of the model, and what may be said to it: wired for one life of the daemon."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from eyespot.app.plan import Plan
from eyespot.domain.errors import StoreError, one_line
from eyespot.domain.message import Heard
from eyespot.ports import Broker, Clock, Ear, Handover, HealthBoard, ModelIdentity, Subscription
from eyespot.store.memo import Memo
from eyespot.supervisor.command_worker import Answered, CommandWorker, subscriptions
from eyespot.supervisor.model_reporter import ModelReporter
from eyespot.topics.commands import Command
from eyespot.topics.native import Native
from eyespot.trust.notes import WorkerNote
from eyespot.trust.slots import Record
from eyespot.update.commands import Verdict
from eyespot.update.reports import Standing
from eyespot.update.slots import Slots

_log = logging.getLogger(__name__)

_TOLD = "model_told.json"


class ModelDesk:
    """Reports of the model to the broker, and commands from there to who acts on them.

    Args:
        plan: what this life was made of.
        slots: of the models.
        looks: tells what makes the observations just now.
        native: makes the messages.
        post: takes them.
        turn: held by whoever numbers durable messages, until they are posted.
        health: for the commands.
        clock: for everything.
        answered: commands that are not done again.
        desire: takes the configuration that is desired.
        do: does what commands want that are not about the model.
        each_second: called by the commands thread.

    Attributes:
        commands: the body of a thread.
    """

    def __init__(
        self,
        plan: Plan,
        slots: Slots,
        looks: Callable[[], ModelIdentity],
        *,
        native: Native,
        post: Callable[[Handover], None],
        turn: AbstractContextManager[object],
        health: HealthBoard,
        clock: Clock,
        answered: Answered,
        desire: Callable[[Heard], None],
        do: Callable[[Command, Heard], Verdict],
        each_second: Callable[[], None],
    ) -> None:
        self._config = plan.config
        self._pinned = plan.choice.pinned
        self._root = plan.root
        self._slots = slots
        self._looks = looks
        self._and_each_second = each_second
        memo = Memo(plan.state_dir / _TOLD)
        self._reporter = ModelReporter(memo=memo, native=native, post=post, turn=turn, clock=clock)
        self.commands = CommandWorker(
            root=plan.root,
            standing=self._standing,
            pass_on=slots.post_request,
            native=native,
            post=post,
            health=health,
            clock=clock,
            answered=answered,
            each_second=self._each_second,
            desire=desire,
            do=do,
        )

    def listen(self, broker: Broker, ear: Ear, more: Sequence[Subscription]) -> None:
        """Have a broker pass on what is said to the device, and more, to an ear; before it runs."""
        broker.listen(ear, (*subscriptions(self._root), *more))

    def tell(self, record: Record, note: WorkerNote | None) -> None:
        """Tell how it stands, if that is news; within a second that happens anyway. From any thread."""
        self._reporter.tell(self._so(record, note))

    def _each_second(self) -> None:
        self._report()
        self._and_each_second()

    def _report(self) -> None:
        try:
            self._reporter.tell(self._standing())
        except StoreError as error:  # who opens the slots names that; meanwhile the factory model looks
            _log.debug("%s", one_line(error))
            self._reporter.tell(self._so(Record(), None))

    def _standing(self) -> Standing:
        record = self._slots.record
        try:
            return self._so(record, self._slots.worker_note())
        except StoreError as error:
            _log.debug("%s", one_line(error))
            return self._so(record, None)

    def _so(self, record: Record, note: WorkerNote | None) -> Standing:
        config = self._config
        return Standing(
            record,
            note,
            self._looks(),
            config.update.cohort,
            pinned=self._pinned,
            asks=config.update.url is not None,
        )
