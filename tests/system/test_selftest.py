"""`eyespot selftest` on this machine: exit codes, JSON, and a broker that hears nothing of it."""

import getpass
import json
import subprocess
from pathlib import Path
from typing import Any

from eyespot.broker.listener import Listener
from fakes.brokers import local_mosquitto
from fakes.daemon import Ear, eyespot, write_config

NOBODY = "mqtt://127.0.0.1:9"
ME = f"user {getpass.getuser()}"  # mosquitto would leave root's rights, and its files with them


def findings(*arguments: object, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    told = eyespot("selftest", "--json", *arguments, **environment)
    assert "Traceback" not in told.stderr
    return told.returncode, {finding["name"]: finding for finding in json.loads(told.stdout)}


def test_what_works_is_exit_code_0_and_the_broker_hears_nothing(tmp_path: Path) -> None:
    ear = Ear()
    with local_mosquitto("allow_anonymous true") as mosquitto, Listener(mosquitto.url, "#", ear):
        config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
        code, found = findings("--config", config)
    assert {name: finding["words"] for name, finding in found.items() if finding["verdict"] == "fail"} == {}
    assert code == 0
    assert all(set(finding) == {"name", "verdict", "words", "facts"} for finding in found.values())
    assert {"camera", "model", "engine", "broker", "clock", "disk", "watchdog", "permissions"} < set(found)
    assert found["broker"]["facts"]["version"] == "5"
    assert ear.heard == []


def test_what_does_not_work_is_exit_code_1_with_a_line_that_says_what_to_do(tmp_path: Path) -> None:
    config = write_config(tmp_path, camera={"source": "imx500"}, url=NOBODY)
    told = eyespot("selftest", "--config", config)
    assert "Traceback" not in told.stderr
    assert told.returncode == 1
    lines = {line[5:18].strip(): line for line in told.stdout.splitlines()}
    assert "connection refused; is the broker running" in lines["broker"]
    assert lines["machine"].startswith("ok   ")


def test_a_denied_login_is_named(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "shop", "right"], check=True)
    with local_mosquitto("allow_anonymous false", f"password_file {passwords}", ME) as mosquitto:
        config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
        config.write_text(config.read_text().replace("[mqtt]", '[mqtt]\nusername = "shop"'))
        for password, verdict in (("wrong", "fail"), ("right\n", "ok")):
            (tmp_path / "mqtt-password").write_text(password)
            _, found = findings("--config", config, CREDENTIALS_DIRECTORY=str(tmp_path))
            assert found["broker"]["verdict"] == verdict
            assert ("login denied" in found["broker"]["words"]) == (verdict == "fail")


def test_without_a_camera_opening_it_fails_in_words(tmp_path: Path) -> None:
    config = write_config(tmp_path, camera={"source": "imx500"}, url=NOBODY)
    code, found = findings("--camera", "--config", config)
    assert (code, found["looking"]["verdict"]) == (1, "fail")
