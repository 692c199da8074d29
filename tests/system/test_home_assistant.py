"""Over a real broker Home Assistant finds the device, sets its number, and finds nothing once that is off."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from fakes.brokers import say
from fakes.daemon import LINE, Daemon, Ear, write_config
from fakes.waiting import until

ROOT = "eyespot/v1/shop"
WANTED = json.dumps({"req_id": "b", "config": {"rules": [{**LINE, "id": "window"}]}}).encode()


@pytest.fixture(name="config")
def a_config(tmp_path: Path, mosquitto: LocalMosquitto) -> Path:
    file = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
    file.write_text("[home_assistant]\ndiscovery = true\n" + file.read_text())
    return file


@pytest.fixture(name="home")
def what_home_assistant_hears(mosquitto: LocalMosquitto) -> Iterator[list[Heard]]:
    heard: list[Heard] = []
    with Listener(mosquitto.url, "homeassistant/#", heard.append):
        yield heard


def test_what_is_announced_is_kept_follows_the_rules_and_is_cleared_when_it_is_off(
    config: Path, mosquitto: LocalMosquitto, home: list[Heard], ear: Ear
) -> None:
    with Daemon(config) as daemon:
        until(lambda: home, "the discovery message")
        assert (home[0].topic, home[0].qos) == ("homeassistant/device/shop/config", 1)
        assert "rule_door_event" in json.loads(home[0].payload)["components"]
        say(mosquitto.url, Heard(f"{ROOT}/config/desired", WANTED, retain=True, qos=1))
        until(lambda: b"rule_window_event" in home[-1].payload, "the other rule")
        assert json.loads(home[-1].payload)["components"]["rule_door_event"] == {"platform": "event"}
        later: list[Heard] = []
        with Listener(mosquitto.url, "homeassistant/#", later.append):
            until(lambda: later, "what the broker keeps")
        assert (later[0].payload, later[0].retain) == (home[-1].payload, True)
        config.write_text(config.read_text().replace("discovery = true", "discovery = false"))
        daemon.signal(signal.SIGHUP)
        until(lambda: home[-1].payload == b"", "the end of it")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    assert ear.newest("/status")["state"] == "offline"


def test_a_number_that_is_set_stays_beside_what_is_desired_over_a_crash(
    config: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    def in_force() -> tuple[list[str], float | None]:
        tables = ear.newest("/config/reported")["config"]
        return [rule["id"] for rule in tables["rules"]], tables["model"].get("min_score")

    with Daemon(config) as daemon:
        until(lambda: ear.on("/config/reported"), "the first report")
        say(mosquitto.url, Heard(f"{ROOT}/config/desired", WANTED, retain=True, qos=1))
        until(lambda: in_force() == (["window"], None), "what is desired")
        number = b'{"args": {"value": 0.5 }}'
        say(mosquitto.url, Heard(f"{ROOT}/cmd/settings/min_score", number, retain=False, qos=1))
        until(lambda: in_force() == (["window"], 0.5), "the number")
        until(lambda: ear.newest("/info")["model"]["min_score"] == 0.5, "the number where it is shown")
        daemon.signal(signal.SIGKILL)
        daemon.wait()
    heard = len(ear.on("/config/reported"))
    with Daemon(config) as daemon:
        until(lambda: len(ear.on("/config/reported")) > heard, "the report of a start")
        for req_id in ("a", "b"):  # what the broker repeats is heard before them, and changes nothing
            command = f'{{"req_id": "{req_id}", "args": {{"level": "info"}}}}'.encode()
            say(mosquitto.url, Heard(f"{ROOT}/cmd/log", command, retain=False, qos=1))
            until(lambda topic=f"/reply/{req_id}": ear.on(topic), "an answer")
        assert in_force() == (["window"], 0.5)
        say(mosquitto.url, Heard(f"{ROOT}/config/desired", WANTED, retain=True, qos=1))
        until(lambda: in_force() == (["window"], None), "what is desired, said anew")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
