"""Judges a configuration that is right in itself: does it fit the model, and can its rules work?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import NamedTuple

import msgspec

from eyespot.broker.settings import Endpoint, endpoints
from eyespot.config.checking import Problem
from eyespot.config.doubts import doubts_of_line, doubts_of_occupancy, doubts_of_shelf, doubts_of_zone
from eyespot.config.loading import Loaded, refuse
from eyespot.config.locate import KeyPath
from eyespot.config.settings import Config
from eyespot.domain.nearest import hint
from eyespot.domain.observation import UNUSED, Tells
from eyespot.domain.paths import there_is_file
from eyespot.domain.windows import span_min
from eyespot.rules import RuleSettings
from eyespot.rules.line import LineSettings
from eyespot.rules.occupancy import OccupancySettings
from eyespot.rules.queue import QueueSettings
from eyespot.rules.shelf import ShelfSettings
from eyespot.rules.zone import ZoneSettings

_IN_WORDS: Mapping[Tells, str] = {
    "objects": "finds objects",
    "labels": "classifies",
    "shares": "segments",
    "poses": "finds persons",
}
_FACTORY = "factory"
_SHORTEST_WINDOW_MIN = 30


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
        for _, label in _named(rule):
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
    for path, label in _named(rule):
        if label not in labels or label == UNUSED:
            text = f'{path[0]}: the model has no "{label}"{hint(label, labels)}'
            yield Problem(("rules", index, *path), text)


def _named(rule: RuleSettings) -> Iterator[tuple[KeyPath, str]]:
    """Yield the names of classes that a rule uses, each with where it stands in it."""
    yield from ((("classes", place), label) for place, label in enumerate(rule.classes or ()))
    if isinstance(rule, ZoneSettings) and isinstance(rule.loiter_s, dict):
        yield from ((("loiter_s", label), label) for label in rule.loiter_s)
    if isinstance(rule, ShelfSettings):
        yield from ((("hidden_by", place), label) for place, label in enumerate(rule.hidden_by or ()))
        yield from ((("low", label), label) for label in (rule.low if isinstance(rule.low, dict) else ()))


def warnings(loaded: Loaded) -> list[str]:
    """Return what is allowed but cannot work or is unwise, one line each with file and line."""
    found = [] if loaded.config.rules else [f"{loaded.file}: there are no [[rules]]: nothing is counted"]
    for doubt in doubts_of_rules(loaded.config):
        rule = loaded.config.rules[doubt.nth]
        place, kind = loaded.at("rules", doubt.nth, doubt.key), rule.__struct_config__.tag
        found.append(f'{place}: {kind} "{rule.id}" {doubt.text}')
    file = loaded.config.camera.file
    if file is not None and not there_is_file(file):
        found.append(f"{loaded.at('camera', 'file')}: there is no file {file}; put it there before the start")
    found += _doubts_of_updates(loaded)
    found += _nodes_named_twice(loaded)
    if _tells_password_to_all(loaded):
        advice = "the password crosses the network in the clear; begin the url with mqtts://"
        found.append(f"{loaded.at('mqtt', 'url')}: {advice}")
    return found


class Doubt(NamedTuple):
    """What a rule cannot do, though it is allowed.

    Attributes:
        nth: rule.
        key: of the rule, which is to be changed.
        text: what is doubtful, in words that go on after its kind and id.
    """

    nth: int
    key: str
    text: str


def doubts_of_rules(config: Config) -> Iterator[Doubt]:
    """Yield which rules cannot work, or count what another one counts already."""
    for index, rule in enumerate(config.rules):
        key, texts = _doubts_of(config, rule)
        yield from (Doubt(index, key, text) for text in texts)
    rules = [msgspec.structs.replace(rule, id="any") for rule in config.rules]
    for index in range(len(rules)):
        first = rules.index(rules[index])
        if first != index:
            yield Doubt(index, "id", f'is the same as "{config.rules[first].id}"; remove one, or move it')


def _doubts_of(config: Config, rule: RuleSettings) -> tuple[str, Iterable[str]]:
    mount = config.camera.mount
    match rule:
        case LineSettings():
            return ("a" if rule.points is None else "points"), doubts_of_line(rule, mount)
        case ZoneSettings() | QueueSettings():
            return "points", doubts_of_zone(rule, mount)
        case OccupancySettings():
            return "from", doubts_of_occupancy(rule, config.rules)
        case ShelfSettings():
            return "kind", doubts_of_shelf(rule)
        case _:
            return "kind", ()


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


def _nodes_named_twice(loaded: Loaded) -> Iterator[str]:
    mqtt = loaded.config.mqtt
    first: dict[Endpoint, str] = {}
    for url, node in zip(mqtt.urls, endpoints(mqtt), strict=True):
        if node in first:
            same = f"{url} is the same node as {first[node]}"
            yield f"{loaded.at('mqtt', 'url')}: {same}, and is asked twice in each round; name each once"
        first.setdefault(node, url)


def _tells_password_to_all(loaded: Loaded) -> bool:
    mqtt = loaded.config.mqtt
    open_to_all = [each for each in endpoints(mqtt) if not (each.tls or each.unix or _is_loopback(each.host))]
    return mqtt.username is not None and bool(open_to_all)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
