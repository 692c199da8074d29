"""The configuration twin: what is desired over MQTT, on trial at first, over what stands in the file."""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from eyespot.app.plan import Plan
from eyespot.config import DesiredRefusedError, Loaded, lay_over, load, problems_with_model, to_report
from eyespot.domain.errors import ConfigError, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock, Handover, HealthBoard
from eyespot.store.desired import DesiredRecord, DesiredStore
from eyespot.store.settings import state_dir
from eyespot.topics.commands import InvalidCommandError
from eyespot.topics.desired import parse_desired
from eyespot.topics.model_payloads import ReplyCode
from eyespot.topics.native import Native, stamp

_log = logging.getLogger(__name__)

TRIAL_S = 120.0
MOST_STARTS = 3
_FILE_ALONE = "nothing is desired; the file's configuration is in force"
_CRASHES = "the service was started {} times while this was on trial"

_Prepared = TypeVar("_Prepared")


@dataclass(frozen=True, slots=True)
class Life:
    """What the twin has to know of a life of the daemon.

    Attributes:
        plan: what it was made of.
        native: makes the reports.
        post: takes them.
        round_trip: whether the broker has answered in this life.
        has_seen: whether anything was inferred in this life.
    """

    plan: Plan
    native: Native
    post: Callable[[Handover], None]
    round_trip: Callable[[], bool]
    has_seen: Callable[[], bool]


