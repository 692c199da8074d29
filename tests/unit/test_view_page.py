"""What the page's own JavaScript makes of what devices say; run by node, without a browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.scripts import NODE, PAGE, copied, evaluate

pytestmark = pytest.mark.skipif(NODE is None, reason="needs node, to run the page's JavaScript")

FRAME = {
    "schema": "eyespot.frame/2", "t": "2026-01-01T00:00:00.000Z", "boot_id": "b", "labels": ["person", "dog"],
    "tracks": [32, 7], "classes": [0, 1], "scores": [43, 100],
    "boxes": [[532, 1, 757, 397], [0, 0, 1000, 1000]],
}  # fmt: skip
HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(name="page", scope="module")
def a_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("page"))


def test_columns_of_a_frame_become_boxes_in_fractions(page: Path) -> None:
    frame = evaluate(page, "frame", "m.decode(given)", FRAME)
    assert frame["seen"] == [
        {"track": 32, "label": "person", "score": 0.43, "box": [0.532, 0.001, 0.757, 0.397]},
        {"track": 7, "label": "dog", "score": 1, "box": [0, 0, 1, 1]},
    ]


def test_hostile_frames_are_no_frames(page: Path) -> None:
    wrong: list[object] = [
        None, 1, "x", [], {}, FRAME | {"schema": "eyespot.frame/3"}, FRAME | {"tracks": [1]},
        FRAME | {"boxes": [[0, 0, 0], [0, 0, 1, 1]]}, FRAME | {"boxes": [[0, 0, 0, "1"], [0, 0, 1, 1]]},
        FRAME | {"boxes": [[0, 0, 0, 1e9], [0, 0, 1, 1]]}, FRAME | {"tracks": [HOSTILE, 1]},
        FRAME | {"labels": None},
    ]  # fmt: skip
    assert evaluate(page, "frame", "given.map((each) => m.decode(each))", wrong) == [None] * len(wrong)


def test_a_box_counts_where_the_mount_says(page: Path) -> None:
    assert evaluate(
        page, "frame", "[m.point(given, 'oblique'), m.point(given, 'overhead')]", [0.25, 0, 0.75, 1]
    ) == [
        [0.5, 1],
        [0.5, 0.5],
    ]


# --- rules as they are drawn ------------------------------------------------------------------------------


LINE = {"kind": "line", "id": "door", "a": [0.1, 0.6], "b": [0.9, 0.6], "swap": True}
ZONE = {"kind": "zone", "id": "hall", "points": [[0.3, 0.4], [0.7, 0.4], [0.7, 0.8]]}


def test_a_device_whose_rules_are_too_large_to_tell_is_told_from_one_that_has_none(page: Path) -> None:
    others: list[object] = [None, {}, {"config": {"rules": []}}, {"config": {"rules": [LINE]}}]
    hidden = evaluate(page, "rules", "given.map((each) => m.hidesRules(each))", [*others, {"config": {}}])
    assert hidden == [False] * len(others) + [True]


def test_a_line_with_a_third_corner_is_one_through_points(page: Path) -> None:
    drawn = evaluate(page, "rules", "m.withNewCorner(given, 1, [0.51234, 1.5])", LINE)
    assert drawn == {
        "kind": "line",
        "id": "door",
        "swap": True,
        "points": [[0.1, 0.6], [0.512, 1], [0.9, 0.6]],
    }


def test_a_corner_comes_and_goes(page: Path) -> None:
    drawn = evaluate(page, "rules", "m.withNewCorner(given, 3, [0.3, 0.8])", ZONE)
    assert drawn == ZONE | {"points": [*ZONE["points"], [0.3, 0.8]]}
    assert evaluate(page, "rules", "m.withoutCorner(given, 3)", drawn) == ZONE


@pytest.mark.parametrize("rule", [LINE, ZONE, LINE | {"points": [[0, 0], [1, 1]]}])
def test_the_last_corners_stay(page: Path, rule: dict[str, object]) -> None:
    assert evaluate(page, "rules", "m.withoutCorner(given, 0)", rule) == rule


@pytest.mark.parametrize(("rule", "most"), [(LINE, 16), (ZONE, 64)])
def test_there_are_no_more_corners_than_the_device_takes(
    page: Path, rule: dict[str, object], most: int
) -> None:
    expression = (
        "(() => { let rule = given;"
        "for (let n = 0; n < 99; n += 1) rule = m.withNewCorner(rule, 1, [n / 99, 0]);"
        "return rule.points.length; })()"
    )
    assert evaluate(page, "rules", expression, rule) == most


def test_a_rule_that_is_moved_and_moved_back_is_as_before(page: Path) -> None:
    expression = "m.changes([given], [m.withCorner(m.withCorner(given, 1, [0, 0]), 1, [0.9, 0.6])])"
    assert evaluate(page, "rules", expression, LINE) == []


def test_arrow_keys_step_and_others_do_not(page: Path) -> None:
    expression = "given.map(([key, shiftKey]) => m.stepped([0.5, 0.5], { key, shiftKey }))"
    keys = [["ArrowLeft", False], ["ArrowDown", True], ["Tab", False]]
    assert evaluate(page, "editor", expression, keys) == [[0.495, 0.5], [0.5, 0.55], None]


# --- what the server is asked, and says -------------------------------------------------------------------


def test_the_newest_question_stands_for_all_before_it(page: Path) -> None:
    program = (
        "(await (async () => {"
        "const asked = [], heard = [];"
        "const send = async (question) => { asked.push(question); return { of: question }; };"
        "const asker = new m.Asker((question, told) => heard.push(told.of), send);"
        "for (let n = 0; n < 50; n += 1) asker.ask(n);"
        "const first = [...asked];"
        "await new Promise((done) => setTimeout(done, 450));"
        "return { first, asked, heard }; })())"
    )
    assert evaluate(page, "asking", program) == {"first": [0], "asked": [0, 49], "heard": [0, 49]}


def test_counts_are_said_in_words(page: Path) -> None:
    given = [{"in": 3, "out": 2}, {"entered": 1, "left": 0, "occupancy": 1}, {HOSTILE: HOSTILE}, None]
    assert evaluate(page, "asking", "given.map((each) => m.inWords(each))", given) == [
        "3 in, 2 out",
        "1 entered, 0 left, 1 inside",
        f"NaN {HOSTILE}",
        "",
    ]


def test_a_span_that_is_none_has_no_beginning(page: Path) -> None:
    given: list[object] = [{"since": "2026-01-01T00:00:00.000Z"}, {"since": None}, {"since": HOSTILE}, None]
    first, *others = evaluate(page, "asking", "given.map((each) => m.since(each))", given)
    assert first
    assert others == ["", "", ""]


def test_what_is_refused_is_marked_before_what_is_doubtful(page: Path) -> None:
    told = {
        "span": {"since": "2026-01-01T00:00:00.000Z", "tracks": 7},
        "counts": {"door": {"in": 3, "out": 2}},
        "refused": {"hall": "its sides meet"},
        "doubts": {"door": ["is short"], "hall": ["is narrow"], "till": []},
    }
    place = "{ textContent: '', children: [], replaceChildren() {} }"
    expression = (
        f"(() => {{ const places = {{ seen: {place}, whatif: {place}, doubts: {place} }};"
        "const w = new m.WhatIf(places); w.hear([], given); w.show('door');"
        "const first = places.whatif.textContent;"
        "w.hear([], { ...given, refused: {}, doubts: null }); w.show('constructor'); w.beside('__proto__');"
        "return [Object.fromEntries(w.flaws()), first, w.beside('door'), places.seen.textContent]; })()"
    )
    flaws, first, beside, seen = evaluate(page, "whatif", expression, told)
    assert flaws == {"door": "doubtful", "hall": "doubtful"}
    assert first == "The device would refuse hall: its sides meet"
    assert beside == ["is short"]
    assert seen.startswith("7 trails since ")


def test_paths_of_before_are_trails(page: Path) -> None:
    expression = (
        "(() => { const t = new m.Trails(); t.add('b', 1, 'x', [0, 0]); t.recall(given);"
        "return [...t].map((trail) => trail.points); })()"
    )
    given = [{"label": "person", "points": [[100, 200], [300, 400]]}, None, {"points": HOSTILE}]
    assert evaluate(page, "trails", expression, given) == [[[0.1, 0.2], [0.3, 0.4]]]


# --- what is saved ----------------------------------------------------------------------------------------


def test_trails_are_bounded(page: Path) -> None:
    expression = (
        "(() => { const t = new m.Trails();"
        "for (let n = 0; n < 9000; n += 1) { t.add('b', n, 'x', [0, 0]); t.add('b', 1e6, 'x', [n % 2, 0]); }"
        "return [t.size, Math.max(...[...t].map((trail) => trail.points.length))]; })()"
    )
    assert evaluate(page, "trails", expression) == [5000, 600]


def test_the_oldest_trails_give_way_where_there_is_no_room_for_all(page: Path) -> None:
    expression = (
        "(() => { const t = new m.Trails();"
        "for (let n = 0; n < 100; n += 1) t.add('b', n >> 3, 'x', [n % 2, 0], 26);"
        "return [...t].map((trail) => trail.points.length); })()"
    )
    assert evaluate(page, "trails", expression) == [8, 4]


def test_the_scene_is_drawn_anew_without_trails_that_gave_way(page: Path) -> None:
    expression = (
        "(() => { const t = new m.Trails(); t.add('b', 1, 'x', [0, 0]); t.add('b', 2, 'x', [0, 0]);"
        "const before = t.revision; t.trim(1); return [t.size, t.revision > before]; })()"
    )
    assert evaluate(page, "trails", expression) == [1, True]


# --- countless words --------------------------------------------------------------------------------------


def test_states_that_come_and_go_leave_nothing_behind(page: Path) -> None:
    expression = """(() => { const d = new m.Devices();
        d.hear("door", "status", { state: "online" });
        for (let n = 0; n < 2000; n += 1) d.hear("door", `rule/r${n >> 1}/state`, n % 2 ? null : {});
        d.hear("door", "status", null);
        d.hear("door", "info", null); // as what a device has told is taken back, in whatever order
        const gone = d.size;
        d.hear("hall", "status", {});
        return [gone, d.get("hall").states.size];
    })()"""
    assert evaluate(page, "devices", expression) == [0, 1]


def test_trails_of_devices_that_come_take_the_room_of_those_that_are_there(page: Path) -> None:
    expression = """(() => { const d = new m.Devices(600);
        for (let n = 0; n < 30; n += 1) {
            d.hear(`dev-${n}`, "status", {});
            const trails = d.get(`dev-${n}`).trails;
            for (let at = 0; at < 1000; at += 1) trails.add("b", at % 100, "x", [(at >> 7) % 2, 0], d.room);
        }
        return [...d.keys()].reduce((sum, id) => sum + d.get(id).trails.weight, 0);
    })()"""
    assert 300 < evaluate(page, "devices", expression) <= 600


def test_trails_of_one_point_each_take_room_too(page: Path) -> None:
    expression = """(() => { const t = new m.Trails();
        for (let n = 0; n < 900; n += 1) t.add("b", n, "x", [0, 0], 700);
        return t.size;
    })()"""
    assert evaluate(page, "trails", expression) == 100


def test_rules_and_corners_beyond_what_a_device_takes_are_not_shown(page: Path) -> None:
    many = "m.rulesOf({ config: { rules: Array(9000).fill(given) } }).length"
    assert evaluate(page, "rules", many, LINE) == 100
    zone = {**ZONE, "points": [[n / 100, n % 2] for n in range(65)]}
    assert evaluate(page, "rules", "m.corners(given)", zone) == []


def test_of_countless_ills_and_models_the_first_are_said(page: Path) -> None:
    told = "{ ok: false, states: Array(30_000).fill(given) }"
    assert len(evaluate(page, "words", f"m.health({{ state: 'online' }}, {told})[0]", ILL)) < 1000
    assert len(evaluate(page, "words", f"m.ills({told})", ILL)) == 32
    quarantine = "Array(30_000).fill({ bundle: 'm', reason: 'r' })"
    facts = f"m.facts({{ ...given, quarantine: {quarantine} }}, null)"
    assert len(evaluate(page, "model", facts, DETAIL)) < 50


def test_counts_of_rules_that_are_gone_are_forgotten(page: Path) -> None:
    place = "{ textContent: '', children: [], replaceChildren() {} }"
    expression = f"""(() => {{
        const w = new m.WhatIf({{ seen: {place}, whatif: {place}, doubts: {place} }});
        for (let n = 0; n < 500; n += 1) {{
            const rules = [{{ id: "door" }}, {{ id: `r${{n}}` }}];
            const counts = n === 0 ? {{ door: {{ in: 1 }} }} : {{ [`r${{n}}`]: {{ in: 1 }} }};
            w.hear(rules, {{ span: {{}}, counts, doubts: null, refused: {{}} }});
        }}
        return [...w.counts.keys()];
    }})()"""
    assert evaluate(page, "whatif", expression) == ["door", "r499"]


def test_what_is_saved_keeps_what_else_was_desired(page: Path) -> None:
    given = {
        "before": {"req_id": "1", "config": {"model": {"min_score": 0.5}, "rules": []}},
        "rules": [{"id": "a"}],
    }
    assert evaluate(page, "rules", "m.desired('2', given.before, given.rules)", given) == {
        "req_id": "2",
        "config": {"model": {"min_score": 0.5}, "rules": [{"id": "a"}]},
    }


def test_a_corner_stays_in_the_frame(page: Path) -> None:
    rule = {"kind": "line", "id": "door", "a": [0.1, 0.6], "b": [0.9, 0.6]}
    moved = evaluate(page, "rules", "m.withCorner(given, 1, [1.7, -0.2])", rule)
    assert moved == rule | {"b": [1, 0]}


def test_changes_are_told_in_words(page: Path) -> None:
    line = {"kind": "line", "id": "door", "a": [0.1, 0.6], "b": [0.9, 0.6]}
    given = {
        "before": [line, line | {"id": "old"}],
        "after": [line | {"b": [0.8, 0.6]}, line | {"id": "new"}],
    }
    assert evaluate(page, "rules", "m.changes(given.before, given.after)", given) == [
        "line door is changed",
        "line new is new",
        "old is removed, and its totals",
    ]


def test_a_rule_is_saved_only_where_the_device_would_take_what_is_changed(page: Path) -> None:
    given = {"before": [LINE, ZONE], "after": [LINE | {"swap": False}, ZONE], "told": {"hall": "too new"}}
    expression = "m.changed(given.before, given.after)"
    assert evaluate(page, "rules", expression, given) == ["door"]
    expression = (
        "(() => { const w = new m.WhatIf({}); const rules = given.after;"
        "w.hear(rules, { counts: {}, doubts: {}, refused: given.told });"
        "return [w.refuses(rules, ['door']), w.refuses(rules, ['hall']), w.refuses([], ['hall'])]; })()"
    )
    assert evaluate(page, "whatif", expression, given) == [False, True, False]


def test_hostile_rules_have_no_place(page: Path) -> None:
    wrong: list[object] = [
        {"a": 1, "b": 2},
        {"points": HOSTILE},
        {"points": [[0, 1e9], [0, 0]]},
        {"points": [[HOSTILE, 0]]},
    ]
    assert evaluate(page, "rules", "given.map((each) => m.corners(each))", wrong) == [[]] * len(wrong)


def test_hostile_states_become_words(page: Path) -> None:
    hostile = {"states": [{"name": HOSTILE}, None, 7], "ok": False}
    words, ill = evaluate(page, "words", "m.health({state: 'online'}, given)", hostile)
    assert words == f"{HOSTILE}, , "
    assert ill
    assert evaluate(
        page, "words", "m.counted(given)", {"counts": {HOSTILE: {"in": HOSTILE}}, "occupancy": 3}
    ) == (f"{HOSTILE}: {HOSTILE} in")


ODD: list[object] = [
    {"valueOf": 0, "toString": 0},
    {},
    [],
    [[{"toString": 0}]],
    1e308,
    -1,
    0,
    None,
    "",
    HOSTILE,
]
ILL = {"name": "dark", "reason": "it is", "since": "2026-01-01T00:00:00.000Z"}
LAST = {"outcome": "refused", "bundle": "m", "reason": "r", "at": "t"}
DETAIL = {
    "state": "offered", "code": "c", "reason": "r", "looks": "m", "current": "m", "good": "m",
    "previous": "m", "staged": "m", "percent": 3, "attempts": 2, "trial": {"bundle": "m", "starts": 1},
    "last_result": LAST,
    "offer": {"name": "m", "version": "1", "waits_for": "window"},
    "quarantine": [{"bundle": "m", "reason": "r"}],
}  # fmt: skip
BUCKET = {
    "schema": "eyespot.bucket/1", "start": "2026-01-01T00:00:00.000Z", "end": "2026-01-01T00:01:00.000Z",
    "clock": "synced", "coverage": 1, "counts": {"person": {"in": 1}}, "gauges": {}, "durations": {},
    "cut": None,
    "gaps": [{"start": "2026-01-01T00:00:00.000Z", "end": "2026-01-01T00:00:01.000Z", "cause": "dark"}],
    "model": "m", "rev": 0, "ambiguous": 0, "uncertainty": 1,
}  # fmt: skip
STAY = {"t": "2026-01-01T00:00:00.000Z", "class": "person", "dwell_s": 3, "outcome": "left", "found": False}
STEP = {"t": "2026-01-01T00:00:00.000Z", "kind": "loaded", "bundle": "m", "code": "c", "reason": "r"}
RULE_STATE = {
    "counts": {"person": {"in": 1}},
    "occupancy": {"person": 1},
    "length": {"person": 1},
    "shares": {"a": 0.5},
}


@pytest.mark.parametrize(
    ("module", "expression", "payload"),
    [
        ("words", "m.health({ state: 'online' }, one)", {"ok": True, "states": [], "observations_hz": 10}),
        ("words", "m.health({ state: 'online' }, one)", {"ok": True, "states": [ILL], "observations_hz": 10}),
        ("words", "m.health(one, null)", {"state": "online"}),
        ("words", "m.counted(one)", RULE_STATE),
        ("frame", "m.decode(one)", FRAME),
        ("bucket", "m.decode(one)", BUCKET),
        ("model", "m.facts(one, one)", DETAIL),
        ("model", "m.facts(null, one)", {"installed_version": "1"}),
        ("model", "m.progress(one)", DETAIL),
        ("model", "m.progress(one)", DETAIL | {"state": "failed"}),
        ("model", "m.orders(one, { state: 'online' }, {})", DETAIL),
        ("model", "m.orders(one, { state: 'online' }, {})", DETAIL | {"trial": None}),
        ("model", "m.orders({}, { state: 'online' }, one)", {"model": {"bundle": 1}, "update": {"url": 1}}),
        ("model", "m.step(one)", STEP),
        ("rules", "m.changes([], m.rulesOf(one))", {"config": {"rules": [LINE, ZONE]}}),
        ("rules", "m.rulesOf(one).map((rule) => m.corners(rule))", {"config": {"rules": [LINE, ZONE]}}),
        ("journal", "new m.Journal(() => {}).take({ kind: 'stay', rule: 'a', said: one })", STAY),
        ("axis", "m.clock(one?.timezone).zone", {"timezone": "UTC"}),
    ],
)  # fmt: skip
def test_whatever_stands_at_any_place_of_a_payload_nothing_throws(
    page: Path, module: str, expression: str, payload: object
) -> None:
    tries = [one for odd in ODD for one in each_place(payload, odd)]
    assert len(tries) >= len(ODD)
    said = evaluate(page, module, f"given.map((one) => (({expression}) ?? null))", tries)
    assert len(said) == len(tries)


def each_place(payload: Any, odd: object) -> Iterator[Any]:
    """Yield a payload with something odd in the place of it, or of one of its parts, or theirs."""
    yield odd
    keys = (
        payload.keys()
        if isinstance(payload, dict)
        else range(len(payload) if isinstance(payload, list) else 0)
    )
    for key in keys:
        for one in each_place(payload[key], odd):
            changed = payload.copy()
            changed[key] = one
            yield changed


def test_the_page_goes_on_whatever_one_turn_throws() -> None:
    source = (PAGE / "main.js").read_text()
    turn = source[source.index("function turn(now) {") :]
    assert turn.splitlines()[1].strip().startswith("requestAnimationFrame(turn);")


def test_a_state_is_said_as_the_terminal_says_it(page: Path) -> None:
    states = [
        {"counts": {"person": {"in": 3, "out": 2}}}, {"occupancy": {"person": 2}}, {"counts": {"bottle": 7}},
        {"length": {"person": 4}}, {"shares": {"floor": 0.254, "odd": "much"}},
    ]  # fmt: skip
    assert evaluate(page, "words", "given.map((each) => m.counted(each))", states) == [
        "person: 3 in, 2 out", "person: 2 inside", "bottle: 7", "person: 4 waiting", "floor: 25 %; odd: much"
    ]  # fmt: skip


def test_suggestions_that_come_late_are_not_offered_on_another_device(page: Path) -> None:
    program = """(await (async () => {
        const place = () => ({ append() {}, addEventListener() {}, setAttribute() {}, replaceChildren() {},
            querySelectorAll: () => [], style: {}, dataset: {}, focus() {} });
        globalThis.document = { createElement: place, createElementNS: place };
        const list = place(), drawing = place(), answers = {};
        drawing.parentElement = place();
        globalThis.fetch = (path) => new Promise((done) => { answers[path] = done; });
        const suggestions = new m.Suggestions(list, drawing, () => {});
        const line = (x) => ({ a: [x, 0], b: [x, 1], counts: {} });
        const told = (x) => ({ ok: true, json: async () => ({ lines: [line(x)] }) });
        const late = suggestions.ask("one");
        suggestions.close();
        const next = suggestions.ask("two");
        answers["/devices/one/suggestions"](told(0.1));
        await late;
        const before = suggestions.lines.length;
        answers["/devices/two/suggestions"](told(0.2));
        await next;
        return [before, suggestions.lines[0].a];
    })())"""
    assert evaluate(page, "suggestions", program) == [0, [0.2, 0]]


def test_words_of_devices_turn_no_direction_and_hide_nothing(page: Path) -> None:
    given = ["a\u202eb", "\u2066\u200b\ufeff", "\x1b[2J\n", "n" * 1000]
    turned, hidden, moved, long = evaluate(page, "words", "given.map((each) => m.text(each))", given)
    assert [turned, hidden, moved] == ["a\ufffdb", "\ufffd" * 3, "\ufffd[2J\ufffd"]
    assert len(long) == 400


@pytest.mark.parametrize(
    "unsafe", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "srcdoc"]
)
def test_no_module_makes_markup_of_words(unsafe: str) -> None:
    sources = {each.name: each.read_text() for each in PAGE.glob("*.js")}
    assert len(sources) > 5
    assert [name for name, source in sources.items() if unsafe in source] == []


def test_the_page_names_no_other_host() -> None:
    sources = {each.name: each.read_text().replace("http://www.w3.org/", "") for each in PAGE.iterdir()}
    assert [name for name, source in sources.items() if "http:" in source or "https:" in source] == []
