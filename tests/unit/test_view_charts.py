"""What the page makes of buckets, stays and models; run by node, without a browser."""

from pathlib import Path
from typing import Any

import pytest

from fakes.scripts import NODE, copied, evaluate

pytestmark = pytest.mark.skipif(NODE is None, reason="needs node, to run the page's JavaScript")

HOSTILE = '<img src=x onerror="alert(1)">'
MINUTE_MS = 60_000
NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
LEVEL = {"now": 1, "min": 0, "max": 3, "mean": 1.5}
SPREAD = {"n": 3, "mean": 91.27, "median": 89.44, "p90": 99.5, "max": 99.7}


@pytest.fixture(name="page", scope="module")
def a_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("page"))


def bucket(begins_min: int = 0, **changes: Any) -> dict[str, Any]:
    """Return one of 15 minutes that begins so many minutes after noon."""
    hour, minute = divmod(begins_min, 60)
    last_hour, last_minute = divmod(begins_min + 15, 60)
    return {
        "schema": "eyespot.bucket/1", "clock": "synced", "kind": "bucket", "rule": "door", "rev": 0,
        "start": f"2026-01-01T{12 + hour}:{minute:02}:00.000Z",
        "end": f"2026-01-01T{12 + last_hour}:{last_minute:02}:00.000Z",
        "bucket_s": 900, "cut": None, "counts": {"person": {"in": 5, "out": 3}},
        "gauges": {"occupancy": {"person": LEVEL}}, "durations": {"dwell_s": {"person": SPREAD}},
        "coverage": 1.0, "gaps": [], "ambiguous": 0, "uncertainty": 2.0, "model": "m@1.0.0-0",
    } | changes  # fmt: skip


# `b` decodes, as Maps do not come through JSON
DECODED = "const b = given.buckets.map((each) => m.decode(each));"


def of_buckets(page: Path, expression: str, *buckets: dict[str, Any]) -> Any:
    return evaluate(
        page, "bucket", f"(() => {{ {DECODED} return {expression}; }})()", {"buckets": list(buckets)}
    )


def column(page: Path, said: dict[str, Any], measure: list[str], label: str, *, alone: bool = True) -> Any:
    expression = f"m.column(b[0], {measure}, '{label}', m.partsOf(b), {str(alone).lower()})"
    drawn = of_buckets(page, expression, said)
    return {key: drawn[key] for key in ("stack", "range", "whisker")}


# --- buckets ----------------------------------------------------------------------------------------------


def test_counts_are_a_stack_with_the_stated_uncertainty_of_their_sum(page: Path) -> None:
    assert column(page, bucket(), ["counts", ""], "") == {"stack": [5, 3], "range": None, "whisker": [6, 10]}
    few = bucket(uncertainty=20.0)
    assert column(page, few, ["counts", ""], "")["whisker"] == [0, 28]


def test_of_one_class_among_many_nothing_is_said_to_be_uncertain(page: Path) -> None:
    both = bucket(counts={"person": {"in": 5, "out": 3}, "dog": {"in": 1}})
    assert column(page, both, ["counts", ""], "", alone=False) == {
        "stack": [6, 3], "range": None, "whisker": [7, 11],
    }  # fmt: skip
    assert column(page, both, ["counts", ""], "dog", alone=False) == {
        "stack": [1, 0], "range": None, "whisker": None,
    }  # fmt: skip


def test_nobody_looked_is_a_gap_and_never_zero(page: Path) -> None:
    blind = bucket(counts=None, gauges=None, coverage=0.0, uncertainty=None)
    assert column(page, blind, ["counts", ""], "") == {"stack": None, "range": None, "whisker": None}
    assert column(page, blind, ["gauges", "occupancy"], "person")["range"] is None
    assert of_buckets(page, "m.bands(b)", blind) == [
        {"from": NOON_MS, "to": NOON_MS + 15 * MINUTE_MS, "kind": "unseen"}
    ]


def test_nobody_came_is_zero(page: Path) -> None:
    seen = of_buckets(page, "m.column(b[0], ['counts', ''], '', ['in', 'out'], true)", bucket(counts={}))
    assert seen["stack"] == [0, 0]
    assert of_buckets(page, "m.bands(b)", bucket(counts={})) == []


def test_gauges_are_a_range_with_their_mean(page: Path) -> None:
    ranged = column(page, bucket(), ["gauges", "occupancy"], "person")
    assert ranged == {"stack": None, "range": {"low": 0, "middle": 1.5, "high": 3}, "whisker": None}


