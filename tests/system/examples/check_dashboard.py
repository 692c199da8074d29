"""What a device says, brought into a real InfluxDB as telegraf.conf tells, answers what dashboard.json asks.

Telegraf itself is not run (see config/examples/telegraf/README.md): `fakes.telegraf` stands for it.
"""

import json
import os
import socket
import subprocess
import tomllib
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from fakes.daemon import Daemon, Ear, write_config
from fakes.telegraf import points
from fakes.waiting import until

EXAMPLES = Path(__file__).parents[3] / "config" / "examples" / "telegraf"
CONSUMERS = tomllib.loads((EXAMPLES / "telegraf.conf").read_text())["inputs"]["mqtt_consumer"]
DASHBOARD = json.loads((EXAMPLES / "dashboard.json").read_text())
LONG_S = 90.0
INFLUXD = os.environ.get("EYESPOT_INFLUXD", "")
NOT_EVERYWHERE = {"Temperature of the processor"}  # a virtual machine knows none

pytestmark = [
    pytest.mark.timeout(200),
    pytest.mark.skipif(not INFLUXD, reason="EYESPOT_INFLUXD names no InfluxDB: tests/system/examples/run"),
]


class Influx:
    """An InfluxDB of our own on loopback, while its context lasts."""

    def __init__(self, folder: Path) -> None:
        http, rpc = free_port(), free_port()
        self._url = f"http://127.0.0.1:{http}"
        settings = {
            "HTTP_BIND_ADDRESS": f"127.0.0.1:{http}",
            "BIND_ADDRESS": f"127.0.0.1:{rpc}",
            "META_DIR": f"{folder}/meta",
            "DATA_DIR": f"{folder}/data",
            "DATA_WAL_DIR": f"{folder}/wal",
            "REPORTING_DISABLED": "true",
            "MONITOR_STORE_ENABLED": "false",
        }
        self._environment = {f"INFLUXDB_{key}": value for key, value in settings.items()}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [INFLUXD],
            env={**os.environ, **self._environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._is_up, "an InfluxDB")
        self.ask("CREATE DATABASE eyespot")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def write(self, lines: list[str]) -> None:
        where = f"{self._url}/write?db=eyespot&precision=ms"
        urllib.request.urlopen(urllib.request.Request(where, "\n".join(lines).encode()), timeout=5).close()

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return the series of an answer."""
        data = urllib.parse.urlencode({"db": "eyespot", "q": query}).encode()
        with urllib.request.urlopen(f"{self._url}/query", data, timeout=5) as answer:
            (result,) = json.load(answer)["results"]
        assert "error" not in result, result
        return result.get("series", [])

    def _is_up(self) -> bool:
        try:
            urllib.request.urlopen(f"{self._url}/ping", timeout=1).close()
        except OSError:
            return False
        return True


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def as_grafana_asks(query: str) -> str:
    for name, value in {"$timeFilter": "time > now() - 24h", "$__interval": "1m", "$device": ".*"}.items():
        query = query.replace(name, value)
    assert "$" not in query.replace("$/", "")
    return query


@pytest.fixture(name="ear", scope="module")
def what_a_device_said(tmp_path_factory: pytest.TempPathFactory) -> Ear:
    ear = Ear()
    folder = tmp_path_factory.mktemp("device")
    with LocalMosquitto() as mosquitto, Listener(mosquitto.url, "eyespot/v1/#", ear):
        config = write_config(folder, camera={"source": "scene", "seed": 903}, url=mosquitto.url)
        with Daemon(config):
            until(lambda: len(ear.numbers()) >= 3, "crossings", LONG_S)
            until(lambda: counted(ear) >= 3, "totals", LONG_S)
            until(lambda: ear.newest("/health").get("inference_ms"), "health", LONG_S)
        until(lambda: ear.newest("/status").get("state") == "offline", "offline")
    return ear


@pytest.fixture(name="influx", scope="module")
def an_influx(ear: Ear, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    made = [
        point.line()
        for consumer in CONSUMERS
        for heard in ear.heard
        for point in points(consumer, heard.topic, heard.payload)
    ]
    with Influx(tmp_path_factory.mktemp("influx")) as influx:
        influx.write(made)
        influx.write(made)  # as after a reconnect: all of it once more
        yield influx


def counted(ear: Ear) -> int:
    return sum(sum(directions.values()) for directions in ear.newest("/state").get("counts", {}).values())


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_each_panel_has_something_to_show(influx: Influx, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        series = influx.ask(as_grafana_asks(target["query"]))
        assert series or panel["title"] in NOT_EVERYWHERE
        assert all(one["tags"]["device"] == "shop" for one in series)


def test_the_crossings_are_counted_once_however_often_they_came(ear: Ear, influx: Influx) -> None:
    ((row,),) = (one["values"] for one in influx.ask('SELECT count("seq") FROM "eyespot_crossing"'))
    assert row[1] == len(ear.numbers())


def test_the_devices_are_found_for_the_menu(influx: Influx) -> None:
    (menu,) = (each for each in DASHBOARD["templating"]["list"] if each["name"] == "device")
    assert influx.ask(menu["query"])[0]["values"] == [["device", "shop"]]
