"""Looks whether a real Home Assistant makes of the discovery message what it is meant to make of it.

A mosquitto, a daemon that counts rendered people, and Home Assistant in its Debian, all on loopback. What it
shows is read from a file that `configuration/custom_components/probe` writes inside of it, which also calls
its services. `python tests/system/homeassistant/check.py ROOT`, as root; `run` beside this makes ROOT.
"""

import json
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from every_kind import Market, every_kind_there_is
from home import START_S, TURN_S, HomeAssistant
from said import Fruit

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.broker.settings import endpoint
from eyespot.domain.message import Heard
from fakes import contract
from fakes.brokers import say
from fakes.daemon import LINE, Daemon, Ear, write_config
from fakes.waiting import until

ROOT = "eyespot/v1/shop"
DISCOVERY = "homeassistant/device/shop/config"
DISCOVERED = '[home_assistant]\ndiscovery = true\n[update]\nurl = "https://127.0.0.1:9/models"\n'
DESIRED = {"config": {"rules": [{**LINE, "id": "gate", "classes": ["person"]}]}}


class Check:
    """All of it, in order; each step says what it saw."""

    def __init__(self, home: HomeAssistant, ear: Ear, url: str, config: Path) -> None:
        self.home = home
        self.ear = ear
        self.url = url
        self.config = config

    def told(self) -> list[dict[str, Any]]:
        """The discovery messages so far."""
        return [
            json.loads(heard.payload)
            for heard in self.ear.heard
            if heard.topic == DISCOVERY and heard.payload
        ]

    def commanded(self, suffix: str) -> list[str]:
        """What came on a topic of commands."""
        return [heard.payload.decode() for heard in self.ear.heard if heard.topic == f"{ROOT}/{suffix}"]

    def live(self) -> set[str]:
        """The unique ids of the newest discovery message."""
        return {c["unique_id"] for c in self.told()[-1]["components"].values() if "unique_id" in c}

    def only_what_is_live(self) -> bool:
        """Whether all entities are there, and none else in use: disabled ones it never forgets."""
        live = self.live()
        return live <= set(self.home.entities) and set(self.home.in_use) <= live

    def every_entity_and_state(self) -> None:
        until(lambda: set(self.home.entities) == self.live(), "every entity", START_S)
        valued = {"problem", "rate", "memory", "disk_free", "backlog", "model", "min_score", "inference"}
        until(
            lambda: not [key for key in valued if self.home.state(key) in {None, "unknown", "unavailable"}],
            "a state of each",
            TURN_S,
        )
        info = self.ear.newest("/info")
        assert float(self.home.state("min_score") or 0) == round(info["model"]["min_score"], 2)
        assert self.home.entities["shop_model"]["attributes"]["installed_version"] == info["model"]["version"]
        assert self.home.state("problem") == ("off" if self.ear.newest("/health")["ok"] else "on")
        passed(f"{len(self.home.entities)} entities, from {len(json.dumps(self.told()[-1]))} bytes")
        aside = {key for key, entity in self.home.entities.items() if entity["disabled"]}
        assert aside == {key for key in self.home.entities if "_tally" in key}, aside
        passed(f"{len(aside)} of them disabled, until somebody wants to tally")
        categories = {entity["category"] for entity in self.home.entities.values()}
        assert categories == {None, "config", "diagnostic"}, categories

    def counts(self) -> None:
        until(lambda: self.home.state("rule_door_event") not in {None, "unknown"}, "an event", TURN_S * 2)
        total = self.total_key("door", "in")
        until(lambda: self.as_counted(total), "the total of the device", TURN_S)
        crossing = self.home.entities["shop_rule_door_event"]["attributes"]
        assert crossing["event_type"] in {"in", "out"}
        assert crossing["class"] == "person"
        passed(f"an event ({crossing['event_type']}), and its total as on rule/door/state")

    def total_key(self, rule: str, direction: str) -> str:
        entities = self.told()[-1]["components"]
        (key,) = (key for key in entities if entities[key].get("name") == f"{rule} person {direction}")
        return key

    def as_counted(self, key: str) -> bool:
        counted = self.ear.newest("/rule/door/state")["counts"]["person"]["in"]
        return self.home.state(key) == str(counted)

    @property
    def begun(self) -> bool:
        births = [heard.payload for heard in self.ear.heard if heard.topic == "homeassistant/status"]
        return b"online" in births

    def its_birth(self) -> None:
        until(lambda: self.begun, "that it has begun", TURN_S)
        until(lambda: len(self.told()) >= 2, "the message once more", TURN_S)
        passed(f"told again after its birth ({len(self.told())} messages so far)")

    def a_tally(self) -> None:
        """Enables what belongs to it, as somebody does on the page of the device, and counts one person."""
        home, keys = self.home, [f"rule_door_tally{part}" for part in ("", "_begin", "_in", "_end")]
        for key in keys:
            home.call("entity", "enable", f"shop_{key}")
        until(lambda: all(home.state(key) == "unknown" for key in keys), "what was enabled", START_S)
        for key in keys[1:]:
            home.call("button", "press", f"shop_{key}")
        until(lambda: home.state("rule_door_tally") != "unknown", "the result", TURN_S)
        result = home.entities["shop_rule_door_tally"]["attributes"]
        assert (result["event_type"], result["n"], result["seen"]) == ("tallied", 1, {"in": 1, "out": 0})
        passed(f"a tally: {self.commanded('cmd/tally')}, and its result with {len(result)} attributes")

    def its_commands(self) -> None:
        home = self.home
        home.call("number", "set_value", "shop_min_score", value=0.5)
        until(
            lambda: self.ear.newest("/config/reported")["config"]["model"].get("min_score") == 0.5,
            "0.5",
            TURN_S,
        )
        until(lambda: home.state("min_score") == "0.5", "the number", TURN_S)
        passed(f"number: {self.commanded('cmd/settings/min_score')[-1]}, in force and shown")
        for key, suffix in (
            ("rule_door_reset", "cmd/counters/reset"),
            ("reset", "cmd/counters/reset"),
            ("restart", "cmd/restart"),
            ("model_rollback", "cmd/model/rollback"),
            ("model_look", "cmd/model/update"),
        ):
            before = len(self.commanded(suffix))
            home.call("button", "press", f"shop_{key}")
            until(lambda: len(self.commanded(suffix)) > before, f"what {key} says", TURN_S)  # noqa: B023
            passed(f"button {key}: {suffix} {self.commanded(suffix)[-1]}")
        until(lambda: [e for e in self.ear.on("/rule/door/event") if e["kind"] == "reset"], "a reset", TURN_S)

    def what_is_gone(self) -> None:
        say(self.url, Heard(f"{ROOT}/config/desired", json.dumps(DESIRED).encode(), retain=True, qos=1))
        until(lambda: "shop_rule_gate_event" in self.home.entities, "the new rule", TURN_S)
        until(self.only_what_is_live, "the old one to go", TURN_S)
        assert not [each for each in self.home.in_use if "door" in each]
        passed("a rule that is gone: its entities are, too, and those of the new one there")

    def every_kind_of_rule(self) -> None:
        folder = self.config.parent / "market"
        folder.mkdir()
        Market(self.home, self.ear, self.url, folder).look(passed)
        Fruit(self.home, self.ear, self.url).look(passed)
        assert not contract.unfit()

    def without_the_device(self, daemon: Daemon) -> None:
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        until(
            lambda: {e["state"] for e in self.home.in_use.values()} == {"unavailable"},
            "unavailable",
            TURN_S,
        )
        passed(f"killed: all {len(self.home.in_use)} in use are unavailable by the last will")

    def switched_off(self) -> None:
        self.config.write_text(self.config.read_text().replace("discovery = true", "discovery = false"))
        with Daemon(self.config) as daemon:
            until(lambda: not self.home.entities, "no entity", TURN_S)
            until(lambda: "shop" not in self.home.shown["devices"], "no device", TURN_S)
            passed("switched off: no entity and no device is left")
            daemon.signal(signal.SIGTERM)
            daemon.wait()