def test_durations_reach_from_their_median_to_that_of_nine_in_ten(page: Path) -> None:
    ranged = column(page, bucket(), ["durations", "dwell_s"], "person")
    assert ranged["range"] == {"low": 89.44, "middle": 89.44, "high": 99.5}


def test_gaps_and_what_was_not_heard_of_are_told_apart(page: Path) -> None:
    gap = {"start": "2026-01-01T12:03:00.000Z", "end": "2026-01-01T12:05:00.000Z", "cause": "restart"}
    bands = of_buckets(page, "m.bands(b)", bucket(gaps=[gap], coverage=0.86), bucket(30))
    minutes = [((band["from"] - NOON_MS) / MINUTE_MS, (band["to"] - NOON_MS) / MINUTE_MS) for band in bands]
    assert list(zip(minutes, [band["kind"] for band in bands], strict=True)) == [
        ((3, 5), "unseen"),
        ((15, 30), "unheard"),
    ]


def test_another_model_is_marked_where_it_begins(page: Path) -> None:
    buckets = [bucket(), bucket(15), bucket(30, model="m@2.0.0-0"), bucket(45, model="m@2.0.0-0")]
    assert of_buckets(page, "m.swaps(b)", *buckets) == [
        {"at": NOON_MS + 30 * MINUTE_MS, "from": "m@1.0.0-0", "to": "m@2.0.0-0"}
    ]


def test_what_there_is_to_draw_comes_from_the_buckets(page: Path) -> None:
    assert of_buckets(page, "m.measures(b)", bucket()) == [
        ["counts", ""], ["gauges", "occupancy"], ["durations", "dwell_s"],
    ]  # fmt: skip
    shelf = bucket(counts={}, gauges={"facings": {"bottle": LEVEL}}, durations={})
    assert of_buckets(page, "m.measures(b)", shelf) == [["gauges", "facings"]]
    assert of_buckets(page, "m.measures(b)", bucket(counts={}, gauges={}, durations={})) == [["counts", ""]]


def test_of_many_classes_the_most_seen_comes_first(page: Path) -> None:
    levels = {"cat": LEVEL | {"mean": 0.2}, "person": LEVEL, "dog": LEVEL | {"mean": 0}}
    first = bucket(counts={"cat": {"in": 2}, "person": {"in": 1}}, gauges={"occupancy": levels})
    second = bucket(15, counts={"person": {"in": 3}})
    expression = "[m.classesOf(b, ['counts', '']), m.classesOf(b, ['gauges', 'occupancy'])]"
    assert of_buckets(page, expression, first, second) == [["person", "cat"], ["person", "cat", "dog"]]


@pytest.mark.parametrize(
    "wrong",
    [
        None, 1, "x", [], {}, bucket(schema="eyespot.bucket/2"), bucket(start=7), bucket(end=HOSTILE),
        bucket(end=bucket()["start"]), bucket(coverage=HOSTILE), bucket(coverage=1.5), bucket(coverage=None),
    ],
)  # fmt: skip
def test_hostile_buckets_are_no_buckets(page: Path, wrong: object) -> None:
    assert evaluate(page, "bucket", "m.decode(given)", wrong) is None


def test_of_a_bucket_what_cannot_be_read_is_left_out(page: Path) -> None:
    odd = bucket(
        counts={HOSTILE: {"in": HOSTILE, "out": 2}, "x": 3, "y": {"in": -1}}, gauges={"occupancy": {"x": {}}},
        durations=[1], gaps=[None, {"start": 1}], ambiguous=HOSTILE, uncertainty="1", model={"a": 1},
    )  # fmt: skip
    expression = (
        "[[...b[0].counts].map(([k, v]) => [k, [...v]]), b[0].gauges.get('occupancy').size,"
        "b[0].durations.size, b[0].gaps, b[0].ambiguous, b[0].uncertainty, b[0].model]"
    )
    counts, *others = of_buckets(page, expression, odd)
    assert counts == [[HOSTILE, [["out", 2]]], ["y", []]]
    assert others == [0, 0, [], 0, None, '{"a":1}']


def test_a_bucket_with_countless_classes_is_cut(page: Path) -> None:
    many = bucket(counts={f"c{n}": {f"p{m}": 1 for m in range(20)} for n in range(300)})
    expression = "[m.classesOf(b, ['counts', '']).length, m.partsOf(b).length]"
    assert of_buckets(page, expression, many) == [100, 4]


