"""What subscribers build on is what the types say: the AsyncAPI document, its schemas, its examples."""

import html
import json
import re
import runpy
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from eyespot.config import schema
from eyespot.domain.message import Delivery
from eyespot.topics import asyncapi
from eyespot.topics.config_payloads import ConfigTable
from eyespot.topics.gate import DECLARED, SCHEMAS, Declared
from fakes import contract

CONFIG = Path(__file__).parents[2] / "config"
README = (CONFIG / "README.md").read_text()
TABLE = [row for row in README.splitlines() if row.startswith("| [`")]
EXAMPLES = asyncapi.examples_in(README)
TABLES = schema.schema()
DOCUMENT = asyncapi.document(EXAMPLES, TABLES)
SHOP = "eyespot/v1/shop"


def test_the_document_on_disk_is_that_of_the_types() -> None:
    written = (CONFIG / "asyncapi.yaml").read_text()
    assert written == asyncapi.rendered(EXAMPLES, TABLES), "stale: python -m eyespot.topics.asyncapi config"


def test_it_is_written_where_it_is_told(tmp_path: Path) -> None:
    for name in ("README.md", "schema.json"):
        (tmp_path / name).write_text((CONFIG / name).read_text())
    asyncapi.main([str(tmp_path)])
    assert (tmp_path / "asyncapi.yaml").read_text() == asyncapi.rendered(EXAMPLES, TABLES)


def test_what_is_on_no_topic_of_ours_is_no_example() -> None:
    assert asyncapi.document([asyncapi.Said("picture", b"{}")], TABLES) == asyncapi.document((), TABLES)


@pytest.mark.parametrize("said", EXAMPLES, ids=lambda said: said.suffix)
def test_every_example_could_have_left(said: asyncapi.Said) -> None:
    assert contract.why_unfit(f"{SHOP}/{said.suffix}", said.payload) is None


def shown_with_commands(schema: str) -> list[dict[str, Any]]:
    section = README.partition("\n### Commands\n")[2].partition("\n### ")[0]
    payloads = [json.loads(said.payload) for said in asyncapi.examples_in(section)]
    return [payload for payload in payloads if payload["schema"] == f"eyespot.{schema}"]


def test_the_reset_that_is_shown_with_the_commands_left_its_line_at_zero() -> None:
    (event,), (state,) = shown_with_commands("reset/1"), shown_with_commands("rule_state/1")
    assert (state["rule"], state["reset"], state["since"]) == (event["rule"], event["cause"], event["t"])
    assert event["counts"]
    assert not any(any(ways.values()) for ways in state["counts"].values())


def test_renewing_the_examples_of_topics_leaves_those_of_the_commands_as_they_are() -> None:
    renewed = runpy.run_path(str(CONFIG.parent / "tests/system/examples/every_topic.py"))["renewed"]
    state = asyncapi.Said("rule/door/state", b'{"schema":"eyespot.rule_state/1"}')
    before, _, after = renewed(README, {"rule_state": state}).partition("\n## Topics\n")
    assert before == README.partition("\n## Topics\n")[0]
    assert asyncapi.examples_in(after).count(state) == 1


def test_the_pieces_of_a_diagnosis_that_are_shown_follow_one_another() -> None:
    pieces = shown_with_commands("diagnosis/1")
    assert [piece["index"] for piece in pieces] == [2, 3, 4]
    assert {piece["of"] for piece in pieces} == {5}
    assert [piece["piece"]["about"] for piece in pieces] == ["config", "log", "health"]


def test_the_examples_are_of_today() -> None:
    (info,) = (json.loads(said.payload) for said in EXAMPLES if said.suffix == "info")
    assert info["schemas"] == sorted(SCHEMAS.values())
    (told,) = (json.loads(said.payload) for said in EXAMPLES if said.suffix == "config/reported")
    assert set(told["config"]) == set(get_args(ConfigTable))


@pytest.mark.parametrize("declared", DECLARED, ids=asyncapi.message_id)
def test_subscribers_are_shown_one_of_everything_that_is_declared(declared: Declared) -> None:
    shown = [asyncapi.declared_for(said.suffix, said.payload) for said in EXAMPLES]
    assert declared in shown, "config/README.md has none: tests/system/examples/every_topic.py says one"


@pytest.mark.parametrize("declared", DECLARED, ids=asyncapi.message_id)
def test_the_table_of_topics_says_how_each_comes(declared: Declared) -> None:
    topic = re.sub(r"\{(\w+)\}", r"<\1>", asyncapi._place(declared)).replace("<rule>", "<id>")
    (row,) = (row for row in TABLE if row.startswith(f"| [`{topic}`]("))
    retained, qos = declared.delivery is Delivery.STATE, int(declared.delivery is not Delivery.LIVE)
    durable = ", durable" if declared.delivery is Delivery.DURABLE else ""
    assert f"| {'yes' if retained else 'no'} | {qos}{durable} |" in row
    assert declared.schema is None or f"`{declared.schema}`" in row


