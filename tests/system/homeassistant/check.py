"""Looks whether a real Home Assistant makes of the discovery message what it is meant to make of it.

A mosquitto, a daemon that counts rendered people, and Home Assistant in its Debian, all on loopback. What it
shows is read from a file that `configuration/custom_components/probe` writes inside of it, which also calls
its services. `python tests/system/homeassistant/check.py ROOT`, as root; `run` beside this makes ROOT.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.broker.settings import endpoint
from eyespot.domain.message import Heard, Message
from eyespot.topics import payloads
from eyespot.topics.gate import SCHEMAS, Gate
from eyespot.topics.home_assistant import Described, discovery
from eyespot.topics.home_assistant_entities import Abilities, Announced
from fakes.brokers import say
from fakes.daemon import LINE, Daemon, Ear, write_config
from fakes.waiting import until

HERE = Path(__file__).parent
ROOT = "eyespot/v1/shop"
DISCOVERY = "homeassistant/device/shop/config"
DISCOVERED = '[home_assistant]\ndiscovery = true\n[update]\nurl = "https://127.0.0.1:9/models"\n'
DESIRED = {"config": {"rules": [{**LINE, "id": "gate", "classes": ["person"]}]}}
START_S = 180
TURN_S = 60


class HomeAssistant:
    """One that runs in its Debian, with a folder for its configuration.

    Args:
        root: of that Debian.
        folder: for its configuration, which is outside of it.
        port: of the broker on this machine.
    """

    def __init__(self, root: Path, folder: Path, port: int) -> None:
        self._root = root
        self._folder = folder
        shutil.copytree(HERE / "configuration", folder, dirs_exist_ok=True)
        (folder / ".storage").mkdir()
        (folder / ".storage" / "core.config_entries").write_text(json.dumps(_entries(port)))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run while the context lasts."""
        command = [
            "systemd-nspawn",
            "--quiet",
            "--directory",
            str(self._root),
            "--register=no",
            "--keep-unit",
        ]
        command += [f"--bind={self._folder}:/config", f"--machine=eyespot-ha-{os.getpid()}", "--pipe"]
        command += ["/ha/bin/hass", "--config", "/config", "--skip-pip"]
        (self._folder / "shown.json").unlink(missing_ok=True)
        with (self._folder / "words").open("ab") as words:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words)
            try:
                yield
                self._ask("homeassistant", "stop")  # so that it writes down what it knows
                process.wait(TURN_S)
            finally:
                process.terminate()
                process.wait(TURN_S)

    def call(self, domain: str, service: str, unique_id: str, **data: object) -> None:
        """Have it call a service of an entity, as somebody does who presses a button."""
        self._ask(domain, service, entity_id=self.entities[unique_id]["entity_id"], **data)

    def _ask(self, domain: str, service: str, **data: object) -> None:
        new = self._folder / "calls.new"
        new.write_text(json.dumps([[domain, service, data]]))
        new.rename(self._folder / "calls.json")
        until(lambda: not (self._folder / "calls.json").exists(), "a call that is taken", TURN_S)

    @property
    def shown(self) -> dict[str, Any]:
        """What it shows just now."""
        try:
            shown: dict[str, Any] = json.loads((self._folder / "shown.json").read_text())
        except FileNotFoundError:
            return {"entities": {}, "devices": []}
        return shown

    @property
    def entities(self) -> dict[str, Any]:
        """Its entities, by their unique ids."""
        entities: dict[str, Any] = self.shown["entities"]
        return entities

    @property
    def in_use(self) -> dict[str, Any]:
        """Those that are not disabled: only they have states."""
        return {key: entity for key, entity in self.entities.items() if not entity["disabled"]}

    def state(self, key: str) -> str | None:
        """The state of the entity of a component; None where there is none."""
        state: str | None = self.entities.get(f"shop_{key}", {}).get("state")
        return state

    @property
    def complaints(self) -> list[str]:
        """What its log says of MQTT."""
        lines = (self._folder / "words").read_text().splitlines()
        loud = [line for line in lines if " WARNING " in line or " ERROR " in line]
        # What was disabled has no component to clean up when the whole device is taken back.
        known = "No device components to cleanup"
        return [line for line in loud if ("mqtt" in line or "template" in line) and known not in line]


