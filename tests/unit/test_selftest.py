"""Probes of the self-test, in a file system that is made up."""

import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from eyespot.app.selftest import access, camera, looking, machine, model, selftest
from eyespot.app.selftest.finding import Finding, attempt
from eyespot.app.selftest.world import World, look_around
from eyespot.domain.errors import CameraError
from eyespot.domain.instants import SECOND_NS
from eyespot.host.clock import ManualClock
from fakes.daemon import write_config
from fakes.script import Script, seen

NOBODY = "mqtt://127.0.0.1:9"
MS = 1_000_000


def write(root: Path, name: str, text: str = "") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def world(root: Path, source: str | None = None, **settings: Any) -> World:
    """Return a world whose configuration looks at a source; None has no configuration."""
    if source is None:
        return World(root, None, {})
    file = write_config(root, camera={"source": source, **settings}, url=NOBODY)
    found, finding = look_around(file, root, {}, optional=False)
    assert finding.verdict == "ok", finding.words
    return found


def plug_in_sensor(root: Path, bus: str = "10-001a", node: str = "v4l-subdev0") -> None:
    """Make what the kernel shows of an IMX500."""
    device = root / "sys/devices" / bus
    module = root / "sys/module/imx500"
    module.mkdir(parents=True, exist_ok=True)
    (device / "driver").mkdir(parents=True)
    (device / "driver/module").symlink_to(module)
    write(root, f"sys/class/video4linux/{node}/name", f"imx500 {bus}\n")
    (root / f"sys/class/video4linux/{node}/device").symlink_to(device)


# --- no probe can harm --------------------------------------------------------------------------------------


def test_a_probe_that_raises_is_a_finding() -> None:
    def probe() -> Finding:
        raise ZeroDivisionError("bang")

    found = attempt("x", probe, 5)
    assert (found.name, found.verdict) == ("x", "fail")
    assert found.words == "this could not be looked at: bang"


def test_a_probe_that_hangs_is_a_finding() -> None:
    def probe() -> Finding:
        time.sleep(5)
        raise AssertionError

    found = attempt("x", probe, 0.05)
    assert (found.verdict, found.words) == ("fail", "no answer within 0.05 s; what it asks hangs")


def test_every_probe_has_words_in_an_empty_file_system(tmp_path: Path) -> None:
    found = list(selftest(tmp_path / "none.toml", optional=True, root=tmp_path, environ={}))
    assert [finding.name for finding in found] == [
        "configuration", "machine", "camera", "firmware", "library", "sensor model", "permissions", "model",
        "engine", "certificates", "broker", "clock", "disk", "watchdog", "heat",
    ]  # fmt: skip
    assert all(finding.words and "could not be looked at" not in finding.words for finding in found)
    assert not [finding for finding in found if finding.verdict == "fail"]


# --- configuration ------------------------------------------------------------------------------------------


def test_a_missing_configuration_may_be_missing_or_not(tmp_path: Path) -> None:
    file = tmp_path / "eyespot.toml"
    assert look_around(file, tmp_path, {}, optional=True)[1].verdict == "warn"
    assert look_around(file, tmp_path, {}, optional=False)[1].verdict == "fail"


def test_a_broken_configuration_is_told_by_its_first_mistake(tmp_path: Path) -> None:
    file = write(tmp_path, "eyespot.toml", "nonsense = 1\nmore = 2\n")
    found, finding = look_around(file, tmp_path, {}, optional=True)
    assert (found.loaded, finding.verdict) == (None, "fail")
    assert finding.words.startswith(f"{file}:1:")
    assert finding.words.endswith(f"see `eyespot check {file}`")


# --- the camera ---------------------------------------------------------------------------------------------


def test_an_ai_camera_is_found_by_its_driver(tmp_path: Path) -> None:
    plug_in_sensor(tmp_path)
    write(tmp_path, "dev/media0")
    found = camera.camera(world(tmp_path, "imx500"))
    assert (found.verdict, found.words) == ("ok", "an AI camera (IMX500) at 10-001a")
    assert found.facts == {
        "imx500": ["10-001a"], "video": {"v4l-subdev0": "imx500 10-001a"}, "media": ["media0"],
    }  # fmt: skip


