"""`eyespot-fleet` as people type it: devices at a real broker, runs that are killed, what is printed."""

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eyespot.app.provision import provision
from eyespot.broker.local import LocalMosquitto
from eyespot.broker.paho import PahoBroker
from eyespot.broker.settings import MqttSettings
from eyespot.config import load
from eyespot.domain.message import Delivery, Message
from eyespot_fleet.listening import listening
from eyespot_fleet.rollout.watching import Watch
from fakes.brokers import Device, local_mosquitto, running
from fakes.example_broker import lines_in
from fakes.waiting import until

ROOT = Path(__file__).parents[2]
NAMES = {"eyespot.toml", "client.crt", "client.key", "ca.crt"}


def fleet(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a folder."""
    command = [sys.executable, "-m", "eyespot_fleet", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(name="desk")
def a_desk(tmp_path: Path) -> Path:
    template = (ROOT / "config" / "eyespot.toml").read_text()
    (tmp_path / "eyespot.toml").write_text(
        template.replace("mqtt://localhost:1883", "mqtts://127.0.0.1:8883")
    )
    (tmp_path / "devices.csv").write_text("id,name\nshop-1,First\nshop-2,Second\n")
    return tmp_path


def enrol(desk: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return fleet(desk, "enrol", "devices.csv", "--out", "sd", "--ca", "ca", *arguments)


def mosquitto_for(desk: Path) -> list[str]:
    """Return what the guide says of mosquitto's configuration, with the paths of a test."""
    return lines_in(desk / "broker", "2.0")


def device(desk: Path, mosquitto: LocalMosquitto, device_id: str, *, certified: bool = True) -> PahoBroker:
    """Return the device that has imported its folder; without its certificate where it is not to show it."""
    etc = desk / device_id / "etc" / "eyespot"
    (etc / "credentials").mkdir(parents=True)
    shutil.copytree(desk / "sd" / device_id / "eyespot", desk / device_id / "boot" / "firmware" / "eyespot")
    provision(lambda _: None, desk / device_id)
    config = etc / "eyespot.toml"
    text = config.read_text().replace(":8883", f":{mosquitto.port}")
    config.write_text(text if certified else text.replace("cert_file", "# cert_file"))
    credentials = {"CREDENTIALS_DIRECTORY": str(etc / "credentials")}
    return PahoBroker(load(config).config.mqtt, device_id, credentials, lambda: 0.1)


def as_reader(desk: Path, mosquitto: LocalMosquitto, who: str, program: str, *arguments: object) -> str:
    """Return what a program of mosquitto says to somebody who has a certificate of the authority."""
    folder = desk / "readers" / who / "eyespot"
    if not folder.exists():
        (desk / "readers.csv").write_text("id\ndashboard\noperator\n")
        assert fleet(desk, "enrol", "readers.csv", "--out", "readers", "--ca", "ca").returncode == 0
    files = ("--cafile", "ca.crt", "--cert", "client.crt", "--key", "client.key")
    command = [program, "-h", "127.0.0.1", "-p", str(mosquitto.port), *map(str, arguments), *files]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def publish(shop: Device, device_id: str, token: int) -> None:
    topic = f"eyespot/v1/{device_id}/info"
    shop.broker.publish(Message(topic, b"by shop-1", Delivery.STATE), token)


@pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning")
def test_enrolled_devices_are_known_to_a_broker_and_keep_to_their_own_topics(desk: Path) -> None:
    assert enrol(desk).returncode == 0
    told = fleet(desk, "broker", "127.0.0.1", "localhost", "--ca", "ca", "--out", "broker")
    assert told.stdout.startswith("broker/broker.crt: new; valid until ")
    with local_mosquitto(*mosquitto_for(desk)) as mosquitto:
        with running(device(desk, mosquitto, "shop-1")) as shop:
            shop.told.wait_for(lambda: shop.told.online)
            publish(shop, "shop-2", 2)
            publish(shop, "shop-1", 1)
            shop.told.wait_for(
                lambda: shop.told.acknowledged_tokens == [1] and list(shop.told.refusals) == [2]
            )
            reads = ("mosquitto_sub", "-W", 10, "-C", 1, "-v", "-t", "eyespot/v1/+/info")
            said = as_reader(desk, mosquitto, "dashboard", *reads)
            assert said == "eyespot/v1/shop-1/info by shop-1\n"
            for who, device_id in (("dashboard", "shop-1"), ("operator", "shop-2"), ("operator", "shop-1")):
                for topic in ("model/desired", "cmd/model/update"):
                    words = ("-q", 1, "-t", f"eyespot/v1/{device_id}/{topic}", "-m", f"{who} to {device_id}")
                    as_reader(desk, mosquitto, who, "mosquitto_pub", *words)
            shop.told.wait_for(lambda: len(shop.told.heard) == 2)
            assert {heard.payload for heard in shop.told.heard} == {b"operator to shop-1"}
        with running(device(desk, mosquitto, "shop-2", certified=False)) as nobody:
            nobody.told.wait_for(lambda: nobody.told.reasons)
            assert nobody.told.connections == 0


@pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning")
def test_an_operator_with_a_certificate_hears_devices_and_tells_them_to_look(desk: Path) -> None:
    assert enrol(desk).returncode == 0
    assert fleet(desk, "broker", "127.0.0.1", "--ca", "ca", "--out", "broker").returncode == 0
    with local_mosquitto(*mosquitto_for(desk)) as mosquitto:
        as_reader(desk, mosquitto, "operator", "mosquitto_pub", "-t", "nowhere", "-n")
        folder = desk / "readers" / "operator" / "eyespot"
        files = {"ca_file": "ca.crt", "cert_file": "client.crt", "key_file": "client.key"}
        operator = MqttSettings(
            url=f"mqtts://127.0.0.1:{mosquitto.port}",
            **{key: str(folder / name) for key, name in files.items()},
        )
        watch = Watch("eyespot/v1", time.monotonic)
        with running(device(desk, mosquitto, "shop-1")) as shop, listening(operator, watch):
            shop.told.wait_for(lambda: shop.told.online)
            says = b'{"state": "idle", "cohort": "default"}'
            shop.broker.publish(Message("eyespot/v1/shop-1/model/detail", says, Delivery.STATE), 1)
            until(lambda: "shop-1" in watch.known())
            watch.hint(["shop-1"])
            shop.told.wait_for(lambda: shop.told.heard)
            assert shop.told.heard[0].topic == "eyespot/v1/shop-1/model/desired"


def test_what_was_done_is_told_to_people_and_to_programs(desk: Path) -> None:
    told = enrol(desk)
    begun = "warning: ca: a new authority is begun; nothing of another one trusts it\n"
    assert (told.returncode, told.stderr) == (0, begun)
    first, second = told.stdout.splitlines()
    assert re.fullmatch(r"sd: 2 devices, 2 with a certificate, by ca until 20\d\d-\d\d-\d\d at most", first)
    assert second == "  2 new: shop-1, shop-2"
    (desk / "devices.csv").write_text("id,name\nshop-1,First\nshop-2,Zweiter\nshop-3,\n")
    told = enrol(desk, "--json", "--days", "30")
    assert told.stderr.startswith("warning: shop-3: its certificate ends on ")
    done = json.loads(told.stdout)
    assert [(one["id"], one["outcome"]) for one in done["devices"]] == [
        ("shop-1", "unchanged"),
        ("shop-2", "changed"),
        ("shop-3", "new"),
    ]
    shown = ["openssl", "x509", "-noout", "-serial", "-in", desk / "sd" / "shop-3" / "eyespot" / "client.crt"]
    serial = subprocess.run(shown, capture_output=True, text=True, check=True).stdout.strip()
    assert int(serial.removeprefix("serial="), 16) == int(done["devices"][2]["certificate"]["serial"], 16)
    told = enrol(desk)
    assert told.stdout.endswith("\n  3 as they were\n")


def test_help_tells_every_command_and_how_to_use_it(desk: Path) -> None:
    told = fleet(desk, "--help")
    assert told.returncode == 0
    assert all(f"eyespot-fleet {name} " in told.stdout for name in ("enrol", "broker"))
    assert "exit codes: 0 good" in told.stdout


ENROL = ("enrol", "devices.csv", "--out")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 64, "usage: eyespot-fleet"),
        (["enrol", "devices.csv"], 64, "--out"),
        ([*ENROL, "sd", "--renew"], 64, "--renew needs --ca"),
        ([*ENROL, "sd", "--ca", "a", "--certs", "b"], 64, "not allowed with"),
        ([*ENROL, "sd", "--days", "0"], 64, "want a whole number of days"),
        (["enrol", "none.csv", "--out", "sd"], 65, "cannot read none.csv: No such file or directory\n"),
        (
            ["enrol", "devices.csv", "--out", "sd", "--template", "none"],
            78,
            "name the template with --template",
        ),
        (
            ["enrol", "devices.csv", "--out", "devices.csv/sd"],
            74,
            "cannot write devices.csv/sd: Not a directory",
        ),
        (["broker", "a_b", "--ca", "ca", "--out", "x"], 64, "want a host name or an address"),
        (["broker", "b.example", "--ca", "devices.csv/ca", "--out", "x"], 74, "cannot write devices.csv/ca"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(desk: Path, arguments: list[str], code: int, words: str) -> None:
    told = fleet(desk, *arguments)
    assert (told.returncode, told.stdout) == (code, "")
    assert words in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("library", ["cryptography", "tomlkit"])
def test_where_a_library_is_missing_it_is_said_what_to_install(library: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; import eyespot_fleet.__main__"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "pip install 'eyespot[fleet]'" in told.stderr
    assert "Traceback" not in told.stderr


def test_an_authority_with_a_passphrase_is_opened_by_it_alone(desk: Path) -> None:
    for name, text in (("right", "open sesame\n"), ("wrong", "open barley\n"), ("empty", "\n")):
        (desk / name).write_text(text)
    assert enrol(desk, "--passphrase-file", "right").returncode == 0
    told = enrol(desk, "--passphrase-file", "right")
    assert (told.returncode, "2 as they were" in told.stdout) == (0, True)
    for options, words in (
        (["--passphrase-file", "wrong"], "cannot open ca/ca.key; is the passphrase right?"),
        (["--passphrase-file", "empty"], "empty: want the passphrase in its first line"),
        ([], "wants a passphrase: --passphrase-file FILE, or run it on a terminal"),
    ):
        told = enrol(desk, *options)
        assert (told.returncode, words in told.stderr) == (65, True), told.stderr


def look(out: Path) -> None:
    """Look whether each folder is one that a device takes: all its files, key and certificate a pair."""
    for folder in out.glob("*/eyespot"):
        ssl.create_default_context().load_cert_chain(folder / "client.crt", folder / "client.key")
        assert {path.name for path in folder.iterdir()} == NAMES


KILLED = """
import os, sys
from pathlib import Path
from eyespot_fleet.__main__ import main
from fakes.killing import killed_everywhere
from test_fleet import look

deaths = killed_everywhere(lambda: main(sys.argv[1:]), lambda: look(Path("sd")))
print(deaths, file=sys.stderr)
"""


@pytest.mark.parametrize("renew", [[], ["--renew"]], ids=["first", "renewing"])
def test_a_run_that_is_killed_anywhere_leaves_whole_folders_and_the_next_one_goes_on(
    desk: Path, renew: list[str]
) -> None:
    if renew:
        assert enrol(desk).returncode == 0
    command = [sys.executable, "-c", KILLED, *ENROL, "sd", "--ca", "ca", *renew]
    path = f"{os.environ.get('PYTHONPATH', '')}:{Path(__file__).parent}:{ROOT / 'tests'}"
    told = subprocess.run(
        command, cwd=desk, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path}
    )
    assert told.returncode == 0, told.stderr
    assert int(told.stderr) > 20
    assert {path.name for path in (desk / "sd").iterdir()} == {"shop-1", "shop-2"}
    assert {path.name for path in (desk / "ca").iterdir()} == {"ca.crt", "ca.key"}
    assert enrol(desk).stdout.endswith("  2 as they were\n")