def passed(what: str) -> None:
    """Say it."""
    sys.stdout.write(f"  {what}\n")
    sys.stdout.flush()


def check(root: Path) -> int:
    """Go through all of it; return the exit code."""
    every_kind_there_is()
    with tempfile.TemporaryDirectory(prefix="eyespot-ha-") as scratch, LocalMosquitto() as mosquitto:
        folder = Path(scratch)
        (folder / "home").mkdir()
        rule = {**LINE, "classes": ["person"]}
        config = write_config(folder, camera={"source": "scene"}, url=mosquitto.url, rules=[rule])
        config.write_text(DISCOVERED + config.read_text())
        (folder / "root.json").write_text("{}")
        ear = Ear()
        home = HomeAssistant(root, folder / "home", endpoint(mosquitto.url).port or 1883)
        steps = Check(home, ear, mosquitto.url, config)
        try:
            with Listener(mosquitto.url, "#", ear):
                go_through(steps, home, lambda: Daemon(config))
        except AssertionError as error:
            words = (folder / "home" / "words").read_text()[-6000:]
            daemons = [told.read_text()[-3000:] for told in folder.rglob("stderr")]
            passed("\n".join((str(error), json.dumps(home.shown, indent=1), words, *daemons)))
            return 1
    return 0


def go_through(steps: Check, home: HomeAssistant, daemon: Callable[[], Daemon]) -> None:
    """Go through all of it, over a life of Home Assistant, another one, and some of the daemon."""
    with home.running():
        with daemon() as first:
            until(steps.told, "the discovery message")
            steps.every_entity_and_state()
            steps.counts()
            steps.its_birth()
            steps.a_tally()
            steps.its_commands()
            steps.what_is_gone()
            steps.every_kind_of_rule()
            steps.without_the_device(first)
        with daemon() as second:
            until(lambda: home.state("problem") in {"on", "off"}, "available again", TURN_S)
            passed("started again: available")
            second.signal(signal.SIGTERM)
            second.wait()
    with home.running():
        with daemon() as third:
            until(lambda: home.state("problem") in {"on", "off"}, "available after its restart", START_S)
            until(steps.only_what_is_live, "every entity again", TURN_S)
            passed("Home Assistant was stopped and started again: all is there")
            third.signal(signal.SIGTERM)
            third.wait()
        steps.switched_off()
    assert not home.complaints, "\n".join(home.complaints)
    passed("its log has no complaint about MQTT or templates")


if __name__ == "__main__":
    sys.exit(check(Path(sys.argv[1])))
