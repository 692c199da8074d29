"""Whole processes: what is told, what is published, what survives."""

import signal
import time
from pathlib import Path

import psutil
import pytest

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from fakes.daemon import LINE, Daemon, Ear, write_config, write_recording
from fakes.waiting import until

NOBODY = "mqtt://127.0.0.1:9"


def replaying(folder: Path, url: str, crossings: int, **camera: object) -> Path:
    recording = write_recording(folder / "walk.eyespot.jsonl", crossings)
    return write_config(folder, camera={"source": "replay", "file": str(recording), **camera}, url=url)


def test_it_is_ready_without_a_broker_says_so_and_stops_within_two_seconds(tmp_path: Path) -> None:
    with Daemon(replaying(tmp_path, NOBODY, 1, loop=True)) as daemon:
        until(daemon.ready, "READY=1")
        until(lambda: any("broker_unreachable" in told for told in daemon.told), "STATUS names the broker")
        until(lambda: "WATCHDOG=1" in daemon.told, "WATCHDOG=1")
        asked = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert time.monotonic() - asked < 2
        assert "STOPPING=1" in daemon.told
        assert "broker_unreachable" in daemon.stderr


def test_an_ordinary_day_is_two_lines_of_the_log(tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear) -> None:
    with Daemon(replaying(tmp_path, mosquitto.url, 1, loop=True)) as daemon:
        until(lambda: len(ear.numbers()) >= 2, "events")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert [line.split(":")[0] for line in daemon.stderr.splitlines()] == [
            "NOTICE ready",
            "NOTICE stopping",
        ]


def test_a_file_that_ends_is_flushed_and_ends_with_exit_code_0(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    with Daemon(replaying(tmp_path, mosquitto.url, 5, pace="fast")) as daemon:
        assert daemon.wait() == 0
    until(lambda: ear.newest("/status").get("state") == "offline", "offline")
    assert ear.newest("/door/state")["counts"] == {"person": {"in": 5, "out": 0}}
    assert ear.numbers() == [1, 2, 3, 4, 5]
    assert [said["state"] for said in ear.on("/status")] == ["online", "stopping", "offline"]
    assert ear.newest("/info")["camera"]["source"] == "replay"
    assert ear.newest("/health")["ok"]


def test_what_was_counted_without_a_broker_is_delivered_by_the_next_process(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    with Daemon(replaying(tmp_path, NOBODY, 3, pace="fast")) as daemon:
        assert daemon.wait() == 0
    with Daemon(replaying(tmp_path, mosquitto.url, 2, pace="fast")) as daemon:
        assert daemon.wait() == 0
    assert ear.numbers() == [1, 2, 3, 4, 5]
    assert ear.newest("/door/state")["counts"] == {"person": {"in": 5, "out": 0}}


def test_kill_9_loses_no_count_and_no_event(tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear) -> None:
    config = replaying(tmp_path, mosquitto.url, 30)
    for crossings in (1, 2):
        with Daemon(config) as daemon:
            until(lambda least=crossings: len(ear.numbers()) >= least, "an event")
            daemon.signal(signal.SIGKILL)
    with Daemon(replaying(tmp_path, mosquitto.url, 2, pace="fast")) as daemon:
        assert daemon.wait() == 0
    counted = ear.newest("/door/state")["counts"]["person"]["in"]
    assert counted >= 4
    assert sorted(ear.numbers()) == list(range(1, counted + 1))


def test_an_outage_of_the_broker_loses_no_event_and_states_come_again(tmp_path: Path) -> None:
    ear = Ear()
    with LocalMosquitto() as mosquitto, Daemon(replaying(tmp_path, mosquitto.url, 8)) as daemon:
        with Listener(mosquitto.url, "eyespot/v1/shop/#", ear):
            until(lambda: ear.numbers() == [1], "the first event")
        mosquitto.stop(kill=True)
        until(lambda: any("broker_unreachable" in told for told in daemon.told), "STATUS names the broker")
        mosquitto.start()
        with Listener(mosquitto.url, "eyespot/v1/shop/#", ear):
            until(lambda: ear.newest("/status").get("state") == "online", "online again")
            assert daemon.wait() == 0
            until(lambda: ear.newest("/status").get("state") == "offline", "offline")
    assert sorted(ear.numbers()) == list(range(1, 9))
    assert ear.newest("/door/state")["counts"] == {"person": {"in": 8, "out": 0}}


def test_a_changed_configuration_is_taken_up_and_a_broken_one_refused(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    config = replaying(tmp_path, mosquitto.url, 1, loop=True)
    camera = {"source": "replay", "file": str(tmp_path / "walk.eyespot.jsonl"), "loop": True}
    with Daemon(config) as daemon:
        until(lambda: ear.on("/door/state"), "the first state")
        good = config.read_text()
        config.write_text(good + "\n[modle]\n")
        daemon.signal(signal.SIGHUP)
        until(lambda: "reload_refused" in str(ear.newest("/health")), "health names the refusal")
        assert "RELOADING=1" in daemon.told
        assert 'did you mean "model"' in daemon.stderr
        assert daemon.process.poll() is None
        window = {**LINE, "id": "window"}
        write_config(tmp_path, camera=camera, url=mosquitto.url, rules=[window])
        daemon.signal(signal.SIGHUP)
        until(lambda: ear.on("/window/state"), "the new rule")
        until(
            lambda: [h for h in ear.heard if h.topic.endswith("/door/state") and not h.payload],
            "the old is cleared",
        )
        until(lambda: ear.newest("/health").get("ok"), "all well again")
        assert "NOTICE the changed configuration is taken up\n" in daemon.stderr
        assert daemon.stderr.count("NOTICE ready: ") == 2
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"mqtts": True}, "cannot use ca_file"),
        ({"file": "/nonexistent/door.mp4"}, "no such file"),
        ({"state": "/proc/x"}, "cannot use the state folder"),
        ({"bundle": "/nonexistent"}, "is no folder"),
    ],
    ids=["certificate", "video", "state folder", "model"],
)
def test_a_reload_that_would_end_it_is_refused(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear, wrong: dict[str, object], words: str
) -> None:
    config = replaying(tmp_path, mosquitto.url, 1, loop=True)
    with Daemon(config) as daemon:
        until(lambda: ear.on("/door/state"), "the first state")
        text = config.read_text()
        if "mqtts" in wrong:
            text = text.replace(mosquitto.url, f'mqtts://127.0.0.1:9"\nca_file = "{config}')
        if "file" in wrong:
            text = text.replace('source = "replay"', 'source = "video"')
            text = text.replace(str(tmp_path / "walk.eyespot.jsonl"), str(wrong["file"]))
        if "state" in wrong:
            text = text.replace(str(tmp_path / "state"), str(wrong["state"]))
        if "bundle" in wrong:
            text += f'[model]\nbundle = "{wrong["bundle"]}"\n'
        config.write_text(text)
        daemon.signal(signal.SIGHUP)
        until(lambda: "reload_refused" in str(ear.newest("/health")), "health names the refusal")
        assert words in daemon.stderr
        counted = len(ear.numbers())
        until(lambda: len(ear.numbers()) > counted, "it counts on")


