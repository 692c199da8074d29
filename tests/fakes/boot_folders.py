"""A device, and what somebody puts on its boot partition."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from eyespot.app.provision import provision
from eyespot.host.clock import ManualClock
from eyespot.store.disk import Disk
from fakes.certificates import DAY, Authority

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TOML = """\
[camera]
source = "scene"
[mqtt]
url = "mqtts://broker.example"
username = "shop"
ca_file = "ca.crt"
cert_file = "client.crt"
"""
PLAIN = '[camera]\nsource = "scene"\n[mqtt]\nurl = "mqtt://localhost"\n'
OLD = PLAIN + '[device]\nid = "as-before"\n'
SECRETS = {"client.key", "mqtt-password"}
ROLES = ("root", "timestamp", "snapshot", "targets")
ROLE = {"keyids": ["k"], "threshold": 1}
SIGNED = {"_type": "root", "spec_version": "1.0.31", "version": 1, "expires": "2027-01-01T00:00:00Z"}
KEYS = {"keys": {"k": {}}, "roles": dict.fromkeys(ROLES, ROLE)}
ROOT_JSON = json.dumps({"signed": {**SIGNED, **KEYS}, "signatures": []})


def good_files(authority: Authority) -> dict[str, bytes]:
    """Return a folder with all that there may be."""
    certificate, key = authority.sign("shop", begins=NOW - DAY, ends=NOW + 100 * DAY)
    return {
        "eyespot.toml": TOML.encode(),
        "client.crt": certificate.read_bytes(),
        "client.key": key.read_bytes(),
        "ca.crt": authority.certificate.read_bytes(),
        "mqtt-password": b"s3cret\r\n",
        "root.json": ROOT_JSON.encode(),
    }


def clock_at(moment: datetime, *, synced: bool = True) -> ManualClock:
    return ManualClock(0, int(moment.timestamp()) * 10**9, synced=synced)


@dataclass
class Device:
    """A device whose file system begins in a folder of its own."""

    root: Path
    clock: ManualClock = field(default_factory=lambda: clock_at(NOW))
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.boot = self.root / "boot/firmware"
        self.folder = self.boot / "eyespot"
        self.etc = self.root / "etc/eyespot"
        self.folder.parent.mkdir(parents=True)
        (self.etc / "credentials").mkdir(parents=True)
        (self.etc / "eyespot.toml").write_text(OLD)
        (self.etc / "credentials/mqtt-key").touch()
        serial = self.root / "proc/device-tree/serial-number"
        serial.parent.mkdir(parents=True)
        serial.write_text("10000000abcdef12\0")

    def put(self, files: dict[str, bytes], folder: Path | None = None) -> None:
        folder = folder or self.folder
        folder.mkdir(parents=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)

    def start(self, disk: Disk | None = None) -> None:
        self.told.clear()
        provision(self.told.append, self.root, self.clock, disk)

    def refusal(self, error: type[Exception]) -> list[str]:
        with pytest.raises(error) as caught:
            self.start()
        return str(caught.value).splitlines()

    def has(self, files: dict[str, bytes]) -> bool:
        """Whether these are in force, whole."""
        targets = {"client.key": "credentials/mqtt-key", "mqtt-password": "credentials/mqtt-password"}
        return all(self.in_force(targets.get(name, name)) == data for name, data in files.items())

    def in_force(self, name: str) -> bytes:
        return (self.etc / name).read_bytes()

    def report(self) -> str:
        return (self.boot / "eyespot-report.txt").read_bytes().decode()

    def secrets_on_the_card(self) -> set[str]:
        return {path.name for path in self.boot.rglob("*") if path.name in SECRETS}

    def changed(self) -> bool:
        names = {path.name for path in self.etc.rglob("*")}
        return (
            names != {"eyespot.toml", "credentials", "mqtt-key"}
            or self.in_force("eyespot.toml") != OLD.encode()
        )
