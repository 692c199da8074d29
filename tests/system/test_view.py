"""`eyespot-fleet view` between a browser and a device, over a real broker; the browser is a socket."""

import http.client
import io
import json
import shutil
import signal
import sys
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from eyespot.broker.local import LocalMosquitto
from eyespot.trust.archive import pack
from eyespot.trust.slots import activate, commit
from eyespot.update.slots import Slots
from fakes.bundles import FACTORY
from fakes.daemon import LINE, Daemon, Ear, write_config, write_recording
from fakes.repository import FakeRepository
from fakes.slots import factory_network, offer
from fakes.viewing import served, viewing
from fakes.waiting import PATIENCE_S, until

NEWER = "ssd-mobilenet-v2-oidv4@9.0.0-d0a5255bf8c4"


class Page:
    """What a page hears: the newest of each state, and how many frames."""

    def __init__(self, url: str) -> None:
        self.port = urlsplit(url).port
        self.states: dict[str, Any] = {}
        self.frames = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        self._connection.request("GET", "/events")
        self._lines = self._connection.getresponse()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close, once nothing serves it any more."""
        self._thread.join(PATIENCE_S)
        self._lines.close()
        self._connection.close()

    def save(self, config: object) -> int:
        return self.say("desired", {"req_id": "drawn", "config": config})

    def say(self, path: str, body: object) -> int:
        return self._post(path, body)[0]

    def what_if(self, *rules: object) -> Any:
        status, body = self._post("what-if", {"rules": rules})
        assert status == 200, body
        return json.loads(body)

    def _post(self, path: str, body: object) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{self.port}"}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as connection:
            connection.request("POST", f"/devices/shop/{path}", json.dumps(body), headers)
            reply = connection.getresponse()
            return reply.status, reply.read()

    def told(self, kind: str) -> list[Any]:
        """Return what it is handed of such, as a page that has just been opened is."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as connection:
            connection.request("GET", "/devices/shop/journal?after=0")
            answer = json.loads(connection.getresponse().read())
            assert answer["serial"] == answer["newest"]
            return [entry["said"] for entry in answer["entries"] if entry["kind"] == kind]

    def _listen(self) -> None:
        for line in self._lines:
            if line.startswith(b"data: "):
                said = json.loads(line[len(b"data: ") :])
                self.frames += said["name"] == "frame"
                self.states[said["name"]] = said["payload"]


def test_a_line_saved_in_the_page_is_in_force_on_the_device(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
    with config.open("a") as file:
        file.write("[topics]\nframe = true\n")
    with Daemon(config), viewing(mosquitto.url) as (process, url), Page(url) as page:
        until(lambda: "config/reported" in page.states, "the report")
        until(lambda: page.frames > 2, "frames")
        rules = page.states["config/reported"]["config"]["rules"]
        assert page.save({"rules": [*rules, {**LINE, "id": "drawn"}]}) == 202
        until(lambda: page.states["config/reported"].get("req_id") == "drawn", "the verdict")
        assert page.states["config/reported"]["code"] == "ok"
        assert page.states["config/desired"]["req_id"] == "drawn"
        until(lambda: "rule/drawn/state" in page.states, "the new line's totals")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) in {0, 130}


def test_what_a_drawing_would_have_counted_is_what_the_device_counts(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
    with config.open("a") as file:
        file.write("[topics]\nframe = true\n")
    with viewing(mosquitto.url) as (process, url), Page(url) as page, Daemon(config):
        until(lambda: "config/reported" in page.states, "the report")
        rules = page.states["config/reported"]["config"]["rules"]
        until(lambda: _crossings(page.states.get("rule/door/state")) > 2, "people at the door")
        before = _crossings(page.states["rule/door/state"])
        told = page.what_if(*rules, LINE | {"id": "broken", "b": LINE["a"]})
        assert list(told["refused"]) == ["broken"]
        told = page.what_if(*rules)
        after = _crossings(page.states["rule/door/state"])
        assert before - 1 <= sum(told["counts"]["door"].values()) <= after + 1  # states are on their way
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) in {0, 130}


def _crossings(state: Any) -> int:
    return sum(sum(ways.values()) for ways in state["counts"].values()) if state else 0


def test_buckets_and_stays_of_a_replay_come_to_a_page_that_opens_later(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 4)
    zone = {"kind": "zone", "id": "hall", "points": [[0.3, 0.1], [0.7, 0.1], [0.7, 0.9], [0.3, 0.9]]}
    config = write_config(
        tmp_path,
        camera={"source": "replay", "file": str(recording)},
        url=mosquitto.url,
        rules=[LINE | {"bucket_s": 2}, zone],
    )
    with viewing(mosquitto.url) as (process, url):
        with Daemon(config) as daemon:
            assert daemon.wait() == 0
        until(lambda: ear.newest("/status").get("state") == "offline", "all that it had to say")
        with Page(url) as page:
            until(lambda: "journal" in page.states, "that there is something")
            buckets = page.told("bucket")
            assert [one["seq"] for one in buckets] == [one["seq"] for one in ear.on("/door/bucket")]
            counted = sum(one["counts"]["person"]["in"] for one in buckets if one["counts"])
            crossed = [event["t"] for event in ear.on("/door/event")]
            assert counted == sum(t < buckets[-1]["end"] for t in crossed) > 1
            left = [event["dwell_s"] for event in ear.on("/hall/event") if event["kind"] == "left"]
            assert [stay["dwell_s"] for stay in page.told("stay")] == left != []
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE_S)