def said_of(page: Path, said: dict[str, Any], kind: str, name: str, label: str) -> Any:
    (page / "saying_of.js").write_text(
        "import { clock } from './axis.js'; import * as b from './bucket.js';"
        "import * as s from './saying.js';"
        "export function said({ bucket, kind, name, label }) {"
        "  const read = b.decode(bucket); const parts = kind === 'counts' ? ['in', 'out'] : [];"
        "  const saying = { kind, parts, time: clock('Europe/Berlin'), words: String };"
        "  const column = b.column(read, [kind, name], label, parts, true);"
        "  return [s.sentence(read, column, saying), s.headOf(saying), s.row(read, column, saying)]; }"
    )
    given = {"bucket": said, "kind": kind, "name": name, "label": label}
    return evaluate(page, "saying_of", "m.said(given)", given)


def test_a_bucket_is_told_in_words_and_in_a_row(page: Path) -> None:
    gap = {"start": "2026-01-01T12:03:00.000Z", "end": "2026-01-01T12:04:30.000Z", "cause": "restart"}
    words, head, row = said_of(page, bucket(gaps=[gap], coverage=0.9), "counts", "", "")
    assert words == (
        "1 Jan, 13:00 \u2013 13:15: 5 in, 3 out; their sum may be wrong by 2; "
        "seen 90 % of the time (restart 1 min 30 s)"
    )
    assert dict(zip(head, row, strict=True)) == {
        "From \u2013 to": "1 Jan, 13:00 \u2013 13:15", "in": 5, "out": 3, "±": 2, "Seen": "90 %",
        "Not seen because": "restart 1 min 30 s", "Doubtful tracks": "0", "Model": "m@1.0.0-0",
        "Cut short by": "",
    }  # fmt: skip


def test_a_blind_bucket_says_that_nobody_could_be_seen(page: Path) -> None:
    blind = bucket(counts=None, gauges=None, coverage=0.0, uncertainty=None)
    words, head, row = said_of(page, blind, "counts", "", "")
    assert "nobody could have been seen" in words
    assert row[1:4] == ["\u2013", "\u2013", "\u2013"]
    assert len(head) == len(row)
    words, head, row = said_of(page, blind, "gauges", "occupancy", "person")
    assert "0 on average" not in words
    assert len(head) == len(row)


# --- axes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("top", "whole", "ticks"),
    [
        (0, True, [0, 1]),
        (3, True, [0, 1, 2, 3]),
        (23, True, [0, 10, 20, 30]),
        (0.3, False, [0, 0.1, 0.2, 0.3]),
        (1e9, True, [0, 5e8, 1e9]),
    ],
)
def test_numbers_beside_a_chart_are_round(page: Path, top: float, whole: bool, ticks: list[float]) -> None:
    assert evaluate(page, "axis", "m.numbers(given[0], 4, given[1])", [top, whole]) == ticks


def test_durations_beside_a_chart_are_whole_minutes_or_hours(page: Path) -> None:
    expression = "given.map((top) => m.durations(top, 4).map(m.lasting))"
    assert evaluate(page, "axis", expression, [90, 290, 9000]) == [
        ["0 s", "50 s", "1 min 40 s"],
        ["0 s", "2 min", "4 min", "6 min"],
        ["0 s", "1 h", "2 h", "3 h"],
    ]


def test_hours_along_a_chart_are_those_of_the_devices_clock(page: Path) -> None:
    expression = "m.clock(given[0]).ticks(given[1], given[1] + 12 * 3600e3, 3).map(({ words }) => words)"
    assert evaluate(page, "axis", expression, ["Europe/Berlin", NOON_MS]) == ["18:00", "2 Jan"]
    assert evaluate(page, "axis", expression, ["Asia/Kolkata", NOON_MS]) == ["18:00", "2 Jan"]


@pytest.mark.parametrize("zone", [HOSTILE, "", 7, None, "x" * 10_000])
def test_a_clock_of_no_zone_is_that_of_utc(page: Path, zone: object) -> None:
    assert evaluate(page, "axis", f"m.clock(given).moment({NOON_MS})", zone) == "1 Jan, 12:00"


# --- stays ------------------------------------------------------------------------------------------------


def stay(dwell_s: float, outcome: str = "left", *, partly: bool = False) -> dict[str, Any]:
    return {"dwell_s": dwell_s, "outcome": outcome, "partly": partly, "label": "person"}


