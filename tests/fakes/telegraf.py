"""What Telegraf makes of a message, as far as config/examples/telegraf asks for it: it cannot be had here.

Written after its parser json_v2 and its input mqtt_consumer: one point a message and `json_v2` table; null is
left out, and so is a point without a field; what is not there is an error unless it is `optional`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_TYPES = {"int": int, "float": float, "string": str}


@dataclass(frozen=True)
class Point:
    """A row of InfluxDB; `at_ms` is None where it is when it was heard."""

    name: str
    tags: dict[str, str]
    fields: dict[str, int | float | str]
    at_ms: int | None

    def line(self) -> str:
        """Return the point in the line protocol, precision ms."""
        tags = "".join(f",{key}={_escaped(value)}" for key, value in sorted(self.tags.items()))
        fields = ",".join(f"{_escaped(key)}={_written(value)}" for key, value in self.fields.items())
        return f"{self.name}{tags} {fields}" + (f" {self.at_ms}" if self.at_ms is not None else "")


class PathError(KeyError):
    """A path that must be there is not."""


def points(consumer: dict[str, Any], topic: str, payload: bytes) -> Iterator[Point]:
    """Yield what an `[[inputs.mqtt_consumer]]` makes of a message; nothing where it does not subscribe to it.

    Raises:
        PathError: the message lacks something.
    """
    if not any(matches(wanted, topic) for wanted in consumer["topics"]):
        return
    value = json.loads(payload)
    passing = consumer.get("tagpass", {})
    for table in consumer["json_v2"]:
        point = _point(table, value, _named(consumer["topic_parsing"], topic))
        if point.fields and all(point.tags.get(tag) in allowed for tag, allowed in passing.items()):
            yield point


def matches(wanted: str, topic: str) -> bool:
    """Tell whether a topic fits a filter without `#`."""
    return re.fullmatch(wanted.replace("+", "[^/]+"), topic) is not None


def _named(parsings: list[dict[str, str]], topic: str) -> dict[str, str]:
    tags = {}
    for parsing in parsings:
        if matches(parsing["topic"], topic):
            pairs = zip(parsing["tags"].split("/"), topic.split("/"), strict=False)
            tags |= {name: level for name, level in pairs if name != "_"}
    return tags


def _point(table: dict[str, Any], value: Any, tags: dict[str, str]) -> Point:
    fields: dict[str, int | float | str] = {}
    for tag in table.get("tag", ()):
        if (found := find(tag, value)) is not None:
            tags[_name(tag)] = str(found)
    for field in table.get("field", ()):
        if (found := find(field, value)) is not None:
            fields[_name(field)] = _TYPES[field["type"]](found)
    for part in table.get("object", ()):
        fields |= dict(_flat(find(part, value) or {}, ""))
    return Point(table["measurement_name"], tags, fields, _at_ms(table, value))


def find(part: dict[str, Any], value: Any) -> Any:
    """Return what is at the `path` of a tag, field or object; None where that is not there and need not be.

    Raises:
        PathError: it must be there.
    """
    for key in part["path"].split("."):
        if key == "#":
            value = len(value)
        elif isinstance(value, dict) and key in value:
            value = value[key]
        elif part.get("optional"):
            return None
        else:
            raise PathError(part["path"])
    return value


def _name(part: dict[str, Any]) -> str:
    return part.get("rename") or part["path"].rpartition(".")[2]


def _flat(value: dict[str, Any], before: str) -> Iterator[tuple[str, float]]:
    for key, entry in value.items():
        name = before + key.replace(" ", "_")
        if isinstance(entry, dict):
            yield from _flat(entry, f"{name}_")
        else:
            yield name, float(entry)


def _at_ms(table: dict[str, Any], value: Any) -> int | None:
    if "timestamp_path" not in table:
        return None
    assert table["timestamp_format"] == "2006-01-02T15:04:05.000Z"
    return round(datetime.fromisoformat(value[table["timestamp_path"]]).timestamp() * 1000)


def _escaped(text: str) -> str:
    return re.sub(r"([ ,=])", r"\\\1", text)


def _written(value: float | str) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    return f"{value}i" if isinstance(value, int) else repr(value)
