"""Judges a configuration that is right in itself: does it fit the model, and can its rules work?"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from itertools import pairwise
from math import dist

from eyespot.broker.settings import endpoint
from eyespot.config.checking import Problem
from eyespot.config.loading import Loaded, refuse
from eyespot.domain.geometry import Mount
from eyespot.domain.nearest import hint
from eyespot.domain.observation import UNUSED, Tells
from eyespot.domain.paths import there_is_file
from eyespot.domain.windows import span_min
from eyespot.rules import RuleSettings
from eyespot.rules.line import LineSettings

_IN_WORDS: Mapping[Tells, str] = {
    "objects": "finds objects",
    "labels": "classifies",
    "shares": "segments",
    "poses": "finds persons",
}
_FACTORY = "factory"
_SHORTEST = 0.05
_SHORTEST_WINDOW_MIN = 30
# A detector sees little of what is nearer to an edge of the frame than this: boxes are cut off there.
_MARGIN = 0.05
# Seen obliquely, the bottom of a box counts, and above it there must be room for the box.
_TOP_MARGIN = 0.1


def problems_with_model(loaded: Loaded, labels: Sequence[str], tells: Tells) -> None:
    """Refuse rules that the model cannot serve: it tells other things, or lacks a class.

    Args:
        loaded: the configuration.
        labels: class names of the model, in lower case.
        tells: what the model tells.

    Raises:
        ConfigError: one line for each such rule or name.
    """
    problems: list[Problem] = []
    for index, rule in enumerate(loaded.config.rules):
        unserved = list(_unserved(index, rule, tells))
        problems += unserved or _strangers(index, rule, labels)
    refuse(loaded.file, loaded.lines, problems)


def problems_with_rules(rules: Sequence[RuleSettings], labels: Sequence[str], tells: Tells) -> str:
    """Return why a model cannot serve rules that are in force; empty where it can.

    Args:
        rules: of the configuration.
        labels: class names of the model, in lower case.
        tells: what the model tells.
    """
    for rule in rules:
        if tells not in rule.works_with:
            wanted = " or ".join(_IN_WORDS[kind] for kind in rule.works_with)
            return f"{_IN_WORDS[tells]}, where rule {rule.id} needs a model that {wanted}"
        for label in rule.classes or ():
            if label not in labels or label == UNUSED:
                return f"lacks {label}, which rule {rule.id} uses"
    return ""


def _unserved(index: int, rule: RuleSettings, tells: Tells) -> Iterator[Problem]:
    if tells not in rule.works_with:
        wanted = " or ".join(_IN_WORDS[kind] for kind in rule.works_with)
        kind = rule.__struct_config__.tag
        text = f'kind: the model {_IN_WORDS[tells]}; a rule of kind "{kind}" needs one that {wanted}'
        yield Problem(("rules", index, "kind"), text)


def _strangers(index: int, rule: RuleSettings, labels: Sequence[str]) -> Iterator[Problem]:
    for place, label in enumerate(rule.classes or ()):
        if label not in labels or label == UNUSED:
            text = f'classes: the model has no "{label}"{hint(label, labels)}'
            yield Problem(("rules", index, "classes", place), text)


def warnings(loaded: Loaded) -> list[str]:
    """Return what is allowed but cannot work or is unwise, one line each with file and line."""
    found = [] if loaded.config.rules else [f"{loaded.file}: there are no [[rules]]: nothing is counted"]
    for index, rule in enumerate(loaded.config.rules):
        if isinstance(rule, LineSettings):
            place = loaded.at("rules", index, "a" if rule.points is None else "points")
            doubts = _doubts(rule, loaded.config.camera.mount)
            found += [f'{place}: line "{rule.id}" {text}' for text in doubts]
    file = loaded.config.camera.file
    if file is not None and not there_is_file(file):
        found.append(f"{loaded.at('camera', 'file')}: there is no file {file}; put it there before the start")
    found += _doubts_of_updates(loaded)
    if _tells_password_to_all(loaded):
        advice = "the password crosses the network in the clear; begin the url with mqtts://"
        found.append(f"{loaded.at('mqtt', 'url')}: {advice}")
    return found


def _doubts_of_updates(loaded: Loaded) -> Iterator[str]:
    update, bundle = loaded.config.update, loaded.config.model.bundle
    if update.url is not None and bundle != _FACTORY:
        place = loaded.at("model", "bundle")
        yield f'{place}: {bundle} looks, whatever {update.url} offers; set bundle = "factory" to take that'
    if update.window is not None and span_min(update.window) < _SHORTEST_WINDOW_MIN:
        place = loaded.at("update", "window")
        yield f"{place}: {update.window} may be missed, as it is looked at every 15 minutes; make it longer"
    if update.allow_unsigned:
        place = loaded.at("update", "allow_unsigned")
        yield f"{place}: bundles are taken that nobody has signed; for development alone"


def _doubts(line: LineSettings, mount: Mount) -> Iterator[str]:
    path = line.path
    length = sum(dist(one, other) for one, other in pairwise(path))
    if length < _SHORTEST:
        yield f"is only {length:.2f} of the frame long; hardly anything will cross it"
    top = _TOP_MARGIN if mount == "oblique" else _MARGIN
    from_edges = {
        "left": (_MARGIN, *(x for x, _ in path)),
        "right": (_MARGIN, *(1 - x for x, _ in path)),
        "top": (top, *(y for _, y in path)),
        "bottom": (_MARGIN, *(1 - y for _, y in path)),
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
