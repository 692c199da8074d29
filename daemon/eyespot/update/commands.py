"""What comes of a command: a request that is passed on, or a refusal that says why."""

from dataclasses import dataclass
from datetime import datetime

from eyespot.topics.commands import Command, Kind
from eyespot.topics.model_payloads import Ask, ReplyCode, Result
from eyespot.trust.notes import Request
from eyespot.trust.slots import NONE_BEFORE, Record
from eyespot.update.letters import Addressee
from eyespot.update.reports import Standing, in_short, offered

CAN_BE_APPROVED = frozenset({"approval", "window"})
_NOBODY_TO_ASK = "no repository is named: set [update] url"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comes of a command.

    Attributes:
        code, detail: for whoever asked.
        ask: what is passed on; None where nothing is.
        done: what else programs may want to know; None where there is nothing.
    """

    code: ReplyCode
    detail: str
    ask: Ask | None = None
    done: Result | None = None

    @property
    def result(self) -> Result | None:
        """What the answer holds for programs."""
        return self.done if self.ask is None else Result(request=self.ask)


def request(ask: Ask, req_id: str | None, now: datetime) -> tuple[Addressee, Request]:
    """Return the request that passes something on, and to whom."""
    made = Request(kind=ask, req_id=req_id, at_s=max(0, int(now.timestamp())))
    return ("body" if ask == "rollback" else "worker"), made


def too_late(command: Command, now: datetime) -> Verdict | None:
    """Return the refusal of a command that has expired; None where it has not."""
    if command.expires is None or command.expires > now:
        return None
    return Verdict("refused", f"it came too late: here it is {now:%Y-%m-%dT%H:%M:%SZ}")


def decide(command: Command, standing: Standing, now: datetime) -> Verdict:
    """Return what comes of a command about the model.

    Args:
        command: what somebody asks for.
        standing: how it stands with the model.
        now: by the device's clock, with its offset from UTC.
    """
    if (late := too_late(command, now)) is not None:
        return late
    if standing.pinned:
        return Verdict("refused", in_short(f"the model is not to be changed: {standing.pinned}"))
    if command.kind is Kind.ROLLBACK:
        return _rollback(standing.record)
    if not standing.asks:
        return Verdict("refused", _NOBODY_TO_ASK)
    if command.kind is Kind.DESIRED:
        return _desired(command, standing)
    return _update(standing, int(now.timestamp()))


def after_rollback(record: Record) -> str | None:
    """Return in words what looks after a rollback; None where there is nothing to go back from."""
    if record.trial is None and record.current is None:
        return None
    return (record.good if record.trial is not None else record.previous) or "the factory model"


def _rollback(record: Record) -> Verdict:
    after = after_rollback(record)
    if after is None:
        return Verdict("refused", NONE_BEFORE)
    return Verdict("ok", f"{after} will look instead of {record.current}", "rollback")


def _update(standing: Standing, now_s: int) -> Verdict:
    if (trial := standing.record.trial) is not None:
        return Verdict("refused", f"{trial.bundle} is on probation; wait until that is over")
    offer = offered(standing, now_s)
    if offer is not None and offer.waits_for in CAN_BE_APPROVED:
        return Verdict("ok", in_short(f"{offer.name} {offer.version} is approved"), "approve")
    return Verdict("ok", "looking for an update", "check")


def _desired(command: Command, standing: Standing) -> Verdict:
    looks = standing.looks
    if command.bundle is not None and (looks.name, looks.version) == (command.bundle, command.version):
        return Verdict("ok", f"{command.bundle} {command.version} looks already")
    return Verdict("ok", "looking whether the repository wants it of this device", "check")
