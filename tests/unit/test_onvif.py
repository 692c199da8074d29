"""ONVIF's words for what rules say, as its Core and Analytics specifications have them."""

import ast
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import eyespot
from eyespot.domain.event import RULE_ID, Changed, Crossed, Event, LineState, RuleState, ShareState, Split
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.message import Message
from eyespot.domain.observation import Observation
from eyespot.host.clock import ManualClock
from eyespot.pipeline import Pipeline, Tuning
from eyespot.ports import Handover, ModelIdentity
from eyespot.rules import Rule, build
from eyespot.rules.line import LineSettings
from eyespot.rules.zone import ZoneSettings
from eyespot.topics.durables import Durables
from eyespot.topics.gate import Gate, GateError
from eyespot.topics.native import Native
from eyespot.topics.onvif import Onvif, OnvifCount, OnvifCounter, OnvifSource
from eyespot.tracking.tracker import Tracker
from fakes.contract import why_unfit
from fakes.walkers import Walker, film

ROOT = "eyespot/v1/shop"
GATE = Gate(ROOT)
TIMELINE = Timeline(1_700_000_000 * SECOND_NS, synced=True)
AT_NS = 1_700_000_000 * SECOND_NS
COUNTER = "onvif-ej/RuleEngine/CountAggregation/Counter/&1/1/"


def onvif() -> Onvif:
    return Onvif(GATE.let_out, GATE.clear)


def crossed(label: str = "person", track: int = 15) -> Crossed:
    return Crossed("door", 12 * SECOND_NS, "in", label, track, "m")


def said(messages: list[Message]) -> list[tuple[str, Any]]:
    """Topics below the root with their payloads, each held against its schema."""
    assert [why for message in messages if (why := why_unfit(message.topic, message.payload))] == []
    told = [(m.topic.removeprefix(f"{ROOT}/"), m.payload) for m in messages]
    return [(suffix, json.loads(payload) if payload else None) for suffix, payload in told]


def test_a_crossing_is_the_event_of_a_line_detector_to_the_letter() -> None:
    [message] = onvif().event(crossed(), TIMELINE)
    assert said([message]) == [
        (
            "onvif-ej/RuleEngine/LineDetector/Crossed/&1/1/door.in",
            {
                "UtcTime": "2023-11-14T22:13:32.000Z",
                "Source": {"VideoSource": "1", "AnalyticsConfiguration": "1", "Rule": "door.in"},
                "Data": {"ObjectId": "15", "ClassTypes": "Human"},
            },
        )
    ]
    assert (message.qos, message.retain) == (1, False)


@pytest.mark.parametrize(
    ("label", "named"),
    [("person", "Human"), ("truck", "Vehicle"), ("dog", "Animal"), ("computer  mouse", "computer_mouse")],
)
def test_a_class_has_onvifs_name_where_there_is_one_and_is_one_entry_of_its_list(
    label: str, named: str
) -> None:
    [(_, payload)] = said(onvif().event(crossed(label), TIMELINE))
    assert payload["Data"]["ClassTypes"] == named


@given(
    label=st.text(max_size=64), track=st.integers(0, 2**63 - 1), rule=st.from_regex(RULE_ID, fullmatch=True)
)
def test_whatever_a_model_calls_what_crossed_it_can_be_told(label: str, track: int, rule: str) -> None:
    [message] = onvif().event(Crossed(rule, 0, "out", label, track, "m"), TIMELINE)
    assert GATE.readmit(message.topic, message.payload) == message
    assert not set("+#\0") & set(message.topic)


def test_a_total_is_told_for_each_direction_of_all_classes_and_only_when_it_is_new() -> None:
    speaker = onvif()
    counts = {"person": {"in": 2, "out": 1}, "dog": {"in": 1}}
    messages = speaker.rule_state("door", LineState(counts), AT_NS)
    assert [(suffix, payload["Data"]) for suffix, payload in said(messages)] == [
        (f"{COUNTER}door.in", {"Count": 3}),
        (f"{COUNTER}door.out", {"Count": 1}),
    ]
    assert all(message.retain and message.qos == 1 for message in messages)
    counts["dog"]["in"] = 2
    assert [suffix for suffix, _ in said(speaker.rule_state("door", LineState(counts), AT_NS))] == [
        f"{COUNTER}door.in"
    ]
    assert speaker.rule_state("door", LineState(counts), AT_NS) == []


def test_of_a_rule_that_is_removed_nothing_is_retained() -> None:
    speaker, state = onvif(), LineState({"person": {"in": 3}})
    told = speaker.rule_state("door", state, AT_NS)
    messages = speaker.rule_removed("door")
    assert said(messages) == [(f"{COUNTER}door.in", None), (f"{COUNTER}door.out", None)]
    assert all(message.retain for message in messages)
    assert speaker.rule_state("door", state, AT_NS) == told  # there is one of that name again


@pytest.mark.parametrize(
    "event",
    [Changed("scale", 0, None, "apple", "m"), Split("door", 0, "m", "n", LineState({}))],
)
def test_what_onvif_has_no_words_for_is_not_told(event: Event) -> None:
    assert onvif().event(event, TIMELINE) == []
    state: RuleState = ShareState({"apple": 1.0}, "apple")
    assert onvif().rule_state("scale", state, AT_NS) == []


