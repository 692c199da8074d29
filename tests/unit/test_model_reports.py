"""What is told of the model is what is so, in the words that Home Assistant and others know."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given

from eyespot.topics.gate import Gate
from eyespot.topics.model_payloads import UpdateState
from eyespot.topics.native import Native, Stamp
from eyespot.trust.slots import Quarantined, Record, Result, Staged, Trial
from eyespot.update.reports import (
    Milestones,
    Standing,
    detail,
    events,
    milestones,
    state,
    update_state,
)
from fakes.standings import NEW, NOW_S, OFFER, OLD, note, standing, standings

NATIVE = Native(Gate("eyespot/v1/shop"), "0" * 16, 0)
AT = Stamp(NOW_S * 10**9, synced=True)
BUSY = Record(current=OLD, good=OLD)


def shown(standing: Standing) -> dict[str, object]:
    """Return what Home Assistant gets."""
    return msgspec.json.decode(NATIVE.model_state(update_state(standing, NOW_S)).payload)


def kinds(before: Standing, after: Standing) -> list[str]:
    return [event["kind"] for event in events(milestones(before, NOW_S), milestones(after, NOW_S))]


def test_home_assistant_is_shown_an_offer() -> None:
    assert shown(standing(BUSY, note("offered", offer=OFFER))) == {
        "installed_version": "1.1.0",
        "latest_version": "1.2.0",
        "title": "people",
        "release_summary": "Sees dogs",
        "release_url": "https://example.org/1",
        "in_progress": False,
        "update_percentage": None,
    }


def test_home_assistant_is_shown_progress_while_there_is_some() -> None:
    loading = shown(standing(BUSY, note("downloading", offer=OFFER, percent=42.5)))
    assert (loading["in_progress"], loading["update_percentage"]) == (True, 42.5)
    testing = shown(standing(BUSY, note("testing", offer=OFFER, percent=100)))
    assert (testing["in_progress"], testing["update_percentage"]) == (True, None)
    trial = Record(current=NEW, good=OLD, trial=Trial(bundle=NEW))
    tried = shown(standing(trial, note("downloading", offer=OFFER, percent=42.5)))
    assert (tried["in_progress"], tried["update_percentage"], tried["installed_version"]) == (
        False,
        None,
        "1.2.0",
    )


def test_a_worker_that_was_killed_leaves_no_progress_that_lasts_for_ever() -> None:
    stuck = standing(BUSY, note("downloading", offer=OFFER, percent=42.5, at_s=NOW_S - 601))
    assert (shown(stuck)["in_progress"], shown(stuck)["update_percentage"]) == (False, None)
    told = detail(stuck, NOW_S)
    assert (told["state"], told["code"], told["percent"]) == ("failed", "worker_silent", None)
    assert "stopped while downloading" in told["reason"]


@pytest.mark.parametrize("waits_for", ["approval", "window", None])
def test_what_can_be_installed_is_offered(waits_for: str | None) -> None:
    offer = msgspec.structs.replace(OFFER, waits_for=waits_for)
    assert shown(standing(BUSY, note("offered", offer=offer)))["latest_version"] == "1.2.0"


def test_what_cannot_be_had_by_pressing_install_is_not_offered() -> None:
    later = msgspec.structs.replace(OFFER, waits_for="turn")
    failed = Record(current=OLD, quarantine=(Quarantined(bundle=NEW, rollout=OFFER.rollout, reason="blind"),))
    for record, offer in ((BUSY, later), (failed, OFFER)):
        assert shown(standing(record, note("idle", offer=offer)))["latest_version"] == "1.1.0"
    again = msgspec.structs.replace(OFFER, rollout="2026-11-b")
    assert shown(standing(failed, note("offered", offer=again)))["latest_version"] == "1.2.0"


def test_a_web_page_that_is_none_is_not_shown() -> None:
    for text in ("", "javascript:alert(1)", "https://", "https://x y", "http://ä"):
        offer = msgspec.structs.replace(OFFER, notes_url=text)
        assert "release_url" not in shown(standing(BUSY, note("offered", offer=offer)))


def test_what_a_worker_had_staged_is_over_once_it_was_taken() -> None:
    assert state(standing(Record(staged=Staged(bundle=NEW)), note("staged")), NOW_S) == "staged"
    assert state(standing(BUSY, note("staged")), NOW_S) == "idle"
    assert state(standing(), NOW_S) == "idle"


def test_the_steps_to_a_better_model_are_told_one_by_one() -> None:
    idle = standing(BUSY, note("idle"))
    offered = standing(BUSY, note("offered", offer=OFFER))
    staged = standing(
        msgspec.structs.replace(BUSY, staged=Staged(bundle=NEW, rollout="2026-11-a")),
        note("staged", offer=OFFER),
    )
    tried = standing(Record(current=NEW, good=OLD, trial=Trial(bundle=NEW, rollout="2026-11-a")))
    again = standing(Record(current=NEW, good=OLD, trial=Trial(bundle=NEW, rollout="2026-11-a", starts=2)))
    result = Result(bundle=NEW, rollout="2026-11-a", outcome="committed", at_s=NOW_S)
    committed = standing(Record(current=NEW, good=NEW, previous=OLD, last_result=result))
    steps = [idle, offered, staged, tried, again, committed, committed]
    told = [kinds(before, after) for before, after in pairwise(steps)]
    assert told == [["offered"], ["staged"], ["trial"], [], ["committed"], []]


def test_a_model_that_is_rolled_back_is_told_with_its_reason() -> None:
    before = standing(Record(current=NEW, good=OLD, trial=Trial(bundle=NEW)))
    result = Result(bundle=NEW, outcome="rolled_back", reason="detects\nnothing", at_s=NOW_S)
    after = standing(Record(current=OLD, good=OLD, last_result=result))
    told = list(events(milestones(before, NOW_S), milestones(after, NOW_S)))
    assert told == [
        {"kind": "rolled_back", "bundle": NEW, "rollout": None, "code": None, "reason": "detects nothing"}
    ]


def test_a_failure_is_told_once_for_each_attempt() -> None:
    first = standing(BUSY, note("failed", code="feed", reason="no route", attempts=1))
    second = standing(BUSY, note("failed", code="feed", reason="no route", attempts=2))
    assert kinds(standing(BUSY), first) == ["failed"]
    assert kinds(first, first) == []
    assert kinds(first, second) == ["failed"]


@given(standings, standings)
def test_whatever_stands_there_may_leave(before: Standing, after: Standing) -> None:
    native = Native(Gate("eyespot/v1/shop"), "0" * 16, 0)
    native.model_state(update_state(after, NOW_S))
    native.model_detail(AT, detail(after, NOW_S))
    reached = milestones(after, NOW_S)
    told = list(events(milestones(before, NOW_S), reached))
    for fields in told:
        native.model_event(AT, fields)
    assert native.seq == len(told)
    assert list(events(reached, reached)) == []
    assert msgspec.json.decode(msgspec.json.encode(reached), type=Milestones) == reached


@given(standings)
def test_home_assistant_gets_the_keys_that_it_knows_and_no_null_but_one(standing: Standing) -> None:
    got = shown(standing)
    assert set(got) | {"release_url"} == set(UpdateState.__struct_fields__)
    assert [key for key, value in got.items() if value is None and key != "update_percentage"] == []
    assert isinstance(got["in_progress"], bool)
