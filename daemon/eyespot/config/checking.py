"""Checks tables key by key against their types, so that every mistake is told at once.

msgspec stops at the first mistake. So each key is converted by itself here; what the keys are, and what
they may hold, comes from the types alone. Where a word is nearly a known one, the check goes on as if
that had been written, lest one mistake hide others or cause more.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_type_hints

import msgspec
from msgspec import inspect

from eyespot.config.locate import KeyPath
from eyespot.config.wording import placed, plain, shown, wanted
from eyespot.domain.nearest import hint, nearest

Together = Callable[[Any], list[tuple[str, str]]]

_WRONG = object()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a key, or at a table when a key is missing."""

    path: KeyPath
    text: str


@dataclass(slots=True)
class Checker:
    """Collects the problems of one configuration.

    Attributes:
        together: settings type -> what is wrong with keys that are good one by one, as key and message.
        problems: found so far.
    """

    together: Mapping[type, Together]
    problems: list[Problem] = field(default_factory=list)

    def table(self, value: object, kind: type[msgspec.Struct], path: KeyPath) -> object:
        """Check a table; return it with nearly right words put right, or a mark that it cannot be."""
        if not isinstance(value, dict):
            return self._wrong(path, f"{path[-1]}: want one table that begins with {placed(path)}")
        info = cast("inspect.StructType", inspect.type_info(kind))
        by_name = get_type_hints(kind, include_extras=True)
        hints = {one.encode_name: by_name[one.name] for one in info.fields}
        written = self._written(value, info, path)
        good: dict[str, object] = {}
        for name, key in written.items():
            good[name] = self._value(value[key], hints[name], (*path, key))
        self._tell_missing(info, written, path)
        bad = {name for name, entry in good.items() if entry is _WRONG}
        if any(isinstance(plain(inspect.type_info(hints[name])), inspect.LiteralType) for name in bad):
            return _WRONG  # what goes together depends on such choices
        return self._together({k: v for k, v in good.items() if k not in bad}, info, bad, path)

    def _written(self, value: dict[str, object], info: inspect.StructType, path: KeyPath) -> dict[str, str]:
        """Return known name -> key as written; tell which keys are unknown."""
        known = [one.encode_name for one in info.fields]
        names = [info.tag_field, *known] if info.tag_field else known
        written = {key: key for key in value if key in known}
        for key in value.keys() - set(names):
            self._tell((*path, key), _unknown(key, value[key], names, path))
            guess = nearest(key, names)
            if guess in known and guess not in written:
                written[guess] = key
        return written

    def _tell_missing(self, info: inspect.StructType, written: Mapping[str, str], path: KeyPath) -> None:
        missing = [one.encode_name for one in info.fields if one.required and one.encode_name not in written]
        for name in missing:
            text = f"{placed(path)} lacks {name}" if path else f"section [{name}] is missing"
            self._tell(path, text)

    def _together(
        self, good: dict[str, object], info: inspect.StructType, bad: set[str], path: KeyPath
    ) -> object:
        if info.tag_field:
            good[info.tag_field] = info.tag
        if any(one.required and one.encode_name not in good for one in info.fields):
            return _WRONG
        try:
            settings = msgspec.convert(good, info.cls)
        except msgspec.ValidationError as error:
            text = str(error).split(" - at `")[0]
            if bad & set(re.findall(r"\w+", text)):
                return _WRONG  # it follows from a mistake that is told already
            return self._wrong(path, f"{placed(path)}: {text}")
        check = self.together.get(info.cls)
        for name, text in check(settings) if check else ():
            if name not in bad:
                self._tell((*path, name), f"{name}: {text}")
        return good

    def _value(self, value: object, type_hint: Any, path: KeyPath) -> object:
        kind = plain(inspect.type_info(type_hint))
        if isinstance(kind, inspect.StructType):
            return self.table(value, kind.cls, path)
        if isinstance(kind, inspect.ListType | inspect.VarTupleType):
            kinds = _structs(kind.item_type)
            if kinds:
                return self._tables(value, kinds, kind.max_length, path)
        try:
            msgspec.convert(value, type_hint)
        except msgspec.ValidationError:
            return self._not_wanted(value, inspect.type_info(type_hint), type_hint, path)
        oddity = _oddity(value)
        return self._wrong(path, f"{path[-1]}: {oddity}") if oddity else value

    def _not_wanted(self, value: object, kind: inspect.Type, type_hint: Any, path: KeyPath) -> object:
        text = _not_wanted(path, kind, value)
        bare = plain(kind)
        if isinstance(bare, inspect.LiteralType) and isinstance(value, str):
            guess = nearest(value, map(str, bare.values))
            self._tell(path, f'{text}; did you mean "{guess}"?' if guess else text)
            return guess or _WRONG
        lowered = _lowered(value)
        if lowered != value and _converts(lowered, type_hint):
            self._tell(path, f"{text}; did you mean {shown(lowered)}?")
            return lowered
        return self._wrong(path, text)

    def _tables(
        self, value: object, kinds: Sequence[inspect.StructType], most: int | None, path: KeyPath
    ) -> object:
        if not isinstance(value, list):
            return self._wrong(path, f"{path[-1]}: want tables that begin with {placed((*path, 0))} each")
        if most is not None and len(value) > most:
            return self._wrong(path, f"{path[-1]}: want {most} at most, got {len(value)}")
        checked = [self._tagged(entry, kinds, (*path, index)) for index, entry in enumerate(value)]
        return [entry for entry in checked if entry is not _WRONG]

    def _tagged(self, value: object, kinds: Sequence[inspect.StructType], path: KeyPath) -> object:
        """Check a table whose kind is told by one of its keys."""
        tag_field = str(kinds[0].tag_field)
        by_tag = {str(kind.tag): kind.cls for kind in kinds}
        if not isinstance(value, dict):
            return self._wrong(path, f"want a table that begins with {placed(path)}, got {shown(value)}")
        tag = value.get(tag_field)
        if tag is None:
            self._tell(path, f"{placed(path)} lacks {tag_field}; known: {', '.join(by_tag)}")
        elif not isinstance(tag, str) or tag not in by_tag:
            self._tell((*path, tag_field), f"unknown {tag_field} {shown(tag)}{hint(str(tag), by_tag)}")
        only = next(iter(by_tag)) if len(by_tag) == 1 else None
        meant = nearest(str(tag), by_tag) or only
        return self.table(value, by_tag[meant], path) if meant else _WRONG

    def _tell(self, path: KeyPath, text: str) -> None:
        self.problems.append(Problem(path, text))

    def _wrong(self, path: KeyPath, text: str) -> object:
        self._tell(path, text)
        return _WRONG


