"""Buckets as the pipeline publishes and keeps them."""

import json
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from eyespot.buckets.kept import Kept, read
from eyespot.buckets.tally import Tally
from eyespot.domain.bucket import Bucket, Level, Spread
from eyespot.domain.instants import SECOND_NS, Timeline, parse_rfc3339
from eyespot.domain.measures import OTHERS, Key
from eyespot.domain.message import Delivery, Message
from eyespot.domain.observation import Observation
from eyespot.pipeline import Pipeline, Tuning
from eyespot.ports import Handover, ModelIdentity
from eyespot.rules import Rule, RuleSettings, Snapshot, build, spans
from eyespot.rules.line import LineSettings
from eyespot.rules.zone import ZoneSettings
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from fakes.walkers import Walker, film

LABELS = ("person", "dog")
MODEL = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", None, LABELS, 0.35)
OTHER = ModelIdentity("n@1.0.0-0123456789ab", "n", "1.0.0", None, LABELS, 0.35)
TIMELINE = Timeline(parse_rfc3339("2026-10-24T23:59:30Z"), synced=True)
DOOR = LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0), classes=("person",), bucket_s=60)
THERE = Walker((0.1, 0.5), (0.9, 0.5), 0, 8)


def payload(message: Message) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(message.payload)
    return said


class Shop:
    """A pipeline with what it left behind."""

    def __init__(self, *settings: RuleSettings, kept: dict[str, bytes] | None = None, seq: int = 0) -> None:
        rules: dict[str, Rule] = {one.id: build(one, LABELS, "overhead") for one in settings}
        self.messages, self.kept, self.seq = list[Message](), dict(kept or {}), seq
        self.handovers: list[Handover] = []
        self.pipeline = Pipeline(
            MODEL,
            Tracker(MODEL.min_score),
            rules,
            Native(Gate("eyespot/v1/shop"), "0123456789abcdef", seq),
            spans=spans(settings),
            zone=ZoneInfo("Europe/Berlin"),
        )
        self.pipeline.expect_rate(10)

    def begin(self, at_s: float = 0) -> None:
        self.take(self.pipeline.begin(self.kept, round(at_s * SECOND_NS), TIMELINE))

    def take(self, handover: Handover) -> None:
        self.handovers.append(handover)
        self.messages += handover.messages
        self.seq = max(self.seq, handover.seq)
        self.kept |= handover.snapshots

    def watch(self, from_s: float, to_s: float, *walkers: Walker, bundle: str = MODEL.bundle) -> None:
        """Look on; walkers begin at `from_s`."""
        for passed_ns, found in film(walkers, 10, to_s - from_s):
            taken_ns = round(from_s * SECOND_NS) + passed_ns
            self.take(self.pipeline.step(taken_ns, Observation(taken_ns, bundle, found), TIMELINE))

    @property
    def buckets(self) -> list[dict[str, Any]]:
        return [json.loads(m.payload) for m in self.messages if m.topic.endswith("/bucket")]

    @property
    def totals(self) -> dict[str, int]:
        states = [json.loads(m.payload) for m in self.messages if m.topic.endswith("/state")]
        totals: dict[str, int] = states[-1]["counts"]["person"]
        return totals


def tuning(rules: dict[str, Rule], lengths: dict[str, int]) -> Tuning:
    return Tuning(rules, 0.35, publishes_frames=False, classes=None, spans=lengths)


def test_a_bucket_is_a_durable_message_with_a_number_of_the_device() -> None:
    shop = Shop(DOOR)
    shop.begin()
    shop.watch(0, 8, THERE)
    shop.watch(8.1, 33)
    [bucket] = shop.buckets
    assert (
        bucket.items()
        >= {
            "schema": "eyespot.bucket/1",
            "kind": "bucket",
            "t": "2026-10-25T00:00:00.000Z",
            "clock": "synced",
            "start": "2026-10-24T23:59:00.000Z",
            "end": "2026-10-25T00:00:00.000Z",
            "counts": {"person": {"in": 1, "out": 0}},
            "coverage": 0.5,
            "gaps": [
                {"start": "2026-10-24T23:59:00.000Z", "end": "2026-10-24T23:59:30.000Z", "cause": "restart"}
            ],
            "model": MODEL.bundle,
        }.items()
    )
    assert bucket["seq"] == shop.seq == 2
    [message] = [m for m in shop.messages if m.topic == "eyespot/v1/shop/rule/door/bucket"]
    assert (message.delivery, message.retain, message.qos) == (Delivery.DURABLE, False, 1)


