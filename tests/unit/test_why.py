"""Why a track counted, or did not: in words, and drawn."""

import io
import re
from argparse import ArgumentTypeError
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from eyespot import app
from eyespot.app.why import moment
from eyespot.commands.options import seconds_above_zero
from eyespot.commands.why_view import show
from eyespot.domain.account import Account
from eyespot.domain.errors import ConfigError, InputError
from eyespot.domain.instants import parse_rfc3339
from eyespot.domain.observation import Observation
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.recording import SCHEMA, Header, RecordingWriter
from eyespot.rules.line import Line, LineSettings
from eyespot.tracking.tracker import Tracker
from fakes.daemon import LABELS, LINE, write_config
from fakes.scenes import scenes
from fakes.walkers import Walker, film

BERLIN = ZoneInfo("Europe/Berlin")
DOWN = Walker((0.4, 0.2), (0.4, 0.9), 0, 7)


def a_line(**more: object) -> Line:
    return Line(LineSettings(id="door", a=(0.2, 0.5), b=(0.7, 0.5), **more), LABELS, "overhead")


def walked(*walkers: Walker, begin_s: float = 0, end_s: float = 7, rest_s: float = 3) -> list[Scene]:
    """Scenes of walkers, seen from `begin_s` to `end_s`; then nobody is."""
    tracker, made = Tracker(0.35), []
    for taken_ns, seen in film(walkers, 10, end_s + rest_s):
        hidden = not begin_s <= taken_ns / 1e9 <= end_s
        found = next(film((), 10, 0))[1] if hidden else seen
        made.append(Scene(taken_ns, Observation(taken_ns, "m@1-a", found), tracker.step(taken_ns, found)))
    return made


def said(line: Line, film: list[Scene]) -> list[str]:
    return [remark.text for account in line.explain(Strip.of(film)) for remark in account.remarks]


@pytest.mark.parametrize(
    ("walker", "seen_s", "words"),
    [
        (DOWN, (0, 7), r"crossed in: counted"),
        (DOWN, (0, 2.5), r"was lost 0\.[45] s before the line"),
        (DOWN, (3.5, 7), r"was seen first 0\.[56] s behind the line"),
        (DOWN, (0, 3.2), r"was lost on the line: 0\.\d\d boxes from it, where 0\.25 are certain"),
        (DOWN, (2.9, 7), r"was seen first on the line, so that it is not certain where it came from"),
        (Walker((0.85, 0.2), (0.85, 0.9), 0, 7), (0, 7), r"went past the end of the line, [12]\.\d boxes"),
        (Walker((0.1, 0.1), (0.9, 0.1), 0, 7), (0, 7), r"came no nearer to the line than 2\.0 boxes"),
        (
            Walker((0.4, 0.2), (0.4, 0.9), 0, 7, kind=1),
            (0, 7),
            r"crossed in, but is a dog, which is not counted",
        ),
    ],
    ids=["counted", "lost", "appeared", "lost on it", "appeared on it", "past the end", "far away", "class"],
)
def test_each_fate_has_its_words(walker: Walker, seen_s: tuple[float, float], words: str) -> None:
    [text] = said(a_line(classes=("person",)), walked(walker, begin_s=seen_s[0], end_s=seen_s[1]))
    assert re.match(words, text), text


def test_who_came_near_and_turned_is_told_how_near() -> None:
    there, back = Walker((0.4, 0.1), (0.4, 0.42), 0, 3), Walker((0.4, 0.42), (0.4, 0.1), 3.1, 6)
    [text] = said(a_line(), walked(there, back))
    assert text == "came within 0.4 boxes of the line, and turned"


def test_who_was_seen_too_seldom_is_named() -> None:
    film = walked(Walker((0.4, 0.44), (0.4, 0.57), 0, 0.1), end_s=0.1)
    assert said(a_line(), film) == ["crossed in, but was seen too seldom to be believed"]


def test_there_and_back_are_two_remarks() -> None:
    there, back = Walker((0.4, 0.2), (0.4, 0.8), 0, 4), Walker((0.4, 0.8), (0.4, 0.2), 4.1, 8)
    assert said(a_line(), walked(there, back, end_s=8)) == ["crossed in: counted", "crossed out: counted"]


def test_in_late_mode_it_is_told_who_is_there_still_and_who_went_back() -> None:
    there, back = Walker((0.4, 0.2), (0.4, 0.8), 0, 4), Walker((0.4, 0.8), (0.4, 0.2), 4.1, 8)
    late = walked(there, back, end_s=8)
    went_back = ", and went back or had come back, which is not counted in late mode"
    assert said(a_line(mode="late"), late) == [f"crossed in{went_back}", f"crossed out{went_back}"]
    line = a_line(mode="late")
    assert said(line, late[:38]) == ["crossed in: counts when it has gone, as in late mode"]
    assert said(line, late[38:]) == [f"crossed out{went_back}"]
    assert said(a_line(mode="late"), walked(DOWN)) == ["crossed in: counted"]


def test_a_line_of_several_pieces_is_as_long_as_all_of_them() -> None:
    bent = Line(
        LineSettings(id="door", points=((0.2, 0.5), (0.5, 0.5), (0.5, 0.8), (0.7, 0.8))), LABELS, "overhead"
    )
    assert said(bent, walked(Walker((0.65, 0.2), (0.65, 0.95), 0, 7))) == ["crossed in: counted"]
    [text] = said(bent, walked(Walker((0.9, 0.2), (0.9, 0.95), 0, 7)))
    assert re.match(r"went past the end of the line, [234]\.\d boxes beyond it|came no nearer", text), text


