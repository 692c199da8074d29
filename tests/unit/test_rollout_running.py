"""Rollouts from begin to end, over simulated devices and a broker that is not there."""

from collections.abc import Callable, Collection, Sequence

import msgspec
import pytest

from eyespot.domain.errors import StorageError
from eyespot.trust.desired import Desired
from eyespot_fleet.rollout.running import OvertakenError, Rollout
from fakes.fleet import TERMS, Fate, Fleet, Notebook, Releases, desired

IDS = [f"shop-{number:03}" for number in range(200)]
STEP_S = 60.0
LONG_S = 4 * 3600.0


class Desk:
    """A rollout to a fleet, with time."""

    def __init__(
        self,
        fate: Callable[[str], Fate] = lambda _: "committed",
        away: Collection[str] = (),
        ids: Sequence[str] = IDS,
        step_s: float = STEP_S,
    ) -> None:
        self.releases = Releases()
        self.fleet = Fleet(ids, self.releases, fate)
        self._step_s = step_s
        self.fleet.appear(away)
        self.fleet.pass_time(10)
        self.notebook = Notebook()
        self.rollout = self.begin(desired(0.0))

    def begin(self, planned: Desired) -> Rollout:
        return Rollout(
            planned,
            self.releases.newest(),
            releases=self.releases,
            watch=self.fleet.watch,
            terms=TERMS,
            teller=self.notebook,
            clock=lambda: self.fleet.now_s,
        )

    def run(self, until_s: float = LONG_S) -> int | None:
        while (code := self.rollout.tick()) is None and self.fleet.now_s < until_s:
            self.fleet.pass_time(self.fleet.now_s + self._step_s)
        return code


def test_a_good_model_comes_to_all_step_by_step() -> None:
    desk = Desk()
    assert desk.run() == 0
    assert desk.notebook.steps == [
        ("begun", 1),
        ("widened", 5),
        ("widened", 25),
        ("widened", 100),
        ("finished", 100),
    ]
    assert len(desk.fleet.updated) == len(IDS)
    assert len({one.rollout for one in desk.releases.told}) == 1
    assert desk.fleet.now_s < 5 * TERMS.soak_s, "hints wake the devices, nobody waits for their hour"


def test_a_bad_model_stops_at_the_first_step_and_is_told_with_reasons() -> None:
    desk = Desk(fate=lambda _: "rolled_back")
    assert desk.run() == 1
    assert [step for step, _ in desk.notebook.steps] == ["begun", "stopped"]
    assert desk.releases.told[-1].percent == 0
    tried = {one for one, _ in desk.fleet.updated}
    assert {one.id for one in desk.notebook.failed} <= tried
    assert len(tried) < 0.05 * len(IDS)
    assert {one.standing.words for one in desk.notebook.failed} == {"rolled back: by its fate"}


def test_a_rollout_goes_on_while_devices_are_away_and_is_not_finished_by_their_silence() -> None:
    desk = Desk(away=IDS[::3])
    assert desk.run() == 0
    assert len(desk.fleet.updated) == len(IDS) - len(IDS[::3])


def test_nothing_begins_while_nobody_is_there() -> None:
    desk = Desk(away=IDS)
    assert desk.run() is None
    assert not desk.releases.told


def test_who_goes_on_after_an_interruption_soaks_the_step_anew_and_nobody_falls_out() -> None:
    desk = Desk()
    desk.run(until_s=3000)
    so_far = desk.releases.told[-1]
    assert 0 < so_far.percent < 100
    desk.rollout = desk.begin(so_far)
    resumed_s = desk.fleet.now_s
    assert desk.run() == 0
    assert ("resumed", so_far.percent) in desk.notebook.steps
    percents = [one.percent for one in desk.releases.told]
    assert percents == sorted(percents)
    assert desk.fleet.now_s - resumed_s >= TERMS.soak_s


def test_nothing_is_told_of_the_devices_before_all_are_heard() -> None:
    desk = Desk()
    desk.run(until_s=60)
    desk.fleet.watch.listening()
    desk.notebook.steps.clear()
    desk.rollout = desk.begin(desk.releases.told[-1])
    desk.rollout.tick()
    assert desk.notebook.steps == []
    desk.fleet.pass_time(desk.fleet.now_s + 10)
    desk.rollout.tick()
    assert desk.notebook.steps == [("resumed", 1)]


def test_a_rollout_that_somebody_halts_elsewhere_goes_no_further() -> None:
    desk = Desk()
    desk.run(until_s=60)
    desk.releases.told.append(msgspec.structs.replace(desk.releases.told[-1], percent=0.0))
    with pytest.raises(OvertakenError, match="halted rollout r1"):
        desk.run()
    assert desk.releases.told[-1].percent == 0


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (desired(5.0, "r2"), "released people 1.2.0 in rollout r2"),
        (desired(25.0, "r1"), "set rollout r1 to 25 %"),
    ],
)
def test_a_rollout_gives_way_to_another_release(told: Desired, words: str) -> None:
    desk = Desk()
    desk.run(until_s=60)
    desk.releases.told.append(told)
    with pytest.raises(OvertakenError, match=words):
        desk.run()


def test_a_stop_that_cannot_be_written_is_tried_until_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(fate=lambda _: "rolled_back")
    desk.run(until_s=300)
    sign, refusals = desk.releases.sign, [StorageError("the disk is full")] * 3

    def fails_at_first(told: Desired, instead_of: Desired | None) -> None:
        if refusals:
            raise refusals.pop()
        sign(told, instead_of)

    monkeypatch.setattr(desk.releases, "sign", fails_at_first)
    assert desk.run() == 1
    assert desk.releases.told[-1].percent == 0
    assert not refusals


def test_nothing_widens_while_the_broker_is_away() -> None:
    desk = Desk()
    desk.run(until_s=60)
    desk.fleet.watch.disconnected("it went")
    assert desk.run(until_s=LONG_S) is None
    assert desk.releases.told[-1].percent == 1
    assert desk.notebook.last is not None
    assert desk.notebook.last.trouble == "it went"


def test_ten_thousand_devices_follow_with_a_few_failures_and_many_away() -> None:
    ids = [f"shop-{number:05}" for number in range(10_000)]
    away, fails = set(ids[::7]), set(ids[1::90])
    desk = Desk(lambda one: "rolled_back" if one in fails else "committed", away=away, ids=ids, step_s=300)
    assert desk.run(until_s=48 * 3600) == 0
    updated = {one for one, _ in desk.fleet.updated}
    assert updated == set(ids) - away
    told = {one.percent: one for one in desk.releases.told}
    by_step = [sum(told[percent].includes(one) for one in ids) for percent in TERMS.steps]
    assert by_step == sorted(by_step)
    assert by_step[-1] == len(ids)


def test_ten_thousand_devices_are_spared_a_model_that_fails_on_a_tenth() -> None:
    ids = [f"shop-{number:05}" for number in range(10_000)]
    desk = Desk(lambda one: "rolled_back" if one.endswith("7") else "committed", ids=ids, step_s=300)
    assert desk.run(until_s=48 * 3600) == 1
    assert len(desk.fleet.updated) < 0.02 * len(ids), "it came further than its first step"
