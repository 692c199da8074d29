"""What stands in config/examples fits what devices say."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from eyespot.topics.asyncapi import Said, examples_in
from fakes.telegraf import Point, find, matches, points

CONFIG = Path(__file__).parents[2] / "config"
SAID = examples_in((CONFIG / "README.md").read_text())
EXAMPLES = CONFIG / "examples"
CONSUMERS = tomllib.loads((EXAMPLES / "telegraf" / "telegraf.conf").read_text())["inputs"]["mqtt_consumer"]
DASHBOARD = json.loads((EXAMPLES / "telegraf" / "dashboard.json").read_text())
FLOW = json.loads((EXAMPLES / "node-red" / "flow.json").read_text())
NOT_HERE = {"temperature_c"}  # null on a machine that has no thermometer


@pytest.fixture(name="counts")
def an_hourly_count(tmp_path: Path) -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("hourly_counts", EXAMPLES / "python" / "hourly_counts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with closing(module.Counts(str(tmp_path / "counts.db"))) as counts:
        yield counts


def said_by_kind(kind: str) -> dict[str, Any]:
    payloads = [json.loads(said.payload) for said in SAID]
    return next(payload for payload in payloads if payload.get("kind") == kind)


def test_an_event_counts_once_for_each_device_boot_and_number(counts: Any) -> None:
    crossed = said_by_kind("crossed")
    assert [counts.take("a", crossed) for _ in range(3)] == [True, False, False]
    assert counts.take("b", crossed)
    assert counts.take("a", crossed | {"boot_id": "0" * 16})  # a restored backup numbers anew
    assert counts.take("a", crossed | {"seq": 10_000})  # and what is long past is forgotten
    hour = crossed["t"][:13] + ":00Z"
    door = ("door", "person", crossed["direction"])
    assert counts.rows() == [(hour, "a", *door, 3), (hour, "b", *door, 1)]


def test_an_event_of_which_half_is_missing_is_not_taken_for_heard(counts: Any) -> None:
    crossed = said_by_kind("crossed")
    with pytest.raises(KeyError):
        counts.take("a", {key: value for key, value in crossed.items() if key != "direction"})
    assert counts.take("a", crossed)


@pytest.mark.parametrize(
    "other",
    [{"boot_id": {}}, {"seq": "1"}, {"seq": True}, {"seq": 10**30}, {"t": 5}, {"class": []}, {"kind": {}}],
)
def test_an_event_of_other_types_is_refused_in_a_way_that_the_subscriber_survives(
    counts: Any, other: dict[str, Any]
) -> None:
    with pytest.raises((TypeError, OverflowError)):
        counts.take("a", said_by_kind("crossed") | other)
    assert counts.rows() == []


@pytest.mark.parametrize("event", [None, [], "crossed", 1])
def test_what_is_no_object_is_no_event(counts: Any, event: object) -> None:
    with pytest.raises(TypeError):
        counts.take("a", event)


def ran(folder: Path, *arguments: str) -> str:
    """Return the last words of the program, which has to end with 1."""
    command = [sys.executable, EXAMPLES / "python" / "hourly_counts.py", *arguments]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (1, "")
    return ended.stderr


def test_who_asks_for_counts_that_are_not_there_is_told_so_and_makes_no_file(tmp_path: Path) -> None:
    assert ran(tmp_path, "--show") == "counts.db: unable to open database file\n"
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_used_are_named_in_one_line(tmp_path: Path) -> None:
    nowhere = ran(tmp_path, "--database", "nowhere/counts.db")
    assert nowhere == "nowhere/counts.db: unable to open database file\n"
    assert ran(tmp_path, "--ca-file", "no.crt") == "no.crt: [Errno 2] No such file or directory\n"
    (tmp_path / "ca.crt").write_text("none")
    assert re.fullmatch(r"ca\.crt: .+\n", ran(tmp_path, "--ca-file", "ca.crt"))


@pytest.mark.parametrize("kind", ["dropped", "changed", "split", "committed"])
def test_what_is_no_crossing_is_taken_and_not_counted(counts: Any, kind: str) -> None:
    assert counts.take("a", said_by_kind(kind))
    assert counts.rows() == []


def topic_of(said: Said) -> str:
    return f"eyespot/v1/entrance-1/{said.suffix}"


def made(consumer: dict[str, Any], said: Said) -> list[Point]:
    return list(points(consumer, topic_of(said), said.payload))


def asked() -> Iterator[tuple[str, str]]:
    """Yield (measurement, field or tag) of all that the dashboard asks for."""
    queries = [target["query"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    for query in queries:
        measurement = re.findall(r'FROM "(\w+)"', query)[0]
        for name in set(re.findall(r'"(\w+)"', query)) - {measurement}:
            yield measurement, name


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: consumer["topics"][0])
def test_telegraf_finds_in_each_message_what_must_be_there(consumer: dict[str, Any]) -> None:
    found = [point for said in SAID for point in made(consumer, said)]
    assert found
    assert all(point.tags["device"] == "entrance-1" for point in found)


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: consumer["topics"][0])
def test_each_path_leads_somewhere_in_some_message(consumer: dict[str, Any]) -> None:
    heard = [json.loads(said.payload) for said in SAID if matches(consumer["topics"][0], topic_of(said))]
    for table in consumer["json_v2"]:
        for part in (*table.get("tag", ()), *table.get("field", ()), *table.get("object", ())):
            some = [find({**part, "optional": True}, payload) for payload in heard]
            assert any(one is not None for one in some) or part["path"] in NOT_HERE, part["path"]


def test_the_dashboard_asks_for_what_telegraf_writes() -> None:
    written = {
        (point.name, name)
        for consumer in CONSUMERS
        for said in SAID
        for point in made(consumer, said)
        for name in (*point.tags, *point.fields)
    }
    assert {name for _, name in set(asked()) - written} <= NOT_HERE


def test_crossings_and_totals_become_points() -> None:
    lines = {point.name: point.line() for c in CONSUMERS for said in SAID for point in made(c, said)}
    assert re.fullmatch(
        r"eyespot_crossing,class=person,device=entrance-1,direction=(in|out),kind=crossed,rule=door"
        r" seq=\d+i \d{13}",
        lines["eyespot_crossing"],
    )
    assert re.fullmatch(
        r"eyespot_line,device=entrance-1,kind=line,rule=door person_in=\d+\.0,person_out=\d+\.0 \d{13}",
        lines["eyespot_line"],
    )


@pytest.mark.parametrize("node", [n for n in FLOW if n["type"] == "mqtt in"], ids=lambda node: node["name"])
def test_the_flow_subscribes_to_topics_that_there_are(node: dict[str, Any]) -> None:
    assert any(matches(node["topic"], topic_of(said)) for said in SAID)


def test_no_node_of_the_flow_is_named_like_its_broker() -> None:  # Node-RED takes it for a circle
    (broker,) = (node for node in FLOW if node["type"] == "mqtt-broker")
    assert [key for key, value in broker.items() if value == broker["id"]] == ["id"]


def test_the_wires_of_the_flow_end_at_its_nodes() -> None:
    ends = {end for node in FLOW for output in node.get("wires", ()) for end in output}
    assert ends <= {node["id"] for node in FLOW}
