"""The daemon at a broker that knows it by its certificate, which is renewed while it counts."""

import json
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from eyespot.broker.local import LocalMosquitto
from eyespot.domain.observation import Observation
from eyespot.host.clock import utc_is_synced
from eyespot.recording import SCHEMA, Header, RecordingWriter
from eyespot.store.database_file import NAME
from fakes.certificates import Authority
from fakes.daemon import LABELS, Daemon, write_config, write_recording
from fakes.example_broker import ACL, Party, example_broker, party
from fakes.tls import DeviceFiles
from fakes.waiting import until
from fakes.walkers import Walker, film

ROOT = "eyespot/v1/shop"
NOBODY = "mqtts://127.0.0.1:9"
LANES, CROWDS, CROWD_S = 16, 160, 4.0
EVENTS = LANES * CROWDS


@pytest.fixture(name="files")
def of_the_device(tmp_path: Path) -> DeviceFiles:
    return DeviceFiles(tmp_path, Authority(tmp_path / "ours", "ours"), "shop")


@pytest.fixture(name="mosquitto", params=["2.0", "2.1"])
def a_mosquitto(
    request: pytest.FixtureRequest, tmp_path: Path, files: DeviceFiles, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalMosquitto]:
    with example_broker(request.param, tmp_path, files.authority, monkeypatch) as mosquitto:
        yield mosquitto


@pytest.fixture(name="url")
def its_url(mosquitto: LocalMosquitto) -> str:
    return mosquitto.url.replace("mqtt:", "mqtts:")


def configured(files: DeviceFiles, url: str, **camera: object) -> Path:
    file = write_config(files.folder, camera={"source": "replay", **camera}, url=url)
    named = files.settings(url)
    keys = "".join(f'{key} = "{getattr(named, key)}"\n' for key in ("ca_file", "cert_file", "key_file"))
    file.write_text(file.read_text().replace("[mqtt]\n", f"[topics]\nframe = true\n[mqtt]\n{keys}"))
    return file


def said(who: Party, suffix: str) -> list[Any]:
    """Return what the device said on the topics that end so."""
    heard = [each for each in list(who.told.heard) if each.topic.startswith(ROOT)]
    return [json.loads(each.payload) for each in heard if each.topic.endswith(suffix) and each.payload]


def newest(who: Party, suffix: str) -> Any:
    return (said(who, suffix) or [{}])[-1]


def test_nothing_that_a_device_does_is_refused_by_a_broker_that_allows_no_more_than_that(
    files: DeviceFiles, url: str
) -> None:
    recording = write_recording(files.folder / "walk.eyespot.jsonl", 1)
    config = configured(files, url, file=str(recording), loop=True)
    everything = ("status", "info", "health", "door/state", "door/event", "frame", "model/state")
    with (
        party(url, files.authority, "operator", "eyespot/v1/#") as operator,
        party(url, files.authority, "dashboard", "eyespot/v1/#") as dashboard,
        Daemon(config) as daemon,
    ):
        for suffix in (*everything, "model/detail", "config/reported"):
            until(lambda end=suffix: said(dashboard, end), suffix)
        desired = {"req_id": "7", "config": {"model": {"min_score": 0.5}}}
        assert operator.publish(f"{ROOT}/config/desired", json.dumps(desired).encode(), retain=True) == ""
        until(lambda: newest(dashboard, "config/reported").get("req_id") == "7", "the report")
        assert newest(dashboard, "config/reported")["code"] == "ok"
        assert operator.publish(f"{ROOT}/cmd/model/rollback", b'{"req_id": "8"}') == ""
        until(lambda: said(operator, "reply/8"), "the answer")
        health = newest(dashboard, "health")
        assert not {"publish_denied", "commands_denied", "broker_unreachable"} & {
            each["name"] for each in health["states"]
        }
        daemon.signal(signal.SIGKILL)
        until(lambda: newest(dashboard, "status")["state"] == "offline", "the will")


def test_a_topic_that_the_broker_does_not_grant_is_named(
    files: DeviceFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "eyespot.acl").write_text(ACL.replace("pattern write eyespot/v1/%u/info\n", ""))
    recording = write_recording(files.folder / "walk.eyespot.jsonl", 1)
    with example_broker("2.0", tmp_path, files.authority, monkeypatch) as mosquitto:
        url = mosquitto.url.replace("mqtt:", "mqtts:")
        with (
            party(url, files.authority, "dashboard", "eyespot/v1/#") as dashboard,
            Daemon(configured(files, url, file=str(recording), loop=True)),
        ):
            until(lambda: "publish_denied" in str(newest(dashboard, "health")), "health names it")
            assert f"the broker refuses {ROOT}/info (not authorized)" in str(newest(dashboard, "health"))
            until(lambda: said(dashboard, "door/event"), "the others are not held up")


def write_crowds(file: Path) -> Path:
    """Write a recording of crowds that cross the middle side by side, one after the other."""
    lanes = [(lane + 0.5) / LANES for lane in range(LANES)]
    walkers = [
        Walker((0.1, y), (0.9, y), crowd * CROWD_S, (crowd + 1) * CROWD_S, size=(0.04, 0.04))
        for crowd in range(CROWDS)
        for y in lanes
    ]
    header = Header(
        schema=SCHEMA, started="2026-01-01T00:00:00Z", labels=LABELS, width=768, height=576, rate_hz=10
    )
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film(walkers, 10, CROWDS * CROWD_S):
            writer.write(Observation(taken_ns, "recording", found))
    return file