def test_levels_and_durations_are_told_by_what_they_are_of() -> None:
    levels = {"occupancy": {"person": Level(2, 0, 3, 1.23456)}}
    spreads = {"dwell_s": {"person": Spread(3, 10.0, 8.1234, 20.0, 21.0)}}
    native = Native(Gate("eyespot/v1/shop"), "0123456789abcdef", 7)
    bucket = Bucket(
        rule="till",
        begin_utc_ns=0,
        end_utc_ns=60 * SECOND_NS,
        bucket_s=60,
        rev=1,
        cut="clock",
        counts=None,
        gauges=levels,
        durations=spreads,
        coverage=0.5,
        gaps=(),
        ambiguous=2,
        uncertainty=None,
        bundle=MODEL.bundle,
        synced=False,
    )
    message = native.bucket(bucket)
    assert Gate("eyespot/v1/shop").readmit(message.topic, message.payload) == message
    assert (
        payload(message).items()
        >= {
            "seq": 8,
            "clock": "unsynced",
            "gauges": {"occupancy": {"person": {"now": 2, "min": 0, "max": 3, "mean": 1.235}}},
            "durations": {
                "dwell_s": {"person": {"n": 3, "mean": 10.0, "median": 8.12, "p90": 20.0, "max": 21.0}}
            },
        }.items()
    )
    nothing = payload(native.bucket(replace(bucket, gauges=None, durations={}, uncertainty=1.26)))
    assert (nothing["counts"], nothing["gauges"], nothing["uncertainty"]) == (None, None, 1.3)


def test_a_rule_without_buckets_keeps_and_publishes_none() -> None:
    shop = Shop(LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0)))
    shop.begin()
    shop.watch(0, 70, THERE)
    assert not shop.buckets
    assert b"buckets" not in shop.kept["door"]


def test_a_bucket_is_no_longer_kept_in_the_handover_in_which_it_leaves() -> None:
    shop = Shop(DOOR)
    shop.begin()
    for second in range(31, 34):
        handover = shop.pipeline.step(second * SECOND_NS, None, TIMELINE)
        if told := [m for m in handover.messages if m.topic.endswith("/bucket")]:
            break
        shop.take(handover)
    assert len(told) == 1
    before, after = (
        msgspec.json.decode(kept, type=Snapshot).buckets
        for kept in (shop.kept["door"], handover.snapshots["door"])
    )
    assert before is not None
    assert after is not None
    assert [len(kept.get("waiting", [])) for kept in (before, after)] == [1, 0]  # type: ignore[arg-type]


def test_killed_after_any_step_each_crossing_is_in_one_bucket() -> None:
    life = Shop(DOOR)
    life.begin()
    life.watch(0, 8, THERE)
    life.watch(8.1, 27)
    life.watch(27.1, 40, THERE)
    steps = [step for step in life.handovers if step.messages or step.snapshots]
    assert len(steps) >= 5
    for survived in range(1, len(steps) + 1):
        first = Shop(DOOR)
        for step in steps[:survived]:
            first.take(step)
        second = Shop(DOOR, kept=first.kept, seq=first.seq)
        second.begin(41)
        second.watch(41, 95)
        told = first.buckets + second.buckets
        assert sum(one["counts"]["person"]["in"] for one in told if one["counts"]) == second.totals["in"]
        assert [one["start"] for one in told[1:]] == [one["end"] for one in told[:-1]]


def test_while_nothing_happens_it_is_kept_once_a_minute() -> None:
    shop = Shop(DOOR, LineSettings(id="gate", a=(0.1, 0.1), b=(0.2, 0.1)))
    shop.begin()
    kept = [
        shop.pipeline.step(second * SECOND_NS, None, TIMELINE).snapshots for second in range(100, 100 + 600)
    ]
    assert sum("door" in snapshots for snapshots in kept) <= 3 * 10  # opened, told, and between
    assert not any("gate" in snapshots for snapshots in kept)


