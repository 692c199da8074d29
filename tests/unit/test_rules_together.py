"""Rules in a pipeline: those that build on others, and what shelves, heatmaps and occupancies say on MQTT."""

import json
from typing import Any

import pytest

from eyespot.app.plan import rules
from eyespot.config import Config, parse, problems_with_model, warnings
from eyespot.domain.errors import ConfigError
from eyespot.domain.instants import SECOND_NS, Timeline, parse_rfc3339
from eyespot.domain.message import Message
from eyespot.domain.observation import Detections, Observation
from eyespot.pipeline import Pipeline, Tuning
from eyespot.ports import Handover, ModelIdentity
from eyespot.rules import spans
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from fakes.contract import look_at
from fakes.walkers import Walker, detections, film

LABELS = ("person", "bottle")
MODEL = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", None, LABELS, 0.35)
OTHER = ModelIdentity("n@1.0.0-0123456789ab", "n", "1.0.0", None, LABELS, 0.35)
TIMELINE = Timeline(parse_rfc3339("2026-07-01T12:00:00Z"), synced=True)
HEAD = '[device]\ntimezone = "UTC"\n[camera]\nsource = "scene"\nmount = "overhead"\n[mqtt]\nurl = "mqtt://localhost"\n'
DOOR = '[[rules]]\nkind = "line"\nid = "door"\na = [0.5, 1.0]\nb = [0.5, 0.0]\nclasses = ["person"]\n'
SHOP = '[[rules]]\nkind = "occupancy"\nid = "shop"\nfrom = ["door"]\nbucket_s = 60\n'
FLOOR = '[[rules]]\nkind = "heatmap"\nid = "floor"\ngrid = [8, 6]\n'
DRINKS = '[[rules]]\nkind = "shelf"\nid = "drinks"\nclasses = ["bottle"]\nlow = 2\nsettle_s = 2\n'
IN, OUT = ((0.05, 0.5), (0.95, 0.5)), ((0.95, 0.5), (0.05, 0.5))


def config(*tables: str) -> Config:
    return parse(HEAD + "".join(tables), "f").config


class Device:
    """A pipeline with what it left behind."""

    def __init__(self, *tables: str, kept: dict[str, bytes] | None = None) -> None:
        whole = config(*tables)
        self.messages: list[Message] = []
        self.kept = dict(kept or {})
        self.at_s = 0.0
        native = Native(Gate("eyespot/v1/shop"), "0123456789abcdef", 0)
        self.pipeline = Pipeline(
            MODEL, Tracker(MODEL.min_score), rules(whole, MODEL), native, spans=spans(whole.rules)
        )
        self.pipeline.expect_rate(10)
        self.take(self.pipeline.begin(self.kept, 0, TIMELINE))

    def take(self, handover: Handover) -> None:
        for message in handover.messages:
            look_at(message.topic, message.payload)
        self.messages += handover.messages
        self.kept |= handover.snapshots

    @property
    def now_ns(self) -> int:
        return round(self.at_s * SECOND_NS)

    def goes(self, *ways: tuple[tuple[float, float], tuple[float, float]]) -> None:
        """Let somebody go each way, one after the other."""
        for start, end in ways:
            for passed_ns, found in film([Walker(start, end, 0, 4)], 10, 6):
                self.sees(found, self.now_ns + passed_ns)
            self.at_s += 7

    def sees(self, found: Detections, taken_ns: int, bundle: str = MODEL.bundle) -> None:
        self.take(self.pipeline.step(taken_ns, Observation(taken_ns, bundle, found), TIMELINE))

    def stands(self, seconds: int, *places: float) -> None:
        """Let bottles stand at places."""
        for _ in range(seconds * 5):
            self.at_s += 0.2
            self.sees(detections(*((x, 0.5, 0.1, 0.3, 0.6, 1) for x in places)), self.now_ns)

    def said(self, topic: str) -> list[Any]:
        whole = f"eyespot/v1/shop/{topic}"
        return [m.payload and json.loads(m.payload) for m in self.messages if m.topic == whole]


def test_an_occupancy_counts_what_its_line_counts_in_the_same_step_wherever_it_stands() -> None:
    device = Device(SHOP, DOOR)
    device.goes(IN, IN, OUT)
    topics = [
        m.topic.removeprefix("eyespot/v1/shop/rule/") for m in device.messages if b"0001" not in m.payload
    ]
    assert topics[-3:] == ["door/event", "door/state", "shop/state"]
    assert [one["occupancy"].get("person", 0) for one in device.said("rule/shop/state")] == [0, 1, 2, 1]