def test_what_was_before_the_strip_is_known_in_it() -> None:
    film, line = walked(DOWN), a_line()
    list(line.sweep(Strip.of(film[:30])))
    assert said(line, film[30:]) == ["crossed in: counted"]


@pytest.mark.parametrize("mode", ["immediate", "late"])
@settings(max_examples=20)
@given(st.integers(0, 500))
def test_what_is_said_to_count_is_what_counts(mode: str, seed: int) -> None:
    film = scenes(seed)
    line = a_line(classes=("person",), mode=mode)
    counted = [(event.track, event.taken_ns) for _, events in line.sweep(Strip.of(film)) for event in events]
    accounts = a_line(classes=("person",), mode=mode).explain(Strip.of(film))
    told = [(one.track, remark.taken_ns) for one in accounts for remark in one.remarks if remark.counted]
    assert sorted(told) == sorted(counted)
    assert all(account.remarks for account in accounts)
    assert all(np.isfinite(account.points).all() for account in accounts)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    header = Header(
        schema=SCHEMA, started="2026-01-01T12:00:00Z", labels=LABELS, width=768, height=576, rate_hz=10
    )
    walkers = [Walker((0.1, 0.5), (0.9, 0.5), 10 * n, 10 * n + 5) for n in range(30)]
    file = tmp_path / "walk.eyespot.jsonl"
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film(walkers, 10, 300):
            writer.write(Observation(taken_ns, "recording", found))
    return file


def asked(folder: Path, recording: Path, at: str, rule: str = "door") -> app.Explanation:
    config = write_config(folder, camera={"source": "scene"}, url="mqtt://127.0.0.1:9", rules=[LINE])
    return app.why(config, app.Question(rule, at, 4.0), recording, lambda _: None)


def test_a_moment_of_a_recording_is_explained(tmp_path: Path, recording: Path) -> None:
    explanation = asked(tmp_path, recording, "2026-01-01T12:03:22Z")
    [account] = explanation.accounts
    assert account.counted
    assert explanation.timeline.utc_ns(account.remarks[0].taken_ns) == pytest.approx(
        parse_rfc3339("2026-01-01T12:03:22.500Z"), abs=2e8
    )


@pytest.mark.parametrize("at", ["2026-01-01T11:59:59Z", "2026-01-02T12:00:00Z"])
def test_a_moment_that_is_not_in_it_is_refused(tmp_path: Path, recording: Path, at: str) -> None:
    with pytest.raises(InputError, match=r"is not in it; it goes from 2026-01-01T12:00:00.000Z to"):
        asked(tmp_path, recording, at)


def test_a_rule_that_is_not_there_is_refused_and_a_guess_made(tmp_path: Path, recording: Path) -> None:
    with pytest.raises(ConfigError, match='there is no rule "doo"; did you mean "door"'):
        asked(tmp_path, recording, "2026-01-01T12:03:22Z", rule="doo")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-01T12:00:03Z", "2026-01-01T12:00:03Z"),
        ("2026-01-01T12:00:03+02:00", "2026-01-01T10:00:03Z"),
        ("2026-01-01 12:00:03", "2026-01-01T11:00:03Z"),
        ("12:00:03.5", "2026-01-01T11:00:03.5Z"),
        ("12:00:03Z", "2026-01-01T12:00:03Z"),
        ("09:30", "2026-01-02T08:30:00Z"),  # the recording begins at 10:00 in Berlin
    ],
)
def test_moments_are_understood(text: str, utc: str) -> None:
    assert moment(text, BERLIN, parse_rfc3339("2026-01-01T09:00:00Z")) == parse_rfc3339(utc)


@pytest.mark.parametrize("text", ["", "noon", "25:00", "12:00:03 o'clock"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no time; say it as"):
        moment(text, BERLIN, 0)


def printed(explanation: app.Explanation, **console: object) -> str:
    out = io.StringIO()
    show(explanation, Console(file=out, legacy_windows=False, **console))
    return out.getvalue()


def test_ways_are_drawn_and_told(tmp_path: Path, recording: Path) -> None:
    text = printed(asked(tmp_path, recording, "12:03:22"), width=80)
    lines = text.splitlines()
    assert ": 1 counted, 0 not" in lines[0]
    assert max(map(len, lines[1:-1])) <= 80
    drawn = "".join(lines[1:-1])
    assert drawn.count("c") > 30
    assert drawn.count("C") == 1
    assert re.fullmatch(r"c \d\d:03:22\.\d  track 21: crossed in: counted \(person\)", lines[-1])
    assert "\x1b" not in text


def test_a_narrow_terminal_gets_the_words_alone(tmp_path: Path, recording: Path) -> None:
    text = printed(asked(tmp_path, recording, "12:03:22"), width=30)
    assert "│" not in text
    assert "crossed in: counted" in " ".join(text.split())


def test_colours_are_for_terminals_that_want_them(
    tmp_path: Path, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explanation = asked(tmp_path, recording, "12:03:22")
    assert "\x1b[" in printed(explanation, width=80, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "36m" not in printed(explanation, width=80, force_terminal=True)


def test_an_hour_in_which_nobody_was_there_says_so(tmp_path: Path, recording: Path) -> None:
    explanation = app.Explanation(
        **{name: getattr(asked(tmp_path, recording, "12:03:22"), name) for name in app.Explanation.__slots__}
        | {"accounts": tuple[Account, ...]()}
    )
    assert "nobody was there" in printed(explanation, width=80)


@pytest.mark.parametrize("text", ["0", "-5", "nan", "inf", "1e300", "x", ""])
def test_seconds_without_end_are_a_mistake(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="want a number of seconds above 0, up to a year, got"):
        seconds_above_zero(text)
