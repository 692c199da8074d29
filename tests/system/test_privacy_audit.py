"""An audit beside a running eye and body."""

from pathlib import Path

import pytest

from eyespot.app.privacy import audit
from eyespot.broker.local import LocalMosquitto
from eyespot.host.processes import Process
from fakes.daemon import Daemon, Ear, EyeService, write_config
from fakes.waiting import until


def test_two_processes_that_run_are_found_as_they_are(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    config = write_config(tmp_path, camera={"source": "scene", "seed": 903}, url=mosquitto.url)
    with (
        EyeService(tmp_path / "eye") as eye,
        Daemon(config, EYESPOT_EYE_SOCKET=str(tmp_path / "eye")) as body,
    ):
        until(ear.numbers, "an event")
        numbers = {"eyespot-eye": eye.process.pid, "eyespot": body.process.pid}
        found = {
            one.name: one
            for one in audit(
                config, optional=False, service=lambda name, root: [Process(numbers[name], root)]
            )
        }
    if found["eye's sockets"].verdict == "skip":
        pytest.skip(found["eye's sockets"].words)  # proc(5) may be closed where this runs
    port = int(mosquitto.url.rpartition(":")[2])
    assert found["eye's sockets"].verdict == "ok", found["eye's sockets"]
    assert found["body's sockets"].facts["sockets"] == [f"tcp to port {port}, established"]
    assert found["body's cameras"].facts["open"] == []
    assert found["files"].verdict == "ok"
    assert "eyespot.db" in found["files"].facts["sizes"]
