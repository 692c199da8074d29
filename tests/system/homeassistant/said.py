"""Whether Home Assistant shows what a device says that does not run: it is said here, by the product's code.

So a share, of which recordings have nothing, is shown, a class whose name is hostile, and states of the model
and of health that no device would come to here.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from home import TURN_S, HomeAssistant

from eyespot.domain.event import (
    Event,
    LineState,
    OccupancyState,
    QueueState,
    RuleState,
    ShareState,
    ShelfState,
    ZoneState,
)
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.message import Heard, Message
from eyespot.domain.observation import Labels, Observation
from eyespot.domain.track import Scene
from eyespot.ports import Readings
from eyespot.rules import build
from eyespot.rules.share import ShareSettings
from eyespot.topics.gate import Gate
from eyespot.topics.home_assistant import Described, discovery
from eyespot.topics.home_assistant_entities import Abilities, announced
from eyespot.topics.model_payloads import UpdateState
from eyespot.topics.native import Native, Since, Stamp, Trouble, Vitals
from eyespot.tracking.tracker import Tracker
from fakes.brokers import say
from fakes.daemon import Ear
from fakes.waiting import until

FRUIT = "eyespot/v1/fruit"
LABEL = '"}} {{ 7 * 7 }}'  # comes from a model, and has to stay text
ONE, NONE = {LABEL: 1}, {LABEL: 0}
OF_LABEL: dict[str, RuleState] = {
    "gate": LineState({LABEL: {"in": 30, "out": 31}}),
    "yard": ZoneState({LABEL: 32}, ONE, NONE),
    "desk": QueueState({LABEL: 33}, ONE, NONE, NONE, NONE, 34.5),
    "mall": OccupancyState({LABEL: 35}, ONE, NONE),
    "rack": ShelfState({LABEL: 36}, (), 36, 0),
}
SHOWN_OF_LABEL = {
    f"gate {LABEL} in": "30",
    f"gate {LABEL} out": "31",
    f"yard {LABEL} occupancy": "32",
    f"desk {LABEL} length": "33",
    "desk wait": "34.5",
    f"mall {LABEL} occupancy": "35",
    f"rack {LABEL} facings": "36",
}
TIMELINE = Timeline(1_767_225_600 * SECOND_NS, synced=True)  # from 2026 on
AT = Stamp(TIMELINE.utc_at_zero_ns, synced=True)
VITALS = Vitals(
    uptime_s=60,
    observations=600,
    observations_hz=9.5,
    dropped=0,
    backlog=7,
    readings=Readings(inference_ms=(12.5, 20.0)),
    recoveries={},
    memory_mb=101.5,
    disk_free_mb=2048.25,
    temperature_c=51.5,
    under_voltage="before",
)
NOT_GIVEN: dict[str, Any] = {
    "readings": Readings(),
    **dict.fromkeys(("memory_mb", "disk_free_mb", "temperature_c", "under_voltage")),
}
TROUBLE = Trouble("source_silent", "nothing is seen", AT.utc_ns)


class Fruit:
    """A device that does not run: what it would say is said here, also about a class with a hostile name."""

    def __init__(self, home: HomeAssistant, ear: Ear, url: str) -> None:
        self.home = home
        self.ear = ear
        self.url = url
        self.gate = Gate(FRUIT)
        self.native = Native(self.gate, "0" * 16, 0)
        settings = msgspec.convert({"kind": "share", "id": "scale"}, ShareSettings)
        self.rule = build(settings, ("apple", "pear"), "oblique")
        self.looks = 0

    def look(self, passed: Callable[[str], None]) -> None:
        """Say what it would, and look how it is shown, until nothing of it is left."""
        self.post(self.native.status("online", AT, AT.utc_ns))
        self.see([0.1, 0.9])
        states = {"scale": self.state, **OF_LABEL}
        for rule, state in states.items():
            self.say_state(rule, state)
        device = Described(FRUIT, "fruit", "0", "none", Abilities(asks=True, goes_back=False))
        self.post(self.gate.announce("homeassistant", discovery(device, announced(states), {})))
        self.share(passed)
        self.hostile_class(passed)
        self.model(passed)
        self.health(passed)
        for rule in states:
            self.post(self.native.rule_removed(rule, is_heatmap=False))
        self.post(self.gate.announce("homeassistant", None))
        until(lambda: not self.shown, "that device to go", TURN_S)

    def share(self, passed: Callable[[str], None]) -> None:
        until(lambda: self.shows("pear"), "the top of a share", TURN_S)
        for scores, top, before in (([0.9, 0.1], "apple", "pear"), (None, "unknown", "apple")):
            self.see(scores)
            until(lambda: self.shows(top), f"{top} on top", TURN_S)  # noqa: B023
            until(lambda: self.change == (before, self.state.top), "its change", TURN_S)  # noqa: B023
        passed("a share with its shares and changes, also when nothing is seen any more")

    def hostile_class(self, passed: Callable[[str], None]) -> None:
        until(lambda: self.are(SHOWN_OF_LABEL), "what is said of a class named like a template", TURN_S)
        passed("a class named like a template is but text, in each kind of rule")

    def model(self, passed: Callable[[str], None]) -> None:
        """Say how an update goes on; a device that runs would say meanwhile how it really is."""
        offered = UpdateState(
            installed_version="1.0.0",
            latest_version="99.0.0",
            title="fruit",
            release_summary="sees better",
            in_progress=False,
            update_percentage=None,
        )
        commands = f"{FRUIT}/cmd/model/update"
        self.say_model(offered)
        until(lambda: self.shown["Model"]["state"] == "on", "an update that is offered", TURN_S)
        self.home.call("update", "install", "fruit_model")
        until(lambda: [h for h in self.ear.heard if h.topic == commands], "install", TURN_S)
        assert [h.payload for h in self.ear.heard if h.topic == commands] == [b"latest"]
        self.say_model(offered, in_progress=True, update_percentage=42.5)
        percentage = lambda: self.shown["Model"]["attributes"]["update_percentage"]  # noqa: E731
        until(lambda: percentage() is not None and 42 <= percentage() <= 43, "progress", TURN_S)
        self.say_model(offered, installed_version="99.0.0")
        until(lambda: self.shown["Model"]["state"] == "off", "the model that is new", TURN_S)
        passed("update: offered, installed by its button, in progress with 42.5 %, done")

    def health(self, passed: Callable[[str], None]) -> None:
        well = {
            "Problem": "off",
            "Voltage": "off",
            "Temperature": "51.5",
            "Observations": "9.5",
            "Inference": "12.5",
            "Memory": "101.5",
            "Disk free": "2048.25",
            "Waiting messages": "7",
        }
        unknown = dict.fromkeys(("Voltage", "Temperature", "Inference", "Memory", "Disk free"), "unknown")
        for vitals, troubles, differing in (
            (VITALS, (), {}),
            (
                replace(VITALS, under_voltage="now"),
                (TROUBLE,),
                {"Problem": "on", "Voltage": "on"},
            ),
            (replace(VITALS, **NOT_GIVEN), (), unknown),
        ):
            self.post(self.native.health(vitals, troubles, AT))
            until(lambda: self.are({**well, **differing}), f"health, {differing}", TURN_S)  # noqa: B023
            states = self.shown["Problem"]["attributes"]["states"]
            assert [each["reason"] for each in states] == [each.reason for each in troubles]
        passed("health: well, in trouble, and of a machine that tells little")

    def are(self, states: dict[str, str]) -> bool:
        """Whether entities show these states."""
        shown = self.shown
        return {name: shown.get(name, {}).get("state") for name in states} == states

    @property
    def shown(self) -> dict[str, Any]:
        return self.home.of("fruit")

    @property
    def state(self) -> ShareState:
        state = self.rule.state()
        assert isinstance(state, ShareState)
        return state

    @property
    def change(self) -> tuple[str | None, str | None]:
        """From what to what its share changed, as it is shown."""
        of = self.shown["scale change"]["attributes"]
        return of.get("from"), of.get("to")

    def shows(self, top: str) -> bool:
        """Whether a class is on top, with the shares that there are."""
        shown = self.shown.get("scale", {"state": None, "attributes": {}})
        shares = {name: share for name, share in shown["attributes"].items() if name in {"apple", "pear"}}
        return bool(shown["state"] == top and shares == dict(self.state.shares))

    def see(self, scores: list[float] | None) -> None:
        """Have its rule look at scores for ten seconds, None is nothing, and say what comes of it."""
        nobody, events = Tracker(0.5).step(0, None), list[Event]()
        for _ in range(100):
            self.looks += 1
            taken_ns = self.looks * SECOND_NS // 10
            seen = None if scores is None else Labels(np.array(scores, np.float32), np.arange(len(scores)))
            observation = None if seen is None else Observation(taken_ns, "fruit", seen)
            events += self.rule.step(Scene(taken_ns, observation, nobody), [])
        self.say_state("scale", self.state)
        for event in events:
            self.post(self.native.event(event, TIMELINE))

    def say_state(self, rule: str, state: RuleState) -> None:
        self.post(self.native.rule_state(rule, state, Since(AT.utc_ns, "begun"), "fruit", AT))

    def say_model(self, state: UpdateState, **changes: Any) -> None:
        self.post(self.native.model_state(msgspec.structs.replace(state, **changes)))

    def post(self, message: Message) -> None:
        say(self.url, Heard(message.topic, message.payload, retain=message.retain, qos=1))
