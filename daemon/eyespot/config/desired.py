"""Lays the desired configuration over the one in the file, or says why that cannot be."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from eyespot.broker.settings import SECRETS
from eyespot.config.loading import Loaded, problems_in
from eyespot.config.settings import Config
from eyespot.config.wording import in_place
from eyespot.domain.errors import ConfigError, one_line
from eyespot.topics.desired import MAY_BE_DESIRED

UNSEEN: Mapping[str, tuple[str, ...]] = {"mqtt": SECRETS}
_MOST_TOLD = 5


class DesiredRefusedError(ConfigError):
    """It was understood, and is not for a broker to say."""


def lay_over(loaded: Loaded, desired: Mapping[str, Any]) -> Loaded:
    """Return a configuration under the tables of a desired one: `rules` as a whole, others key by key.

    Raises:
        DesiredRefusedError: it would change what it must not.
        ConfigError: it is wrong, in one line.
    """
    _refuse_foreign(loaded.config, desired)
    table = as_tables(loaded.config)
    for name, wanted in desired.items():
        table[name] = {**table[name], **wanted} if isinstance(wanted, dict) and name != "rules" else wanted
    told = [in_place(problem.path, problem.text) for problem in problems_in(table)]
    if told:
        more = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
        raise ConfigError(one_line(ConfigError("; ".join(told[:_MOST_TOLD]) + more)))
    lines = {path: line for path, line in loaded.lines.items() if path[:1] != ("rules",)}
    file = f"{loaded.file} under config/desired"
    return replace(loaded, config=msgspec.convert(table, Config), file=file, lines=lines)


def as_tables(config: Config) -> dict[str, Any]:
    """Return a configuration by table, without the keys that are not set."""
    tables: dict[str, Any] = msgspec.to_builtins(config)
    return {
        name: [_set(rule) for rule in table] if isinstance(table, list | tuple) else _set(table)
        for name, table in tables.items()
    }


def to_report(config: Config) -> dict[Any, Any]:
    """Return a configuration by table, without where its secrets lie."""
    tables = as_tables(config)
    for name, keys in UNSEEN.items():
        tables[name] = {key: value for key, value in tables[name].items() if key not in keys}
    return tables


def _refuse_foreign(config: Config, desired: Mapping[str, Any]) -> None:
    for name, wanted in desired.items():
        if name not in MAY_BE_DESIRED:
            raise DesiredRefusedError(
                f"[{name[:40]}] is the device's own; there are {', '.join(MAY_BE_DESIRED)}"
            )
        if name != "rules" and isinstance(wanted, dict):
            allowed = MAY_BE_DESIRED[name]
            foreign = next(filter(partial(_is_foreign, allowed), wanted), None)
            if foreign is not None:
                only = ", ".join(allowed)
                raise DesiredRefusedError(f"[{name}] {foreign[:40]} is the device's own; there is {only}")
    for table, key, is_on in (
        ("topics", "frame", config.topics.frame),
        ("trajectories", "keep", config.trajectories.keep),
        ("trajectories", "aim", config.trajectories.aim),
    ):
        if not is_on and _wanted(desired, table, key) is True:
            raise DesiredRefusedError(
                f"[{table}] {key} can be switched off from here, and on only in the file"
            )
    hours = _wanted(desired, "trajectories", "hours")
    if isinstance(hours, int | float) and hours > config.trajectories.hours:
        raise DesiredRefusedError(
            f"[trajectories] hours can be made less from here; the file says {config.trajectories.hours}"
        )


def _wanted(desired: Mapping[str, Any], table: str, key: str) -> Any:
    keys = desired.get(table)
    return keys.get(key) if isinstance(keys, dict) else None


def _is_foreign(allowed: tuple[str, ...], key: str) -> bool:
    return key not in allowed


def _set(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value is not None}
