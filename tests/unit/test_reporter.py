"""What the device says of itself, and when."""

import json
from dataclasses import replace
from typing import Any

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.recovery import Step
from eyespot.host.clock import ManualClock
from eyespot.host.facts import HostFacts
from eyespot.ports import Handover, ModelIdentity, Readings, SensorReadings, View
from eyespot.supervisor.health import Health
from eyespot.supervisor.reporter import Gauges, Rates, Reporter
from eyespot.topics.gate import Gate
from eyespot.topics.native import Identity, Native

MODEL = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", "0" * 64, ("person",), 0.35)
WHO = Identity("shop", "Shop", "UTC", "a machine", "0.1", "3.11", "oblique", publishes_frames=False)


class Stage:
    def __init__(self, every_s: int = 60) -> None:
        self.noted: list[list[str]] = []
        self.clock = ManualClock(utc_at_zero_ns=1_700_000_000 * SECOND_NS)
        self.health = Health(self.clock)
        self.view: View | None = None
        self.observations = 0
        self.sensor: SensorReadings | None = None
        self.disk_free_mb: float | None = None
        self.temperature_c: float | None = 51.5
        self.voltage_is_low: bool | None = None
        self.model = MODEL
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.reporter = Reporter(
            identity=WHO,
            gauges=Gauges(
                model=lambda: self.model,
                view=lambda: self.view,
                rates=lambda: Rates(
                    self.observations, 2, 3, Readings((9.123, 12.0), self.sensor), {Step.RESTART: 2}
                ),
                host=lambda: HostFacts(60.0, self.disk_free_mb, 8000.0, self.temperature_c),
                voltage_is_low=lambda: self.voltage_is_low,
            ),
            native=Native(Gate("eyespot/v1/shop"), "0123456789abcdef", 0),
            health=self.health,
            post=self._post,
            clock=self.clock,
            every_s=every_s,
            note=lambda _, troubles: self.noted.append([trouble.name for trouble in troubles]),
        )

    def _post(self, handover: Handover) -> None:
        self.posted += [(m.topic.rpartition("/")[2], json.loads(m.payload)) for m in handover.messages]

    def after(self, seconds: float) -> list[tuple[str, dict[str, Any]]]:
        """What was posted in a tick that many seconds later."""
        self.clock.sleep(seconds)
        self.posted.clear()
        self.reporter.tick()
        return list(self.posted)


def test_the_birth_says_online_and_who_it_is_and_health_follows_at_once() -> None:
    stage = Stage()
    stage.reporter.begin()
    (status, online), (info, birth) = stage.posted
    assert (status, online["state"], info) == ("status", "online", "info")
    assert birth["model"]["bundle"] == MODEL.bundle
    assert birth["camera"] is None
    assert birth["privacy"] == {"images": False, "boxes_of_frames": False, "unsigned_models": False}
    [(topic, health)] = stage.after(0)
    assert (topic, health["ok"], health["backlog"], health["dropped"]) == ("health", True, 3, 2)
    assert health["inference_ms"] == {"p50": 9.12, "p95": 12.0}
    assert (health["memory_mb"], health["disk_free_mb"], health["temperature_c"]) == (60.0, None, 51.5)


def test_info_is_said_again_once_the_camera_is_known() -> None:
    stage = Stage()
    stage.after(0)
    stage.view = View("video", 768, 576, 10.0)
    [(topic, info)] = stage.after(1)
    assert (topic, info["camera"]["width"], info["camera"]["rate_hz"]) == ("info", 768, 10.0)


def test_info_is_said_again_once_another_model_looks() -> None:
    stage = Stage()
    stage.after(0)
    stage.model = replace(MODEL, bundle="m@1.1.0-ba9876543210", version="1.1.0")
    [(topic, info)] = stage.after(1)
    assert (topic, info["model"]["version"]) == ("info", "1.1.0")


def test_what_a_camera_says_of_itself_is_on_health_and_how_it_looks_on_info() -> None:
    stage = Stage()
    stage.view = View("imx500", 4056, 3040, 26.0, "IMX500", "binned", (0.125, 0, 0.875, 1))
    stage.sensor = SensorReadings(dnn_ms=12.3456, temperature_c=41.0, missed=3)
    (_, info), (_, health) = stage.after(0)
    assert info["software"]["engine"] == "IMX500"
    assert (info["camera"]["mode"], info["camera"]["roi"]) == ("binned", [0.125, 0, 0.875, 1])
    assert health["sensor"] == {
        "dnn_ms": 12.346,
        "dsp_ms": None,
        "temperature_c": 41.0,
        "exposure_ms": None,
        "gain": None,
        "lux": None,
        "without_tensor": 0,
        "repeated": 0,
        "missed": 3,
        "inputs": 0,
    }
    assert health["recoveries"] == {"restart_stream": 2}


