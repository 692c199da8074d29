"""The configuration twin: what is desired over MQTT, on trial at first, over what stands in the file."""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from eyespot.app.retuning import Retuning
from eyespot.config import Config, DesiredRefusedError, Loaded, lay_over, load, to_report
from eyespot.domain.errors import ConfigError, EyespotError, foreign, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Heard
from eyespot.ports import Clock, Handover, HealthBoard
from eyespot.store.desired import DesiredRecord, DesiredStore
from eyespot.store.settings import state_dir
from eyespot.topics.commands import MOST_BYTES, InvalidCommandError
from eyespot.topics.desired import DesiredConfig, parse_desired
from eyespot.topics.model_payloads import ReplyCode
from eyespot.topics.native import Native, stamp

_log = logging.getLogger(__name__)

TRIAL_S = 120.0
MOST_STARTS = 3
_KEEP_AGAIN_S = 60.0
_FILE_ALONE = "nothing is desired; the file's configuration is in force"
_UNKEPT = "how that stands is not on the disk, and a restart may try it again: {}"
_CRASHES = "the service was started {} times while this was on trial"

_Prepared = TypeVar("_Prepared")
_Standing = tuple[str | None, ReplyCode, str]


class _MistakeError(ConfigError):
    """One of ours, in judging: what anybody can say from afar must not end the device."""


@dataclass(frozen=True, slots=True)
class Life:
    """What the twin has to know of a life of the daemon.

    Attributes:
        native: makes the reports.
        post: takes them.
        retuning: takes a configuration up.
        answers: how many messages the broker has taken over.
        seen: how many observations there were.
    """

    native: Native
    post: Callable[[Handover], None]
    retuning: Retuning
    answers: Callable[[], int]
    seen: Callable[[], int]