def _entries(port: int) -> dict[str, Any]:
    entry = {
        "created_at": "2026-01-01T00:00:00+00:00",
        "modified_at": "2026-01-01T00:00:00+00:00",
        "data": {"broker": "127.0.0.1", "port": port, "protocol": "5"},
        "disabled_by": None,
        "discovery_keys": {},
        "domain": "mqtt",
        "entry_id": "01JEYESPOT0000000000000000",
        "minor_version": 2,
        "options": {},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": [],
        "title": "broker",
        "unique_id": None,
        "version": 1,
    }
    return {"version": 1, "minor_version": 5, "key": "core.config_entries", "data": {"entries": [entry]}}


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

    def the_model(self) -> None:
        """Says in the device's place how an update goes on, as there is no repository here."""
        topic = f"{ROOT}/model/state"
        before = [heard.payload for heard in self.ear.heard if heard.topic == topic][-1]
        state = json.loads(before)
        offered = {**state, "latest_version": "99.0.0", "release_summary": "sees better"}
        say(self.url, Heard(topic, json.dumps(offered).encode(), retain=True, qos=1))
        until(lambda: self.home.state("model") == "on", "an update that is offered", TURN_S)
        self.home.call("update", "install", "shop_model")
        until(lambda: "latest" in self.commanded("cmd/model/update"), "install", TURN_S)
        going = {**offered, "in_progress": True, "update_percentage": 42.5}
        say(self.url, Heard(topic, json.dumps(going).encode(), retain=True, qos=1))
        shown = lambda: self.home.entities["shop_model"]["attributes"].get("update_percentage")  # noqa: E731
        until(lambda: shown() is not None and 42 <= shown() <= 43, "progress", TURN_S)
        say(self.url, Heard(topic, before, retain=True, qos=1))
        until(lambda: self.home.state("model") == "off", "the model as it is", TURN_S)
        passed("update: offered, installed by its button, in progress with 42.5 %")

    def what_is_gone(self) -> None:
        say(self.url, Heard(f"{ROOT}/config/desired", json.dumps(DESIRED).encode(), retain=True, qos=1))
        until(lambda: "shop_rule_gate_event" in self.home.entities, "the new rule", TURN_S)
        until(self.only_what_is_live, "the old one to go", TURN_S)
        assert not [each for each in self.home.in_use if "door" in each]
        passed("a rule that is gone: its entities are, too, and those of the new one there")

    def all_kinds_of_rules(self) -> None:
        """Says in a device's place what one with a classifier would, and has a class with a hostile name."""
        label = '"}} {{ 7 * 7 }}'
        rules = [Announced("scale", "share"), Announced("gate", "line", (label,))]
        gate = Gate("eyespot/v1/fruit")
        fruit = Described("eyespot/v1/fruit", "fruit", "0", "none", Abilities(asks=False, goes_back=False))
        once = {"t": "2026-01-01T00:00:00.000Z", "clock": "synced", "boot_id": "0" * 16, "seq": 1}
        shares = {"rule": "scale", "shares": {"apple": 0.9, "pear": 0.1}, "top": "apple", "model": "m"}
        totals = {"counts": {label: {"in": 3, "out": 0}}, "since": once["t"], "reset": "begun", "model": "m"}
        changed = {"rule": "scale", "from": "pear", "to": "apple", "model": "m"}
        for suffix, kind, fields in (
            ("status", payloads.Status, {"state": "online", "since": once["t"]}),
            ("rule/scale/state", payloads.ShareState, {"kind": "share", **shares}),
            ("rule/gate/state", payloads.LineState, {"kind": "line", "rule": "gate", **totals}),
        ):
            payload = msgspec.convert({"schema": SCHEMAS[kind], **once, **fields}, kind)
            self.post(gate.let_out(suffix, payload))
        self.post(gate.announce("homeassistant", discovery(fruit, rules, {})))
        shown = lambda key: self.home.entities.get(f"fruit_{key}", {"state": None, "attributes": {}})  # noqa: E731
        until(lambda: shown("rule_scale_top")["state"] == "apple", "the top of a share", TURN_S)
        assert shown("rule_scale_top")["attributes"]["pear"] == 0.1
        event = {"schema": SCHEMAS[payloads.Changed], "kind": "changed", **once, **changed}
        self.post(gate.let_out("rule/scale/event", msgspec.convert(event, payloads.Changed)))
        until(lambda: shown("rule_scale_event")["attributes"].get("to") == "apple", "its change", TURN_S)
        total = next(
            e for e in self.home.entities.values() if "7 * 7" in e["attributes"].get("friendly_name", "")
        )
        until(lambda: "3" in {e["state"] for e in self.home.entities.values()}, "the total", TURN_S)
        assert total["attributes"]["friendly_name"] == f"fruit gate {label} in"
        self.post(gate.clear("rule/scale/state"))
        self.post(gate.announce("homeassistant", None))
        until(lambda: shown("rule_scale_top")["state"] is None, "that device to go", TURN_S)
        passed("a share with its shares and changes; a class named like a template is but text")

    def post(self, message: Message) -> None:
        say(self.url, Heard(message.topic, message.payload, retain=message.retain, qos=1))

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
            daemon = (folder / "stderr").read_text()[-3000:]
            passed("\n".join((str(error), json.dumps(home.shown, indent=1), words, daemon)))
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
            steps.the_model()
            steps.what_is_gone()
            steps.all_kinds_of_rules()
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