def test_a_camera_that_is_not_asked_for_is_told_as_such(tmp_path: Path) -> None:
    plug_in_sensor(tmp_path)
    assert camera.camera(world(tmp_path, "scene")).words.endswith("the configuration does not look at it")


def test_two_ai_cameras_are_one_too_many(tmp_path: Path) -> None:
    plug_in_sensor(tmp_path)
    plug_in_sensor(tmp_path, "11-001a", "v4l-subdev1")
    found = camera.camera(world(tmp_path, "imx500"))
    assert (found.verdict, found.facts["imx500"]) == ("warn", ["10-001a", "11-001a"])


@pytest.mark.parametrize(
    ("source", "verdict"), [("imx500", "fail"), ("picamera", "fail"), ("scene", "skip"), (None, "skip")]
)
def test_only_who_asks_for_a_camera_misses_one(source: str | None, verdict: str, tmp_path: Path) -> None:
    found = camera.camera(world(tmp_path, source))
    assert found.verdict == verdict
    assert ("cable" in found.words) == (verdict == "fail")


def test_another_camera_is_no_ai_camera(tmp_path: Path) -> None:
    write(tmp_path, "sys/class/video4linux/video0/name", "HD Webcam\n")
    assert camera.camera(world(tmp_path, "picamera")).words == "video devices: HD Webcam"
    assert camera.camera(world(tmp_path, "imx500")).verdict == "fail"


def test_the_sensors_firmware_is_asked_for_where_it_is_needed(tmp_path: Path) -> None:
    asked = world(tmp_path, "imx500")
    assert "apt install imx500-firmware" in camera.firmware(asked).words
    write(tmp_path, "lib/firmware/imx500_loader.fpk")
    assert camera.firmware(asked).facts["missing"] == ["imx500_firmware.fpk"]
    write(tmp_path, "lib/firmware/imx500_firmware.fpk")
    assert camera.firmware(asked).verdict == "ok"


def test_the_sensors_network_is_missed_by_who_asks_for_it(tmp_path: Path) -> None:
    if camera.sensor_model(world(tmp_path)).verdict == "ok":
        pytest.skip("models/factory-imx500 has a network.rpk in this checkout, so it is not missed")
    found = camera.sensor_model(world(tmp_path, "imx500"))
    assert found.verdict == "fail"
    assert "apt package imx500-models" in found.words


def test_without_picamera2_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    asked, aside = camera.library(world(tmp_path, "picamera")), camera.library(world(tmp_path, "scene"))
    if asked.verdict == "ok":
        pytest.skip("this machine has picamera2")
    assert (asked.verdict, aside.verdict) == ("fail", "skip")
    assert "apt install python3-picamera2" in asked.words


def test_picamera2_that_came_by_pip_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "load_picture_library", lambda: None)
    for name, folder in (("picamera2", "/venv/lib"), ("libcamera", "/usr/lib/python3")):
        module = ModuleType(name)
        module.__file__ = f"{folder}/{name}/__init__.py"
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "prefix", "/venv")
    found = camera.library(world(tmp_path, "picamera"))
    assert found.verdict == "warn"
    assert "; picamera2 came by pip" in found.words


# --- who may what -------------------------------------------------------------------------------------------


