"""What a device does to itself when it is told: totals, restarts, the log."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from eyespot.app.steward import RESTART_AFTER_S, Steward
from eyespot.domain.notice import NOTICE
from eyespot.host.clock import ManualClock
from eyespot.host.log_level import FOR_S
from eyespot.pipeline.drifting import ROW
from eyespot.ports import Handover
from eyespot.rules import Snapshot
from eyespot.supervisor.signals import Wish
from fakes.office import DOOR, SCALE, Office
from fakes.walkers import Walker, film

OURS = logging.getLogger("eyespot")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture(autouse=True)
def _the_usual_level() -> Iterator[None]:
    yield
    OURS.setLevel(logging.NOTSET)


def said(*handovers: Handover) -> list[dict[str, Any]]:
    return [json.loads(message.payload) for handover in handovers for message in handover.messages]


def totals(office: Office) -> list[int]:
    """What had gone in by each reset."""
    resets = [one for one in said(*office.handovers) if one.get("kind") == "reset"]
    return [reset["counts"]["person"]["in"] for reset in resets]


def test_a_reset_is_an_event_with_the_totals_until_then_a_new_state_and_a_snapshot_together(
    office: Office,
) -> None:
    office.walks(3)
    office.told("cmd/counters/reset", '{"req_id": "1", "args": {"rule": "door"}}')
    (handover,) = office.handovers
    event, state = said(handover)
    assert (event["kind"], event["cause"], event["rule"]) == ("reset", "manual", "door")
    assert (event["counts"], event["since"]) == ({"person": {"in": 3, "out": 0}}, "1970-01-01T00:00:00.000Z")
    assert (state["counts"], state["reset"]) == ({"person": {"in": 0, "out": 0}}, "manual")
    assert state["since"] == event["t"] == "1970-01-01T00:01:00.000Z"
    kept = msgspec.json.decode(handover.snapshots["door"], type=Snapshot)
    assert (kept.reset, kept.state) == ("manual", {"counts": state["counts"]})
    assert handover.seq == event["seq"]
    assert office.replies[-1]["result"] == {"rules": ["door"]}


def test_what_was_never_reset_is_kept_as_versions_before_knew_it(office: Office) -> None:
    kept = [handover.snapshots["door"] for handover in office.walks() if "door" in handover.snapshots]
    assert set(json.loads(kept[-1])) == {"since_utc_ns", "state", "model"}


def test_without_a_rule_all_that_count_begin_at_zero_and_a_share_goes_on(office: Office) -> None:
    office.walks()
    office.told("cmd/counters/reset", '{"req_id": "1"}')
    assert [(reply["code"], reply["result"]) for reply in office.replies if "code" in reply] == [
        ("ok", {"rules": ["door", "gate"]})
    ]
    assert [one["rule"] for one in said(*office.handovers) if one.get("kind") == "reset"] == ["door", "gate"]


@pytest.mark.parametrize(
    ("rules", "asked", "words"),
    [
        (
            (DOOR,),
            '{"req_id": "1", "args": {"rule": "window"}}',
            "no rule window has totals; those that have are door",
        ),
        ((DOOR, SCALE), '{"req_id": "1", "args": {"rule": "scale"}}', "no rule scale has totals"),
        ((SCALE,), '{"req_id": "1"}', "no rule has totals"),
    ],
)
def test_what_has_no_totals_is_not_reset(tmp_path: Path, rules: Any, asked: str, words: str) -> None:
    office = Office(tmp_path, *rules)
    office.told("cmd/counters/reset", asked)
    assert (office.replies[-1]["code"], office.handovers) == ("refused", [])
    assert words in office.replies[-1]["detail"]


def test_the_same_reset_that_comes_twice_is_done_once(office: Office) -> None:
    for _ in range(2):
        office.walks()
        office.told("cmd/counters/reset", '{"req_id": "1"}')
    assert len(office.handovers) == 1


@settings(max_examples=30)
@given(some.lists(some.booleans(), max_size=6))
def test_whenever_it_is_reset_each_crossing_is_counted_once(
    tmp_path_factory: pytest.TempPathFactory, resets: list[bool]
) -> None:
    office = Office(tmp_path_factory.mktemp("office"), DOOR)
    for is_reset in resets:
        if is_reset:
            office.told("cmd/counters/reset", "{}")
        office.walks()
    office.told("cmd/counters/reset", "{}")
    assert sum(totals(office)) == len(resets)


@given(some.integers(0, 80))
def test_somebody_on_their_way_is_counted_once_whenever_it_is_reset(
    tmp_path_factory: pytest.TempPathFactory, reset_at: int
) -> None:
    office = Office(tmp_path_factory.mktemp("office"), DOOR)
    for number, (taken_ns, found) in enumerate(film([Walker((0.1, 0.5), (0.9, 0.5), 0, 8)], 10, 8)):
        if number == reset_at:
            office.told("cmd/counters/reset", "{}")
        office.looks(taken_ns, found)
    office.told("cmd/counters/reset", "{}")
    assert sum(totals(office)) == 1


@pytest.mark.parametrize(("unattended", "wish"), [(True, Wish.RESTART), (False, Wish.RELOAD)])
def test_a_restart_comes_after_its_answer_and_as_whoever_watches_needs_it(
    tmp_path: Path, unattended: bool, wish: Wish
) -> None:
    office = Office(tmp_path, unattended=unattended)
    office.clock.sleep(RESTART_AFTER_S)
    office.told("cmd/restart", '{"req_id": "1"}')
    assert (office.replies[-1]["code"], office.steward.wish()) == ("ok", None)
    office.told("cmd/restart", '{"req_id": "2"}')
    assert office.replies[-1]["detail"] == "it is about to begin anew"
    office.clock.sleep(1)
    assert [office.steward.wish(), office.steward.wish()] == [wish, None]


def test_restarts_are_a_minute_apart(office: Office) -> None:
    office.clock.sleep(RESTART_AFTER_S - 1)
    office.told("cmd/restart", '{"req_id": "1"}')
    office.clock.sleep(1)
    assert (office.replies[-1]["code"], office.steward.wish()) == ("refused", None)
    assert "ask again in 1 s" in office.replies[-1]["detail"]
    office.told("cmd/restart", "{}")
    office.clock.sleep(1)
    assert office.steward.wish() is Wish.RELOAD
    office.told("cmd/restart", '{"req_id": "2"}')
    assert office.replies[-1]["code"] == "refused"


def test_the_log_says_more_for_an_hour_and_falls_back_by_itself(office: Office) -> None:
    office.told("cmd/log", '{"req_id": "1", "args": {"level": "debug"}}')
    assert OURS.level == logging.DEBUG
    assert office.replies[-1]["result"] == {"until": "1970-01-01T01:00:00.000Z"}
    office.clock.sleep(FOR_S - 1)
    office.steward.tick()
    assert OURS.level == logging.DEBUG
    office.clock.sleep(1)
    office.steward.tick()
    assert OURS.level == logging.NOTSET


def test_the_end_of_the_service_leaves_the_level_as_it_was() -> None:
    steward = Steward(ManualClock(0), unattended=False)
    with steward.listening():
        steward.log("warning")
        OURS.log(NOTICE, "not said")
        OURS.warning("said")
    OURS.warning("nobody listens")
    assert [line.text for line in steward.ring.lines] == ["said"]
    assert OURS.level == logging.NOTSET


@pytest.mark.parametrize(
    ("suffix", "payload"),
    [
        ("cmd/log", "{}"),
        ("cmd/log", '{"args": {"level": "trace"}}'),
        ("cmd/log", '{"args": {"level": "debug", "for_s": 100000}}'),
        ("cmd/counters/reset", '{"args": {"rule": "do/or"}}'),
        ("cmd/counters/reset", '{"args": {"rule": "door", "rule": "gate"}}'),
        ("cmd/restart", '{"args": {"when": "now"}}'),
        ("cmd/restart", "latest"),
        ("cmd/view/relearn", "latest"),
        ("cmd/view/relearn", '{"args": {"bundle": "m"}}'),
        ("cmd/diagnose", "{}"),
        ("cmd/aim", '{"args": {"minutes": 1441}}'),
        ("cmd/aim", '{"args": {"minutes": -1}}'),
        ("cmd/aim", '{"args": {"minutes": 1.5}}'),
        ("cmd/aim", '{"args": {"hours": 1}}'),
        ("cmd/trajectories", "{}"),
        ("cmd/trajectories", '{"args": {"after": 1}}'),
        ("cmd/trajectories", '{"req_id": "a/b"}'),
    ],
)
def test_arguments_that_are_not_declared_do_nothing(office: Office, suffix: str, payload: str) -> None:
    office.clock.sleep(RESTART_AFTER_S)
    office.told(suffix, payload)
    office.clock.sleep(1)
    assert (office.handovers, office.posted, office.steward.wish(), OURS.level) == ([], [], None, 0)


def test_what_was_usual_is_forgotten_when_it_is_told_that_the_camera_looks_elsewhere(office: Office) -> None:
    office.walks(3)
    office.told("cmd/view/relearn", '{"req_id": "1"}')
    (handover,) = office.handovers
    assert (handover.messages, list(handover.snapshots)) == ((), [ROW])
    assert office.replies[-1]["detail"] == "what is usually seen is learned anew, which takes a day"
    assert totals(office) == []


def test_what_is_too_late_is_not_done(office: Office) -> None:
    office.told("cmd/counters/reset", '{"req_id": "1", "expires": "1969-12-31T23:59:59Z"}')
    assert (office.replies[-1]["code"], office.handovers) == ("refused", [])