def test_a_rule_that_changes_ends_its_bucket_and_one_that_goes_tells_its_last() -> None:
    shop = Shop(DOOR)
    shop.begin()
    shop.watch(0, 8, THERE)
    longer = msgspec.structs.replace(DOOR, bucket_s=3600)
    rules = {"door": build(longer, LABELS, "overhead")}
    shop.take(shop.pipeline.retune(tuning(rules, {"door": 3600}), 10 * SECOND_NS, TIMELINE))
    shop.watch(10.1, 18, THERE)
    shop.take(shop.pipeline.retune(tuning({}, {}), 20 * SECOND_NS, TIMELINE))
    first, second = shop.buckets
    assert (first["cut"], first["bucket_s"], first["counts"]["person"]["in"]) == ("changed", 60, 1)
    assert (second["cut"], second["bucket_s"], second["counts"]["person"]["in"]) == ("changed", 3600, 1)
    assert (first["end"], second["end"]) == (second["start"], "2026-10-24T23:59:50.000Z")
    again = Shop(DOOR, kept=shop.kept)
    again.begin(30)
    again.watch(30, 95)
    assert sum(one["counts"]["person"]["in"] for one in again.buckets) == 0


def test_totals_of_another_model_end_their_bucket_also_over_a_restart() -> None:
    first = Shop(DOOR)
    first.begin()
    first.watch(0, 8, THERE)
    first.pipeline.expect(OTHER)
    first.watch(9, 17, THERE, bundle=OTHER.bundle)
    second = Shop(DOOR, kept=first.kept, seq=first.seq)
    second.begin(20)
    second.watch(20, 40)
    assert [(one["cut"], one["model"], one["counts"]["person"]["in"]) for one in first.buckets] == [
        ("model", MODEL.bundle, 1)
    ]
    assert [(one["cut"], one["model"], one["counts"]["person"]["in"]) for one in second.buckets] == [
        ("model", OTHER.bundle, 1),
        (None, MODEL.bundle, 0),
    ]


def test_a_reset_tells_what_was_counted_until_then_with_its_event() -> None:
    shop = Shop(DOOR)
    shop.begin()
    shop.watch(0, 8, THERE)
    handover = shop.pipeline.reset(("door",), 9 * SECOND_NS, TIMELINE)
    kinds = [json.loads(message.payload)["kind"] for message in handover.messages]
    assert kinds == ["reset", "bucket", "line"]
    shop.take(handover)
    assert [(one["cut"], one["counts"]) for one in shop.buckets] == [
        ("reset", {"person": {"in": 1, "out": 0}})
    ]
    shop.watch(9.1, 35)
    assert shop.buckets[-1]["counts"] == {"person": {"in": 0, "out": 0}}


def test_a_zone_tells_who_was_inside_and_for_how_long() -> None:
    zone = ZoneSettings(id="till", points=((0.3, 0.0), (0.7, 0.0), (0.7, 1.0), (0.3, 1.0)), bucket_s=60)
    shop = Shop(zone)
    shop.begin()
    shop.watch(0, 8, THERE)
    shop.watch(8.1, 12)
    shop.watch(12, 20, THERE)
    shop.watch(20.1, 35)
    [bucket] = shop.buckets
    assert bucket["counts"] == {"person": {"entered": 2, "left": 2}}
    level = bucket["gauges"]["occupancy"]["person"]
    assert (level["now"], level["min"], level["max"]) == (0, 0, 1)
    dwell = bucket["durations"]["dwell_s"]["person"]
    assert dwell["n"] == 2
    assert dwell["mean"] == pytest.approx(4, abs=0.2)
    assert level["mean"] == pytest.approx(2 * dwell["mean"] / 30, abs=0.03)
    assert (bucket["ambiguous"], bucket["coverage"]) == (0, 0.5)


def test_who_is_inside_when_a_zone_is_reset_has_entered_before_in_buckets() -> None:
    zone = ZoneSettings(id="till", points=((0.3, 0.0), (0.7, 0.0), (0.7, 1.0), (0.3, 1.0)), bucket_s=60)
    shop = Shop(zone)
    shop.begin()
    shop.watch(0, 4, THERE)
    shop.take(shop.pipeline.reset(("till",), 4 * SECOND_NS, TIMELINE))
    shop.watch(4.1, 8, Walker((0.51, 0.5), (0.9, 0.5), 0, 3.9))
    shop.watch(8.1, 35)
    assert [one["counts"]["person"] for one in shop.buckets] == [
        {"entered": 1, "left": 0},
        {"entered": 0, "left": 1},
    ]


