"""`eyespot tally RULE`: how far the counts are from what a person at the door sees."""

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from eyespot.commands.keys import END, keys, unbuffered
from eyespot.commands.options import Subparsers, add_config, add_seconds
from eyespot.domain.event import Direction
from eyespot.domain.tally_result import Interval, TallyResult
from eyespot.domain.tallying import DIRECTIONS, NEAR_S

if TYPE_CHECKING:
    from eyespot.app.tally import Tally

WAYS: dict[str, Direction] = {"i": "in", "down": "in", "o": "out", "up": "out"}
UNDO, _DONE = {"u", "\x7f", "\b"}, {"q", END}
_TURN_S = 0.2
_HELP = "i: somebody went in   o: out   u: take the last one back   q: done"


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "press a key for each person at the door, and learn how right the counts of a line are"
    parser = commands.add_parser("tally", help=text, description=f"{text}. {_HELP}.")
    parser.add_argument("rule", metavar="RULE", help="id of the line")
    parser.add_argument("--json", action="store_true", help="one object, for programs")
    add_seconds(parser)
    add_config(parser)
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    from eyespot.app.tally import tally as tallying  # noqa: PLC0415 - see `app`

    with tallying(arguments.config, arguments.rule) as tally, unbuffered():
        begun = time.monotonic()
        print(_HELP, file=sys.stderr)
        _take_down(tally, begun + (arguments.seconds or float("inf")))
        lasted_s = time.monotonic() - begun
        print("\nwaiting for what is still to come", file=sys.stderr)
        time.sleep(NEAR_S)  # an event may come so long after whom it is of
    result = tally.result()
    if arguments.json:
        print(json.dumps(_table(arguments.rule, tally, result, lasted_s)))
    else:
        print("\n".join(words(arguments.rule, tally, result, lasted_s)))
    return 0


def _take_down(tally: "Tally", until: float) -> None:
    """Take keys until it is over. What the rule counts is not shown, lest it be what is seen."""
    while (left_s := until - time.monotonic()) > 0:
        for key in keys(min(left_s, _TURN_S)):
            if key == END:
                print("no more keys can come; over ssh they need a terminal: ssh -t", file=sys.stderr)
            if key in _DONE:
                return
            if key in UNDO:
                tally.undo()
            elif key in WAYS:
                tally.saw(WAYS[key])
            seen = tally.result().seen
            print(f"\rin {seen['in']}  out {seen['out']} ", end="", file=sys.stderr, flush=True)


def _table(rule: str, tally: "Tally", result: TallyResult, lasted_s: float) -> dict[str, Any]:
    return {
        "rule": rule,
        "lasted_s": round(lasted_s, 1),
        "n": result.n,
        "seen": result.seen,
        "counted": result.counted,
        "missed": result.missed,
        "extra": result.extra,
        "count_error": result.count_error,
        "wrong": result.wrong._asdict(),
        "bias": result.bias._asdict(),
        "models": tally.models,
        "rule_hash": tally.rule_hash,
        "changed": tally.changed,
    }


def words(rule: str, tally: "Tally", result: TallyResult, lasted_s: float) -> list[str]:
    """Return what came of a tally, as lines."""
    lines = [f"{rule}, {lasted_s / 60:.1f} min, {' then '.join(tally.models) or 'no model heard of'}"]
    lines[0] += f", rule {tally.rule_hash or 'unknown'}"
    lines.append(f"{'':10}{'in':>6}{'out':>6}{'all':>6}")
    for name in ("seen", "counted", "missed", "extra"):
        row = getattr(result, name)
        cells = "".join(f"{row[way]:6}" for way in DIRECTIONS)
        lines.append(f"{name:10}{cells}{sum(row.values()):6}")
    if result.count_error is None:
        return [*lines, "nobody was seen: nothing can be said"]
    lines.append(f"count error {result.count_error:.1%} of {result.n}")
    lines.append(f"missed or extra {_interval(result.wrong, '.1%')}; bias {_interval(result.bias, '+.1%')}")
    if tally.changed or len(tally.models) > 1:
        lines.append("rule or model were changed meanwhile: do it again")
    return lines


def _interval(interval: Interval, form: str) -> str:
    share, low, high = (format(one, form) for one in interval)
    return f"{share} (95 %: {low} to {high})"
