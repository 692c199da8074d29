"""Judges a configuration that is right in itself: does it fit the model, and can its rules work?"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from math import dist
from pathlib import Path

from eyespot.broker.settings import endpoint
from eyespot.config.checking import Problem
from eyespot.config.loading import Loaded, refuse
from eyespot.domain.geometry import Mount
from eyespot.domain.nearest import hint
from eyespot.rules.line import LineSettings

_SHORTEST = 0.05
# A detector sees little of what is nearer to an edge of the frame than this: boxes are cut off there.
_MARGIN = 0.05
# Seen obliquely, the bottom of a box counts, and above it there must be room for the box.
_TOP_MARGIN = 0.1


def problems_with_labels(loaded: Loaded, labels: Sequence[str]) -> None:
    """Refuse rules that name a class which the model lacks.

    Args:
        loaded: the configuration.
        labels: class names of the model, in lower case.

    Raises:
        ConfigError: one line for each such name.
    """
    refuse(loaded.file, loaded.lines, _strangers(loaded, labels))


def _strangers(loaded: Loaded, labels: Sequence[str]) -> Iterator[Problem]:
    for index, rule in enumerate(loaded.config.rules):
        for place, label in enumerate(rule.classes or ()):
            if label not in labels:
                text = f'classes: the model has no "{label}"{hint(label, labels)}'
                yield Problem(("rules", index, "classes", place), text)


def warnings(loaded: Loaded) -> list[str]:
    """Return what is allowed but cannot work or is unwise, one line each with file and line."""
    found = [] if loaded.config.rules else [f"{loaded.file}: there are no [[rules]]: nothing is counted"]
    for index, rule in enumerate(loaded.config.rules):
        place = loaded.at("rules", index, "a")
        found += [f'{place}: line "{rule.id}" {text}' for text in _doubts(rule, loaded.config.camera.mount)]
    file = loaded.config.camera.file
    if file is not None and not Path(file).is_file():
        found.append(f"{loaded.at('camera', 'file')}: there is no file {file}; put it there before the start")
    if _tells_password_to_all(loaded):
        advice = "the password crosses the network in the clear; begin the url with mqtts://"
        found.append(f"{loaded.at('mqtt', 'url')}: {advice}")
    return found


def _doubts(line: LineSettings, mount: Mount) -> Iterator[str]:
    length = dist(line.a, line.b)
    if length < _SHORTEST:
        yield f"is only {length:.2f} of the frame long; hardly anything will cross it"
    top = _TOP_MARGIN if mount == "oblique" else _MARGIN
    from_edges = {
        "left": (_MARGIN, line.a[0], line.b[0]),
        "right": (_MARGIN, 1 - line.a[0], 1 - line.b[0]),
        "top": (top, line.a[1], line.b[1]),
        "bottom": (_MARGIN, 1 - line.a[1], 1 - line.b[1]),
    }
    for edge, (margin, *distances) in from_edges.items():
        if max(distances) < margin:
            yield (
                f"lies within {margin:g} of the {edge} edge of the frame, where nothing can be seen on both"
                " sides of it; move it inwards"
            )


def _tells_password_to_all(loaded: Loaded) -> bool:
    mqtt = loaded.config.mqtt
    where = endpoint(mqtt.url)
    return mqtt.username is not None and not (where.tls or where.unix or _is_loopback(where.host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