def test_a_count_that_heals_itself_says_from_when_the_totals_were_and_begins_anew() -> None:
    device = Device(DOOR, SHOP)
    device.goes(IN, OUT, OUT)
    [reset] = [one for one in device.said("rule/shop/event") if one["kind"] == "reset"]
    assert (reset["cause"], reset["counts"]) == ("negative", {"person": {"entered": 1, "left": 2}})
    assert reset["since"] == "2026-07-01T12:00:00.000Z"
    state = device.said("rule/shop/state")[-1]
    assert (state["occupancy"], state["since"], state["reset"]) == ({"person": 0}, reset["t"], "negative")
    again = Device(DOOR, SHOP, kept=device.kept).said("rule/shop/state")[-1]
    assert (again["since"], again["reset"]) == (reset["t"], "negative")


def test_somebody_can_say_that_nobody_is_there() -> None:
    device = Device(DOOR, SHOP)
    device.goes(IN)
    assert device.pipeline.counting == ("door", "shop")
    device.take(device.pipeline.reset(["shop"], device.now_ns, TIMELINE))
    assert device.said("rule/shop/state")[-1]["occupancy"] == {"person": 0}
    assert device.said("rule/shop/event")[-1]["cause"] == "manual"
    assert device.said("rule/door/state")[-1]["counts"] == {"person": {"in": 1, "out": 0}}


def test_an_occupancy_has_buckets() -> None:
    device = Device(DOOR, SHOP)
    device.goes(IN, IN, OUT)
    device.take(device.pipeline.end(device.now_ns, TIMELINE))
    [bucket] = device.said("rule/shop/bucket")
    assert bucket["counts"] == {"person": {"entered": 2, "left": 1}}
    assert bucket["gauges"]["occupancy"]["person"]["max"] == 2


def test_a_shelf_says_what_stands_there_and_when_there_is_too_little() -> None:
    device = Device(DRINKS + "bucket_s = 60\n")
    device.stands(20, 0.2, 0.4, 0.6)
    assert device.said("rule/drinks/event") == []
    device.stands(20, 0.2)
    [event] = device.said("rule/drinks/event")
    assert (event["kind"], event["class"], event["count"], event["limit"], event["below"]) == (
        "threshold", "bottle", 1, 2, True,
    )  # fmt: skip
    state = device.said("rule/drinks/state")[-1]
    assert (state["counts"], state["low"], state["slots"], state["unseen"]) == (
        {"bottle": 1},
        ["bottle"],
        3,
        0,
    )
    device.take(device.pipeline.end(device.now_ns, TIMELINE))
    [bucket] = device.said("rule/drinks/bucket")
    assert bucket["gauges"]["facings"]["bottle"]["max"] == 3


def test_a_heatmap_has_a_topic_of_its_own_and_ends_with_a_recording() -> None:
    device = Device(FLOOR)
    device.goes(IN)
    device.take(device.pipeline.end(device.now_ns, TIMELINE))
    begun, told = device.said("heatmap/floor")
    assert (begun["start"], begun["cells"]) == (None, [])
    assert (told["start"], told["grid"], told["tracks"]) == ("2026-07-01T12:00:00.000Z", [8, 6], 1)
    assert [cell[:2] for cell in told["cells"]] == [[column, 3] for column in range(8)]
    assert device.said("rule/floor/state") == []


def test_of_a_rule_that_goes_or_becomes_another_kind_what_is_retained_is_cleared() -> None:
    kept = Device(FLOOR).kept
    assert Device(DOOR, kept=kept).said("heatmap/floor") == [b""]
    line = Device(DOOR.replace("door", "floor"), kept=kept)
    assert (line.said("heatmap/floor"), len(line.said("rule/floor/state"))) == ([b""], 1)
    heatmap = Device(FLOOR, kept=Device(DOOR.replace("door", "floor")).kept)
    assert (heatmap.said("rule/floor/state"), len(heatmap.said("heatmap/floor"))) == ([b""], 1)


def test_what_is_gathered_without_a_word_is_kept_every_five_minutes_and_at_the_end() -> None:
    device = Device(FLOOR, DRINKS)
    device.goes(IN, OUT)
    device.kept.clear()
    for at_s in range(20, 299):
        device.sees(detections(), at_s * SECOND_NS)
    assert device.kept == {}
    device.sees(detections(), 320 * SECOND_NS)
    assert sorted(device.kept) == ["drinks", "floor"]
    device.kept.clear()
    device.take(device.pipeline.keep(321 * SECOND_NS, TIMELINE))
    assert sorted(device.kept) == ["drinks", "floor", "what-is-usually-seen"]


