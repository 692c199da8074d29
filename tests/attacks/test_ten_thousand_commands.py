"""Ten thousand hostile payloads, one after the other, with time enough for each to be looked at."""

import json
import logging
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eyespot.store.desired import NAME
from fakes.brokers import ROOT
from fakes.hostile import HARMS, VALID, Hostile, as_bytes, elsewhere, hostile
from fakes.office import Office
from fakes.twins import Device

SEED = int(os.environ.get("EYESPOT_SEED", "6"))
MANY = 10_000
MINUTE_S = 60


class Attacked:
    """A device with a twin, which has counted some, and what must not change."""

    def __init__(self, folder: Path) -> None:
        self.twin = Device(folder)
        self.office = Office(folder, clock=self.twin.clock, desire=self.twin.twin.hear)
        with self.office.file.open("a") as file:
            file.write("[trajectories]\nkeep = true\n")
        (folder / "state").mkdir(exist_ok=True)
        self.office.tracing.desk.tick()
        self.office.posted.clear()
        self.office.walks(2)
        self.office.clock.sleep(MINUTE_S)
        self.before = self.state()

    def told(self, said: Hostile) -> None:
        """Hear something, with a turn for it."""
        self.office.clock.sleep(6)
        self.office.told(said.suffix, said.payload, retain=said.retain, answer_to=said.answer_to)
        self.office.worker.turn(0)
        assert self.state() == self.before, said

    def state(self) -> dict[str, Any]:
        office, twin = self.office, self.twin
        return {
            "totals": {name: office.pipeline._rules[name].rule.state() for name in ("door", "gate")},
            "left for the store": len(office.handovers),
            "passed on": len(office.passed_on),
            "level": logging.getLogger("eyespot").level,
            "restart": office.steward.wish(),
            "diagnosis": office.diagnosing.gathers,
            "aims": office.tracing.desk._keeper.aiming.active,
            "tallies": dict(office.tallies._cases),
            "tells where people went": office.tracing.desk._asked,
            "desired": twin.twin._record,
            "kept": (twin.folder / "state" / NAME).exists(),
            "configuration": twin.life.retuning.config,
        }


@pytest.fixture
def attacked(tmp_path: Path) -> Attacked:
    return Attacked(tmp_path)


def test_nothing_hostile_changes_anything_or_ends_anything(attacked: Attacked) -> None:
    harms: Counter[str] = Counter()
    for said in hostile(SEED, MANY):
        attacked.told(said)
        harms[said.harm] += 1
    assert set(harms) == {*HARMS, "5 MB"}
    codes = Counter(reply["code"] for reply in attacked.office.replies)
    assert set(codes) == {"invalid", "refused"}
    assert codes["invalid"] > 1_000
    reports = Counter(json.loads(message.payload)["code"] for message in attacked.twin.posted[2:])
    assert set(reports) == {"invalid", "refused"}
    topics = {message.topic for message in attacked.office.posted}
    assert all(one.startswith(f"{ROOT}/reply/") or one == "clerk/desk-7" for one in topics)
    assert all(len(message.payload) <= 4096 for message in attacked.office.posted)


def test_nor_does_what_is_kept_or_said_elsewhere(attacked: Attacked) -> None:
    for said in elsewhere(SEED, 1_000):
        attacked.told(said)


def test_afterwards_it_does_what_it_is_told(attacked: Attacked) -> None:
    for said in hostile(SEED + 1, 200):
        attacked.told(said)
    office = attacked.office
    office.clock.sleep(6)
    office.told("cmd/counters/reset", as_bytes({"req_id": "last", **VALID["cmd/counters/reset"]}))
    assert (office.replies[-1]["req_id"], office.replies[-1]["code"]) == ("last", "ok")


@pytest.mark.parametrize("suffix", VALID)
def test_what_the_attack_begins_with_would_be_done(attacked: Attacked, suffix: str) -> None:
    """Else it would prove nothing that the harmed ones are not."""
    attacked.office.clock.sleep(6)
    attacked.office.told(suffix, as_bytes({"req_id": "1", **VALID[suffix]}))
    attacked.office.worker.turn(0)
    attacked.office.clock.sleep(2)
    assert attacked.state() != attacked.before
    logging.getLogger("eyespot").setLevel(logging.NOTSET)
    attacked.office.gathered()


def test_it_is_the_same_attack_each_time() -> None:
    some_of_it = [list(hostile(random.Random(3).randrange(99), 50, huge=1)) for _ in range(2)]
    assert some_of_it[0] == some_of_it[1]
