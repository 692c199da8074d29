"""What a device makes of what it is told."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from eyespot.topics.commands import MOST_BYTES, Command, InvalidCommandError, Kind, parse
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native, Stamp
from eyespot.trust.slots import Record, Trial, go_back
from eyespot.update.commands import after_rollback, decide, request
from fakes.standings import FACTORY, NEW, NOW_S, OFFER, OLD, note, records, standing, standings

NATIVE = Native(Gate("eyespot/v1/shop"), "0" * 16, 0)
NOW = datetime.fromtimestamp(NOW_S, UTC)
RUNNING = Record(current=NEW, good=NEW, previous=OLD)
TRIED = Record(current=NEW, good=OLD, previous=None, trial=Trial(bundle=NEW))


def asked(kind: str, payload: bytes = b"{}") -> Command:
    return parse(kind, payload)


def test_home_assistant_says_latest() -> None:
    assert asked("cmd/model/update", b"latest") == Command(Kind.UPDATE)
    with pytest.raises(InvalidCommandError):
        asked("cmd/model/rollback", b"latest")


def test_a_command_that_is_too_large_is_not_looked_into() -> None:
    with pytest.raises(InvalidCommandError, match=f"larger than {MOST_BYTES} bytes"):
        asked("cmd/model/update", b'{"req_id": "1"}' + b" " * MOST_BYTES)


def test_a_command_has_an_id_and_an_end_if_it_wants() -> None:
    payload = b'{"req_id": "0b1e-7", "expires": "2027-01-15T08:00:00Z", "args": {}}'
    command = asked("cmd/model/rollback", payload)
    assert (command.kind, command.req_id) == (Kind.ROLLBACK, "0b1e-7")
    assert command.expires == datetime(2027, 1, 15, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "time", ["2027-01-15T08:00:00Z", "2027-01-15t08:00:00.000z", "2027-01-15T09:30:00+01:30"]
)
def test_a_time_is_a_date_time_of_the_schema(time: str) -> None:
    eight = datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert asked("cmd/restart", b'{"expires": "%s"}' % time.encode()).expires == eight
    ways = asked("cmd/trajectories", b'{"req_id": "1", "args": {"until": "%s"}}' % time.encode())
    assert (ways.since, ways.until) == (None, eight)


@pytest.mark.parametrize("time", ["2027-01-15 08:00:00Z", "2027-01-15T08:00:00+0000", "2027-01-15T08:00:00"])
def test_a_time_in_another_form_is_refused(time: str) -> None:
    for kind, payload in (
        ("cmd/restart", f'{{"req_id": "1", "expires": "{time}"}}'),
        ("cmd/trajectories", f'{{"req_id": "1", "args": {{"since": "{time}"}}}}'),
    ):
        with pytest.raises(InvalidCommandError, match="not as it should be") as refusal:
            asked(kind, payload.encode())
        assert refusal.value.req_id == "1"


@pytest.mark.parametrize("number", ["60", "60.0", "6e1", "600.00e-1"])
def test_a_number_without_a_fraction_is_whole_however_it_is_written(number: str) -> None:
    assert asked("cmd/aim", b'{"args": {"minutes": %s}}' % number.encode()).minutes == 60
    ways = asked("cmd/trajectories", b'{"req_id": "1", "args": {"after": %s}}' % number.encode())
    assert (ways.after, type(ways.after)) == (60, int)


@pytest.mark.parametrize("number", ["60.5", "-1.0", "1441.0", "1e300", "1e999", "true", '"60"'])
def test_what_is_no_number_of_minutes_is_refused(number: str) -> None:
    with pytest.raises(InvalidCommandError):
        asked("cmd/aim", b'{"args": {"minutes": %s}}' % number.encode())


@pytest.mark.parametrize(
    ("record", "note", "ask"),
    [
        (RUNNING, None, "check"),
        (RUNNING, note("idle"), "check"),
        (RUNNING, note("failed", code="feed", reason="no route"), "check"),
        (RUNNING, note("offered", offer=OFFER), "check"),
        (RUNNING, note("offered", offer=msgspec.structs.replace(OFFER, waits_for="approval")), "approve"),
        (RUNNING, note("offered", offer=msgspec.structs.replace(OFFER, waits_for="window")), "approve"),
        (RUNNING, note("offered", offer=msgspec.structs.replace(OFFER, waits_for="turn")), "check"),
        (TRIED, note("idle"), None),
    ],
)
def test_update_looks_or_approves(record: Record, note: object, ask: str | None) -> None:
    verdict = decide(asked("cmd/model/update"), standing(record, note), NOW)
    assert verdict.ask == ask
    assert verdict.code == ("ok" if ask else "refused")


def test_rollback_says_what_will_look() -> None:
    back = asked("cmd/model/rollback")
    assert decide(back, standing(RUNNING), NOW).detail == f"{OLD} will look instead of {NEW}"
    assert decide(back, standing(TRIED), NOW).detail == f"{OLD} will look instead of {NEW}"
    first = Record(current=NEW, good=NEW)
    assert decide(back, standing(first), NOW).detail == f"the factory model will look instead of {NEW}"
    assert decide(back, standing(FACTORY), NOW).code == "refused"


@given(records.filter(lambda record: record.current is not None))
def test_after_a_rollback_that_looks_which_was_named(record: Record) -> None:
    assert after_rollback(record) == (go_back(record, "", NOW_S).current or "the factory model")


def test_what_is_desired_makes_one_look_and_nothing_more() -> None:
    desired = asked("model/desired", b'{"bundle": "people", "version": "9.9.9"}')
    assert decide(desired, standing(RUNNING), NOW).ask == "check"
    here = asked("model/desired", b'{"bundle": "people", "version": "1.2.0"}')
    assert decide(here, standing(RUNNING), NOW).ask is None
    assert decide(asked("model/desired", b'{"check": true}'), standing(RUNNING), NOW).ask == "check"


def test_who_asks_is_told_why_nothing_comes_of_it() -> None:
    update, back = asked("cmd/model/update"), asked("cmd/model/rollback")
    pinned = standing(RUNNING, pinned="the configuration names /opt/ours")
    alone = standing(RUNNING, asks=False)
    late = asked("cmd/model/update", b'{"expires": "2027-01-15T07:59:59Z"}')
    for command, where, detail in (
        (update, pinned, "the configuration names /opt/ours"),
        (back, pinned, "the configuration names /opt/ours"),
        (update, alone, "set [update] url"),
        (late, standing(RUNNING), "too late: here it is 2027-01-15T08:00:00Z"),
    ):
        verdict = decide(command, where, NOW)
        assert (verdict.code, verdict.ask) == ("refused", None)
        assert detail in verdict.detail
    assert decide(back, alone, NOW).ask == "rollback"


expiries = (
    some.none()
    | some.datetimes(timezones=some.sampled_from([UTC]) | some.timezones())
    | some.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
)


@given(some.builds(Command, some.sampled_from(Kind), expires=expiries), standings)
def test_nothing_that_is_told_does_more_than_look_approve_or_go_back(command: Command, where: object) -> None:
    verdict = decide(command, where, NOW)
    late = command.expires is not None and command.expires <= NOW
    assert (verdict.ask is not None) <= (verdict.code == "ok" and not late and not where.pinned)
    assert verdict.detail
    fields = {"req_id": "1", "code": verdict.code, "detail": verdict.detail, "result": None}
    assert NATIVE.reply(Stamp(0, synced=False), fields, None, None).payload
    if verdict.ask is not None:
        to, passed_on = request(verdict.ask, command.req_id, NOW)
        assert to == ("body" if command.kind is Kind.ROLLBACK else "worker")
        assert (passed_on.kind, passed_on.path) == (verdict.ask, None)
        assert passed_on.kind in {"check", "approve", "rollback"}
        if command.kind is Kind.DESIRED:  # a hint: it approves nothing
            assert passed_on.kind == "check"


def test_a_command_expires_at_its_moment() -> None:
    late = Command(Kind.UPDATE, expires=NOW)
    assert decide(late, standing(RUNNING), NOW).code == "refused"
    assert decide(late, standing(RUNNING), NOW - timedelta(milliseconds=1)).code == "ok"