def offering(folder: Path) -> FakeRepository:
    """Return a repository that offers the factory's model as a newer one."""
    bundle = shutil.copytree(FACTORY, folder / "bundle")
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "version": "9.0.0"}))
    out = io.BytesIO()
    pack(bundle, out)
    repository = FakeRepository(folder / "repository")
    repository.add(out.getvalue(), NEWER)
    repository.release(NEWER)
    (folder / "root.json").write_bytes(repository.root)
    return repository


def test_a_model_that_waits_for_approval_is_installed_by_the_page(
    tmp_path: Path, mosquitto: LocalMosquitto
) -> None:
    repository = offering(tmp_path)
    config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
    with config.open("a") as file:
        file.write(f'[update]\nurl = "{repository.url}"\nroot_file = "root.json"\napprove = true\n')
        file.write("probation_s = 10\n")
    with Daemon(config), viewing(mosquitto.url) as (process, url), Page(url) as page:
        waits = {
            "name": "ssd-mobilenet-v2-oidv4",
            "version": "9.0.0",
            "rollout": "r1",
            "waits_for": "approval",
        }
        until(
            lambda: (page.states.get("model/detail", {}).get("offer") or {}).keys() == waits.keys(),
            "an offer",
            60,
        )
        assert page.states["model/detail"]["offer"] | {"rollout": "r1"} == waits
        assert page.say("model/update", {"req_id": "u1"}) == 202
        until(lambda: "reply/u1" in page.states, "an answer")
        assert page.states["reply/u1"]["result"] == {"request": "approve"}
        until(
            lambda: (page.states["model/detail"]["last_result"] or {}).get("bundle") == NEWER, "the end", 90
        )
        assert page.states["model/detail"]["last_result"]["outcome"] == "committed"
        assert [step["kind"] for step in page.told("step")][-3:] == ["staged", "trial", "committed"]
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)


def test_a_model_that_the_page_takes_back_is_gone_from_the_device(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    slots = Slots.open(tmp_path / "state" / "models")
    newer = offer(slots, "9.0.0", factory_network())
    slots.change(activate)
    slots.change(partial(commit, at_s=1))
    config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
    with Daemon(config), viewing(mosquitto.url) as (process, url), Page(url) as page:
        until(lambda: page.states.get("model/detail", {}).get("looks") == newer, "the newer model")
        assert page.say("model/update", {"req_id": "u1"}) == 202
        until(lambda: "reply/u1" in page.states, "an answer")
        assert page.states["reply/u1"]["code"] == "refused"
        assert page.say("model/rollback", {"req_id": "r1"}) == 202
        until(lambda: "reply/r1" in page.states, "another answer")
        assert page.states["reply/r1"]["detail"] == f"the factory model will look instead of {newer}"
        until(lambda: page.states["model/detail"]["current"] is None, "the factory model")
        until(lambda: [step["kind"] for step in page.told("step")] == ["rolled_back"], "the step")
        until(lambda: page.states["model/state"]["installed_version"] != "9.0.0", "its version")
        until(lambda: ear.newest("/model/detail")["quarantine"], "what is quarantined")
        assert ear.newest("/model/detail")["quarantine"][0]["bundle"] == newer
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)


def test_a_line_is_tried_on_what_was_recorded_before(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 4)
    config = write_config(tmp_path, camera={"source": "replay", "file": str(recording)}, url=mosquitto.url)
    command = [sys.executable, "-m", "eyespot_fleet", "view", "--broker", mosquitto.url]
    with served([*command, "--seen", f"shop={recording}"]) as (process, url), Page(url) as page:
        with Daemon(config) as daemon:
            assert daemon.wait() == 0
        until(lambda: _crossings(page.states.get("rule/door/state")) == 4, "what the device counted")
        assert page.what_if(LINE)["counts"]["door"] == {"in": 4, "out": 0}
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) in {0, 130}


def test_trails_that_the_device_keeps_are_counted_though_it_publishes_no_boxes(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 40)
    config = write_config(tmp_path, camera={"source": "replay", "file": str(recording)}, url=mosquitto.url)
    with Daemon(config), viewing(mosquitto.url) as (process, url), Page(url) as page:
        until(lambda: "config/reported" in page.states, "the report")
        assert page.say("aim", {"minutes": 5}) == 200
        counted = len(ear.on("/event"))
        until(lambda: len(ear.on("/event")) >= counted + 3, "crossings")
        assert page.say("load", {"hours": 1}) == 200
        assert page.frames == 0
        told = page.what_if(LINE, {**LINE, "id": "other", "a": [0.3, 1.0], "b": [0.3, 0.0]})
        assert told["counts"]["door"]["in"] >= 2
        assert told["counts"]["other"]["in"] >= 2
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)