def test_the_table_of_topics_leads_to_them() -> None:
    headings = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    places = {re.sub(r"[^a-z0-9_ -]", "", html.unescape(h).lower()).replace(" ", "-") for h in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", README)) <= places


@pytest.mark.parametrize("message", DOCUMENT["components"]["messages"].values(), ids=lambda m: m["title"])
def test_every_schema_is_one(message: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(message["payload"])


def test_every_reference_leads_somewhere() -> None:
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT))):
        part = DOCUMENT
        for key in reference.split("/"):
            part = part[key]
        assert part


def test_the_pieces_of_a_diagnosis_are_told_apart_without_a_word_of_openapi() -> None:
    piece = DOCUMENT["components"]["messages"]["diagnosis"]["payload"]["properties"]["piece"]
    assert set(piece) == {"anyOf"}
    parts = [DOCUMENT["components"]["schemas"][kind["$ref"].rpartition("/")[2]] for kind in piece["anyOf"]]
    abouts = [part["properties"]["about"]["enum"] for part in parts]
    assert abouts == [["selftest"], ["config"], ["log"], ["health"]]


def test_no_topic_is_told_by_a_pattern() -> None:
    for channel in DOCUMENT["channels"].values():
        assert re.fullmatch(
            r"(eyespot/v1/\{device\}|homeassistant)(/([\w&-]+|\{\w+\}(\.\{\w+\})?))+", channel["address"]
        )
        assert re.findall(r"\{(\w+)\}", channel["address"]) == list(channel["parameters"])


def test_what_is_cleared_is_what_goes_with_a_rule_and_what_is_taken_back() -> None:
    cleared = {key for key, channel in DOCUMENT["channels"].items() if "cleared" in channel["messages"]}
    assert cleared == {
        "rule_state",
        "heatmap",
        "onvif_ej_RuleEngine_CountAggregation_Counter_1_1",
        "homeassistant_device_config",
        "model_desired",
        "config_desired",
    }


def test_the_id_of_an_answer_is_where_its_payload_has_it() -> None:
    assert DOCUMENT["channels"]["reply"]["parameters"]["req_id"]["location"] == "$message.payload#/req_id"
    for name in DOCUMENT["channels"]["reply"]["messages"]:
        assert "req_id" in DOCUMENT["components"]["messages"][name]["payload"]["required"]


@pytest.mark.parametrize(
    ("suffix", "payload"),
    [
        ("status", {"state": "asleep"}),
        ("status", {"image": "aGVsbG8="}),
        ("status", {"t": "yesterday"}),
        ("status", {"schema": "eyespot.status/2"}),
        ("status", {"seq": -1}),
        ("picture", {}),
    ],
)
def test_what_is_not_declared_is_seen(suffix: str, payload: dict[str, Any]) -> None:
    (status,) = (json.loads(said.payload) for said in EXAMPLES if said.suffix == "status")
    assert contract.why_unfit(f"{SHOP}/status", json.dumps(status).encode()) is None
    contract.look_at(f"eyespot/v1/entrance-1/{suffix}", json.dumps(status | payload).encode())
    assert contract.unfit()


@pytest.mark.parametrize("suffix", ["status", "info", "config/reported", "frame", "reply/17"])
def test_what_is_never_cleared_is_not_empty(suffix: str) -> None:
    assert contract.why_unfit(f"{SHOP}/{suffix}", b"")
    assert contract.why_unfit(f"{SHOP}/rule/door/state", b"") is None


def test_under_another_prefix_and_where_an_answer_is_wanted_it_is_looked_at_too() -> None:
    by_suffix = {said.suffix: said.payload for said in EXAMPLES}
    for topic in ("sensors/shop/status", "a/b/shop/status"):
        assert contract.why_unfit(topic, by_suffix["status"]) is None
        assert contract.why_unfit(topic, by_suffix["info"])
    for topic in ("eyespot/v1/shop/loft/status", "eyespot/v1/shop/status/loft"):
        assert contract.why_unfit(topic, by_suffix["status"])
    assert contract.why_unfit("sensors/shop/cmd/no/such/command", b"what others say") is None
    for topic in ("answers/here", f"{SHOP}/reply/desk/17"):
        assert contract.why_unfit(topic, by_suffix["reply/25"]) is None
        assert contract.why_unfit(topic, by_suffix["status"])
