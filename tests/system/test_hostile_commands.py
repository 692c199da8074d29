"""The ten thousand hostile payloads over a real mosquitto, at a real daemon that counts meanwhile."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from eyespot.domain.paths import small_text
from fakes.brokers import say
from fakes.daemon import Daemon, Ear, write_config, write_recording
from fakes.hostile import elsewhere, hostile
from fakes.waiting import until

ROOT = "eyespot/v1/shop"
_AT_ONCE = 500
_MOST_MORE_MB = 64


def attack() -> Iterator[list[Heard]]:
    """Yield ten thousand in portions; what is desired is kept by the broker, as it would be."""
    said = [*hostile(17, 9_900, huge=3), *elsewhere(17, 200)]
    heard = [
        Heard(
            f"{ROOT}/{one.suffix}",
            one.payload,
            retain=one.retain or one.suffix == "config/desired",
            qos=1,
            answer_to=one.answer_to,
        )
        for one in said
        if not one.suffix.startswith("CMD")  # the broker passes that on to nobody
    ]
    for begin in range(0, len(heard), _AT_ONCE):
        yield heard[begin : begin + _AT_ONCE]


def memory_mb(pid: int) -> float:
    lines = dict(line.split(":", 1) for line in small_text(Path(f"/proc/{pid}/status")).splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024


def test_ten_thousand_hostile_payloads_do_nothing_while_it_counts_and_it_obeys_afterwards(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 300)
    camera = {"source": "replay", "file": str(recording)}
    with Daemon(write_config(tmp_path, camera=camera, url=mosquitto.url)) as daemon:
        until(lambda: ear.on("/door/event"), "the first crossing")
        until(lambda: ear.on("/config/reported"), "the configuration in force")
        before_mb, before = memory_mb(daemon.process.pid), ear.newest("/config/reported")
        for portion in attack():
            say(mosquitto.url, *portion)
        until(lambda: "commands_dropped" in json.dumps(ear.newest("/health")), "that most are not looked at")
        assert memory_mb(daemon.process.pid) - before_mb < _MOST_MORE_MB
        say(mosquitto.url, Heard(f"{ROOT}/config/desired", b"", retain=True, qos=1))
        until(lambda: "nothing is desired" in ear.newest("/config/reported")["detail"], "the file's alone")
        after = ear.newest("/config/reported")
        assert (after["boot_id"], after["config"]) == (before["boot_id"], before["config"])
        obeys(mosquitto, ear)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    events = ear.on("/door/event")
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["kind"] for event in events].count("reset") == 1
    assert all(event["boot_id"] == before["boot_id"] for event in events)
    assert "Traceback" not in daemon.stderr


def obeys(mosquitto: LocalMosquitto, ear: Ear) -> None:
    """See that it does what it is told, once it looks at commands again."""
    command = Heard(f"{ROOT}/cmd/counters/reset", b'{"req_id": "last-0"}', retain=False, qos=1)
    for number in range(10):
        req_id = f"last-{number}"
        say(mosquitto.url, replace(command, payload=json.dumps({"req_id": req_id}).encode()))
        try:
            until(lambda: ear.newest(f"/reply/{req_id}").get("code") == "ok", "an answer", timeout_s=3)  # noqa: B023
        except AssertionError:  # no room for it yet
            continue
        return
    raise AssertionError("it never obeys again")
