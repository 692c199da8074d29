"""What an enemy would say on the topics that a device listens to: by number, the same each time.

Each begins as a command that would be taken, and comes to one harm that must keep it from being done.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

VALID: dict[str, dict[str, Any]] = {
    "cmd/model/update": {"args": {}},
    "cmd/model/rollback": {"args": {}},
    "cmd/counters/reset": {"args": {"rule": "door"}},
    "cmd/restart": {"args": {}},
    "cmd/view/relearn": {"args": {}},
    "cmd/log": {"args": {"level": "debug"}},
    "cmd/diagnose": {"args": {}},
    "cmd/aim": {"args": {"minutes": 60}},
    "cmd/tally": {"args": {"rule": "door", "press": "begin"}},
    "cmd/trajectories": {"args": {"after": 0, "since": "1970-01-01T00:00:00Z"}},
    "model/desired": {"bundle": "people", "version": "9.9.9"},
    "config/desired": {"config": {"model": {"min_score": 0.5}, "topics": {"health_s": 30}}},
}
ANSWERS = (None, None, None, "clerk/desk-7", "eyespot/v1/other/cmd/restart", "eyespot/v1/shop/status")
_LARGEST = 5 * 2**20


@dataclass(frozen=True, slots=True)
class Hostile:
    """Something hostile: where it is said, and how."""

    harm: str
    suffix: str
    payload: bytes
    retain: bool = False
    answer_to: str | None = None


def hostile(seed: int, count: int, huge: int = 20) -> Iterator[Hostile]:
    """Yield so many; `huge` of them have 5 MB."""
    rng = random.Random(seed)
    for number in range(count):
        suffix = rng.choice(tuple(VALID))
        command = {"req_id": f"r{number}", **VALID[suffix]}
        if number % max(1, count // huge) == 0:
            yield Hostile("5 MB", suffix, padded(command, _LARGEST))
            continue
        harm = rng.choice(tuple(HARMS))
        answer_to = rng.choice(ANSWERS)
        yield Hostile(harm, suffix, HARMS[harm](rng, suffix, command), answer_to=answer_to)


def elsewhere(seed: int, count: int) -> Iterator[Hostile]:
    """Yield commands that would be taken, were they not kept by the broker, or said at no topic of ours."""
    rng = random.Random(seed)
    commands = [suffix for suffix in VALID if suffix.startswith("cmd/")]
    for number in range(count):
        suffix = rng.choice(commands)
        payload = as_bytes({"req_id": f"e{number}", **VALID[suffix]})
        if rng.random() < 0.5:
            yield Hostile("kept by the broker", suffix, payload, retain=True)
        else:
            wrong = rng.choice(
                (f"{suffix}/", suffix.upper(), f"{suffix}/../restart", "cmd/" + "a/" * 99, "cmd/x")
            )
            yield Hostile("another topic", wrong, payload)


def as_bytes(command: Any) -> bytes:
    """Return a command as its sender would have it."""
    return json.dumps(command).encode()


def padded(command: dict[str, Any], size: int) -> bytes:
    """Return a command with so many bytes of white space in it."""
    return as_bytes(command)[:-1] + b" " * size + b"}"


def _with(command: dict[str, Any], rng: random.Random, raw: str) -> bytes:
    """Put a piece of JSON in the place of a value, or behind a new key, at the top or further down."""
    mark = "@here@"
    table = json.loads(json.dumps(command))
    where = table
    inner = [value for value in table.values() if isinstance(value, dict)]
    if inner and rng.random() < 0.5:
        where = rng.choice(inner)
    where[rng.choice([*where, "x"])] = mark
    return json.dumps(table).replace(f'"{mark}"', raw).encode(errors="surrogatepass")


def _deep(rng: random.Random, _: str, command: dict[str, Any]) -> bytes:
    depth = rng.choice((60, 500, 1_100, 3_000, 7_000))
    begin, end = rng.choice((("[", "]"), ('{"a":', "}")))
    depth = min(depth, 15_000 // len(begin + end))
    return _with(command, rng, begin * depth + "1" + end * depth)


def _no_number(rng: random.Random, _: str, command: dict[str, Any]) -> bytes:
    return _with(command, rng, rng.choice(("NaN", "Infinity", "-Infinity", "1e999", "-1e9999")))


def _huge_number(rng: random.Random, _: str, command: dict[str, Any]) -> bytes:
    return _with(command, rng, rng.choice(("9" * 5_000, "-" + "9" * 400, str(2**64), "1" + "0" * 15_000)))


def _twice(rng: random.Random, _: str, command: dict[str, Any]) -> bytes:
    text = json.dumps(command)
    key = rng.choice(list(command))
    again = f"{json.dumps(key)}: {json.dumps(command[key])}"
    if rng.random() < 0.5:
        again = r'"\u0072eq_id": "r"' if key == "req_id" else again
    return f"{text[:-1]}, {again}}}".encode()


def _half_a_letter(rng: random.Random, _: str, command: dict[str, Any]) -> bytes:
    return _with(command, rng, rng.choice((r'"\ud800"', r'"a\udfff"', r'"\udc00\ud800"', '"\ud800"')))


def _no_utf8(rng: random.Random, _: str, command: dict[str, Any]) -> bytes:
    data = as_bytes(command)
    how = rng.randrange(5)
    if how == 0:
        return data.decode().encode(rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-32-be")))
    if how == 1:
        return b"\xef\xbb\xbf" + data
    at = data.index(b"req_id") + rng.randrange(6)
    return (
        data[:at] + rng.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80")) + data[at:]
    )


def _wrong_type(rng: random.Random, suffix: str, command: dict[str, Any]) -> bytes:
    wrong: Any = rng.choice((17, -0.5, True, [], [{}], "x"))
    if rng.random() < 0.3:
        return as_bytes(rng.choice((wrong, None, "latest", [command], json.dumps(command))))
    keys = {"args", "config"} & set(command) or {"bundle"}
    if suffix == "model/desired":
        wrong = rng.choice((17, [], {}, "../../etc", "People", ""))
    return as_bytes(command | {keys.pop(): wrong})


def _unknown_key(rng: random.Random, _: str, command: dict[str, Any]) -> bytes:
    key = rng.choice(
        ("url", "path", "image", "file", "exec", "__class__", "Req_id", "args ", "retain", "", "\0")
    )
    value = rng.choice(("https://evil.example/m.tflite", "/etc/shadow", {"a": 1}, None, 1))
    if "args" in command and rng.random() < 0.5:
        return as_bytes(command | {"args": command["args"] | {key: value}})
    return as_bytes(command | {key: value})


def _long(rng: random.Random, _: str, command: dict[str, Any]) -> bytes:
    """A key or a value that no answer has room for."""
    letters = rng.choice(("x", "\N{PILE OF POO}", '"', "\n", "\\")) * rng.choice((250, 300, 400, 2_000))
    if rng.random() < 0.5:
        return _with(command, rng, json.dumps(letters))
    return as_bytes(command | {letters: 1})


def _bad_id(rng: random.Random, _: str, command: dict[str, Any]) -> bytes:
    bad = ("#", "+", "a/b", "/", "", "..\\x", "a" * 65, "a\0b", "a\n", " ", "$SYS", "é", 17, [], {"a": "b"})
    return as_bytes(command | {"req_id": rng.choice(bad)})


def _cut(rng: random.Random, _: str, command: dict[str, Any]) -> bytes:
    data = as_bytes(command)
    return data[: rng.randrange(1, len(data))]


def _more_behind(rng: random.Random, _: str, command: dict[str, Any]) -> bytes:
    return as_bytes(command) + rng.choice((b"x", b"{}", b"//", b"\0", as_bytes(command), b",", b"]"))


def _too_large(rng: random.Random, _: str, command: dict[str, Any]) -> bytes:
    return padded(command, rng.choice((16_385, 20_000, 100_000)))


def _no_table(rng: random.Random, _: str, __: dict[str, Any]) -> bytes:
    return rng.choice(
        (b"null", b"[]", b'"restart"', b"0", b" ", b"\n", b"true", b"LATEST", b"PRESS", b"\0" * 64)
    )


def _noise(rng: random.Random, _: str, __: dict[str, Any]) -> bytes:
    return b"\x80" + rng.randbytes(rng.randrange(1, 2_000))


def _another_value(rng: random.Random, suffix: str, command: dict[str, Any]) -> bytes:
    """Well-formed, and not for a broker to say; of what has no arguments, too late."""
    match suffix:
        case "config/desired":
            other: dict[str, Any] = {"config": rng.choice(_NOT_TO_BE_DESIRED)}
        case "cmd/counters/reset":
            other = {"args": {"rule": rng.choice(("door/#", "+", "window", "Door", "do\0or", 3, ""))}}
        case "cmd/log":
            other = {"args": {"level": rng.choice(("trace", "DEBUG", "", 10, None, "debug\n"))}}
        case "model/desired":
            other = {"version": rng.choice(("latest", "1.2", "1.2.0.0", "../1.2.0", "9" * 40, 1.2))}
        case _:
            other = {"expires": rng.choice(("1969-01-01T00:00:00Z", "soon", "2999-01-01", 4 * 10**15))}
    return as_bytes(command | other)


_NOT_TO_BE_DESIRED: tuple[dict[str, Any], ...] = (
    {"mqtt": {"url": "mqtt://evil.example"}},
    {"mqtt": {}},
    {"device": {"id": "other"}},
    {"state": {"dir": "/tmp"}},
    {"update": {"allow_unsigned": True}},
    {"topics": {"frame": True}},
    {"topics": {"health_s": 0}},
    {"camera": {"file": "/etc/shadow"}},
    {"camera": {"source": "video"}},
    {"model": {"bundle": "/tmp/evil"}},
    {"model": {"min_score": -1}},
    {"rules": [{"kind": "line", "id": "a/b", "a": [0, 0], "b": [1, 1]}]},
    {"rules": [{"kind": "line", "id": "w", "a": [0, 0], "b": [1, 1], "classes": ["unicorn"]}]},
    {"rules": [{"kind": "line", "id": "w", "a": [0, 0], "b": [1, 1]}] * 101},
    {"rules": {"0": 1}},
    {"\0": {}},
)

HARMS: dict[str, Callable[[random.Random, str, dict[str, Any]], bytes]] = {
    "deep": _deep,
    "no number": _no_number,
    "a huge number": _huge_number,
    "a key twice": _twice,
    "half a letter": _half_a_letter,
    "no UTF-8": _no_utf8,
    "another type": _wrong_type,
    "an unknown key": _unknown_key,
    "too long": _long,
    "a bad id": _bad_id,
    "cut off": _cut,
    "more behind it": _more_behind,
    "too large": _too_large,
    "no table": _no_table,
    "noise": _noise,
    "another value": _another_value,
}
