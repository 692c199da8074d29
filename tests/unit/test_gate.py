"""The gate passes what was declared, and nothing else."""

import ast
import base64
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import eyespot
from eyespot.domain.message import Delivery
from eyespot.topics import model_payloads, payloads, place_payloads
from eyespot.topics.gate import DECLARED, Gate, GateError

GATE = Gate("eyespot/v1/shop-1")
ENVELOPE = {
    "t": "2026-01-01T00:00:00.000Z",
    "clock": "synced",
    "boot_id": "0123456789abcdef",
    "seq": 1,
}


def status(**changes: object) -> payloads.Status:
    fields = ENVELOPE | {"schema": "eyespot.status/1", "state": "online", "since": ENVELOPE["t"]} | changes
    return payloads.Status(**fields)


def crossed(**changes: object) -> payloads.Crossed:
    fields = {
        "rule": "door",
        "direction": "in",
        "label": "person",
        "track": 7,
        "model": "m@1.0.0-0123456789ab",
    }
    return payloads.Crossed(**ENVELOPE | {"schema": "eyespot.crossed/1"} | fields | changes)


def changed(**changes: object) -> payloads.Changed:
    fields = {"rule": "scale", "before": None, "after": "apple", "model": "m@1.0.0-0123456789ab"}
    return payloads.Changed(**ENVELOPE | {"schema": "eyespot.changed/1"} | fields | changes)


def share_state(**changes: object) -> payloads.ShareState:
    fields = {"rule": "scale", "shares": {"apple": 0.942}, "top": "apple", "model": "m@1.0.0-0123456789ab"}
    return payloads.ShareState(**ENVELOPE | {"schema": "eyespot.share_state/1"} | fields | changes)


def left(**changes: object) -> place_payloads.Left:
    fields = {"rule": "hall", "label": "person", "track": 7, "dwell_s": 4.5, "found": False, "lost": True}
    return place_payloads.Left(**ENVELOPE | {"schema": "eyespot.left/1", "model": "m"} | fields | changes)


def zone_state(**changes: object) -> place_payloads.ZoneState:
    counts = {"occupancy": {"person": 1}, "entered": {"person": 3}, "left": {"person": 2}}
    of = {"schema": "eyespot.zone_state/1", "rule": "hall", "since": ENVELOPE["t"], "model": "m"}
    return place_payloads.ZoneState(**ENVELOPE | of | counts | changes)


def test_a_declared_payload_leaves_below_the_root_of_the_device() -> None:
    message = GATE.let_out("status", status())
    assert message.topic == "eyespot/v1/shop-1/status"
    assert message.retain
    assert message.qos == 1
    assert msgspec.json.decode(message.payload)["state"] == "online"


def update_state(**changes: object) -> model_payloads.UpdateState:
    fields = {
        "installed_version": "1.1.0",
        "latest_version": "1.2.0",
        "title": "people",
        "release_summary": "",
        "in_progress": False,
        "update_percentage": None,
    }
    return model_payloads.UpdateState(**fields | changes)


def reply(**changes: object) -> model_payloads.Reply:
    fields = {"req_id": "17", "code": "ok", "detail": "", "result": None}
    return model_payloads.Reply(**ENVELOPE | {"schema": "eyespot.reply/1"} | fields | changes)


def model_event(**changes: object) -> model_payloads.ModelEvent:
    fields = {"kind": "trial", "bundle": "a@1.0.0-0123456789ab", "rollout": None, "code": None, "reason": ""}
    return model_payloads.ModelEvent(**ENVELOPE | {"schema": "eyespot.model_event/1"} | fields | changes)


def test_a_payload_whose_form_others_laid_down_leaves_as_they_want_it() -> None:
    message = GATE.let_out("model/state", update_state(release_url="https://example.org/1"))
    assert (message.retain, message.qos) == (True, 1)
    assert set(msgspec.json.decode(message.payload)) == set(model_payloads.UpdateState.__struct_fields__)
    assert "release_url" not in msgspec.json.decode(GATE.let_out("model/state", update_state()).payload)