@pytest.mark.parametrize("mosquitto", ["2.0"], indirect=True)
def test_certificates_that_are_renewed_under_load_cost_no_event_and_no_order(
    files: DeviceFiles, url: str
) -> None:
    crowds = write_crowds(files.folder / "crowds.eyespot.jsonl")
    with Daemon(configured(files, NOBODY, file=str(crowds), pace="fast")) as daemon:
        assert daemon.wait(60) == 0
    walk = write_recording(files.folder / "walk.eyespot.jsonl", 1)
    with (
        party(url, files.authority, "dashboard", f"{ROOT}/rule/+/event", f"{ROOT}/status") as dashboard,
        Daemon(configured(files, url, file=str(walk), loop=True)) as daemon,
    ):
        until(lambda: len(said(dashboard, "/event")) > 100, "the backlog leaves")
        for times in (1, 2):
            files.put_pair("shop")
            until(lambda n=times: daemon.stderr.count("new credentials") == n, "renewed")
            seen = len(said(dashboard, "/event"))
            assert seen < EVENTS  # of the backlog some is left
            until(lambda least=seen: len(said(dashboard, "/event")) > least, "it goes on")
        until(lambda: len(said(dashboard, "/event")) > EVENTS, "all of the backlog")
        numbers = [event["seq"] for event in said(dashboard, "/event")]
        assert [state["state"] for state in said(dashboard, "/status")].count("offline") == 0
        assert "credentials_refused" not in daemon.stderr
        assert "broker_unreachable" not in daemon.stderr.partition("new credentials")[2]
    firsts = list(dict.fromkeys(numbers))
    assert len(firsts) > EVENTS
    assert all(later == sooner + 1 for sooner, later in pairwise(firsts))
    assert len(numbers) - len(firsts) <= 2 * 20


def waiting(state: Path) -> int:
    """Return how many events are kept that the broker does not have."""
    with closing(sqlite3.connect(f"file:{state}/{NAME}?mode=ro", uri=True)) as database:
        [(count,)] = database.execute("SELECT count(*) FROM outbox")
    return int(count)


@pytest.mark.parametrize("mosquitto", ["2.0"], indirect=True)
def test_a_start_in_the_middle_of_a_renewal_counts_and_what_was_counted_leaves_once_the_key_comes(
    files: DeviceFiles, url: str
) -> None:
    walk = write_recording(files.folder / "walk.eyespot.jsonl", 1)
    certificate, key = files.pair("shop")
    files.put("client.crt", certificate)
    with (
        party(url, files.authority, "dashboard", f"{ROOT}/rule/+/event") as dashboard,
        Daemon(configured(files, url, file=str(walk), loop=True)) as daemon,
    ):
        says = re.compile("observations/s.*credentials_refused")
        until(lambda: any(map(says.search, daemon.told)), "it says so, and counts")
        until(lambda: waiting(files.folder / "state") > 0, "somebody is counted")
        came = datetime.now(UTC)
        files.put("client.key", key)
        until(lambda: said(dashboard, "/event"), "it connects")
        first = said(dashboard, "/event")[0]
        assert first["seq"] == 1
        assert datetime.fromisoformat(first["t"]) < came
        until(lambda: "credentials_refused: over" in daemon.stderr, "it says so")


class JustBooted(Daemon):
    """`eyespot run` on a machine that began two minutes ago, but for seven seconds; nobody sets its clock."""

    def _start(self) -> subprocess.Popen[bytes]:
        up_s = round(time.clock_gettime(time.CLOCK_BOOTTIME))
        # time_namespaces(7): for this process alone
        self._command = ["unshare", "--time", f"--boottime={113 - up_s}", *self._command]
        return super()._start()


def may_set_boottime() -> bool:
    tried = subprocess.run(["unshare", "--time", "--boottime=1", "true"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.mark.skipif(utc_is_synced(), reason="this machine's clock is set")
@pytest.mark.skipif(not may_set_boottime(), reason="needs root, and a kernel with time namespaces")
@pytest.mark.parametrize("mosquitto", ["2.0"], indirect=True)
def test_without_a_clock_it_counts_at_once_and_connects_two_minutes_after_the_start(
    files: DeviceFiles, url: str
) -> None:
    walk = write_recording(files.folder / "walk.eyespot.jsonl", 1)
    waits = "broker_unreachable: .*: the clock is not set yet, and TLS needs it"
    with (
        party(url, files.authority, "dashboard", "eyespot/v1/#") as dashboard,
        JustBooted(configured(files, url, file=str(walk), loop=True)) as daemon,
    ):
        begun = time.monotonic()
        until(
            lambda: any(re.search(f"observations/s.*{waits}", told) for told in daemon.told),
            "it counts, and says why it does not connect",
        )
        assert not dashboard.told.heard
        until(lambda: said(dashboard, "door/event"), "it connects")
        assert 4 < time.monotonic() - begun < 12
        assert said(dashboard, "door/event")[0]["seq"] == 1
