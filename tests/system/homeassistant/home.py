"""A Home Assistant that runs in its Debian, and what it shows."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fakes.waiting import until

HERE = Path(__file__).parent
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

    def of(self, device: str) -> dict[str, Any]:
        """What is in use of a device, by names."""
        shown = {}
        for key, entity in self.in_use.items():
            name = entity["attributes"].get("friendly_name", key)  # no name before there is a state
            if key.startswith(f"{device}_"):
                shown[name.removeprefix(f"{device} ")] = entity
        return shown

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