def test_an_answer_is_neither_kept_nor_retained() -> None:
    message = GATE.let_out("reply/17", reply())
    assert (message.delivery, message.retain, message.qos) == (Delivery.ANSWER, False, 1)
    elsewhere = GATE.answer("reply/17", reply(), "clerk/1", b"c")
    assert (elsewhere.topic, elsewhere.correlation) == ("clerk/1", b"c")
    assert elsewhere.payload == message.payload


def test_an_answer_goes_to_no_topic_for_which_a_broker_throws_its_sender_out() -> None:
    assert GATE.answer("reply/17", reply(), "/".join("a" * 32), None).topic.count("/") == 31
    for topic in ("/".join("a" * 33), "a" + "/" * 240, "clerk/+", "$SYS/a", "a" * 257, ""):
        with pytest.raises(GateError, match="no answer goes to"):
            GATE.answer("reply/17", reply(), topic, None)


def test_an_event_is_durable_and_not_retained() -> None:
    message = GATE.let_out("rule/door/event", crossed())
    assert (message.delivery, message.retain, message.qos) == (Delivery.DURABLE, False, 1)
    assert msgspec.json.decode(message.payload)["class"] == "person"


@pytest.mark.parametrize(
    "suffix",
    [
        "image",
        "status/raw",
        "rule//event",
        "rule/Door/event",
        "rule/a/b/event",
        "status\n",
        "",
        "rule/door/image",
        "model",
        "model/image",
        "reply/",
        "reply/a/b",
        "reply/+",
        "cmd/model/update",
    ],
)
def test_an_undeclared_topic_does_not_leave(suffix: str) -> None:
    with pytest.raises(GateError, match="not a declared topic"):
        GATE.let_out(suffix, status())


@pytest.mark.parametrize(
    ("suffix", "payload"),
    [
        ("status", crossed()),
        ("status", status(state="naked")),
        ("status", status(schema="eyespot.status/2")),
        ("status", status(since="yesterday")),
        ("rule/door/event", crossed(label=base64.b64encode(bytes(60)).decode())),
        ("rule/door/event", crossed(model="m" * 2000)),
        ("rule/door/event", crossed(track=-1)),
        ("rule/door/event", crossed(direction="up")),
        ("rule/door/event", crossed(schema="eyespot.changed/1")),
        ("rule/door/event", share_state()),
        ("rule/scale/event", changed(after="a" * 65)),
        ("rule/scale/event", changed(after=3)),
        ("rule/scale/state", changed()),
        ("rule/scale/state", share_state(shares={"apple": 1.5})),
        ("rule/scale/state", share_state(shares={str(n): 0.001 for n in range(101)})),
        ("rule/scale/state", share_state(shares={"a" * 65: 0.5})),
        ("rule/scale/state", share_state(schema="eyespot.rule_state/1")),
        ("rule/hall/event", left(dwell_s=-0.1)),
        ("rule/hall/event", left(lost="yes")),
        ("rule/hall/event", zone_state()),
        ("rule/hall/state", left()),
        ("rule/hall/state", zone_state(occupancy={"person": -1})),
        ("rule/hall/state", zone_state(left={"a" * 65: 1})),
        ("rule/hall/state", zone_state(entered={str(n): 1 for n in range(1025)})),
        ("model/state", status()),
        ("model/state", update_state(update_percentage=101)),
        ("model/state", update_state(release_summary="s" * 256)),
        ("model/state", update_state(release_url="data:image/png;base64,AAAA")),
        ("model/state", update_state(release_url="https://example.org/1\n")),
        ("model/state", update_state(installed_version=None)),
        ("model/event", model_event(kind="photographed")),
        ("model/event", model_event(code="Not a code")),
        ("model/event", crossed()),
        ("model/detail", model_event()),
        ("reply/17", reply(code="yes")),
        ("reply/17", reply(result={"path": "/etc/shadow"})),
        ("reply/17", reply(detail="d" * 321)),
        ("reply/17", model_event()),
    ],
)
def test_a_payload_that_is_not_as_declared_does_not_leave(suffix: str, payload: msgspec.Struct) -> None:
    with pytest.raises(GateError):
        GATE.let_out(suffix, payload)


