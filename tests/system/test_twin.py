"""A configuration that is desired over a real broker is lived by, over a crash, and taken back."""

import json
import signal
from pathlib import Path

from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from fakes.brokers import say
from fakes.daemon import LINE, Daemon, Ear, eyespot, write_config
from fakes.waiting import until

TOPIC = "eyespot/v1/shop/config/desired"
WANTED = {"rules": [{**LINE, "id": "window"}], "model": {"min_score": 0.5}}


def desire(mosquitto: LocalMosquitto, payload: bytes) -> None:
    say(mosquitto.url, Heard(TOPIC, payload, retain=True, qos=1))


def reported(ear: Ear) -> tuple[object, object]:
    report = ear.newest("/config/reported")
    return report.get("req_id"), report.get("code")


def test_what_is_desired_survives_a_crash_and_is_taken_back_by_an_empty_message(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
    with Daemon(config) as daemon:
        until(lambda: reported(ear) == (None, "ok"), "the first report")
        desire(mosquitto, json.dumps({"req_id": "a", "config": {"mqtt": {"url": "mqtt://x"}}}).encode())
        until(lambda: reported(ear) == ("a", "refused"), "the refusal")
        desire(mosquitto, json.dumps({"req_id": "b", "config": WANTED}).encode())
        until(lambda: reported(ear) == ("b", "ok"), "the report")
        assert ear.newest("/config/reported")["config"]["model"]["min_score"] == 0.5
        until(lambda: ear.on("/window/state"), "the new rule")
        assert len(ear.on("/status")) == 1, "the same life, the same connection"
        assert len({said["boot_id"] for said in ear.on("/config/reported")}) == 1
        assert "config/desired is in force over it (rules, model)" in eyespot("check", config).stdout
        daemon.signal(signal.SIGKILL)
        daemon.wait()
    heard = len(ear.on("/config/reported"))
    with Daemon(config) as daemon:
        until(lambda: len(ear.on("/config/reported")) > heard, "a report of the next process")
        assert reported(ear) == ("b", "ok")
        assert [rule["id"] for rule in ear.newest("/config/reported")["config"]["rules"]] == ["window"]
        desire(mosquitto, b"")
        until(lambda: reported(ear) == (None, "ok"), "the file's configuration")
        assert [rule["id"] for rule in ear.newest("/config/reported")["config"]["rules"]] == ["door"]
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
