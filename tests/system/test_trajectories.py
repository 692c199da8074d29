"""Where people went: switched on by an operator, fetched whole, and rules tried on it; over a real broker."""

import json
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from eyespot.broker.local import LocalMosquitto
from fakes.daemon import Daemon, Ear, eyespot, write_config, write_recording
from fakes.waiting import until

ALIKE_S = 0.01


def fleet(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "eyespot_fleet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def instant(payload: dict[str, Any]) -> float:
    return datetime.fromisoformat(payload["t"]).timestamp()


def replayed(config: Path, file: Path) -> list[dict[str, Any]]:
    told = eyespot("replay", "--config", config, file)
    assert (told.returncode, told.stderr) == (0, "")
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    return [line["payload"] for line in lines if line["topic"].endswith("/event")]


def test_aimed_by_command_fetched_whole_and_counted_again(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 40)
    config = write_config(tmp_path, camera={"source": "replay", "file": str(recording)}, url=mosquitto.url)
    with config.open("a") as file:
        file.write("[topics]\nframe = true\n")
    broker = ["--broker", mosquitto.url]
    fetched = tmp_path / "ways.jsonl"
    with Daemon(config) as daemon:
        until(lambda: ear.newest("/trajectories"), "whether anything is kept")
        assert ear.newest("/trajectories")["keeps"] == "off"
        nothing = fleet("trajectories", "shop", *broker, "-o", fetched)
        assert (nothing.returncode, fetched.exists()) == (1, False), nothing.stderr
        aimed = fleet("aim", "shop", *broker, "--minutes", 60)
        assert aimed.returncode == 0, aimed.stderr
        until(lambda: ear.newest("/trajectories")["keeps"] == "aim", "that it is kept")
        begun = datetime.now().astimezone().timestamp() + 1
        seen = len(ear.on("/event"))
        until(lambda: len(ear.on("/event")) >= seen + 3, "crossings")
        told = fleet("trajectories", "shop", *broker, "--hours", 1, "-o", fetched)
        assert (told.returncode, told.stderr) == (0, ""), told.stderr
        again = replayed(config, fetched)
        ended = instant(again[-1]) + ALIKE_S
        counted = [event for event in ear.on("/event") if begun < instant(event) < ended]
        assert len(counted) >= 2
        for event in counted:
            assert any(abs(instant(event) - instant(other)) < ALIKE_S for other in again), event
        lines = [json.loads(line) for line in fetched.read_text().splitlines()]
        kept = {way["track"] for piece in lines[1:] for way in piece["ways"]}
        live = {track for frame in ear.on("/frame") for track in frame["tracks"]}
        assert kept
        assert live
        assert not kept & live
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait()
    with Daemon(config):
        until(lambda: ear.newest("/trajectories").get("since"), "what was kept")
        assert ear.newest("/trajectories")["keeps"] == "aim"
        rest = tmp_path / "rest.jsonl"
        assert fleet("trajectories", "shop", *broker, "-o", rest).returncode == 0
        assert rest.read_bytes().startswith(fetched.read_bytes())
        assert "has ended" in fleet("aim", "shop", *broker, "--minutes", 0).stdout
        until(lambda: ear.newest("/trajectories")["keeps"] == "off", "the end")
