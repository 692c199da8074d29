"""What a diagnosis holds: self-test, configuration, log and a day of health; no secret, and no image."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from eyespot.app.selftest import BESIDE_THE_SERVICE, selftest
from eyespot.broker.credentials import secret_words
from eyespot.config import Config, to_report
from eyespot.domain.instants import rfc3339
from eyespot.domain.notice import NOTICE
from eyespot.host.log_ring import Kept, LogRing
from eyespot.supervisor.health_day import HealthDay
from eyespot.topics import diagnosis as told

_MOST_BYTES = 12 * 1024  # of a piece; the gate lets more pass
_MOST_OF_A_TABLE = _MOST_BYTES - 64  # its name comes with it
_HIDDEN = "…"
_LEVELS = (
    (logging.ERROR, "error"),
    (logging.WARNING, "warning"),
    (NOTICE, "notice"),
    (logging.INFO, "info"),
)

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a diagnosis is taken from.

    Attributes:
        file: the configuration's.
        config: the one in force.
        ring: the newest lines of the log.
        day: of health.
        environ: of the process.
    """

    file: Path
    config: Config
    ring: LogRing
    day: HealthDay
    environ: Mapping[str, str]


def gather(sources: Sources) -> Sequence[told.Piece]:
    """Return all pieces, in order; it may take seconds."""
    hide = _hider(secret_words(sources.config.mqtt, sources.environ))
    found = list(_found(sources, hide))
    lines = [_line(kept, hide) for kept in sources.ring.lines]
    pieces: list[told.Piece] = [told.Selftest(found=rows) for rows in packed(found)]
    pieces += [told.Settings(config=tables) for tables in _tables(sources.config)]
    pieces += [told.Log(lines=rows) for rows in packed(lines)]
    pieces += [told.HealthDay(spells=rows) for rows in packed(sources.day.spells())]
    return pieces


def packed(rows: Iterable[_Row]) -> Iterator[tuple[_Row, ...]]:
    """Yield the rows in as few pieces as their bound in bytes allows; a row that is larger is left out."""
    piece: list[_Row] = []
    size = 0
    for row in rows:
        more = len(msgspec.json.encode(row)) + 1
        if more > _MOST_BYTES:
            continue
        if size + more > _MOST_BYTES:
            yield tuple(piece)
            piece, size = [], 0
        piece.append(row)
        size += more
    if piece:
        yield tuple(piece)


def _found(sources: Sources, hide: Callable[[str], str]) -> Iterator[told.Found]:
    for finding in selftest(
        sources.file, optional=False, environ=sources.environ, only=BESIDE_THE_SERVICE, limit_s=2.0
    ):
        words = hide(finding.words)[:300]
        yield told.Found(name=finding.name, verdict=finding.verdict, words=words)


def _tables(config: Config) -> Iterator[dict[Any, Any]]:
    tables = to_report(config)
    rules = tables.pop("rules")
    for rows in packed((name, _fitting(table)) for name, table in tables.items()):
        yield dict(rows)
    for some in packed(map(_fitting, rules)):
        yield {"rules": some}


def _fitting(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table or a rule; of one that is too large `left_out` names what is missing, largest first."""
    by_size = sorted(table, key=lambda key: len(msgspec.json.encode(table[key])))
    left_out: list[str] = []
    fitting = table
    while len(msgspec.json.encode(fitting)) > _MOST_OF_A_TABLE:
        left_out.append(by_size.pop())
        fitting = {key: table[key] for key in table if key in by_size} | {"left_out": left_out}
    return fitting


def _line(kept: Kept, hide: Callable[[str], str]) -> told.LogLine:
    level: Any = next((name for floor, name in _LEVELS if kept.level >= floor), "debug")
    return told.LogLine(
        t=rfc3339(kept.utc_ns), level=level, source=kept.source[-64:], text=hide(kept.text)[:300]
    )


def _hider(words: Iterable[str]) -> Callable[[str], str]:
    """Return what takes these words out of a text, the longest first."""
    longest_first = sorted(words, key=len, reverse=True)

    def hide(text: str) -> str:
        for word in longest_first:
            text = text.replace(word, _HIDDEN)
        return text

    return hide
