"""What a device says of itself, and how it stands in a rollout by that."""

from typing import Any

import msgspec
import pytest

from eyespot.topics.model_payloads import ModelDetail
from eyespot_fleet.rollout.standing import Detail, standing
from fakes.fleet import BUNDLE, OLD, desired, detail

SHUNNED = {"bundle": BUNDLE, "rollout": "r1", "reason": "sees nothing"}
OFFER = {"name": "people", "version": "1.2.0", "rollout": "r1", "waits_for": None}
TRIAL = {"bundle": BUNDLE, "rollout": "r1", "starts": 1}


def result(outcome: str, rollout: str | None = "r1") -> dict[str, Any]:
    return {"bundle": BUNDLE, "rollout": rollout, "outcome": outcome, "reason": "too slow"}


@pytest.mark.parametrize(
    ("says", "phase", "words"),
    [
        ({}, "waits", "idle"),
        ({"state": "idle", "current": BUNDLE, "good": BUNDLE}, "done", "has proven itself"),
        ({"state": "trial", "current": BUNDLE, "trial": TRIAL}, "trial", "on probation"),
        ({"quarantine": [SHUNNED]}, "failed", "sees nothing"),
        ({"last_result": result("rolled_back")}, "failed", "rolled back: too slow"),
        ({"last_result": result("refused")}, "failed", "refused: too slow"),
        ({"state": "downloading", "percent": 41.6, "offer": OFFER}, "moves", "downloading 42 %"),
        ({"state": "staged", "staged": BUNDLE}, "moves", "staged"),
        ({"state": "offered", "offer": OFFER | {"waits_for": "window"}}, "waits", "waits for its window"),
        (
            {"state": "failed", "offer": OFFER, "attempts": 2, "reason": "no route"},
            "moves",
            "tries again: no route",
        ),
        (
            {"state": "failed", "offer": OFFER, "attempts": 3, "reason": "no route"},
            "failed",
            "3 attempts: no route",
        ),
    ],
)
def test_a_device_stands_where_it_says(says: dict[str, Any], phase: str, words: str) -> None:
    found = standing(detail(**says), desired())
    assert (found.phase, found.words) == (phase, words)


@pytest.mark.parametrize(
    "says",
    [
        {"quarantine": [SHUNNED | {"rollout": "r0"}]},
        {"last_result": result("rolled_back", "r0")},
        {"state": "failed", "attempts": 9, "offer": OFFER | {"rollout": "r0"}},
        {"state": "failed", "attempts": 9, "reason": "the repository is away"},
    ],
)
def test_what_failed_elsewhere_is_no_failure_of_this_rollout(says: dict[str, Any]) -> None:
    assert standing(detail(**says), desired()).phase == "waits"


def test_a_model_that_has_proven_itself_and_was_left_again_is_not_done() -> None:
    left = detail(current=OLD, good=OLD, last_result=result("committed"))
    assert standing(left, desired()).phase == "waits"


def test_words_of_a_device_are_made_fit_for_a_terminal() -> None:
    words = standing(detail(quarantine=[SHUNNED | {"reason": "\x1b[2J" + "x" * 999}]), desired()).words
    assert words.isprintable()
    assert len(words) <= 300


def test_all_that_is_read_is_what_devices_declare_to_say() -> None:
    assert set(Detail.__struct_fields__) <= set(ModelDetail.__struct_fields__)


def test_a_newer_device_may_say_more() -> None:
    data = b'{"state": "idle", "cohort": "shops", "current": null, "mood": {"good": true}}'
    assert msgspec.json.decode(data, type=Detail).current is None
