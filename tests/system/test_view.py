"""`eyespot-fleet view` between a browser and a device, over a real broker; the browser is a socket."""

import http.client
import json
import signal
import threading
from contextlib import closing
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from eyespot.broker.local import LocalMosquitto
from fakes.daemon import LINE, Daemon, Ear, write_config
from fakes.viewing import viewing
from fakes.waiting import PATIENCE_S, until


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
        return self._post("desired", {"req_id": "drawn", "config": config})[0]

    def what_if(self, *rules: object) -> Any:
        status, body = self._post("what-if", {"rules": rules})
        assert status == 200, body
        return json.loads(body)

    def _post(self, name: str, asked: object) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{self.port}"}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as connection:
            connection.request("POST", f"/devices/shop/{name}", json.dumps(asked), headers)
            reply = connection.getresponse()
            return reply.status, reply.read()

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
    with viewing(mosquitto.url) as (process, port), Page(port) as page, Daemon(config):
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