def test_stays_are_in_the_column_of_how_long_they_were(page: Path) -> None:
    stays = [stay(30), stay(59.9), stay(60), stay(3, partly=True), stay(45, "lost", partly=True)]
    drawn = evaluate(page, "dwell", "m.histogram(given)", stays)
    assert drawn["parts"] == ["left", "seen in part: longer than that"]
    filled = [(each["from"], each["to"], each["stack"]) for each in drawn["columns"] if any(each["stack"])]
    assert filled == [(2, 5, [0, 1]), (30, 60, [2, 1]), (60, 120, [1, 0])]


def test_every_stay_is_in_one_column(page: Path) -> None:
    stays = [stay(0), stay(1e9), *(stay(1.7**n, ["served", "abandoned"][n % 2]) for n in range(25))]
    drawn = evaluate(page, "dwell", "m.histogram(given)", stays)
    assert sum(sum(each["stack"]) for each in drawn["columns"]) == len(stays)
    assert drawn["parts"] == ["left", "served", "abandoned"]


def test_stays_are_summed_up_in_words(page: Path) -> None:
    stays = [*(stay(n) for n in range(10, 19)), stay(90, partly=True)]
    assert evaluate(page, "dwell", "m.summary(given)", stays) == (
        "10 stays since eyespot-fleet view listens: median 14 s, nine of ten within 18 s, the longest "
        "1 min 30 s. 1 of them was seen in part, and lasted longer than that."
    )


def test_what_is_kept_of_a_device_is_bounded(page: Path) -> None:
    expression = """(() => {
      const h = new m.Journal(() => {});
      for (let n = 0; n < 5000; n += 1) {
        h.take({ kind: "stay", rule: "hall", said: { t: "x", class: "p", dwell_s: n, outcome: "left" } });
        h.take({ kind: "step", rule: "", said: {} });
        h.take({ kind: "bucket", rule: `r${n}`, said: given });
        const start = new Date(n * 1000).toISOString();
        h.take({ kind: "bucket", rule: "hall", said: { ...given, start } });
      }
      return [h.stays("hall").length, h.steps.length, h.having("bucket").length, h.buckets("hall").length];
    })()"""
    assert evaluate(page, "journal", expression, bucket()) == [2000, 40, 128, 400]


def test_large_buckets_of_countless_rules_do_not_fill_the_page(page: Path) -> None:
    expression = """(() => {
      const h = new m.Journal(() => {}, 500_000);
      const before = { ...given, start: new Date(1).toISOString() };
      h.take({ kind: "bucket", rule: "quiet", said: before });
      for (let n = 1; n < 2000; n += 1) {
        const start = new Date(n * 1000).toISOString();
        const counts = { ["x".repeat(9000)]: { in: 1 } };
        h.take({ kind: "bucket", rule: `r${n % 100}`, said: { ...given, start, counts } });
        h.take({ kind: "stay", rule: "hall", said: { t: "x", class: "p", dwell_s: n, outcome: "left" } });
      }
      const kept = h.having("bucket").flatMap((rule) => h.buckets(rule));
      return [kept.length, Math.max(...kept.map(({ from }) => from)), h.buckets("quiet").length, h.weight];
    })()"""
    many, newest, quiet, weight = evaluate(page, "journal", expression, bucket())
    assert 5 < many < 60
    assert newest == 1_999_000
    assert quiet == 1
    assert weight <= 500_000


def test_a_correction_takes_the_place_of_its_bucket(page: Path) -> None:
    expression = """(() => {
      const h = new m.Journal(() => {});
      for (const rev of [0, 2, 1]) h.take({ kind: "bucket", rule: "door", said: { ...given, rev } });
      return h.buckets("door").map(({ rev }) => rev);
    })()"""
    assert evaluate(page, "journal", expression, bucket()) == [2]


# --- the model --------------------------------------------------------------------------------------------

OFFER = {"name": "people", "version": "1.3.0", "rollout": "r7", "waits_for": "approval"}
DETAIL: dict[str, Any] = {
    "state": "idle", "code": None, "reason": "", "looks": "people@1.2.0-0", "current": "people@1.2.0-0",
    "good": "people@1.2.0-0", "previous": None, "staged": None, "trial": None, "quarantine": [],
    "offer": None, "percent": None, "attempts": 0, "last_result": None, "cohort": "default",
}  # fmt: skip
CONFIG = {"model": {"bundle": "factory"}, "update": {"url": "https://models.example/"}}


def orders(page: Path, detail: object, config: object = None, state: str = "online") -> Any:
    given = [detail, {"state": state}, CONFIG if config is None else config]
    return evaluate(page, "model", "m.orders(...given)", given)