def test_many_reloads_leave_no_model_behind(tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
    with Daemon(config) as daemon:
        memory_mb = []
        for reload in range(8):
            until(lambda least=reload: len(ear.on("/info")) > 2 * least + 1, "info with the camera")
            memory_mb.append(psutil.Process(daemon.process.pid).memory_info().rss / 2**20)
            daemon.signal(signal.SIGHUP)
        # one that stayed would be 50 MB a time; some of the first ones' memory is kept for the next
        assert memory_mb[-1] < memory_mb[0] + 120, memory_mb


def test_the_will_says_offline_when_the_process_dies(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    with Daemon(replaying(tmp_path, mosquitto.url, 1, loop=True)) as daemon:
        until(lambda: ear.newest("/status").get("state") == "online", "online")
        daemon.signal(signal.SIGKILL)
        until(lambda: ear.newest("/status").get("state") == "offline", "the will")


def test_without_a_state_folder_it_counts_and_says_so_and_that_the_counts_are_lost_in_the_end(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    (tmp_path / "state").write_text("no folder")
    with Daemon(replaying(tmp_path, mosquitto.url, 1, loop=True)) as daemon:
        until(ear.numbers, "an event")
        until(lambda: "storage_failed" in str(ear.newest("/health")), "health names it")
        assert "cannot use the state folder" in daemon.stderr
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 74
        assert "the newest counts are lost" in daemon.stderr


def test_two_daemons_do_not_share_a_state_folder(tmp_path: Path) -> None:
    config = replaying(tmp_path, NOBODY, 1, loop=True)
    with Daemon(config) as daemon:
        until(daemon.ready, "READY=1")
        with Daemon(config) as second:
            assert second.wait() == 74
        assert "another eyespot uses the state folder" in daemon.stderr
