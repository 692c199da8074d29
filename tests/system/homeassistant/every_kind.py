"""Whether Home Assistant shows, of each kind of rule that there is, what is published of it.

A daemon of its own looks at a short film, over and over, with a rule of each kind that goes by objects. A
share goes by what recordings do not have: see `said`.
"""

import json
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

from home import START_S, TURN_S, HomeAssistant

from eyespot.domain.message import Heard
from eyespot.domain.observation import Observation
from eyespot.recording import SCHEMA, Header, RecordingWriter
from eyespot.rules import RuleSettings
from fakes.brokers import say
from fakes.daemon import Daemon, Ear, write_config
from fakes.waiting import until
from fakes.walkers import Walker, film

MARKET = "eyespot/v1/market"
RATE_HZ, FILM_S = 8.0, 20.0
PERSON, BOTTLE = range(2)
HALL = {"points": [[0.5, 0.3], [0.9, 0.3], [0.9, 0.75], [0.5, 0.75]]}
# Some name their classes; of the others these come when the first is seen.
RULES: list[dict[str, Any]] = [
    {"kind": "line", "id": "door", "a": [0.4, 1.0], "b": [0.4, 0.0], "classes": ["person"]},
    {"kind": "zone", "id": "hall", **HALL, "loiter_s": 3, "armed": ["00:00-00:00"]},
    {"kind": "queue", "id": "till", **HALL, "service": [3], "join_s": 1, "classes": ["person"]},
    {"kind": "occupancy", "id": "shop", "from": ["door"]},
    {"kind": "shelf", "id": "drinks", "low": 2, "settle_s": 1},
]
NAMES = [rule["id"] for rule in RULES]
OTHERS = ["hall", "till", "door", "drinks", "shop"]  # each the name of another kind before
HEATMAP = {"kind": "heatmap", "id": "floor", "classes": ["person"]}
WITH_TOTALS = NAMES[:4]
# What happens in the film, by names and attributes of the entities that tell it.
HAPPENING = {
    ("door crossing", "in", "person", None),
    ("door crossing", "out", "person", None),
    ("hall alarm", "intrusion", "person", None),
    ("hall alarm", "loitering", "person", None),
    ("drinks stock", "low", "bottle", 1),
    ("drinks stock", "enough", "bottle", 2),
}
EVENTS = {name for name, *_ in HAPPENING}


def every_kind_there_is() -> None:
    """Fail where a kind of rule has come that is not looked at here."""
    there = {kind.__struct_config__.tag for kind in get_args(RuleSettings)}
    assert there == {rule["kind"] for rule in (*RULES, HEATMAP)} | {"share"}, there