def _unknown(key: str, value: object, names: Sequence[str], path: KeyPath) -> str:
    if path:
        return f"unknown key {shown(key)} in {placed(path)}{hint(key, names)}"
    what = (
        f"section [{key}]" if isinstance(value, dict | list) else f"key {shown(key)} outside of all sections"
    )
    return f"unknown {what}{hint(key, names)}"


def _not_wanted(path: KeyPath, kind: inspect.Type, value: object) -> str:
    return f"{path[-1]}: want {wanted(kind)}, got {shown(value)}"


def _structs(kind: inspect.Type) -> list[inspect.StructType]:
    bare = plain(kind)
    kinds = bare.types if isinstance(bare, inspect.UnionType) else (bare,)
    return [one for one in kinds if isinstance(one, inspect.StructType)]


def _converts(value: object, type_hint: Any) -> bool:
    try:
        msgspec.convert(value, type_hint)
    except msgspec.ValidationError:
        return False
    return True


def _oddity(value: object) -> str | None:
    """Return why a value of the right type is still of no use anywhere."""
    if value is None:  # JSON has it, and a file has not: to msgspec it is the default of keys that have none
        return "want a value, got null; leave the key out"
    if isinstance(value, list):
        return next(filter(None, map(_oddity, value)), None)
    if isinstance(value, str) and not value.isprintable():
        return f"want no control characters, got {shown(value)}"
    return None


def _lowered(value: object) -> object:
    if isinstance(value, list):
        return [_lowered(entry) for entry in value]
    return value.lower() if isinstance(value, str) else value
