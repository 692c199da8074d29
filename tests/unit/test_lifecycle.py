"""A new model is tried, and kept or left; whatever happens, one looks that is known to be good."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from eyespot.app.choice import order_of_now
from eyespot.domain.errors import StoreError
from eyespot.host.clock import ManualClock
from eyespot.ports import ModelIdentity
from eyespot.trust.notes import Request, WorkerNote
from eyespot.trust.slots import Record, Staged, stage
from eyespot.update.slots import Slots
from fakes.bundles import factory_manifest
from fakes.looking import House, config_in
from fakes.slots import install, offer

FACTORY = "ssd-mobilenet-v2-oidv4@1.0.0-d0a5255bf8c4"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(10**12, 1_700_000_000 * 10**9)


@pytest.fixture
def house(tmp_path: Path, clock: ManualClock) -> House:
    house = House(config_in(tmp_path), clock)
    house.passes(60)
    return house


def on_trial(house: House, version: str = "2.0.0") -> str:
    bundle = offer(house.slots, version)
    house.passes(60, until=lambda: house.looks == bundle)
    assert house.record.trial is not None
    return bundle


def committed(house: House, version: str) -> str:
    bundle = on_trial(house, version)
    house.passes(100, until=lambda: house.record.trial is None)
    assert house.record.good == bundle
    return bundle


def test_a_model_that_does_as_well_is_kept_after_its_probation(house: House) -> None:
    bundle = on_trial(house)
    house.passes(50)
    assert house.record.trial is not None
    house.passes(15)
    record = house.record
    assert (record.current, record.good, record.trial, record.quarantine) == (bundle, bundle, None, ())
    assert house.looks == bundle
    assert house.pipeline.model.bundle == bundle


def test_the_record_is_on_the_disk_before_anything_looks_with_the_new_model(house: House) -> None:
    bundle = offer(house.slots, "2.0.0")
    told: list[Record] = []
    follow = house.looking.follow

    def noted(*order: object) -> None:
        told.append(Slots(house.slots.folder).record)
        follow(*order)

    house.looking.follow = noted
    house.passes(5)
    assert [(record.current, record.trial and record.trial.starts) for record in told] == [(bundle, 1)]


def blind(model: ModelIdentity) -> int:
    return int(model.bundle == FACTORY)


def seeing_everything(model: ModelIdentity) -> int:
    return 1 if model.bundle == FACTORY else 100


@pytest.mark.parametrize(
    ("sees", "reason"),
    [(blind, "saw something in 0 spells"), (seeing_everything, "100.0 objects a look")],
)
def test_a_model_that_sees_nothing_or_everything_is_rolled_back(
    house: House, sees: Callable[[ModelIdentity], int], reason: str
) -> None:
    bundle = on_trial(house)
    house.passes(100, sees, until=lambda: house.looks == FACTORY)
    record = house.record
    assert house.looks == FACTORY
    assert (record.current, record.trial) == (None, None)
    assert reason in record.quarantine[0].reason
    assert (record.quarantine[0].bundle, record.quarantine[0].rollout) == (bundle, "r1")
    house.passes(5)
    assert house.pipeline.model.bundle == FACTORY
    assert house.troubles == {}


def test_a_model_is_not_rolled_back_because_the_shop_is_closed(house: House, clock: ManualClock) -> None:
    house.passes(7200, lambda _: 0, every_s=5)
    bundle = on_trial(house)
    house.passes(86300, lambda _: 0, every_s=5)
    assert house.record.trial is not None, "there was nothing to compare it by"
    house.passes(30)
    assert house.record.good == bundle


def test_errors_of_the_model_roll_it_back_at_once(house: House) -> None:
    on_trial(house)
    house.readings = replace(house.readings, model_error="the model's boxes are not finite")
    house.passes(1)
    assert house.looks == FACTORY
    assert house.record.quarantine[0].reason == "the model's boxes are not finite"


def test_an_old_error_of_the_model_before_does_not_count_against_the_new_one(house: House) -> None:
    house.readings = replace(house.readings, model_error="once")
    on_trial(house)
    house.passes(30)
    assert house.record.trial is not None
    house.readings = replace(house.readings, model_error="")
    house.passes(1)
    house.readings = replace(house.readings, model_error="once")
    house.passes(1)
    assert house.record.quarantine[0].reason == "once"


def test_a_model_that_is_far_slower_is_rolled_back(house: House) -> None:
    on_trial(house)
    house.readings = replace(house.readings, inference_ms=(50.0, 100.0))
    house.passes(100, until=lambda: house.looks == FACTORY)
    assert (
        house.record.quarantine[0].reason
        == "an inference takes 100 ms, with the model of before it took 10 ms"
    )


def test_a_model_with_which_memory_grows_is_rolled_back(house: House) -> None:
    on_trial(house)
    for megabytes in range(100, 300, 10):
        house.readings = replace(house.readings, memory_mb=float(megabytes))
        house.passes(6)
    assert "memory grew by" in house.record.quarantine[0].reason


def test_a_model_on_which_the_eye_dies_again_and_again_is_rolled_back(house: House) -> None:
    house.looking.hangs = True
    offer(house.slots, "2.0.0")
    house.passes(5)
    house.looking.losses = 1
    house.passes(5)
    assert house.record.trial is not None, "it may have been somebody's restart"
    house.looking.losses = 2
    house.passes(1)
    assert "died 2 times" in house.record.quarantine[0].reason
    assert house.looking.renewed == 0


def test_a_model_that_hangs_is_rolled_back_and_the_process_with_it_is_replaced(house: House) -> None:
    house.looking.hangs = True
    offer(house.slots, "2.0.0")
    house.passes(115)
    assert house.record.trial is not None
    house.passes(15)
    assert "gave nothing within 120 s" in house.record.quarantine[0].reason
    assert house.looking.renewed == 1


def test_a_model_that_cannot_be_loaded_is_rolled_back_with_the_reason(house: House) -> None:
    bundle = offer(house.slots, "2.0.0")
    house.looking.refuses = {bundle: "model.tflite: cannot be run"}
    house.passes(5)
    assert house.record.quarantine[0].reason == "model.tflite: cannot be run"
    assert house.looks == FACTORY


def test_a_model_that_lacks_what_a_rule_uses_is_refused_and_never_looks(house: House) -> None:
    labels = factory_manifest()["labels"]
    bundle = offer(house.slots, "2.0.0", aliases={**labels.get("aliases", {}), "person": "human"})
    house.passes(5)
    record = house.record
    assert (record.staged, record.current, house.looking.told) == (None, None, [])
    assert (record.quarantine[0].bundle, record.quarantine[0].reason) == (
        bundle,
        "lacks person, which rule door uses",
    )


def test_a_staged_bundle_that_was_damaged_since_is_refused(house: House) -> None:
    bundle = offer(house.slots, "2.0.0")
    folder = house.slots.bundle_folder(bundle)
    folder.chmod(0o755)
    (folder / "model.tflite").chmod(0o644)
    (folder / "model.tflite").write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(99) + b"x")
    house.passes(5)
    assert "damaged or another one" in house.record.quarantine[0].reason
    assert house.looking.told == []


def test_where_the_configuration_names_a_model_what_is_staged_is_refused_by_name(
    tmp_path: Path, clock: ManualClock
) -> None:
    house = House(config_in(tmp_path), clock)
    pin = install(house.slots, "3.0.0")
    offer(house.slots, "2.0.0")
    pinned = House(config_in(tmp_path, str(house.slots.bundle_folder(pin))), clock)
    pinned.passes(5)
    assert pinned.looks == pin
    assert "the configuration names /" in pinned.record.quarantine[0].reason
    assert pinned.record.current is None


def test_a_new_model_waits_until_the_one_before_has_looked_for_a_while(
    tmp_path: Path, clock: ManualClock
) -> None:
    house = House(config_in(tmp_path), clock)
    offer(house.slots, "2.0.0")
    house.passes(30)
    assert house.record.staged is not None
    house.passes(10)
    assert house.record.trial is not None


def test_a_camera_that_gives_nothing_does_not_keep_a_cure_away_for_ever(
    tmp_path: Path, clock: ManualClock
) -> None:
    house = House(config_in(tmp_path), clock)
    offer(house.slots, "2.0.0")
    for _ in range(605):
        clock.sleep(1)
        house.lifecycle.tick()
    assert house.record.trial is not None


def test_an_operator_goes_back_to_the_model_of_before(house: House) -> None:
    first, second = committed(house, "2.0.0"), committed(house, "3.0.0")
    house.slots.post_request("body", Request(kind="rollback"))
    house.passes(5)
    assert (house.looks, house.record.current, house.record.good) == (first, first, first)
    assert house.record.quarantine[0].bundle == second
    house.slots.post_request("body", Request(kind="rollback"))
    house.passes(5)
    assert (house.looks, house.record.current) == (FACTORY, None)
    house.slots.post_request("body", Request(kind="rollback"))
    house.passes(5)
    assert house.looks == FACTORY


def test_an_operator_ends_a_trial(house: House) -> None:
    on_trial(house)
    house.slots.post_request("body", Request(kind="rollback"))
    house.passes(1)
    assert (house.looks, house.record.trial) == (FACTORY, None)
    assert house.record.quarantine[0].reason == "an operator asked for it"


def test_whoever_reports_hears_of_each_change_and_of_nothing_else(house: House) -> None:
    assert house.changes == [(Record(), None)]
    committed(house, "2.0.0")
    house.passes(1)
    generations = [record.generation for record, _ in house.changes]
    assert generations == sorted(set(generations))
    assert house.changes[-1][0] == house.record
    house.slots.write_worker_note(WorkerNote(state="checking", at_s=1))
    house.passes(1)
    assert house.changes[-1][1] == WorkerNote(state="checking", at_s=1)


def failing(_: object) -> Record:
    raise StoreError("the disk is full")


def test_a_full_disk_keeps_no_bad_model_looking_and_the_record_follows_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_trial(house)
    with monkeypatch.context() as patch:
        patch.setattr(house.slots, "change", failing)
        house.readings = replace(house.readings, model_error="not finite")
        house.passes(1)
        assert house.looks == FACTORY
        assert "model_slots_failed" in house.troubles
        house.passes(130)
    house.readings = replace(house.readings, model_error="")
    house.passes(61)
    assert (house.record.current, house.record.quarantine[0].reason) == (None, "not finite")
    assert house.troubles == {}


def test_nothing_is_tried_while_it_could_not_be_noted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(house.slots, "2.0.0")
    monkeypatch.setattr(house.slots, "change", failing)
    house.passes(10)
    assert house.looking.told == []
    assert "model_slots_failed" in house.troubles


def restarted(house: House, clock: ManualClock) -> House:
    return House(config_in(Path(house.slots.folder).parent), clock)


def test_a_crash_loop_ends_with_the_good_model(house: House, clock: ManualClock) -> None:
    first = committed(house, "2.0.0")
    second = on_trial(house, "3.0.0")
    house = restarted(house, clock)
    assert (house.looks, house.record.trial and house.record.trial.starts) == (second, 2)
    house = restarted(house, clock)
    assert (house.looks, house.record.trial, house.record.current) == (first, None, first)
    assert "started 2 times" in house.record.quarantine[0].reason


def test_a_restart_on_probation_judges_by_what_was_kept(house: House, clock: ManualClock) -> None:
    on_trial(house)
    house = restarted(house, clock)
    house.passes(100, lambda _: 0, until=lambda: house.looks == FACTORY)
    assert "saw something in 0 spells" in house.record.quarantine[0].reason


def test_a_reload_on_probation_is_no_start(house: House, clock: ManualClock) -> None:
    bundle = on_trial(house)
    for _ in range(3):
        house = House(config_in(Path(house.slots.folder).parent), clock, house.chooser)
        house.passes(5)
    assert (house.looks, house.record.trial and house.record.trial.starts) == (bundle, 1)


def test_a_current_model_that_is_gone_or_damaged_gives_way_to_the_good_one_and_that_is_told(
    house: House, clock: ManualClock
) -> None:
    first = committed(house, "2.0.0")
    second = on_trial(house, "3.0.0")
    damage(house.slots, second)
    house = restarted(house, clock)
    assert house.looks == first
    assert second in house.troubles["model_lost"]
    damage(house.slots, first)
    house = restarted(house, clock)
    assert (house.looks, house.record.current, house.record.good) == (FACTORY, None, None)


def damage(slots: Slots, bundle: str) -> None:
    network = slots.bundle_folder(bundle) / "model.tflite"
    network.chmod(0o644)
    network.write_bytes(b"\x1c\x00\x00\x00TFL3" + b"x" * 100)


def test_a_damaged_record_lets_the_factory_model_look_and_that_is_told(
    house: House, clock: ManualClock
) -> None:
    committed(house, "2.0.0")
    (house.slots.folder / "state.json").write_bytes(b'{"sha256": "')
    house = restarted(house, clock)
    assert house.looks == FACTORY
    assert list(house.troubles) == ["model_slots_failed"]


def test_a_model_on_trial_whose_start_cannot_be_noted_is_not_loaded(
    house: House, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_trial(house)
    monkeypatch.setattr(Slots, "change", lambda *_: failing(None))
    house = restarted(house, clock)
    assert house.looks == FACTORY
    assert list(house.troubles) == ["model_slots_failed"]
    assert house.record.trial is not None


def test_rules_that_were_changed_roll_back_what_is_on_trial_and_lacks_their_classes(
    house: House, clock: ManualClock, tmp_path: Path
) -> None:
    offer(house.slots, "2.0.0", aliases={"bicycle": "bike"})
    house.passes(10)
    assert house.record.trial is not None
    house = House(config_in(tmp_path, classes=("bicycle",)), clock)
    assert (house.looks, house.record.trial) == (FACTORY, None)
    assert house.record.quarantine[0].reason == "lacks bicycle, which rule door uses"


def test_the_hours_before_are_remembered_over_restarts(house: House, clock: ManualClock) -> None:
    house.passes(3700, every_s=2)
    house = restarted(house, clock)
    baseline = house.lifecycle._levels.baseline
    assert sum(level.busy for level in baseline.hours) >= 500
    assert baseline.latency_us == 10_000


def test_what_is_tried_by_hand_has_no_rollout_and_may_be_tried_again_by_one(house: House) -> None:
    bundle = install(house.slots, "2.0.0")
    house.slots.change(partial(stage, staged=Staged(bundle=bundle)))
    house.looking.refuses = {bundle: "no"}
    house.passes(5)
    assert house.record.shuns(bundle, None) == "no"
    assert house.record.shuns(bundle, "r1") is None


def test_who_only_looks_sees_the_model_of_now_and_changes_nothing(house: House, tmp_path: Path) -> None:
    config = config_in(tmp_path)
    assert order_of_now(config).bundle == "factory"
    bundle = on_trial(house)
    assert order_of_now(config).bundle == str(house.slots.bundle_folder(bundle))
    (house.slots.folder / "state.json").write_bytes(b"damaged")
    assert order_of_now(config).bundle == "factory"
    assert (house.slots.folder / "state.json").read_bytes() == b"damaged"
