"""`eyespot why` beside a running service: its last hour, through a local door and no other way."""

from datetime import UTC, datetime
from pathlib import Path

from fakes.daemon import LINE, Daemon, eyespot, write_config, write_recording
from fakes.waiting import until

NOBODY = "mqtt://127.0.0.1:9"


def test_the_running_service_tells_why_it_counted(tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 60)
    camera = {"source": "replay", "file": str(recording), "pace": "real"}
    config = write_config(tmp_path, camera=camera, url=NOBODY, rules=[LINE])

    def asked(rule: str = "door") -> str:
        now = datetime.now(UTC).isoformat()
        told = eyespot("why", rule, "--at", now, "--within", 3, "--config", config)
        return told.stdout + told.stderr

    with Daemon(config) as daemon:
        until(daemon.ready)
        until(lambda: "crossed in: counted (person)" in asked())
        assert 'there is no rule "dor"; did you mean "door"?' in asked("dor")
        assert (tmp_path / "state" / "why.sock").stat().st_mode & 0o077 == 0
        daemon.process.terminate()
        assert daemon.wait() == 0
    assert "is the service running, and are you its user or root?" in asked()
    assert not (tmp_path / "state" / "why.sock").exists()