class _Mark(NamedTuple):
    """How it stood when a trial began."""

    at_ns: int
    answers: int
    seen: int


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
        self._folder = Path()
        self._record = DesiredRecord()
        self._file: Loaded | None = None
        self._life: Life | None = None
        self._lives_by = ""
        self._config: Config | None = None
        self._begun = _Mark(0, 0, 0)
        self._changed = False
        self._trouble = self._unkept = ""
        self._said: _Standing | None = None
        self._refused: _Standing | None = None  # what is desired and was not taken, if anything
        self._keep_again_ns = 0

    def prepared(self, prepare: Callable[[Loaded], _Prepared]) -> _Prepared:
        """Return what comes of the configuration in force; the next best one where that is of no use.

        Raises:
            EyespotError: not even the file's is.
        """
        with self._lock:
            loaded = load(self._path)
            if self._store is None:
                self._open(loaded)
            made = self._first_of_use(loaded, prepare)
            self._move_to(state_dir(loaded.config.state, os.environ))
            self._file, self._changed = loaded, False
            return made

    def begin(self, life: Life) -> None:
        """Take note of a life that begins, with what was prepared last."""
        with self._lock:
            self._life = life
            self._begin_trial(life)
            self._report(*self._standing())

    def hear(self, heard: Heard) -> None:
        """Attend to what is desired; empty: nothing is any more. From any thread."""
        payload = heard.payload
        with self._lock:
            if self._life is None:
                return
            if not payload:
                self._take(DesiredRecord())
                return
            try:
                desired = parse_desired(payload)
            except InvalidCommandError as error:
                self._refuse((error.req_id, "invalid", str(error)), repeated=heard.retain)
            else:
                self._consider(payload.decode(), desired.req_id, repeated=heard.retain)

    def adjust(self, min_score: float, req_id: str | None) -> tuple[ReplyCode, str]:
        """Have another smallest score desired, beside all else that is; return what came of that.

        What is retained on `config/desired` stays as it is, and is no news when the broker repeats it. What
        comes there anew, be it the same, takes the place of both.
        """
        with self._lock:
            if self._life is None:
                return "failed", "it has not begun to live yet"
            before = self._record
            text = _with_score(before.in_force, min_score, req_id)
            if len(text) > MOST_BYTES:
                return "refused", f"what is desired would be larger than {MOST_BYTES} bytes"
            if text == before.in_force:
                return self._standing()[1:]
            told = before.told or before.shunned or before.in_force
            return self._consider_anew(text, req_id or _req_id(before.in_force), told)

    def tick(self, health: HealthBoard) -> None:
        """Take up what is newly desired, and judge the trial when it is over; from the main thread, often."""
        with self._lock:
            if self._changed and self._life is not None and self._file is not None:
                self._take_up(self._life, self._file)
            self._judge()
            if self._unkept and self._clock.now_ns() >= self._keep_again_ns:
                self._keep()
            if trouble := "; ".join(filter(None, (self._trouble, self._unkept))):
                health.raise_state("desired_refused", trouble)
            else:
                health.clear_state("desired_refused")

    def _open(self, loaded: Loaded) -> None:
        self._folder = state_dir(loaded.config.state, os.environ)
        self._store = DesiredStore(self._folder)
        self._record = self._store.read()
        if not self._record.trial:
            return
        if self._record.starts >= MOST_STARTS:
            self._go_back(_CRASHES.format(self._record.starts))
        else:
            self._go_by(replace(self._record, starts=self._record.starts + 1))

    def _move_to(self, folder: Path) -> None:
        """Keep what is desired where the next start looks for it."""
        if folder != self._folder:
            self._folder, self._store = folder, DesiredStore(folder)
            self._keep()

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
        self._config = (_under(loaded, text) if text else loaded).config
        return made

    def _consider(self, text: str, req_id: str | None, *, repeated: bool) -> None:
        record = self._record
        is_known = repeated and text == record.told  # as with each connection
        if record.shunned and text == record.in_force and not is_known:  # back to what never went
            self._take(replace(record, shunned="", reason=""), req_id)
        elif is_known or text in {record.shunned, record.in_force}:
            self._refused = None
            self._report(*self._standing(), repeated=repeated)
        else:
            self._consider_anew(text, req_id, repeated=repeated)

    def _consider_anew(
        self, text: str, req_id: str | None, told: str = "", *, repeated: bool = False
    ) -> tuple[ReplyCode, str]:
        code: ReplyCode = "refused"
        try:
            self._check(text)
        except DesiredRefusedError as error:
            reason = one_line(error)
        except ConfigError as error:
            code, reason = "invalid", one_line(error)
            if isinstance(error, _MistakeError):
                _log.error("what is desired: %s", reason, exc_info=error)
        else:
            trial = "" if text == self._record.good else text
            return self._take(DesiredRecord(good=self._record.good, trial=trial, told=told), req_id)
        self._refuse((req_id, code, reason), repeated=repeated)
        return code, reason

    def _refuse(self, refused: _Standing, *, repeated: bool) -> None:
        self._refused = refused
        self._report(*refused, repeated=repeated)

    def _check(self, text: str) -> None:
        if self._life is not None and self._file is not None:
            loaded = _under(self._file, text)
            with foreign(_MistakeError, "it cannot be judged"):
                self._life.retuning.check(loaded)

    def _take(self, record: DesiredRecord, req_id: str | None = None) -> tuple[ReplyCode, str]:
        """Keep what is desired first: what is not on the disk is not lived by."""
        if error := self._put(record):
            reason = f"it cannot be kept: {error}"
            self._report(req_id, "failed", reason)
            return "failed", reason
        self._record, self._unkept, self._refused = record, "", None
        self._changed = record.in_force != self._lives_by
        if not self._changed:
            self._report(*self._standing())
        return self._standing()[1:]

    def _take_up(self, life: Life, file: Loaded) -> None:
        """Have what is in force lived by, from the next frame on."""
        text = self._record.in_force
        loaded = _under(file, text) if text else file
        try:
            self._changed = not life.retuning.take_up(loaded.config)
        except EyespotError as error:
            self._not_taken_up(f"it cannot be taken up: {one_line(error)}")
            return
        if not self._changed:
            self._lives_by, self._config = text, loaded.config
            self._begin_trial(life)
            self._report(*self._standing())

    def _not_taken_up(self, reason: str) -> None:
        self._changed = False
        if self._record.trial:
            self._go_back(reason)
            self._changed = self._record.in_force != self._lives_by
            self._report(*self._standing())
        else:
            self._report(_req_id(self._record.in_force), "failed", f"goes on as before: {reason}")

    def _begin_trial(self, life: Life) -> None:
        self._begun = _Mark(self._clock.now_ns(), life.answers(), life.seen())

    def _judge(self) -> None:
        life, begun = self._life, self._begun
        if not self._record.trial or self._lives_by != self._record.trial or life is None:
            return
        if self._clock.now_ns() - begun.at_ns < TRIAL_S * SECOND_NS:
            return
        missing = [
            words
            for words, amiss in (
                ("no answer from the broker", life.answers() <= begun.answers),
                ("nothing was inferred", life.seen() <= begun.seen),
                (f"what looks does not take it up ({life.retuning.refusal})", bool(life.retuning.refusal)),
            )
            if amiss
        ]
        if missing:
            self._go_back(f"within {TRIAL_S:.0f} s of applying it: {' and '.join(missing)}")
            self._changed = True
        else:
            self._go_by(DesiredRecord(good=self._record.trial, told=self._record.told))
            self._report(*(self._refused or self._standing()))

    def _go_back(self, reason: str, good: str | None = None) -> None:
        _log.error("the desired configuration is in force no more: %s", reason)
        before = self._record.good if good is None else good
        shunned = self._record.in_force
        told = self._record.told
        self._go_by(DesiredRecord(good=before, shunned=shunned, reason=reason[:200], told=told))

    def _go_by(self, record: DesiredRecord) -> None:
        """Go by a record, also while the disk does not take it."""
        self._record = record
        self._keep()

    def _keep(self) -> None:
        """Have what is gone by on the disk, now or later."""
        error = self._put(self._record)
        if error and not self._unkept:
            _log.error("what is desired: %s", _UNKEPT.format(error))
        self._unkept = error and _UNKEPT.format(error)
        self._keep_again_ns = self._clock.now_ns() + round(_KEEP_AGAIN_S * SECOND_NS)

    def _put(self, record: DesiredRecord) -> str:
        return self._store.keep(record) if self._store is not None else "there is no state folder yet"

    def _standing(self) -> _Standing:
        record = self._record
        if record.shunned:
            detail = f"the configuration of before is in force: {record.reason}"
            return _req_id(record.shunned), "failed", detail
        if record.trial:
            return _req_id(record.trial), "ok", f"in force, on trial for {TRIAL_S:.0f} s"
        if record.good:
            return _req_id(record.good), "ok", "in force"
        return (None, "failed", record.reason) if record.reason else (None, "ok", _FILE_ALONE)

    def _report(self, req_id: str | None, code: ReplyCode, detail: str, *, repeated: bool = False) -> None:
        """Report how it stands; what the broker repeats is not answered again with the same."""
        self._trouble = "" if code == "ok" else f"{code}: {detail}"
        if self._life is None or self._config is None or (repeated and self._said == (req_id, code, detail)):
            return
        self._said = req_id, code, detail
        at = stamp(self._clock.timeline(), self._clock.now_ns())
        tables = to_report(self._config)
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
    desired = parse_desired(text.encode())
    with foreign(_MistakeError, "it cannot be judged"):
        return lay_over(loaded, desired.config)


def _with_score(text: str, min_score: float, req_id: str | None) -> str:
    """Return what is desired with another smallest score; `text` is empty where nothing is."""
    desired = parse_desired(text.encode()) if text else DesiredConfig({})
    model = {**desired.config.get("model", {}), "min_score": min_score}
    changed = DesiredConfig({**desired.config, "model": model}, req_id or desired.req_id)
    return msgspec.json.encode(changed).decode()


def _req_id(text: str) -> str | None:
    try:
        return parse_desired(text.encode()).req_id
    except InvalidCommandError:
        return None
