"""The list of devices: CSV as people and spreadsheets write it."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eyespot.broker import settings as broker
from eyespot.broker.credentials import LONGEST_PASSWORD
from eyespot.broker.settings import MqttSettings
from eyespot.config.checking import Checker
from eyespot.domain.errors import InputError, one_line
from eyespot.domain.nearest import hint
from eyespot.host import settings as host
from eyespot.host.settings import DeviceSettings
from eyespot_fleet.disk import read_file

COLUMNS: Final = ("id", "name", "timezone", "url", "username", "password")

_DEVICE = ("id", "name", "timezone")
_MQTT = ("url", "username")
_SEPARATORS = ",;\t"
_MOST_TOLD = 100
_ANY_URL = "mqtt://localhost"


@dataclass(frozen=True, slots=True)
class Device:
    """One line of the list. Empty cells leave it to the template.

    Attributes:
        place: FILE:LINE, for messages.
        device: keys of `[device]`.
        mqtt: keys of `[mqtt]`.
        password: empty where there is none.
    """

    place: str
    device: dict[str, str]
    mqtt: dict[str, str]
    password: str

    @property
    def id(self) -> str:
        """The device's id: fit for topics and, as it has no dots and slashes, for the name of a folder."""
        return self.device["id"]


def read_roster(path: Path) -> list[Device]:
    """Return the devices in a file.

    The first line names the columns, in any order; `id` is required, the others are in COLUMNS. Commas,
    semicolons or tabs are between them; UTF-8 with or without a byte order mark; empty lines are passed over.

    Raises:
        InputError: one line for each mistake, as `FILE:LINE: what is wrong`.
    """
    rows = list(_rows(_text(path), path))
    if not rows:
        raise InputError(f"{path}: empty; want a first line with columns, such as id,name")
    (place, header), *others = rows
    columns = [name.strip().lower() for name in header]
    _refuse([f"{place}: {text}" for text in _wrong_columns(columns)], path)
    if not others:
        raise InputError(f"{path}: there is no device in it: want a line for each")
    _refuse(list(_wrong_rows(columns, others)), path)
    return [_device(place, _cells(columns, row)) for place, row in others]


def _refuse(problems: Sequence[str], path: Path) -> None:
    told = [one_line(InputError(text)) for text in problems[:_MOST_TOLD]]
    if len(problems) > _MOST_TOLD:
        told.append(f"{path}: and {len(problems) - _MOST_TOLD} more")
    if told:
        raise InputError("\n".join(told))


def _text(path: Path) -> str:
    data = read_file(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f'{path}:{line}: not UTF-8; save it as "CSV UTF-8"') from error


def _rows(text: str, path: Path) -> Iterator[tuple[str, list[str]]]:
    """Give FILE:LINE and cells of each row that is not empty."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begin = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield f"{path}:{begin}", row
            begin = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}:{begin}: {error}; are the quotes right?") from error


def _wrong_columns(columns: Sequence[str]) -> Iterator[str]:
    for number, name in enumerate(columns):
        if name and name not in COLUMNS:
            yield f'unknown column "{name}"{hint(name, COLUMNS)}'
        elif name and name in columns[:number]:
            yield f'two columns are called "{name}"'
    if "id" not in columns:
        yield "there is no column id"


def _wrong_rows(columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    first: dict[str, str] = {}
    for place, row in rows:
        yield from (f"{place}: {text}" for text in _wrong_row(columns, row))
        device_id = _cells(columns, row).get("id", "")
        taken = first.setdefault(device_id, place)
        if device_id and taken != place:
            yield f'{place}: id: "{device_id}" is taken by line {taken.rpartition(":")[2]}'


def _wrong_row(columns: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    nameless = (cell for number, cell in enumerate(row) if not "".join(columns[number : number + 1]))
    if any(cell.strip() for cell in nameless):
        # what it is, it does not say: it may be the rest of a password
        yield "a cell stands in no column; is a separator too many, or are quotes missing?"
    cells = _cells(columns, row)
    if "id" not in cells:
        yield "id: missing"
        return
    checker = Checker({DeviceSettings: host.problems, MqttSettings: broker.problems})
    checker.table(_part(cells, _DEVICE), DeviceSettings, ("device",))
    checker.table({"url": _ANY_URL} | _part(cells, _MQTT), MqttSettings, ("mqtt",))
    yield from (problem.text for problem in checker.problems)
    yield from _wrong_password(cells.get("password", ""))


def _wrong_password(password: str) -> Iterator[str]:
    if not password.isprintable():
        yield "password: want one line without control characters"
    if len(password.encode()) > LONGEST_PASSWORD:
        yield f"password: longer than {LONGEST_PASSWORD} bytes"


def _cells(columns: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    """Return the cells that say something; what is around them does not count, but of a password."""
    cells = dict(zip(columns, row, strict=False))
    kept = {name: cell if name == "password" else cell.strip() for name, cell in cells.items()}
    return {name: cell for name, cell in kept.items() if name and cell}


def _part(cells: dict[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: cells[name] for name in names if name in cells}


def _device(place: str, cells: dict[str, str]) -> Device:
    return Device(place, _part(cells, _DEVICE), _part(cells, _MQTT), cells.get("password", ""))
