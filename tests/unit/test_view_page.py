"""What the page's own JavaScript makes of what devices say; run by node, without a browser."""

from pathlib import Path

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


@pytest.mark.parametrize(
    ("points", "way", "inwards", "out"),
    [
        ([[0.1, 0.6], [0.9, 0.6]], [[0.5, 0.2], [0.5, 0.9]], 1, 0),
        ([[0.1, 0.6], [0.9, 0.6]], [[0.5, 0.9], [0.5, 0.2]], 0, 1),
        ([[0.5, 0.9], [0.5, 0.1]], [[0.2, 0.5], [0.8, 0.5]], 1, 0),  # to the right is in, walking up
        ([[0.1, 0.6], [0.9, 0.6]], [[0.5, 0.2], [0.5, 0.6], [0.5, 0.9]], 1, 0),  # a step right on the line
        ([[0.1, 0.6], [0.9, 0.6]], [[0.5, 0.2], [0.5, 0.6], [0.5, 0.2]], 0, 0),
        ([[0.1, 0.6], [0.4, 0.6]], [[0.5, 0.2], [0.5, 0.9]], 0, 0),  # beyond its end
        ([[0.1, 0.6], [0.9, 0.6]], [[0.5, 0.2], [0.5, 0.9], [0.5, 0.2]], 1, 1),
        ([[0.2, 0.9], [0.2, 0.4], [0.8, 0.4]], [[0.1, 0.6], [0.5, 0.6], [0.5, 0.1]], 1, 1),  # round a corner
    ],
)
def test_a_line_counts_in_the_directions_of_the_device(
    page: Path, points: object, way: object, inwards: int, out: int
) -> None:
    given = {"points": points, "trails": [{"label": "person", "points": way}]}
    counts = evaluate(page, "crossing", "m.crossings(given.points, given.trails)", given)
    assert counts == {"in": inwards, "out": out}
    swapped = evaluate(page, "crossing", "m.crossings(given.points, given.trails, {swap: true})", given)
    assert swapped == {"in": out, "out": inwards}


def test_classes_that_are_not_counted_are_not_counted(page: Path) -> None:
    given = [{"label": "dog", "points": [[0.5, 0.2], [0.5, 0.9]]}]
    expression = "m.crossings([[0, 0.5], [1, 0.5]], given, {classes: ['person']})"
    assert evaluate(page, "crossing", expression, given) == {"in": 0, "out": 0}


def test_trails_are_bounded(page: Path) -> None:
    expression = (
        "(() => { const t = new m.Trails();"
        "for (let n = 0; n < 9000; n += 1) { t.add('b', n, 'x', [0, 0]); t.add('b', 1e6, 'x', [n % 2, 0]); }"
        "return [t.size, Math.max(...[...t].map((trail) => trail.points.length))]; })()"
    )
    assert evaluate(page, "trails", expression) == [5000, 600]


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