def test_what_waits_for_approval_can_be_installed(page: Path) -> None:
    for waits_for, words in [
        ("approval", "Install people 1.3.0…"),
        ("window", "Install people 1.3.0…"),
        ("turn", "Look for a model…"),
        (None, "Look for a model…"),
    ]:
        may = orders(page, DETAIL | {"offer": OFFER | {"waits_for": waits_for}})
        assert (may["update"]["words"], may["update"]["trouble"]) == (words, "")


def test_to_go_back_says_what_will_look(page: Path) -> None:
    may = orders(page, DETAIL | {"previous": "people@1.1.0-0"})
    assert may["rollback"]["asks"].startswith("people@1.1.0-0 will look instead of people@1.2.0-0,")
    assert orders(page, DETAIL)["rollback"]["asks"].startswith("the model that it came with will look")
    trial = {"bundle": "people@1.3.0-0", "rollout": None, "starts": 1}
    tried = DETAIL | {"trial": trial, "current": "people@1.3.0-0", "previous": "people@1.1.0-0"}
    assert orders(page, tried)["rollback"]["asks"].startswith(
        "people@1.2.0-0 will look instead of people@1.3.0"
    )


def test_what_the_device_would_refuse_cannot_be_ordered(page: Path) -> None:
    away = orders(page, DETAIL, state="offline")
    assert {each["trouble"] for each in away.values()} == {"it is not online"}
    pinned = orders(page, DETAIL, CONFIG | {"model": {"bundle": "people"}})
    assert {each["trouble"] for each in pinned.values()} == {"its file names the model"}
    alone = orders(page, DETAIL, CONFIG | {"update": {"url": None}})
    assert alone["update"]["trouble"].startswith("its file names no repository")
    assert alone["rollback"]["trouble"] == ""
    factory = orders(page, DETAIL | {"current": None, "good": None})
    assert factory["rollback"]["trouble"] == "the model that it came with looks"
    trial = {"bundle": "people@1.3.0-0", "rollout": None, "starts": 1}
    assert orders(page, DETAIL | {"trial": trial})["update"]["trouble"] == "one is on probation"


@pytest.mark.parametrize(
    ("changes", "words", "percent"),
    [
        ({}, "Nothing goes on.", None),
        ({"state": "downloading", "percent": 42.4}, "downloads, 42 %", 42.4),
        ({"state": "downloading", "percent": 1e9}, "downloads, 100 %", 100),
        ({"state": "testing"}, "tries it beside the old one", None),
        ({"state": "offered", "offer": OFFER}, "waits for approval", None),
        ({"state": "constructor"}, "constructor", None),
    ],
)
def test_progress_is_told(page: Path, changes: dict[str, Any], words: str, percent: float | None) -> None:
    told = evaluate(page, "model", "m.progress(given)", DETAIL | changes)
    assert (told["words"], told["ill"], told.get("percent")) == (words, False, percent)


def test_a_failure_is_told_with_its_reason(page: Path) -> None:
    failed = DETAIL | {"state": "failed", "code": "expired", "reason": "signatures have ended", "attempts": 3}
    told = evaluate(page, "model", "m.progress(given)", failed)
    assert told == {"words": "failed: expired: signatures have ended (attempt 3)", "ill": True}


def test_how_the_last_change_ended_and_what_is_not_tried_again_is_told(page: Path) -> None:
    last = {
        "bundle": "people@1.1.5-0", "rollout": "r1", "outcome": "rolled_back", "reason": "too slow",
        "at": "2026-01-01T12:00:00.000Z",
    }  # fmt: skip
    shunned = {"bundle": "people@1.1.5-0", "rollout": "r1", "reason": "too slow"}
    told = dict(
        evaluate(page, "model", "m.facts(given)", DETAIL | {"last_result": last, "quarantine": [shunned]})
    )
    assert told["Last change"] == "rolled back: people@1.1.5-0; too slow; 2026-01-01T12:00:00.000Z"
    assert told["Not tried again"] == "people@1.1.5-0: too slow"


@pytest.mark.parametrize("wrong", [None, 1, "x", [], {}, dict.fromkeys(DETAIL, HOSTILE)])
def test_hostile_models_become_words(page: Path, wrong: object) -> None:
    expression = "[m.facts(given, given), m.progress(given), m.orders(given, given, given), m.step(given)]"
    told = evaluate(page, "model", expression, wrong)
    assert all(isinstance(words, str) for fact in told[0] for words in fact)
    assert told[2]["update"]["trouble"] == "it is not online"
