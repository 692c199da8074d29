"""A daemon whose day has an end: what stops, what goes on, and that a restart does not begin anew."""

import signal
from pathlib import Path

from eyespot.broker.local import LocalMosquitto
from fakes.daemon import Daemon, Ear, write_config, write_recording
from fakes.waiting import until

MB = 1_000_000


def capped(folder: Path, url: str) -> Path:
    """A megabyte a day, and a recording that is over and over again as fast as can be."""
    recording = write_recording(folder / "walk.eyespot.jsonl", 3)
    camera = {"source": "replay", "file": str(recording), "pace": "fast", "loop": True}
    config = write_config(folder, camera=camera, url=url)
    text = config.read_text().replace("[mqtt]", "[mqtt]\ndaily_mb = 1")
    config.write_text(text + "[topics]\nframe = true\nonvif = true\n")
    return config


def test_frames_stop_then_states_wait_and_events_go_on_and_a_restart_remembers(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    config = capped(tmp_path, mosquitto.url)
    with Daemon(config) as daemon:
        until(lambda: any("near_daily_cap" in str(said["states"]) for said in ear.on("/health")), "near")
        until(lambda: any("over_daily_cap" in str(said["states"]) for said in ear.on("/health")), "over")
        spent = ear.newest("/health")["bytes_today"]
        assert sum(spent.values()) >= MB
        assert spent["live"] < 0.81 * MB
        frames, states, events = len(ear.on("/frame")), len(ear.on("/door/state")), len(ear.numbers())
        until(lambda: len(ear.numbers()) >= events + 100, "events go on")
        assert len(ear.on("/frame")) <= frames + 1
        assert len(ear.on("/door/state")) <= states + 2
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    assert ear.on("/status")[-1]["state"] == "offline"
    before = len(ear.on("/health"))
    with Daemon(config):
        until(lambda: len(ear.on("/health")) > before, "health of the next life")
        health = ear.newest("/health")
        assert sum(health["bytes_today"].values()) >= sum(spent.values())
        until(lambda: "over_daily_cap" in str(ear.newest("/health")["states"]), "it knows")
    numbers = ear.numbers()
    assert numbers == list(range(1, len(numbers) + 1))
