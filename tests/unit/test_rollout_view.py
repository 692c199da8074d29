"""What an operator sees of a rollout, and what a program reads of it."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from eyespot.domain.errors import ConfigError
from eyespot_fleet.__main__ import parser
from eyespot_fleet.commands.at_broker import mqtt_settings
from eyespot_fleet.commands.rollout_lines import JsonView, PlainView
from eyespot_fleet.commands.rollout_view import LiveView
from eyespot_fleet.rollout.deciding import Device, Limit
from eyespot_fleet.rollout.running import Progress
from eyespot_fleet.rollout.standing import Standing
from fakes.fleet import desired, device

FAILED = Device("shop-7", 7, Standing("failed", "rolled back: it sees nothing"), online=True, moved_s=0.0)
FLEET = (
    device(1, "done"),
    device(2, "trial"),
    FAILED,
    device(3, "waits", online=False),
    device(9999, "waits"),
)


def progress(*devices: Device, why: str = "", percent: float = 5.0, trouble: str = "") -> Progress:
    return Progress(desired(percent), devices or FLEET, why, trouble)


def test_plain_lines_tell_each_step_and_each_end_once() -> None:
    lines: list[str] = []
    view = PlainView(lines.append, lambda: 0.0)
    view.step("begun", progress(device(1, "waits"), percent=1.0))
    for _ in range(3):
        view.show(progress(why="soaks for 3 min more"))
    view.step("stopped", progress(percent=0.0), (FAILED,))
    assert lines == [
        "rollout r1 of people 1.2.0 to shops: begun at 1 %, 1 of 1 devices",
        "shop-1: done",
        "shop-7: rolled back: it sees nothing",
        "5 %: soaks for 3 min more; 1 well, 1 failed, 1 on probation, 1 away, 1 later",
        "rollout r1 of people 1.2.0 to shops: stopped, nobody else takes it",
        "  shop-7: rolled back: it sees nothing",
    ]


def test_what_is_waited_for_is_told_once_a_minute_at_most() -> None:
    lines: list[str] = []
    now_s = iter([0.0, 59.0, 61.0])
    view = PlainView(lines.append, lambda: next(now_s))
    for left in (3, 2, 1):
        view.show(progress(device(1, "waits"), why=f"soaks for {left} min more"))
    assert [line.split(";")[0] for line in lines] == [
        "5 %: soaks for 3 min more",
        "5 %: soaks for 1 min more",
    ]


def test_that_the_broker_has_gone_is_told_at_once_and_that_it_is_back() -> None:
    lines: list[str] = []
    view = PlainView(lines.append, lambda: 0.0)
    for trouble in ("", "connection refused", "connection refused", ""):
        view.show(progress(device(1, "waits"), why="waits", trouble=trouble))
    assert [line.split(";")[0] for line in lines] == [
        "5 %: waits",
        "5 %: waits (connection refused)",
        "5 %: waits",
    ]


def test_programs_get_an_object_a_line() -> None:
    lines: list[str] = []
    view = JsonView(lines.append, lambda: datetime(2026, 1, 2, tzinfo=UTC))
    view.show(progress(why="soaks for 3 min more"))
    view.show(progress(why="soaks for 2 min more"))
    view.step("stopped", progress(percent=0.0), (FAILED,))
    events = [json.loads(line) for line in lines]
    assert [one["event"] for one in events[:6]] == ["device"] * 5 + ["waiting"]
    assert {one["device"]: one["stands"] for one in events[:5]} == {
        "shop-1": "done", "shop-2": "trial", "shop-7": "failed", "shop-3": "away", "shop-9999": "later",
    }  # fmt: skip
    assert events[-1]["event"] == "stopped"
    assert events[-1]["failed"] == [{"device": "shop-7", "why": "rolled back: it sees nothing"}]
    assert sum(events[-1]["devices"].values()) == len(FLEET)
    assert {one["t"] for one in events} == {"2026-01-02T00:00:00Z"}


def shown(*, no_colour: bool) -> str:
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=24, no_color=no_colour)
    with LiveView(console) as view:
        view.show(progress(why="soaks for 3 min more"))
    return out.getvalue()


def test_a_terminal_shows_what_matters_most_first() -> None:
    text = shown(no_colour=True)
    assert "soaks for 3 min more" in text
    assert text.index("shop-7") < text.index("shop-2") < text.index("shop-1") < text.index("shop-9999")


def test_colours_are_there_for_those_who_want_them() -> None:
    red = "\x1b[31m"
    assert red in shown(no_colour=False)
    assert red not in shown(no_colour=True)


def test_a_large_fleet_takes_no_more_than_the_terminal_has() -> None:
    out = StringIO()
    with LiveView(Console(file=out, force_terminal=True, width=80, height=24)) as view:
        view.show(progress(*(device(n, "waits") for n in range(500))))
    assert "and 484 more" in out.getvalue()


@pytest.mark.parametrize(
    ("given", "limit"), [("2%", Limit(2.0, of_hundred=True)), ("3", Limit(3.0, of_hundred=False))]
)
def test_failures_are_limited_by_share_or_by_number(given: str, limit: Limit) -> None:
    assert parser().parse_args(["rollout", "--most-failures", given]).most_failures == limit


@pytest.mark.parametrize(
    "wrong",
    [
        ("--steps", "5,1"), ("--steps", "0,5"), ("--steps", "5,,9"), ("--steps", "101"), ("--soak", "5"),
        ("--most-failures", "-1"), ("--most-failures", "101%"), ("--prefix", "a/#"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_the_exit_code_of_usage(wrong: tuple[str, str]) -> None:
    with pytest.raises(SystemExit, match="64"):
        parser().parse_args(["rollout", *wrong])


def test_a_broker_that_cannot_be_meant_is_named_by_its_option() -> None:
    arguments = parser().parse_args(["rollout", "--broker", "mqtt://x", "--ca-file", "/nowhere"])
    with pytest.raises(ConfigError, match="--ca-file: there is no file /nowhere"):
        mqtt_settings(arguments)
