"""Reads a configuration file, or says everything that is wrong with it."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import msgspec

from eyespot.broker import settings as broker
from eyespot.config import settings as whole
from eyespot.config.bases import problems_with_bases
from eyespot.config.checking import Checker, Problem, Together
from eyespot.config.locate import KeyPath, locate
from eyespot.config.settings import Config
from eyespot.config.wording import dotted, in_place, shown
from eyespot.domain.errors import ConfigError, one_line
from eyespot.host import settings as host
from eyespot.sources import settings as sources

MOST_BYTES = 1024 * 1024
_MOST_PROBLEMS = 100

_TOGETHER: Mapping[type, Together] = {
    Config: whole.problems,
    host.DeviceSettings: host.problems,
    sources.CameraSettings: sources.problems,
    broker.MqttSettings: broker.problems,
}

_PATHS: Mapping[str, tuple[str, ...]] = {
    "camera": ("file",),
    "model": ("bundle",),
    "mqtt": ("password_file", "ca_file", "cert_file", "key_file"),
    "state": ("dir",),
    "update": ("root_file",),
}
_NO_PATH = "factory"  # the one word that may stand where a path can

_FOR_REPLAY: Mapping[str, tuple[dict[str, object], str]] = MappingProxyType(
    {"camera": ({"source": "scene"}, "mount"), "mqtt": ({"url": "mqtt://localhost"}, "prefix")}
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that is right in itself.

    Attributes:
        config: the settings.
        file: where they stand, as it was named.
        lines: key path -> line, from 1 on.
    """

    config: Config
    file: str
    lines: Mapping[KeyPath, int]

    def at(self, *path: str | int) -> str:
        """Return `FILE:LINE` of a key, or of the table it would stand in."""
        return f"{self.file}:{_line(self.lines, path)}"


def load(path: Path, copy: Path | None = None) -> Loaded:
    """Return the configuration in a file.

    Args:
        path: of the file; relative paths in it begin there.
        copy: of the same, to read instead where this process may not read the file itself.

    Raises:
        ConfigError: the file cannot be read, or is wrong: one line for each mistake, as
            `FILE:LINE: what is wrong`.
    """
    return parse(decoded(_read(copy or path), str(path)), str(path), partial(beside, path.parent.absolute()))


def load_for_replay(path: Path) -> Loaded:
    """Return the configuration in a file as far as a replay goes by it: it needs no source and no broker.

    Of [camera] only `mount` counts, of [mqtt] only `prefix`.

    Raises:
        ConfigError: as `load`.
    """
    text = decoded(_read(path), str(path))
    return parse(text, str(path), partial(beside, path.parent.absolute()), stand_ins=_FOR_REPLAY)


def beside(folder: Path, name: str) -> str:
    """Return the path that is meant by what a configuration in a folder names."""
    return name if name.startswith("~") else str(folder / name)


def parse(
    text: str,
    file: str,
    locates: Callable[[str], str] = str,
    stand_ins: Mapping[str, tuple[dict[str, object], str]] = MappingProxyType({}),
) -> Loaded:
    """Return the configuration in a text.

    Args:
        text: TOML.
        file: what to call it in messages.
        locates: tells where a path that is named leads.
        stand_ins: sections that do not count, apart from one key: what stands there instead, the key.

    Raises:
        ConfigError: as `load`.
    """
    try:
        table = tomllib.loads(text)
        lines = locate(text)
        for section, (stand_in, key) in stand_ins.items():
            given = table.get(section, {})
            kept = {key: given[key]} if isinstance(given, dict) and key in given else {}
            table[section] = stand_in | kept
        _locate_paths(table, locates)
        problems = _problems(table, lines)
    except RecursionError as error:
        raise ConfigError(f"{file}: nested too deeply; this is not a configuration") from error
    except ValueError as error:
        raise ConfigError(_syntax(file, text, error)) from error
    refuse(file, lines, problems)
    return Loaded(msgspec.convert(table, Config), file, lines)


def decoded(data: bytes, file: str) -> str:
    """Return the text of a configuration.

    Args:
        data: of the file.
        file: what to call it in messages.

    Raises:
        ConfigError: it is too large, or not UTF-8.
    """
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{file}: larger than 1 MiB; this is not a configuration")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: not UTF-8; save the file as UTF-8") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{path}: {reason}; name a configuration file") from error


def _locate_paths(table: dict[str, object], locates: Callable[[str], str]) -> None:
    for section, keys in _PATHS.items():
        given = table.get(section)
        if not isinstance(given, dict):
            continue
        for key in keys:
            name = given.get(key)
            if isinstance(name, str) and name not in {"", _NO_PATH}:
                given[key] = locates(name)


def refuse(file: str, lines: Mapping[KeyPath, int], problems: Iterable[Problem]) -> None:
    """Raise an error with one line for each problem, in the order of the file; none, nothing.

    Raises:
        ConfigError: there is a problem.
    """
    told = sorted({(_line(lines, problem.path), _told(lines, problem)) for problem in problems})
    texts = [one_line(ConfigError(f"{file}{text}")) for _, text in told]
    if len(texts) > _MOST_PROBLEMS:
        texts[_MOST_PROBLEMS:] = [f"{file}: and {len(texts) - _MOST_PROBLEMS} more"]
    if texts:
        raise ConfigError("\n".join(texts))


def _told(lines: Mapping[KeyPath, int], problem: Problem) -> str:
    """Return what is wrong behind its line; by its place where it stands in no file, as desired rules do."""
    if problem.path[:1] == ("rules",) and ("rules",) not in {path[:1] for path in lines}:
        return f": {in_place(problem.path, problem.text)}"
    return f":{_line(lines, problem.path)}: {problem.text}"


def problems_in(table: dict[str, object]) -> list[Problem]:
    """Return all that is wrong with tables that stand in no file."""
    return _problems(table, {})


def _problems(table: dict[str, object], lines: Mapping[KeyPath, int]) -> list[Problem]:
    checker = Checker(_TOGETHER)
    checker.table(table, Config, ())
    rules = table.get("rules")
    return [*checker.problems, *_same_ids(rules, lines), *problems_with_bases(rules)]


def _same_ids(rules: object, lines: Mapping[KeyPath, int]) -> Iterable[Problem]:
    first: dict[str, int] = {}
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        rule_id = rule.get("id") if isinstance(rule, dict) else None
        if isinstance(rule_id, str) and first.setdefault(rule_id, index) != index:
            taken = ("rules", first[rule_id], "id")
            place = f"the rule in line {_line(lines, taken)}" if lines else dotted(taken)
            yield Problem(("rules", index, "id"), f"id: {shown(rule_id)} is taken by {place}")


def _syntax(file: str, text: str, error: ValueError) -> str:
    """Return what tomllib says, with the line in front."""
    found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error))
    if found is None:
        return one_line(ConfigError(f"{file}: {error}"))
    line = found[1] or text.count("\n") + 1
    column = f" in column {found[2]}" if found[2] else " at the end of the file"
    message = str(error)[: found.start()]
    advice = "; text wants double quotes" if message == "Invalid value" else ""
    return one_line(ConfigError(f"{file}:{line}: {message}{column}{advice}"))


def _line(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