def test_where_another_model_takes_over_each_says_so_and_goes_on() -> None:
    device = Device(FLOOR, DRINKS, DOOR, SHOP)
    device.goes(IN)
    device.pipeline.expect(OTHER)
    device.sees(detections(), device.now_ns, OTHER.bundle)
    said = {rule: device.said(f"rule/{rule}/event") for rule in ("floor", "drinks", "shop")}
    splits = {rule: next(one for one in events if one["kind"] == "split") for rule, events in said.items()}
    assert (splits["floor"]["counts"], splits["drinks"]["counts"]) == (None, None)
    assert splits["shop"]["counts"] == {"person": {"entered": 1, "left": 0}}
    assert device.said("rule/shop/state")[-1]["occupancy"] == {"person": 1}


def test_lines_may_change_while_those_behind_them_stay() -> None:
    device = Device(DOOR, SHOP)
    device.goes(IN)
    back = DOOR.replace("door", "back")
    whole = config(back, SHOP.replace("door", "back"))
    tuning = Tuning(rules(whole, MODEL), 0.35, publishes_frames=False, classes=None, spans=spans(whole.rules))
    device.take(device.pipeline.retune(tuning, device.now_ns, TIMELINE))
    device.goes(IN)
    assert device.said("rule/shop/state")[-1]["occupancy"] == {"person": 2}


@pytest.mark.parametrize(
    ("tables", "line", "text"),
    [
        ((DOOR, SHOP.replace("door", "dor")), 17, 'from: there is no rule "dor"; did you mean "door"?'),
        ((DOOR, SHOP.replace('"door"', '"door", "door"')), 17, 'from: "door" is named twice'),
        ((SHOP.replace("door", "shop"),), 11, 'from: "shop" builds on itself'),
        (
            (DOOR, FLOOR, SHOP.replace("door", "floor")),
            21,
            'from: rule "floor" is of kind "heatmap"; name lines',
        ),
        (
            (SHOP.replace("door", "b"), SHOP.replace("shop", "b").replace("door", "shop")),
            11,
            "from: b and shop build",
        ),
    ],
)
def test_what_rules_build_on_must_be_there_and_lead_somewhere(
    tables: tuple[str, ...], line: int, text: str
) -> None:
    with pytest.raises(ConfigError) as error:
        config(*tables)
    assert f"f:{line}: {text}" in str(error.value)


def test_a_rule_of_which_the_kind_is_wrong_causes_no_second_complaint() -> None:
    with pytest.raises(ConfigError) as error:
        config(DOOR.replace('kind = "line"\n', ""), SHOP, "[[rules]]\nkind = 'occupancy'\nfrom = 3\nid = 4\n")
    assert "from: rule" not in str(error.value)


def test_classes_that_a_shelf_names_anywhere_must_be_known() -> None:
    table = DRINKS.replace("low = 2", "low = { botle = 2 }\nhidden_by = ['persn']")
    with pytest.raises(ConfigError) as error:
        problems_with_model(parse(HEAD + table, "f"), LABELS, "objects")
    assert 'low: the model has no "botle"' in str(error.value)
    assert 'hidden_by: the model has no "persn"' in str(error.value)


@pytest.mark.parametrize(
    ("table", "doubt"),
    [
        (SHOP, 'f:17: occupancy "shop" drifts'),
        (SHOP + 'reset_at = ["04:00"]\nclasses = ["dog"]\n', 'occupancy "shop" counts dog, which none'),
        (DRINKS.replace("low = 2", "low = { cup = 2 }"), 'shelf "drinks" has a low for cup'),
        (DRINKS + "slots = [[0, 0, 0.1, 0.1]]\n", 'shelf "drinks" has 1 slots, and too few always'),
        (
            DRINKS
            + "slots = [[0, 0, 0.1, 0.1], [0.5, 0.5, 0.6, 0.6]]\npoints = [[0, 0], [0.5, 0], [0, 0.5]]\n",
            "has its slot 2 outside of its points",
        ),
    ],
)
def test_what_cannot_be_right_is_warned_of(table: str, doubt: str) -> None:
    [told] = warnings(parse(HEAD + DOOR + table, "f"))
    assert doubt in told


def test_what_can_be_right_is_not_warned_of() -> None:
    good = SHOP + "empty_s = 60\n" + FLOOR + DRINKS + "slots = [[0, 0, 0.1, 0.1], [0.5, 0.5, 0.6, 0.6]]\n"
    assert warnings(parse(HEAD + DOOR + good, "f")) == []