def test_who_vanishes_in_a_zone_corrects_the_bucket_that_was_told() -> None:
    zone = ZoneSettings(id="till", points=((0.3, 0.0), (0.7, 0.0), (0.7, 1.0), (0.3, 1.0)), bucket_s=60)
    shop = Shop(zone)
    shop.begin()
    shop.watch(20, 29.5, Walker((0.1, 0.5), (0.5, 0.5), 0, 9.5))
    shop.watch(29.6, 40)
    first, again = shop.buckets
    assert [(one["rev"], one["counts"]["person"]["left"]) for one in (first, again)] == [(0, 0), (1, 1)]
    assert (first["start"], first["end"]) == (again["start"], again["end"])
    assert again["durations"]["dwell_s"]["person"]["n"] == 1


def test_left_in_order_nothing_of_what_was_seen_is_lost() -> None:
    first = Shop(DOOR)
    first.begin()
    first.watch(0, 20)
    first.take(first.pipeline.keep(20 * SECOND_NS, TIMELINE))
    second = Shop(DOOR, kept=first.kept)
    second.begin(22)
    second.watch(22, 33)
    [bucket] = second.buckets
    assert bucket["gaps"] == [
        {"start": "2026-10-24T23:59:00.000Z", "end": "2026-10-24T23:59:30.000Z", "cause": "restart"},
        {"start": "2026-10-24T23:59:50.000Z", "end": "2026-10-24T23:59:52.000Z", "cause": "restart"},
    ]


def a_crowded_tally(classes: int) -> Tally:
    """A bucket of so many classes, of each of which one more was counted than of the one before it."""
    tally = Tally(0, 60 * SECOND_NS, 0, MODEL.bundle, "silent")
    for number in range(classes):
        label = f"a thing of some name, number {number}"
        tally.sums.count(Key(label, "entered"), number)
        tally.sums.end(Key(label, "dwell_s"), 5.0)
        tally.sums.show({Key(label, "occupancy"): 1.0}, 0)
    tally.covered_ns = 60 * SECOND_NS
    tally.sums.show({}, tally.covered_ns)
    return tally


@pytest.mark.parametrize("classes", [10, 150, 1000])
def test_a_bucket_of_however_many_classes_is_told_and_adds_up(classes: int) -> None:
    tally = a_crowded_tally(classes)
    said = payload(Native(Gate("eyespot/v1/shop"), "0123456789abcdef", 0).bucket(tally.bucket("till", 60, 0)))
    assert sum(of["entered"] for of in said["counts"].values()) == sum(range(classes))
    assert sum(of["n"] for of in said["durations"]["dwell_s"].values()) == classes
    assert len(said["gauges"]["occupancy"]) <= len(said["counts"])
    named = said["counts"].keys() - {OTHERS}
    assert (OTHERS in said["counts"]) == (len(named) < classes)
    least = min(said["counts"][label]["entered"] for label in named)
    assert least == classes - len(named)  # those of which least was counted have lost their names


def test_a_bucket_of_a_thousand_classes_is_kept_and_gone_on_with() -> None:
    kept = Kept(60, a_crowded_tally(1000), 60 * SECOND_NS, 0)
    assert read(msgspec.to_builtins(kept)) == kept


def test_a_bucket_that_could_never_be_told_is_not_gone_on_with() -> None:
    tally = a_crowded_tally(1)
    for number in range(5000):
        tally.sums.count(Key("a thing", f"what of it {number}"), 1)
    with pytest.raises(ValueError, match="too large to be told"):
        Kept(60, tally, 60 * SECOND_NS, 0)


def test_a_kept_bucket_that_is_damaged_is_named_and_its_rule_goes_on() -> None:
    shop = Shop(DOOR)
    shop.begin()
    shop.watch(0, 8, THERE)
    snapshot = json.loads(shop.kept["door"])
    snapshot["buckets"]["tally"]["begin_utc_ns"] = -5
    after = Shop(DOOR, kept={"door": json.dumps(snapshot).encode()})
    after.begin(9)
    assert "began its bucket anew" in after.pipeline.unusable["door"]
    assert "begin_utc_ns" in after.pipeline.unusable["door"]
    assert after.totals == {"in": 1, "out": 0}
