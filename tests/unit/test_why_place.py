"""Why somebody was in a zone or a queue, or was not: in words, and drawn."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from eyespot import app
from eyespot.commands.why_view import show
from eyespot.domain.account import Account
from eyespot.domain.errors import ConfigError
from eyespot.domain.event import Entered, Intruded, Left, Loitered
from eyespot.domain.observation import Observation
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.recording import SCHEMA, Header, RecordingWriter
from eyespot.rules.queue import Queue, QueueSettings
from eyespot.rules.zone import Zone, ZoneSettings
from eyespot.tracking.tracker import Tracker
from fakes.daemon import LABELS, write_config
from fakes.scenes import scenes
from fakes.stayers import Stayer
from fakes.visitors import STEP_NS, scene
from fakes.walkers import film

SQUARE = ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))
SIZE = (0.06, 0.16)
ALWAYS = ("00:00-00:00",)


def a_zone(**more: object) -> Zone:
    return Zone(ZoneSettings(id="hall", points=SQUARE, **more), LABELS, "overhead")


def a_queue(**more: object) -> Queue:
    return Queue(QueueSettings(id="till", points=SQUARE, service=(2,), **more), LABELS, "overhead")


def goes(*stops: tuple[float, float, float], **more: object) -> Stayer:
    return Stayer(stops, size=SIZE, **more)


def walked(*people: Stayer, end_s: float = 20) -> list[Scene]:
    tracker, made = Tracker(0.35), []
    for taken_ns, seen in film(people, 10, end_s):
        made.append(Scene(taken_ns, Observation(taken_ns, "m@1-a", seen), tracker.step(taken_ns, seen)))
    return made


def said(rule: Zone | Queue, film: list[Scene]) -> list[str]:
    return [remark.text for account in rule.explain(Strip.of(film)) for remark in account.remarks]


THROUGH = goes((0, 0.1, 0.5), (10, 0.9, 0.5))
LINGERS = goes((0, 0.1, 0.5), (4, 0.5, 0.5), (12, 0.52, 0.5), (16, 0.9, 0.5))


@pytest.mark.parametrize(
    ("person", "words"),
    [
        (THROUGH, [r"came in: entered", r"went out: left after 5\.0 s"]),
        (
            LINGERS,
            [r"came in: entered", r"stayed for more than 9 s: loitered", r"went out: left after 1\d\.\d s"],
        ),
        (
            goes((0, 0.1, 0.5), (4, 0.5, 0.5), (40, 0.5, 0.5)),
            ["came in: entered", ".*", r"is inside, for 18 s so far"],
        ),
        (
            goes((1, 0.5, 0.5), (4, 0.5, 0.5)),
            ["was inside when seen first: entered", r"was lost inside, and not"],
        ),
        (
            goes((0, 0.1, 0.5), (2, 0.302, 0.5), (4, 0.1, 0.5)),
            [r"was on a side of the zone, 0\.\d\d boxes inside"],
        ),
        (
            goes((0, 0.1, 0.5), (2, 0.27, 0.5), (4, 0.1, 0.5)),
            [r"came within 0\.[56] boxes of the zone, and not in"],
        ),
        (goes((0, 0.1, 0.5), (2, 0.27, 0.5)), [r"was lost 0\.[56] boxes before the zone"]),
        (
            goes((0, 0.27, 0.5), (2, 0.1, 0.5)),
            [r"was seen first 0\.[56] boxes beside the zone, and went away"],
        ),
        (goes((0, 0.1, 0.1), (5, 0.9, 0.1)), [r"came no nearer to the zone than 1\.\d boxes"]),
        (
            goes((0, 0.1, 0.5), (10, 0.9, 0.5), kind=1),
            ["was inside, but is a dog, which is not counted here"],
        ),
    ],
    ids=["through", "lingers", "stays", "found", "side", "turned", "lost", "first", "far", "class"],
)
def test_each_fate_in_a_zone_has_its_words(person: Stayer, words: list[str]) -> None:
    told = said(a_zone(classes=("person",), loiter_s=9.0), walked(person))
    assert len(told) == len(words), told
    for text, expected in zip(told, words, strict=True):
        assert re.match(expected, text), text


def test_who_is_hidden_and_found_again_is_told_of_on_both_tracks() -> None:
    hidden = goes((0, 0.1, 0.5), (4, 0.5, 0.5), (12, 0.52, 0.5), (16, 0.9, 0.5), hidden=((6.0, 9.0),))
    told = said(a_zone(), walked(hidden))
    assert told[:2] == ["came in: entered", "was hidden inside, and found again as track 2: has not left"]
    assert told[2] == "is track 1, which was hidden: has not come anew"
    assert re.match(r"went out: left after 1\d\.\d s", told[3])


def test_whose_track_ends_within_a_second_of_appearing_inside_is_nobody() -> None:
    film = [scene(n * STEP_NS, (1, (0.5, 0.5))) for n in range(7)] + [
        scene(n * STEP_NS) for n in range(7, 20)
    ]
    [text] = said(a_zone(), film)
    assert text == "was inside when seen first, and gone after 0.6 s: that is told of after 1 s only"


def test_why_somebody_who_was_found_inside_is_no_intrusion_is_said() -> None:
    still = [scene(n * STEP_NS, (1, (0.5, 0.5))) for n in range(20)]
    gone = [scene(n * STEP_NS) for n in range(20, 80)]
    doubt = "did not move, and was not there for long: perhaps a reflection, no intrusion"
    assert doubt in said(a_zone(armed=ALWAYS), still + gone)
    both = [scene(n * STEP_NS, (1, (0.5, 0.5)), *[(2, (0.52, 0.5))] * (n >= 40)) for n in range(60)]
    beside = "was seen first beside another person who intruded: no intrusion of its own"
    assert beside in said(a_zone(armed=ALWAYS), both)


def test_who_is_missed_is_waited_for() -> None:
    film = walked(goes((0, 0.1, 0.5), (4, 0.5, 0.5), (6, 0.5, 0.5)), end_s=8.5)
    assert said(a_zone(), film) == [
        "came in: entered",
        "was lost inside, and is waited for: has not left yet",
    ]


def test_who_was_seen_too_seldom_is_named_with_the_score() -> None:
    [text] = said(a_zone(), walked(goes((1, 0.5, 0.5), (1.1, 0.5, 0.5)), end_s=6))
    assert re.match(
        r"was inside, but was seen too seldom to be believed: 2 times, with a score of 0\.\d\d", text
    )


def test_who_was_inside_before_the_strip_is_inside_in_it() -> None:
    zone, film = a_zone(), walked(LINGERS)
    list(zone.sweep(Strip.of(film[:80])))
    before, after = said(zone, film[80:])
    assert re.fullmatch(r"is inside, for \d s so far", before)
    assert re.match("went out: left after", after)


@pytest.mark.parametrize(
    ("person", "words"),
    [
        (
            LINGERS,
            [r"came and stayed: joined the queue", r"left by a side of the service: served after 1\d\.\d s"],
        ),
        (
            goes((0, 0.1, 0.5), (4, 0.5, 0.5), (12, 0.5, 0.5), (16, 0.5, 0.95)),
            [r"came and stayed: joined the queue", r"left by another side: gave up after 1\d\.\d s"],
        ),
        (
            goes((0, 0.1, 0.5), (5, 0.9, 0.5)),
            [r"was there, but never for 3 s at 0\.4 boxes a second at most"],
        ),
        (
            goes((1, 0.5, 0.5), (8, 0.5, 0.5)),
            ["was there when seen first: joined the queue", r"was lost inside, and not found again: lost"],
        ),
        (goes((0, 0.1, 0.1), (5, 0.9, 0.1)), [r"came no nearer to the queue than 1\.\d boxes"]),
    ],
    ids=["served", "gave up", "passed", "lost", "far"],
)
def test_each_fate_in_a_queue_has_its_words(person: Stayer, words: list[str]) -> None:
    told = said(a_queue(), walked(person))
    assert len(told) == len(words), told
    for text, expected in zip(told, words, strict=True):
        assert re.match(expected, text), text


@settings(max_examples=20)
@given(st.integers(0, 500))
def test_what_is_said_to_count_is_what_counts(seed: int) -> None:
    film = scenes(seed)
    zone, other = (a_zone(loiter_s=3.0, armed=("00:00-00:00",)) for _ in range(2))
    events = [event for _, events in zone.sweep(Strip.of(film)) for event in events]
    counted = [(event.track, event.taken_ns) for event in events]
    accounts = other.explain(Strip.of(film))
    told = [(one.track, remark.taken_ns) for one in accounts for remark in one.remarks if remark.counted]
    assert sorted(told) == sorted(counted)
    assert all(isinstance(event, Entered | Left | Loitered | Intruded) for event in events)
    assert all(account.remarks for account in accounts)
    assert other.snapshot()["stays"] == zone.snapshot()["stays"]
    assert (other.state().entered, other.undecided) == ({}, 0)


def asked(folder: Path, rule: dict[str, object], at: str = "2026-01-01T12:00:06Z") -> app.Explanation:
    header = Header(
        schema=SCHEMA, started="2026-01-01T12:00:00Z", labels=LABELS, width=768, height=576, rate_hz=10
    )
    file = folder / "walk.eyespot.jsonl"
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film([LINGERS], 10, 30):
            writer.write(Observation(taken_ns, "recording", found))
    config = write_config(folder, camera={"source": "scene"}, url="mqtt://127.0.0.1:9", rules=[rule])
    return app.why(config, app.Question(str(rule["id"]), at, 20), file, lambda _: None)


@pytest.mark.parametrize(("kind", "sides"), [("zone", "•"), ("queue", "•=")])
def test_the_polygon_is_drawn_and_the_sides_of_the_service_are_others(
    tmp_path: Path, kind: str, sides: str
) -> None:
    points = [list(corner) for corner in SQUARE]
    rule = {"kind": kind, "id": "hall", "points": points, **({"service": [2]} if kind == "queue" else {})}
    out = io.StringIO()
    show(asked(tmp_path, rule), Console(file=out, legacy_windows=False, width=80))
    lines = out.getvalue().splitlines()
    assert ": 1 counted, 0 not" in lines[0]
    drawn = "".join(lines[1:-2])
    assert all(drawn.count(side) > 8 for side in sides)
    assert ("=" in drawn) == (kind == "queue")
    assert drawn.count("C") == 1


def test_what_cannot_be_explained_is_refused(tmp_path: Path) -> None:
    rule = {"kind": "heatmap", "id": "hall"}
    with pytest.raises(ConfigError, match='"heatmap" does is not explained; name a line, a zone or a queue'):
        asked(tmp_path, rule)


def test_a_place_without_sides_is_explained_too() -> None:
    whole = ZoneSettings(id="all", points=((0, 0), (1, 0), (1, 1), (0, 1)))
    accounts: list[Account] = Zone(whole, LABELS, "overhead").explain(Strip.of(walked(THROUGH)))
    assert accounts[0].remarks[0].text == "was inside when seen first: entered"
    assert np.isinf(accounts[0].distances).all()
