"""Finds the line on which each key of a TOML text stands; tomllib does not tell.

The text is one that tomllib has read: so this scanner only needs to follow the grammar (TOML 1.0), not
to check it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from tomllib import loads

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_KEY_PART = re.compile(r"""[ \t]*(?:"(?:\\.|[^"\\])*"|'[^']*'|[A-Za-z0-9_-]+)[ \t]*""")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|' r"'''.*?'{3,5}|" r'"(?:\\.|[^"\\])*"|' r"'[^']*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\n]*")
_DEEPEST = 8  # no setting lies deeper


def locate(text: str) -> Mapping[KeyPath, int]:
    """Return the line, from 1 on, of each key path of a valid TOML text.

    A path has the names of the tables and the key, and for arrays of any kind the index:
    `("rules", 0, "a", 1)`.
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.lines


@dataclass(slots=True)
class _Scanner:
    text: str
    place: int = 0
    line: int = 1
    counted_to: int = 0
    lines: dict[KeyPath, int] = field(default_factory=dict)
    tables: dict[KeyPath, int] = field(default_factory=dict)  # how many [[…]] of a path there were

    def document(self) -> None:
        """Follow the whole text."""
        table: KeyPath = ()
        self._skip(_BLANK)
        while self.place < len(self.text):
            if self.text.startswith("[", self.place):
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> KeyPath:
        is_array = self.text.startswith("[[", self.place)
        self.place += 2 if is_array else 1
        names = self._key()
        self.place += 2 if is_array else 1
        parent = self._resolve((), names[:-1])
        path = (*parent, names[-1])
        if is_array:
            index = self.tables.get(path, 0)
            self.tables[path] = index + 1
            self._note(path)
            path = (*path, index)
        self._note(path)
        return path

    def _resolve(self, table: KeyPath, names: KeyPath) -> KeyPath:
        """Return the full path of a header: each array of tables on the way means its newest entry."""
        for name in names:
            table = (*table, name)
            self._note(table)
            if table in self.tables:
                table = (*table, self.tables[table] - 1)
        return table

    def _pair(self, table: KeyPath) -> None:
        self._skip(_BLANK)
        names = self._key()
        for end in range(1, len(names) + 1):
            self._note((*table, *names[:end]))
        self.place += 1  # the equals sign
        self._value((*table, *names))

    def _value(self, path: KeyPath) -> None:
        self._skip(_BLANK)
        opening = self.text[self.place]
        if opening == "[":
            self._items(path, "]")
        elif opening == "{":
            self._items(path, "}")
        else:
            self._skip(_TEXT if opening in "\"'" else _BARE)

    def _items(self, path: KeyPath, closing: str) -> None:
        self.place += 1
        index = 0
        self._skip(_BLANK)
        while self.text[self.place] != closing:
            if closing == "]":
                self._note((*path, index))
                self._value((*path, index))
            else:
                self._pair(path)
            index += 1
            self._skip(_BLANK)
            if self.text[self.place] == ",":
                self.place += 1
                self._skip(_BLANK)
        self.place += 1

    def _key(self) -> tuple[str, ...]:
        names: list[str] = []
        while True:
            names.append(_name(self._skip(_KEY_PART)))
            if not self.text.startswith(".", self.place):
                return tuple(names[:_DEEPEST])
            self.place += 1

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.place)
        if found is None:  # pragma: no cover - the text is valid
            raise ValueError(f"line {self._line()}: not TOML")
        self.place = found.end()
        return found[0]

    def _note(self, path: KeyPath) -> None:
        if len(path) <= _DEEPEST:
            self.lines.setdefault(path, self._line())

    def _line(self) -> int:
        self.line += self.text.count("\n", self.counted_to, self.place)
        self.counted_to = self.place
        return self.line


def _name(part: str) -> str:
    """Return what a part of a key says, out of its quotes."""
    bare = part.strip(" \t")
    if bare[0] == '"':
        return str(loads(f"k = {bare}")["k"])
    return bare.strip("'")
