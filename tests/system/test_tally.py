"""`eyespot tally` beside a running service, over a real broker."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from eyespot.broker.local import LocalMosquitto
from fakes.daemon import Daemon, Ear, eyespot, write_config, write_recording
from fakes.waiting import until


def test_keys_at_the_door_are_compared_with_the_events_of_the_line(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 40)
    camera = {"source": "replay", "file": str(recording)}
    config = write_config(tmp_path, camera=camera, url=mosquitto.url)
    command = [sys.executable, "-m", "eyespot", "tally", "door", "--json", "--config", str(config)]
    with Daemon(config) as daemon:
        until(daemon.ready, "READY=1")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, **pipes, env=os.environ) as tally:
            assert b"i: somebody went in" in tally.stderr.readline()
            for _ in range(3):
                before = len(ear.numbers())
                until(lambda before=before: len(ear.numbers()) > before, "a crossing")
                os.write(tally.stdin.fileno(), b"i")
            os.write(tally.stdin.fileno(), b"oou")
            time.sleep(0.5)
            os.write(tally.stdin.fileno(), b"q")
            told = json.loads(tally.communicate(timeout=30)[0])
    assert (tally.returncode, told["seen"]) == (0, {"in": 3, "out": 1})
    assert told["missed"] == {"in": 0, "out": 1}
    assert told["counted"]["in"] - told["extra"]["in"] == 3
    assert told["wrong"]["low"] < told["wrong"]["share"] < told["wrong"]["high"]
    assert told["models"] == ["recording"]
    assert len(told["rule_hash"]) == 12


def test_where_no_key_can_come_it_is_said_what_lacks(tmp_path: Path, mosquitto: LocalMosquitto) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
    told = eyespot("tally", "door", "--config", config)
    assert "ssh -t" in told.stderr
    assert "nobody was seen" in told.stdout


def test_a_rule_that_is_no_line_is_refused(tmp_path: Path) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url="mqtt://127.0.0.1:9")
    told = eyespot("tally", "dor", "--config", config)
    assert told.returncode == 78
    assert 'there is no line "dor"; ' in told.stderr


def test_a_broker_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url="mqtt://127.0.0.1:9")
    told = eyespot("tally", "door", "--config", config)
    assert told.returncode == 69
    assert "cannot listen at 127.0.0.1" in told.stderr
