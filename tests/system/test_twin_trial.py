"""What is desired over a real broker has to prove itself, whatever happens to the device meanwhile."""

import getpass
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from eyespot.store.desired import NAME
from fakes.brokers import local_mosquitto, say
from fakes.crowd import write_crowd
from fakes.daemon import LINE, Daemon, Ear, write_config
from fakes.link import Link
from fakes.waiting import until

TOPIC = "eyespot/v1/shop/config/desired"
WINDOW = {**LINE, "id": "window"}
HASTY = """
import sys
from eyespot.app import twin
twin.TRIAL_S = 4.0
from eyespot.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


class HastyDaemon(Daemon):
    """`eyespot run`, in which a trial lasts four seconds instead of two minutes."""

    def __init__(self, config: Path) -> None:
        super().__init__(config)
        self._command = [sys.executable, "-c", HASTY, "run", "--config", str(config)]


@pytest.fixture(name="link")
def a_link(mosquitto: LocalMosquitto) -> Iterator[Link]:
    with Link(mosquitto.port) as link:
        yield link


def desire(mosquitto: LocalMosquitto, req_id: str, **config: Any) -> None:
    payload = json.dumps({"req_id": req_id, "config": config}).encode()
    say(mosquitto.url, Heard(TOPIC, payload, retain=True, qos=1))


def reported(ear: Ear) -> tuple[object, object]:
    report = ear.newest("/config/reported")
    return report.get("req_id"), report.get("code")


def rules(ear: Ear) -> list[str]:
    return [rule["id"] for rule in ear.newest("/config/reported")["config"]["rules"]]


def kept(folder: Path) -> dict[str, Any]:
    """Return what is on the disk of what is desired."""
    file = folder / "state" / NAME
    return json.loads(file.read_bytes()) if file.exists() else {}  # type: ignore[no-any-return]


def test_a_device_that_loses_its_broker_on_trial_goes_back_by_itself_and_stays_there(
    tmp_path: Path, mosquitto: LocalMosquitto, link: Link, ear: Ear
) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url=link.url)
    with HastyDaemon(config) as daemon:
        until(lambda: reported(ear) == (None, "ok"), "the first report")
        pid = daemon.process.pid
        link.cut("mute")  # else it may have its answer before the link is cut
        desire(mosquitto, "a", rules=[WINDOW])
        until(lambda: kept(tmp_path).get("trial"), "it is on the disk")
        link.cut("reset")
        until(lambda: kept(tmp_path).get("shunned"), "the device goes back")
        assert "no answer from the broker" in kept(tmp_path)["reason"]
        link.mend()
        until(lambda: reported(ear) == ("a", "failed"), "the report")
        assert rules(ear) == ["door"]
        desire(mosquitto, "b", rules=[WINDOW])
        until(lambda: ear.newest("/config/reported").get("detail") == "in force", "it has proved itself")
        assert (reported(ear), rules(ear)) == (("b", "ok"), ["window"])
        assert daemon.process.pid == pid
        assert daemon.process.poll() is None


def test_kills_on_trial_and_after_it_change_nothing_of_what_is_in_force(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
    for number in range(3):
        heard = len(ear.on("/config/reported"))
        with HastyDaemon(config) as daemon:
            until(lambda: len(ear.on("/config/reported")) > heard, "a report of this process")  # noqa: B023
            if number == 0:
                desire(mosquitto, "a", rules=[WINDOW])
                until(lambda: kept(tmp_path).get("trial"), "it is on the disk")
            else:
                assert (reported(ear), rules(ear)) == (("a", "ok"), ["window"])
                until(lambda: ear.newest("/config/reported")["detail"] == "in force", "it has proved itself")
            daemon.signal(signal.SIGKILL)
            daemon.wait()


def test_what_is_the_devices_own_is_refused_and_nothing_of_it_is_kept(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
    with Daemon(config):
        until(lambda: reported(ear) == (None, "ok"), "the first report")
        for table, keys in (
            ("device", {"id": "other"}),
            ("mqtt", {"url": "mqtt://elsewhere"}),
            ("state", {"dir": "/tmp/x"}),
            ("update", {"allow_unsigned": True}),
            ("camera", {"source": "video", "file": "/etc/passwd"}),
            ("topics", {"frame": True}),
        ):
            desire(mosquitto, table, rules=[WINDOW], **{table: keys})
            until(lambda: reported(ear) == (table, "refused"), f"[{table}] is refused")  # noqa: B023
            assert rules(ear) == ["door"]
        assert kept(tmp_path) == {}


def test_counting_goes_on_over_many_changes_and_loses_nothing(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    camera = {"source": "replay", "file": str(write_crowd(tmp_path / "crowd.jsonl")), "loop": True}
    config = write_config(tmp_path, camera=camera, url=mosquitto.url)
    with Daemon(config) as daemon:
        for number in range(8):
            heard = len(ear.numbers())
            until(lambda: len(ear.numbers()) > heard, "events")  # noqa: B023
            desire(mosquitto, f"r{number}", model={"min_score": 0.3 + number / 100}, rules=[LINE, WINDOW])
            until(lambda: reported(ear) == (f"r{number}", "ok"), "it is in force")  # noqa: B023
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    events = ear.on("/rule/door/event")
    assert ear.numbers() == list(range(1, max(ear.numbers()) + 1))
    counts = ear.newest("/rule/door/state")["counts"]["person"]
    assert counts["in"] + counts["out"] == len(
        {event["seq"] for event in events if event["kind"] == "crossed"}
    )


def test_of_more_wishes_than_are_looked_at_the_last_one_counts_in_the_end(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
    with Daemon(config):
        until(lambda: reported(ear) == (None, "ok"), "the first report")
        for number in range(30):
            desire(mosquitto, f"r{number}", rules=[{**LINE, "id": f"line-{number}"}])
        until(lambda: reported(ear) == ("r29", "ok"), "the last one is in force")
        until(lambda: rules(ear) == ["line-29"], "and lived by")


def test_a_device_that_may_not_speak_on_trial_goes_back_by_itself(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    everything = "topic readwrite eyespot/v1/#\n"
    acl.write_text(everything)
    with local_mosquitto("allow_anonymous true", f"acl_file {acl}", f"user {getpass.getuser()}") as mosquitto:
        ear = Ear()
        config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
        with Listener(mosquitto.url, "eyespot/v1/shop/#", ear), HastyDaemon(config):
            until(lambda: reported(ear) == (None, "ok"), "the first report")
            acl.write_text("topic write eyespot/v1/shop/config/desired\ntopic read eyespot/v1/#\n")
            mosquitto._process.send_signal(signal.SIGHUP)
            desire(mosquitto, "a", rules=[WINDOW])
            until(lambda: kept(tmp_path).get("shunned"), "the device goes back")
            assert "no answer from the broker" in kept(tmp_path)["reason"]