def as_user(monkeypatch: pytest.MonkeyPatch, groups: set[str]) -> None:
    """Be a user of the service, whose number nobody else has."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(access, "user_id", lambda _: 4_000_000)
    monkeypatch.setattr(access, "_groups", lambda _: groups)


def test_nodes_that_the_eye_may_not_use_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, {"video"})
    write(tmp_path, "dev/video0").chmod(0o666)
    heap = write(tmp_path, "dev/dma_heap/linux,cma")
    heap.chmod(0o600)
    found = access.permissions(world(tmp_path, "imx500"))
    assert (found.verdict, found.facts["denied"]) == ("fail", [str(heap)])
    assert 'SUBSYSTEM=="dma_heap", GROUP="video"' in found.words
    assert access.permissions(world(tmp_path, "scene")).verdict == "warn"


def test_the_group_counts_and_is_not_mended_by_what_others_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = write(tmp_path, "dev/video0")
    group = access._group(node.stat().st_gid)
    node.chmod(0o660)
    as_user(monkeypatch, {group})
    assert access.permissions(world(tmp_path, "imx500")).verdict == "ok"
    node.chmod(0o606)
    assert access.permissions(world(tmp_path, "imx500")).verdict == "fail"


def test_a_video_in_a_closed_folder_is_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for above in (tmp_path, *tmp_path.parents):
        if not above.stat().st_mode & 1:
            above.chmod(0o755)
    as_user(monkeypatch, set())
    video = write(tmp_path, "closed/door.mp4")
    asked = world(tmp_path, "video", file=str(video))
    video.parent.chmod(0o750)
    found = access.permissions(asked)
    assert (found.verdict, found.facts["out_of_reach"]) == ("fail", [f"eyespot-eye cannot read {video}"])
    video.parent.chmod(0o755)
    assert access.permissions(asked).verdict == "skip"


# --- the machine --------------------------------------------------------------------------------------------


def test_the_machine_says_how_much_memory_cameras_may_have(tmp_path: Path) -> None:
    write(tmp_path, "proc/meminfo", "MemTotal:  425000 kB\nMemFree: 1 kB\nCmaTotal:  65536 kB\n")
    write(tmp_path, "proc/device-tree/model", "Raspberry Pi Zero 2 W Rev 1.0\0")
    found = machine.machine(world(tmp_path))
    assert found.words.startswith("Raspberry Pi Zero 2 W Rev 1.0; kernel ")
    assert (found.facts["memory_mb"], found.facts["cma_mb"]) == (415, 64)


def test_the_state_folder_need_not_be_there_and_is_not_made(tmp_path: Path) -> None:
    found = machine.disk(world(tmp_path, "scene"))
    assert found.verdict in {"ok", "warn"}
    assert "which the daemon will make" in found.words
    assert not (tmp_path / "state").exists()


def test_a_state_folder_that_goes_with_the_power_is_worth_a_word(tmp_path: Path) -> None:
    asked = world(tmp_path, "scene")
    write(tmp_path, "proc/self/mountinfo", f"31 1 0:24 / {tmp_path} rw shared:5 - tmpfs tmpfs rw\n")
    found = machine.disk(asked)
    assert (found.verdict, found.facts["volatile"]) == ("warn", True)
    assert f"{tmp_path} is a tmpfs, which is memory: counts begin anew after a power cut" in found.words


def test_a_state_folder_of_somebody_else_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = world(tmp_path, "scene")
    (tmp_path / "state").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(machine, "user_id", lambda _: 4_000_000)
    monkeypatch.setattr(
        Path, "stat", lambda *_, **__: os.stat_result((0o40700, 0, 0, 1, 1234, 0, 0, 0, 0, 0))
    )
    assert "sudo chown -R eyespot:" in machine.disk(asked).words


def test_a_hardware_watchdog_that_nobody_uses_is_worth_a_word(tmp_path: Path) -> None:
    assert machine.watchdog(world(tmp_path)).verdict == "skip"
    for unit in ("eyespot", "eyespot-eye"):
        write(tmp_path, f"etc/systemd/system/{unit}.service", "[Service]\nWatchdogSec=30\n")
    assert (
        machine.watchdog(world(tmp_path)).words
        == "systemd watches eyespot and eyespot-eye; no hardware watchdog"
    )
    state = write(tmp_path, "sys/class/watchdog/watchdog0/state", "inactive\n")
    found = machine.watchdog(world(tmp_path))
    assert (found.verdict, "eyespot-hardware-watchdog.conf" in found.words) == ("warn", True)
    write(tmp_path, "etc/systemd/system.conf", "[Manager]\n#RuntimeWatchdogSec=off\n")
    write(tmp_path, "etc/systemd/system.conf.d/w.conf", "[Manager]\nRuntimeWatchdogSec=30s\n")
    assert "RuntimeWatchdogSec=30s is set, but not in force" in machine.watchdog(world(tmp_path)).words
    state.write_text("active\n")
    assert machine.watchdog(world(tmp_path)).verdict == "ok"


@pytest.mark.parametrize(
    ("millidegrees", "alarm", "verdict", "words"),
    [
        (45_000, "0", "ok", "45 °C"),
        (72_000, "0", "warn", "that is warm: give it air"),
        (85_000, "0", "fail", "that is hot: cool it"),
        (45_000, "1", "fail", "the voltage is too low"),
        (45_000, "nonsense", "ok", "45 °C"),
    ],
)
def test_heat_and_weak_power_are_told(
    millidegrees: int, alarm: str, verdict: str, words: str, tmp_path: Path
) -> None:
    write(tmp_path, "sys/class/thermal/thermal_zone0/temp", f"{millidegrees}\n")
    write(tmp_path, "sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    write(tmp_path, "sys/class/hwmon/hwmon1/in0_lcrit_alarm", f"{alarm}\n")
    found = machine.heat(world(tmp_path))
    assert found.verdict == verdict
    assert words in found.words


# --- model and engine ---------------------------------------------------------------------------------------


def test_the_model_has_to_fit_the_rules(tmp_path: Path) -> None:
    assert model.model(world(tmp_path, "scene")).verdict == "ok"
    file = tmp_path / "eyespot.toml"
    file.write_text(file.read_text() + 'classes = ["unicorn"]\n')
    found = model.model(look_around(file, tmp_path, {}, optional=False)[0])
    assert found.verdict == "fail"
    assert "unicorn" in found.words


def test_the_engine_finds_what_is_known(tmp_path: Path) -> None:
    found = model.engine(world(tmp_path))
    assert (found.verdict, found.facts["differences"]) == ("ok", [])
    assert found.facts["p50_ms"] > 0


def test_an_engine_that_computes_wrongly_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = model.LiteRtEngine.infer
    monkeypatch.setattr(
        model.LiteRtEngine, "infer", lambda self, pixels: [tensor * 0.5 for tensor in right(self, pixels)]
    )
    found = model.engine(world(tmp_path))
    assert found.verdict == "fail"
    assert "computes wrongly here: golden/person.npy" in found.words


# --- looking ------------------------------------------------------------------------------------------------


def test_what_a_camera_gives_is_measured() -> None:
    clock = ManualClock()
    stamps = [0, 40, 80, 120, 320]  # ms
    script = [line for stamp in stamps for line in (seen(stamp * MS), None)]
    source = Script(clock, script)
    found = looking.measured(source, clock, 10, lambda _: None)
    assert (found.verdict, found.facts["observations"], source.closed) == ("ok", 5, 1)
    assert found.facts["rate_hz"] == 2
    assert found.facts["gaps_ms"] == {
        "p50": 40, "p95": 40, "longest": 200, "histogram": {"<50": 3, "<500": 1},
    }  # fmt: skip


def test_a_camera_that_gives_nothing_failed() -> None:
    clock = ManualClock()
    source = Script(clock, [None] * 100)
    found = looking.measured(source, clock, 10, lambda _: None)
    assert (found.verdict, found.facts["gaps_ms"], source.closed) == ("fail", {}, 1)
    assert "gave nothing for 10 s" in found.words
    assert clock.now_ns() == 10 * SECOND_NS


def test_a_camera_that_cannot_be_opened_is_closed() -> None:
    source = Script(ManualClock(), [], opening=[CameraError("no cable")])
    with pytest.raises(CameraError, match="no cable"):
        looking.measured(source, ManualClock(), 10, lambda _: None)
    assert source.closed == 1