class Market:
    """A daemon with a rule of each kind that goes by objects, and what is shown of it."""

    def __init__(self, home: HomeAssistant, ear: Ear, url: str, folder: Path) -> None:
        self.folder = folder
        self.home = home
        self.ear = ear
        self.url = url
        self.names = NAMES

    def look(self, passed: Callable[[str], None]) -> None:
        """Run it, and look at all of it, until nothing of it is left."""
        camera = {"source": "replay", "file": str(write_film(self.folder / "film.jsonl")), "loop": True}
        config = write_config(self.folder, camera=camera, url=self.url, rules=[*RULES, HEATMAP])
        told = "[home_assistant]\ndiscovery = true\n" + config.read_text().replace('"shop"', '"market"', 1)
        config.write_text(told)
        with Daemon(config) as daemon:
            self.sensors(passed)
            self.events(passed)
            self.resets(passed)
            self.other_kinds(passed)
            self.what_is_gone(passed)
            config.write_text(told.replace("discovery = true", "discovery = false"))
            daemon.signal(signal.SIGHUP)
            until(lambda: not self.shown, "that device to go", TURN_S)
            daemon.signal(signal.SIGTERM)
            daemon.wait()

    def sensors(self, passed: Callable[[str], None]) -> None:
        until(lambda: len(self.published()) == 7, "a class in each state")
        until(lambda: self.agrees() and all(self.published().values()), "somebody everywhere", START_S)
        assert self.of_rules("sensor") == set(self.published())
        passed(f"sensors of each kind of rule, as published: {self.published()}")
        away = ("hall person occupancy", "till person length", "shop person occupancy")
        until(
            lambda: self.agrees() and not any(self.published()[name] for name in away),
            "nobody anywhere",
            START_S,
        )
        passed("and so they are when all have left")

    def events(self, passed: Callable[[str], None]) -> None:
        assert self.of_rules("event") == EVENTS
        seen: set[tuple[Any, ...]] = set()

        def all_seen() -> bool:
            shown = self.shown
            for name in EVENTS:
                of = shown[name]["attributes"]
                if of.get("event_type"):
                    seen.add((name, of["event_type"], of["class"], of.get("count")))
            return seen >= HAPPENING

        until(all_seen, "every event of the film", START_S)
        assert seen == HAPPENING, seen
        passed(f"events of each kind of rule: {len(seen)}, and no others")

    def resets(self, passed: Callable[[str], None]) -> None:
        for rule in WITH_TOTALS:
            self.home.call("button", "press", f"market_rule_{rule}_reset")
            until(lambda: self.reset(rule), f"a reset of {rule}", TURN_S)  # noqa: B023
        until(self.agrees, "totals after resets", TURN_S)
        passed(f"resets, one by one, of {', '.join(WITH_TOTALS)}, and sensors as published after that")

    def other_kinds(self, passed: Callable[[str], None]) -> None:
        """Every rule becomes one of another kind under the same name: so do its entities."""
        rules = [{**rule, "id": name} for rule, name in zip(RULES, OTHERS, strict=True)]
        rules[3]["from"] = OTHERS[:1]
        self.names = OTHERS
        self.desire(*rules, HEATMAP)
        until(lambda: self.of_rules("sensor") == set(self.published()), "what is announced anew", TURN_S)
        until(lambda: self.agrees() and all(self.published().values()), "each where it is now", START_S)
        events = {"hall crossing": "in", "till alarm": "loitering", "shop stock": "low"}
        until(lambda: events.items() <= self.newest_events().items(), "its events", START_S)
        until(lambda: self.of_rules() <= set(self.shown), "all of them", TURN_S)
        gone = {"hall alarm", "drinks stock", "door crossing", "till wait", "door person in"}
        until(lambda: not gone & set(self.shown), "what it was before to go", TURN_S)
        passed(f"each rule is of another kind now, and so shown: {self.published()}")

    def what_is_gone(self, passed: Callable[[str], None]) -> None:
        self.desire(HEATMAP)
        ids = {*OTHERS, HEATMAP["id"]}
        until(lambda: not [name for name in self.shown if name.split()[0] in ids], "no rule", TURN_S)
        passed("all rules but a heatmap are gone, and of that nothing is shown")

    def desire(self, *rules: dict[str, Any]) -> None:
        desired = json.dumps({"config": {"rules": rules}}).encode()
        say(self.url, Heard(f"{MARKET}/config/desired", desired, retain=True, qos=1))

    def newest_events(self) -> dict[str, str]:
        """The newest of each entity that shows events."""
        of = {name: entity["attributes"] for name, entity in self.shown.items()}
        return {name: one["event_type"] for name, one in of.items() if one.get("event_type")}

    @property
    def shown(self) -> dict[str, Any]:
        return self.home.of("market")

    def of_rules(self, platform: str | None = None) -> set[str]:
        """The names of the entities of rules that it announced, of one platform or all, but for a tally."""
        (*_, newest) = (h for h in self.ear.heard if h.topic == "homeassistant/device/market/config")
        live = [each for each in json.loads(newest.payload)["components"].values() if "name" in each]
        of_rules = [each for each in live if "/rule/" in each.get("state_topic", "")]
        wanted = [each for each in of_rules if platform in {None, each["platform"]}]
        return {each["name"] for each in wanted if each.get("enabled_by_default", True)}

    def published(self) -> dict[str, float | None]:
        """What it published last, by the names of the sensors that have to show it; empty before that."""
        states = [self.ear.newest(f"{MARKET}/rule/{name}/state") for name in self.names]
        if [state.get("kind") for state in states] != [rule["kind"] for rule in RULES]:
            return {}
        line, zone, queue, occupancy, shelf = states
        a_line, a_zone, a_queue, an_occupancy, a_shelf = self.names
        return {
            **{f"{a_line} {label} {way}": n for label, of in line["counts"].items() for way, n in of.items()},
            **{f"{a_zone} {label} occupancy": number for label, number in zone["occupancy"].items()},
            **{f"{a_queue} {label} length": number for label, number in queue["length"].items()},
            f"{a_queue} wait": queue["wait_s"],
            **{f"{an_occupancy} {label} occupancy": n for label, n in occupancy["occupancy"].items()},
            **{f"{a_shelf} {label} facings": number for label, number in shelf["counts"].items()},
        }

    def agrees(self) -> bool:
        """Whether each of these is shown so."""
        shown = self.shown
        published = self.published()
        return published.keys() <= shown.keys() and all(
            number(shown[name]["state"]) == value for name, value in published.items()
        )

    def reset(self, rule: str) -> bool:
        """Whether it said that the totals of a rule begin anew, as somebody wanted it."""
        events = self.ear.on(f"{MARKET}/rule/{rule}/event")
        return any(event["kind"] == "reset" and event["cause"] == "manual" for event in events)


def write_film(file: Path) -> Path:
    """Somebody comes in, waits, and leaves by the till; another goes out; a bottle is away for a while."""
    walkers = [
        *way((0.1, 0.5, 1), (0.7, 0.5, 4), (0.7, 0.5, 12), (0.7, 0.95, 14)),
        *way((0.65, 0.15, 15), (0.1, 0.15, 18)),
        *way((0.2, 0.8, 0), (0.2, 0.8, FILM_S), kind=BOTTLE),
        *way((0.3, 0.8, 0), (0.3, 0.8, 9), kind=BOTTLE),
        *way((0.3, 0.8, 15), (0.3, 0.8, FILM_S), kind=BOTTLE),
    ]
    header = Header(
        schema=SCHEMA,
        started="2026-01-01T00:00:00Z",
        labels=("person", "bottle"),
        width=768,
        height=576,
        rate_hz=RATE_HZ,
    )
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film(walkers, RATE_HZ, FILM_S):
            writer.write(Observation(taken_ns, "recording", found))
    return file


def way(*points: tuple[float, float, float], kind: int = PERSON) -> list[Walker]:
    """From each place to the next, of x, y and the second."""
    return [
        Walker((x, y), (to_x, to_y), from_s, to_s - 0.01, kind=kind)
        for (x, y, from_s), (to_x, to_y, to_s) in pairwise(points)
    ]


def number(state: str | None) -> float | None:
    return None if state in {None, "unknown", "unavailable"} else float(state)
