"""JSON that means one thing only: what parsers read differently is refused before anybody reads it."""

import json
from typing import Any, NoReturn

import msgspec

_MOST_EXACT = 1 << 53


def plain(payload: bytes) -> Any:
    """Return what a text of JSON means, a number without a fraction as an integer, as JSON Schema takes it.

    The size has to be bounded already.

    Raises:
        ValueError: it is not JSON that means one thing only, see `refuse_ambiguous`.
        RecursionError: it is nested too deeply to tell.
    """
    refuse_ambiguous(payload)
    return _with_integers(msgspec.json.decode(payload))


def refuse_ambiguous(payload: bytes) -> None:
    """See that a text is JSON in UTF-8 without NaN, infinities and keys that come twice.

    The size has to be bounded already.

    Raises:
        ValueError: it is not.
        RecursionError: it is nested too deeply to tell.
    """
    json.loads(payload.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)


def _with_integers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < _MOST_EXACT:
        return int(value)
    if isinstance(value, dict):
        return {key: _with_integers(each) for key, each in value.items()}
    return [_with_integers(each) for each in value] if isinstance(value, list) else value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:40]!a} comes twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
