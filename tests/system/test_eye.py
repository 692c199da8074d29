"""Eye and body as two processes: whichever of them dies or hangs, the other one goes on."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from eyespot.broker.local import LocalMosquitto
from fakes.daemon import Daemon, Ear, EyeService, Service, write_config
from fakes.videos import write_video
from fakes.waiting import until


@pytest.fixture(name="folder")
def a_folder(tmp_path: Path) -> Path:
    return tmp_path


def body(config: Path) -> Daemon:
    return Daemon(config, EYESPOT_EYE_SOCKET=str(config.parent / "eye"))


def eye(folder: Path) -> EyeService:
    return EyeService(folder / "eye")


def configured(folder: Path, url: str, **camera: object) -> Path:
    """Write a configuration: a scene with people who soon cross the line, or another camera; with frames."""
    config = write_config(folder, camera=camera or {"source": "scene", "seed": 903}, url=url)
    config.write_text(config.read_text() + "[topics]\nframe = true\n")
    return config


def goes_on(ear: Ear, at_least: int = 3) -> None:
    before = len(ear.on("/frame"))
    until(lambda: len(ear.on("/frame")) >= before + at_least, "what is seen arrives")


def names(ear: Ear) -> set[str]:
    return {state["name"] for state in ear.newest("/health").get("states", [])}


def stops_within_two_seconds(service: Service) -> None:
    asked = time.monotonic()
    service.signal(signal.SIGTERM)
    assert service.wait() == 0
    assert time.monotonic() - asked < 2
    assert "STOPPING=1" in service.told


def has_no_way_out(seeing: EyeService) -> bool:
    """Whether the eye has neither a network socket nor a file to write to, but for what it says on stderr."""
    process = psutil.Process(seeing.process.pid)
    written = [file.path for file in process.open_files() if file.mode != "r"]
    return not process.net_connections("inet") and all(path.endswith("/stderr") for path in written)


def session_stayed(ear: Ear) -> bool:
    statuses = ear.on("/status")
    return [said["state"] for said in statuses] == ["online"]


def test_an_eye_waits_for_its_body_and_what_it_sees_is_counted(
    folder: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    with eye(folder) as seeing:
        until(seeing.ready, "READY=1")
        assert seeing.status == "waiting for the body"
        with body(configured(folder, mosquitto.url)) as talking:
            until(lambda: ear.numbers() != [], "an event")
            until(lambda: ear.newest("/info")["camera"], "the camera is told")
            assert ear.newest("/info")["camera"]["source"] == "scene"
            assert ear.newest("/info")["software"]["engine"]
            assert ear.newest("/health")["ok"]
            assert has_no_way_out(seeing)
            stops_within_two_seconds(talking)
        stops_within_two_seconds(seeing)
    assert "Traceback" not in talking.stderr


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP])
def test_an_eye_that_dies_or_hangs_costs_no_count_and_no_session(
    folder: Path, mosquitto: LocalMosquitto, ear: Ear, blow: signal.Signals
) -> None:
    with body(configured(folder, mosquitto.url)) as talking:
        with eye(folder) as seeing:
            until(ear.numbers, "an event")
            until(lambda: ear.newest("/door/state")["counts"], "the total, which comes after its event")
            counted = ear.newest("/door/state")["counts"]["person"]
            seeing.signal(blow)
            until(lambda: "eye_absent" in names(ear), "health names it")
            assert psutil.Process(talking.process.pid).is_running()
            if blow is signal.SIGSTOP:
                seeing.signal(signal.SIGCONT)
                until(lambda: ear.newest("/health")["ok"], "all well again")
                goes_on(ear)
        with eye(folder):
            goes_on(ear)
            until(lambda: ear.newest("/health")["ok"], "all well again")
            before = len(ear.numbers())
            until(lambda: len(ear.numbers()) > before, "it counts on")
        recounted = ear.newest("/door/state")["counts"]["person"]
        assert sum(recounted.values()) >= sum(counted.values())
        assert ear.numbers() == list(range(1, len(ear.numbers()) + 1))
        assert session_stayed(ear)
        stops_within_two_seconds(talking)


def with_a_film_that_can_be_opened_once(folder: Path, url: str, ear: Ear) -> Path:
    """Have the eye look at a film, which is deleted meanwhile; return the configuration."""
    film = write_video(folder / "film.avi", 600)
    config = configured(folder, url, source="video", file=str(film))
    with body(config):
        goes_on(ear)
        film.unlink()
        goes_on(ear)
    return config


def test_a_body_that_dies_finds_the_eye_as_it_was(folder: Path, mosquitto: LocalMosquitto, ear: Ear) -> None:
    with eye(folder) as seeing:
        config = with_a_film_that_can_be_opened_once(folder, mosquitto.url, ear)
        for _ in range(2):
            with body(config) as talking:
                goes_on(ear)
                talking.signal(signal.SIGKILL)
        assert seeing.process.poll() is None


def test_a_reload_with_other_rules_leaves_the_eye_alone(
    folder: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    with eye(folder) as seeing:
        config = with_a_film_that_can_be_opened_once(folder, mosquitto.url, ear)
        with body(config) as talking:
            goes_on(ear)
            config.write_text(config.read_text().replace('"door"', '"window"'))
            talking.signal(signal.SIGHUP)
            until(lambda: ear.on("/window/state"), "the new rule")
            goes_on(ear)
            stops_within_two_seconds(talking)
        assert seeing.process.poll() is None
        stops_within_two_seconds(seeing)


def test_a_reload_with_another_camera_makes_the_same_eye_look_anew(
    folder: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    def sees(rate_hz: float) -> Callable[[], bool]:
        return lambda: (ear.newest("/info").get("camera") or {}).get("rate_hz") == rate_hz

    with eye(folder) as seeing, body(configured(folder, mosquitto.url)) as talking:
        until(sees(10), "the first scene")
        configured(folder, mosquitto.url, source="scene", seed=7, rate_hz=5)
        talking.signal(signal.SIGHUP)
        until(sees(5), "the second scene")
        goes_on(ear)
        assert seeing.process.poll() is None
        assert ear.newest("/health")["ok"]


@pytest.mark.parametrize("pace", ["fast", "real"])
def test_a_film_is_seen_to_its_end_and_then_the_body_ends(
    folder: Path, mosquitto: LocalMosquitto, ear: Ear, pace: str
) -> None:
    film = write_video(folder / "film.avi", 30)
    config = configured(folder, mosquitto.url, source="video", file=str(film), pace=pace)
    with eye(folder) as seeing, body(config) as talking:
        assert talking.wait() == 0
        assert seeing.process.poll() is None
    until(lambda: ear.newest("/status").get("state") == "offline", "offline")
    health = ear.newest("/health")
    assert health["observations"] + health["dropped"] >= (30 if pace == "fast" else 25)
    assert pace == "real" or (health["observations"], health["dropped"]) == (30, 0)


def test_a_film_that_is_not_there_ends_the_body_with_its_name(
    folder: Path, mosquitto: LocalMosquitto
) -> None:
    config = configured(folder, mosquitto.url, source="video", file=str(folder / "none.mp4"))
    with eye(folder) as seeing, body(config) as talking:
        assert talking.wait() == 65
        assert "none.mp4" in talking.stderr
        assert seeing.process.poll() is None