class Twin:
    """Judges what is desired, keeps it, and takes it back where the device fares badly with it. Thread-safe.

    Args:
        path: of the configuration's file.
        clock: for the trial.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._store: DesiredStore | None = None
        self._record = DesiredRecord()
        self._life: Life | None = None
        self._lives_by = ""
        self._begun_ns = 0
        self._changed = False
        self._trouble = ""

    def prepared(self, prepare: Callable[[Loaded], _Prepared]) -> _Prepared:
        """Return what comes of the configuration in force; the next best one where that is of no use.

        Raises:
            EyespotError: not even the file's is.
        """
        with self._lock:
            loaded = load(self._path)
            if self._store is None:
                self._open(loaded)
            return self._first_of_use(loaded, prepare)

    def begin(self, life: Life) -> None:
        """Take note of a life that begins, with what was prepared last."""
        with self._lock:
            self._life, self._begun_ns = life, self._clock.now_ns()
            self._report(*self._standing())

    def hear(self, payload: bytes) -> None:
        """Attend to what is desired; empty: nothing is any more. From any thread."""
        with self._lock:
            if self._life is None:
                return
            if not payload:
                self._take(DesiredRecord())
                return
            try:
                desired = parse_desired(payload)
            except InvalidCommandError as error:
                self._report(error.req_id, "invalid", str(error))
            else:
                self._consider(payload.decode(), desired.req_id)

    def tick(self, health: HealthBoard) -> None:
        """Judge the trial when it is over; call it as often as you like."""
        with self._lock:
            self._judge()
            if self._trouble:
                health.raise_state("desired_refused", self._trouble)
            else:
                health.clear_state("desired_refused")

    def wants_reload(self) -> bool:
        """Whether another configuration is in force than is lived by; True once for each change."""
        with self._lock:
            changed, self._changed = self._changed, False
            return changed

    def give_up(self, reason: str) -> None:
        """Go back from what is on trial, which could not be lived by; nothing where nothing is."""
        with self._lock:
            if self._record.trial:
                self._go_back(reason)
                self._changed = True
                self._report(*self._standing())

    def _open(self, loaded: Loaded) -> None:
        self._store = DesiredStore(state_dir(loaded.config.state, os.environ))
        self._record = self._store.read()
        if not self._record.trial:
            return
        if self._record.starts >= MOST_STARTS:
            self._go_back(_CRASHES.format(self._record.starts))
        else:
            self._keep(replace(self._record, starts=self._record.starts + 1))

    def _first_of_use(self, loaded: Loaded, prepare: Callable[[Loaded], _Prepared]) -> _Prepared:
        texts = list(dict.fromkeys((self._record.in_force, self._record.good, "")))
        reason = ""
        for text in texts[:-1]:
            try:
                made = prepare(_under(loaded, text))
            except (ConfigError, InvalidCommandError) as error:
                reason = reason or one_line(error)
            else:
                break
        else:
            text, made = "", prepare(loaded)  # raises where what is desired was not to blame
        if reason:
            self._go_back(reason, good=text)
        self._lives_by = text
        return made

    def _consider(self, text: str, req_id: str | None) -> None:
        if text in {self._record.shunned, self._record.in_force}:  # as with each connection
            self._report(*self._standing())
            return
        try:
            loaded = load(self._path)
        except ConfigError as error:
            self._report(req_id, "failed", f"the configuration's file is broken: {one_line(error)}")
            return
        try:
            self._check(_under(loaded, text))
        except DesiredRefusedError as error:
            self._report(req_id, "refused", one_line(error))
        except ConfigError as error:
            self._report(req_id, "invalid", one_line(error))
        else:
            trial = "" if text == self._record.good else text
            self._take(DesiredRecord(good=self._record.good, trial=trial), req_id)

    def _check(self, loaded: Loaded) -> None:
        if self._life is not None:
            problems_with_model(loaded, self._life.plan.model.labels, self._life.plan.tells)

    def _take(self, record: DesiredRecord, req_id: str | None = None) -> None:
        """Keep what is desired first: what is not on the disk is not lived by."""
        before = self._record
        if error := self._keep(record):
            self._record = before
            self._report(req_id, "failed", f"it cannot be kept: {error}")
            return
        if record.in_force != self._lives_by:
            self._changed = True  # the next life reports
        else:
            self._report(*self._standing())

    def _judge(self) -> None:
        if not self._record.trial or self._lives_by != self._record.trial or self._life is None:
            return
        if self._clock.now_ns() - self._begun_ns < TRIAL_S * SECOND_NS:
            return
        missing = [
            words
            for words, there in (
                ("no answer from the broker", self._life.round_trip()),
                ("nothing was inferred", self._life.has_seen()),
            )
            if not there
        ]
        if missing:
            self._go_back(f"within {TRIAL_S:.0f} s of applying it: {' and '.join(missing)}")
            self._changed = True
        else:
            self._keep(DesiredRecord(good=self._record.trial))
            self._report(*self._standing())

    def _go_back(self, reason: str, good: str | None = None) -> None:
        _log.error("the desired configuration is in force no more: %s", reason)
        before = self._record.good if good is None else good
        shunned = self._record.in_force
        self._keep(DesiredRecord(good=before, shunned=shunned, reason=reason[:200]))

    def _keep(self, record: DesiredRecord) -> str:
        """Go by a record; return why it is not on the disk, or nothing."""
        self._record = record
        return self._store.keep(record) if self._store is not None else "there is no state folder yet"

    def _standing(self) -> tuple[str | None, ReplyCode, str]:
        record = self._record
        if record.shunned:
            detail = f"the configuration of before is in force: {record.reason}"
            return _req_id(record.shunned), "failed", detail
        if record.trial:
            return _req_id(record.trial), "ok", f"in force, on trial for {TRIAL_S:.0f} s"
        return (_req_id(record.good), "ok", "in force") if record.good else (None, "ok", _FILE_ALONE)

    def _report(self, req_id: str | None, code: ReplyCode, detail: str) -> None:
        self._trouble = "" if code == "ok" else f"{code}: {detail}"
        if self._life is None:
            return
        at = stamp(self._clock.timeline(), self._clock.now_ns())
        tables = to_report(self._life.plan.config)
        message = self._life.native.config_reported(at, req_id, code, detail[:300], tables)
        self._life.post(Handover((message,), {}, 0))


def in_force_over(loaded: Loaded, environ: Mapping[str, str]) -> str:
    """Return in words which tables a desired configuration replaces; empty where none does.

    Args:
        loaded: the file.
        environ: tells where the service keeps its state.
    """
    try:
        text = DesiredStore(state_dir(loaded.config.state, environ)).read().in_force
        tables = ", ".join(parse_desired(text.encode()).config) if text else ""
    except (ConfigError, InvalidCommandError):
        return ""
    advice = "an empty retained message there takes it back"
    return tables and f"on this device config/desired is in force over it ({tables}); {advice}"


def _under(loaded: Loaded, text: str) -> Loaded:
    return lay_over(loaded, parse_desired(text.encode()).config)


def _req_id(text: str) -> str | None:
    try:
        return parse_desired(text.encode()).req_id
    except InvalidCommandError:
        return None