@pytest.mark.parametrize("rule", ["door", "door.up", "Door.in", "a/b.in", "door.in\n", "+.in"])
def test_no_rule_of_another_form_leaves(rule: str) -> None:
    counter = OnvifCounter(
        utc_time="2026-01-01T00:00:00.000Z", source=OnvifSource(rule=rule), data=OnvifCount(count=1)
    )
    with pytest.raises(GateError):
        GATE.let_out(f"{COUNTER}door.in", counter)
    with pytest.raises(GateError):
        GATE.let_out(f"{COUNTER}{rule}", msgspec.structs.replace(counter, source=OnvifSource(rule="door.in")))


def walk(*standards: Onvif) -> list[Handover]:
    model = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", None, ("person",), 0.35)
    door = build(LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0)), model.labels, "overhead")
    native = Native(GATE, "0123456789abcdef", 0)
    pipeline = Pipeline(model, Tracker(0.35), {"door": door}, native, standards=standards)
    kept = {"gone": b'{"since_utc_ns":1,"state":{"counts":{}}}'}
    walkers = [Walker((0.1, 0.5), (0.9, 0.5), 0, 8), Walker((0.9, 0.2), (0.1, 0.2), 2, 10)]
    return [
        pipeline.begin(kept, 0, TIMELINE),
        *(
            pipeline.step(taken_ns, Observation(taken_ns, model.bundle, found), TIMELINE)
            for taken_ns, found in film(walkers, 10, 10)
        ),
    ]


def test_beside_our_own_messages_the_same_crossings_are_told_and_our_own_stay_as_they_are() -> None:
    both = [message for handover in walk(onvif()) for message in handover.messages]
    ours = [message for message in both if "/onvif-ej/" not in message.topic]
    assert ours == [message for handover in walk() for message in handover.messages]
    theirs = said([message for message in both if "/onvif-ej/" in message.topic])
    assert [
        (suffix.removeprefix("onvif-ej/RuleEngine/"), payload and payload["Data"])
        for suffix, payload in theirs
    ] == [
        ("CountAggregation/Counter/&1/1/gone.in", None),
        ("CountAggregation/Counter/&1/1/gone.out", None),
        ("CountAggregation/Counter/&1/1/door.in", {"Count": 0}),
        ("CountAggregation/Counter/&1/1/door.out", {"Count": 0}),
        ("LineDetector/Crossed/&1/1/door.in", {"ObjectId": "1", "ClassTypes": "Human"}),
        ("CountAggregation/Counter/&1/1/door.in", {"Count": 1}),
        ("LineDetector/Crossed/&1/1/door.out", {"ObjectId": "2", "ClassTypes": "Human"}),
        ("CountAggregation/Counter/&1/1/door.out", {"Count": 1}),
    ]


def test_of_a_line_that_becomes_a_zone_no_total_stays_retained_be_it_at_once_or_at_a_start() -> None:
    model = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", None, ("person",), 0.35)
    door = LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0))
    area = ZoneSettings(id="door", points=((0, 0), (1, 0), (1, 1)))
    line, zone = (build(rule, model.labels, "overhead") for rule in (door, area))

    def counting(rule: Rule) -> Pipeline:
        native = Native(GATE, "0123456789abcdef", 0)
        return Pipeline(model, Tracker(0.35), {"door": rule}, native, standards=[onvif()])

    before = counting(line)
    kept = before.begin({}, 0, TIMELINE).snapshots
    restarted = counting(zone).begin(kept, 0, TIMELINE)
    retuned = before.retune(
        Tuning({"door": zone}, 0.35, publishes_frames=False, classes=None, spans={}), SECOND_NS, TIMELINE
    )
    for handover in (restarted, retuned):
        told = [(topic, payload) for topic, payload in said(list(handover.messages)) if "onvif" in topic]
        assert told == [(f"{COUNTER}door.in", None), (f"{COUNTER}door.out", None)]


def test_what_gives_way_is_announced_by_our_own_numbers_alone() -> None:
    """They have none of ours: who counts ours must find no other gap than the one that is told."""
    durable = [m for handover in walk(onvif()) for m in handover.messages if m.qos and not m.retain]
    assert len(durable) == 4
    announced = Durables(GATE, "0123456789abcdef", ManualClock()).announce(
        [m.payload for m in durable], "old"
    )
    [dropped] = [json.loads(message.payload) for message in announced.messages]
    assert (dropped["from"], dropped["to"], dropped["messages"], announced.lost) == (1, 2, 2, 2)


def test_it_costs_one_file_and_a_dozen_lines_of_wiring() -> None:
    """The price of a standard, as decisions/0016 has it."""
    package = Path(eyespot.__file__).parent
    knowing = {
        str(path.relative_to(package)): [
            node.lineno
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom | ast.Name | ast.Attribute | ast.FunctionDef | ast.AnnAssign)
            and "onvif" in ast.unparse(node).lower()
        ]
        for path in package.rglob("*.py")
        if path.name != "onvif.py"
    }
    lines = {name: len(set(numbers)) for name, numbers in knowing.items() if numbers}
    wiring = {"app/plan.py", "config/settings.py", "topics/gate.py", "topics/traffic.py"}
    assert set(lines) == wiring | {"app/privacy/label.py"}  # which says what leaves
    assert sum(lines.values()) <= 12