def test_health_is_said_once_a_minute_with_the_rate_since_the_last_time() -> None:
    stage = Stage()
    stage.after(0)
    stage.observations = 600
    assert stage.after(59) == []
    [(_, health)] = stage.after(1)
    assert (health["observations_hz"], health["uptime_s"]) == (10.0, 60)


def test_health_says_how_often_it_leaves_over_the_daily_cap_too() -> None:
    for every_s, thinned_s in ((60, 900), (3600, 3600)):
        stage = Stage(every_s)
        [(_, health)] = stage.after(0)
        assert health["every_s"] == every_s
        stage.health.raise_state("over_daily_cap", "all has left")
        [(_, health)] = stage.after(1)
        assert health["every_s"] == thinned_s


def test_a_trouble_is_said_soon_but_a_flapping_one_not_more_than_once_a_second() -> None:
    stage = Stage()
    stage.after(0)
    stage.health.raise_state("broker_unreachable", "refused")
    assert stage.after(0.5) == []
    [(_, health)] = stage.after(0.5)
    assert not health["ok"]
    assert health["states"] == [
        {"name": "broker_unreachable", "reason": "refused", "since": "2023-11-14T22:13:20.000Z"}
    ]
    stage.health.clear_state("broker_unreachable")
    [(_, health)] = stage.after(1)
    assert (health["ok"], health["states"]) == (True, [])


def test_a_disk_that_fills_up_is_a_trouble_until_there_is_clearly_room_again() -> None:
    stage = Stage()
    told = []
    for stage.disk_free_mb in (101.0, 99.0, 80.0, 120.0, 149.0, 151.0, 120.0, 99.0):
        [(_, health)] = stage.after(60)
        told.append([state["name"] for state in health["states"]])
        assert stage.after(1) == []  # it was all said at once
    low = ["disk_low"]
    assert told == [[], low, low, low, low, [], [], low]
    assert "make room" in health["states"][0]["reason"]


def test_a_disk_that_cannot_be_asked_changes_nothing() -> None:
    stage = Stage()
    for stage.disk_free_mb in (99.0, None):
        [(_, health)] = stage.after(60)
        assert [state["name"] for state in health["states"]] == ["disk_low"]


def names(stage: Stage, seconds: float) -> list[str]:
    """Return the troubles on the newest `health`, after that time."""
    return [state["name"] for _, health in stage.after(seconds)[-1:] for state in health["states"]]


def test_heat_is_a_trouble_until_it_is_clearly_cooler_again() -> None:
    stage = Stage()
    told = []
    for stage.temperature_c in (79.9, 80.0, 76.0, None, 74.9, 79.0):
        told.append(names(stage, 60))
    hot = ["too_hot"]
    assert told == [[], hot, hot, hot, [], []]


def test_a_dip_of_the_voltage_between_two_healths_is_told_at_once_and_for_a_minute() -> None:
    stage = Stage()
    [(_, health)] = stage.after(0)
    assert health["under_voltage"] is None
    stage.voltage_is_low = False
    assert [health["under_voltage"] for _, health in stage.after(60)] == ["never"]
    stage.voltage_is_low = True
    [(_, health)] = stage.after(1)
    assert (health["under_voltage"], health["states"][0]["name"]) == ("now", "power_low")
    for stage.voltage_is_low in (False, True, False, None):  # a row of them is one trouble
        assert stage.after(1) == []
    stage.voltage_is_low = False
    assert [health["under_voltage"] for _, health in stage.after(57)] == ["now"]
    [(_, health)] = stage.after(1)
    assert (health["under_voltage"], health["states"]) == ("before", [])


def test_the_voltage_is_looked_at_once_a_second_at_most() -> None:
    stage = Stage()
    stage.after(0)
    stage.voltage_is_low = True
    assert stage.after(0.5) == []
    assert names(stage, 0.5) == ["power_low"]


def test_stopping_is_a_state_of_its_own_after_the_last_health_and_a_view_not_told_yet() -> None:
    stage = Stage()
    stage.view = View("video", 768, 576, 10.0)
    stage.reporter.stopping()
    assert [topic for topic, _ in stage.posted] == ["info", "health", "status"]
    assert stage.posted[-1][1]["state"] == "stopping"


def test_health_is_said_again_as_often_as_it_is_set_and_noted_each_time() -> None:
    stage = Stage(every_s=10)
    assert [topic for topic, _ in stage.after(0)] == ["health"]
    assert stage.after(9) == []
    assert [topic for topic, _ in stage.after(1)] == ["health"]
    stage.health.raise_state("source_failed", "unplugged")
    assert [topic for topic, _ in stage.after(1)] == ["health"]
    assert stage.noted == [[], [], ["source_failed"]]
