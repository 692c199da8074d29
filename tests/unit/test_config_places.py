"""Zones and queues in a configuration: what is wrong, and what cannot work, is told with its line."""

import pytest

from eyespot.config import Loaded, parse, problems_with_model, problems_with_rules, warnings
from eyespot.domain.errors import ConfigError

HEAD = '[camera]\nsource = "scene"\nmount = "{mount}"\n[mqtt]\nurl = "mqtt://localhost"\n'  # five lines
POINTS = "[[0.2, 0.3], [0.8, 0.3], [0.8, 0.8], [0.2, 0.8]]"
ZONE = '[[rules]]\nkind = "zone"\nid = "hall"\npoints = {points}\n'
QUEUE = '[[rules]]\nkind = "queue"\nid = "till"\npoints = {points}\nservice = [2]\n'


def loaded(rule: str = ZONE, points: str = POINTS, more: str = "", mount: str = "oblique") -> Loaded:
    return parse(HEAD.format(mount=mount) + rule.format(points=points) + more, "f")


@pytest.mark.parametrize("rule", [ZONE, QUEUE])
@pytest.mark.parametrize(
    ("points", "line"),
    [
        (
            "[[0.2, 0.2], [0.8, 0.8], [0.8, 0.2], [0.2, 0.8]]",
            "f:6: [[rules]]: points: its sides 1 and 3 meet",
        ),
        ("[[0.2, 0.2], [0.5, 0.5], [0.8, 0.8]]", "f:6: [[rules]]: points: "),
        (
            "[[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.2]]",
            "f:6: [[rules]]: points: a corner is named twice",
        ),
        ("[[0.2, 0.2], [0.8, 0.2]]", "f:9: points: want a list of 3 to 64 items"),
        (
            "[[0.2, 0.2], [0.8, 0.2], [0.8, 1.2]]",
            "f:9: points: want a list of 3 to 64 items, each a list of 2, ",
        ),
        (
            "[[0.2, 0.2], [0.8, nan], [0.8, 0.9]]",
            "f:9: points: want a list of 3 to 64 items, each a list of 2, ",
        ),
        ("[[0.2, 0.2], [0.8, inf], [0.8, 0.9]]", "f:9: points: want"),
        (str([[n / 100, (n / 100) ** 2] for n in range(100)]), "f:9: points: want a list of 3 to 64 items"),
        ("0.2", "f:9: points: want a list"),
    ],
)
def test_points_that_are_no_polygon_are_told_with_their_line(rule: str, points: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(rule, points)
    [told] = str(caught.value).splitlines()
    assert told.startswith(line)
    assert len(told) < 200


@pytest.mark.parametrize(
    ("rule", "more", "line"),
    [
        (ZONE, 'armed = ["22:00-6:00"]', "f:10: armed: want a list"),
        (ZONE, 'armed = "22:00-06:00"', "f:10: armed: want a list"),
        (ZONE, 'armed = ["22:00-24:00"]', "f:10: armed: want a list"),
        (ZONE, "loiter_s = 0", "f:10: loiter_s: want"),
        (
            ZONE,
            "loiter_s = { person = nan }",
            "f:10: loiter_s: want a number from 1 to 86400 or a table of 1 to 100 items, each a number",
        ),
        (ZONE, "loiter_s = { }", "f:10: loiter_s: want"),
        (ZONE, "loiter = 3", 'f:10: unknown key "loiter" in [[rules]]; did you mean "loiter_s"?'),
        (QUEUE.replace("[2]", "[5]"), "", "f:6: [[rules]]: service: there is no side 5; the last is 4"),
        (QUEUE.replace("[2]", "[0]"), "", "f:10: service: want"),
        (QUEUE.replace("service = [2]\n", ""), "", "f:6: [[rules]] lacks service"),
        (QUEUE, "pace = inf", "f:11: pace: want a number"),
    ],
)
def test_what_else_is_wrong_is_told_with_its_line(rule: str, more: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(rule, more=more)
    assert str(caught.value).startswith(line)


def test_classes_that_may_stay_for_some_time_must_be_known_to_the_model() -> None:
    one = loaded(more="loiter_s = { person = 60, dgo = 600 }")
    with pytest.raises(ConfigError, match='f:10: loiter_s: the model has no "dgo"; did you mean "dog"'):
        problems_with_model(one, ("person", "dog"), "objects")
    assert (
        problems_with_rules(one.config.rules, ("person", "dog"), "objects")
        == "lacks dgo, which rule hall uses"
    )


@pytest.mark.parametrize("rule", [ZONE, QUEUE])
def test_rules_of_places_need_a_model_that_finds_something(rule: str) -> None:
    with pytest.raises(ConfigError, match="f:7: kind: the model segments"):
        problems_with_model(loaded(rule), ("person",), "shares")


@pytest.mark.parametrize("rule", [ZONE, QUEUE])
@pytest.mark.parametrize(
    ("points", "mount", "words"),
    [
        (POINTS, "oblique", []),
        ("[[0, 0], [1, 0], [1, 1], [0, 1]]", "oblique", []),
        ("[[0.2, 0.3], [0.8, 0.3], [1.0, 1.0], [0.0, 1.0]]", "oblique", []),
        ("[[0.2, 0.0], [0.8, 0.0], [0.8, 0.09], [0.2, 0.09]]", "oblique", ["within 0.1 of the top edge"]),
        ("[[0.2, 0.0], [0.8, 0.0], [0.8, 0.09], [0.2, 0.09]]", "overhead", []),
        (
            "[[0.01, 0.3], [0.8, 0.3], [0.8, 0.8], [0.01, 0.8]]",
            "oblique",
            ["its side 4 so near to the left edge"],
        ),
        (
            "[[0.2, 0.3], [0.8, 0.3], [0.8, 0.98], [0.2, 0.98]]",
            "oblique",
            ["its side 3 so near to the bottom"],
        ),
        ("[[0.2, 0.07], [0.8, 0.07], [0.8, 0.8]]", "overhead", []),
        ("[[0.2, 0.5], [0.8, 0.5], [0.8, 0.51], [0.2, 0.51]]", "oblique", ["so narrow"]),
        ("[[0.2, 0.96], [0.8, 0.96], [0.8, 1.0], [0.2, 1.0]]", "oblique", ["within 0.05 of the bottom edge"]),
    ],
)
def test_a_place_where_nobody_can_be_seen_is_warned_of(
    rule: str, points: str, mount: str, words: list[str]
) -> None:
    told = warnings(loaded(rule, points, mount=mount))
    assert len(told) == len(words), told
    name = 'zone "hall"' if rule is ZONE else 'queue "till"'
    for one, word in zip(told, words, strict=True):
        assert one.startswith(f"f:9: {name} ")
        assert word in one


def test_a_class_that_may_stay_but_does_not_count_is_warned_of() -> None:
    [told] = warnings(loaded(more='classes = ["person"]\nloiter_s = { dog = 60 }'))
    assert "loiter_s for dog, which is not among its classes" in told


LINE = '[[rules]]\nkind = "line"\nid = "door"\n'


@pytest.mark.parametrize(
    "ends",
    [
        "a = [nan, 0.5]\nb = [0.5, 0.5]",
        "a = [-0.1, 0.5]\nb = [0.5, 0.5]",
        "points = [[0.1, 0.2]]",
        f"points = {[[n / 10_000, 0.5] for n in range(10_000)]}",
    ],
)
def test_a_line_whose_points_are_wrong_is_not_said_to_lack_them(ends: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(LINE, more=ends)
    [told] = str(caught.value).splitlines()
    assert told.startswith("f:9: ")
    assert len(told) < 250