def test_what_rules_of_other_kinds_say_leaves_by_the_same_topics() -> None:
    event = GATE.let_out("rule/scale/event", changed())
    fields = msgspec.json.decode(event.payload)
    assert (fields["kind"], fields["from"], fields["to"]) == ("changed", None, "apple")
    state = GATE.let_out("rule/scale/state", share_state())
    assert msgspec.json.decode(state.payload)["shares"] == {"apple": 0.942}
    assert (event.delivery, state.delivery) == (Delivery.DURABLE, Delivery.STATE)
    assert all(GATE.readmit(message.topic, message.payload) == message for message in (event, state))


def test_the_longest_names_fit() -> None:
    name = "\N{CJK UNIFIED IDEOGRAPH-9BD6}" * 64
    GATE.let_out("rule/scale/event", changed(rule="r" * 63, before=name, after=name, model="m" * 160))
    shares = {f"{n:03}{name[3:]}": 0.001 for n in range(100)}
    GATE.let_out("rule/scale/state", share_state(shares=shares))


def test_the_totals_of_a_split_may_be_longer_than_other_events_may() -> None:
    counts = {f"class {n}": {"in": n, "out": n} for n in range(100)}
    fields = ENVELOPE | {"schema": "eyespot.split/1", "rule": "door", "before": "m", "after": "n"}
    assert len(GATE.let_out("rule/door/event", payloads.Split(**fields, counts=counts)).payload) > 2048
    with pytest.raises(GateError, match="at most 2048 may leave"):
        GATE.readmit("eyespot/v1/shop-1/rule/door/event", msgspec.json.encode(crossed()) + b" " * 2048)


def test_a_not_a_number_does_not_leave() -> None:
    state = share_state(shares={"apple": float("nan")})
    with pytest.raises(GateError):
        GATE.let_out("rule/scale/state", state)


def test_only_retained_topics_can_be_cleared() -> None:
    message = GATE.clear("rule/door/state")
    assert (message.topic, message.payload, message.retain) == (
        "eyespot/v1/shop-1/rule/door/state",
        b"",
        True,
    )
    with pytest.raises(GateError, match="nothing to clear"):
        GATE.clear("rule/door/event")


def test_what_was_kept_on_disk_comes_back_as_it_left() -> None:
    message = GATE.let_out("rule/door/event", crossed())
    assert GATE.readmit(message.topic, message.payload) == message


@pytest.mark.parametrize(
    "topic",
    ["eyespot/v1/shop-2/rule/door/event", "rule/door/event", "x/eyespot/v1/shop-1/rule/door/event", ""],
)
def test_a_kept_message_of_another_device_does_not_leave(topic: str) -> None:
    with pytest.raises(GateError):
        GATE.readmit(topic, GATE.let_out("rule/door/event", crossed()).payload)


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", Random(64).randbytes(64), b"\xff\xd8\xff\xe0" + bytes(2000), b"[" * 900, b'{"seq": 1e999}'],
)
def test_kept_bytes_that_were_tampered_with_do_not_leave(data: bytes) -> None:
    with pytest.raises(GateError):
        GATE.readmit("eyespot/v1/shop-1/rule/door/event", data)


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), min_size=1, max_size=3))
def test_no_field_can_be_smuggled_into_a_kept_message(extra: dict[str, str]) -> None:
    fields = msgspec.json.decode(GATE.let_out("rule/door/event", crossed()).payload)
    smuggled = {name: value for name, value in extra.items() if name not in fields}
    if smuggled:
        with pytest.raises(GateError):
            GATE.readmit("eyespot/v1/shop-1/rule/door/event", msgspec.json.encode(fields | smuggled))


def test_payloads_of_one_topic_are_delivered_alike() -> None:
    by_form = {declared.form: declared.delivery for declared in DECLARED}
    for declared in DECLARED:
        assert by_form[declared.form] == declared.delivery


def test_every_declared_schema_is_named_once() -> None:
    schemas = [declared.schema for declared in DECLARED if declared.schema is not None]
    assert len(set(schemas)) == len(schemas)


def test_nobody_but_the_gate_makes_messages() -> None:
    makers = {
        path.relative_to(Path(eyespot.__file__).parent).as_posix()
        for path in Path(eyespot.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Message"
    }
    assert makers == {"topics/gate.py"}
