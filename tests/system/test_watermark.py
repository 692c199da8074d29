"""No image leaves: the whole system looks at a known picture, and all that leaves is searched for it."""

import base64
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from fakes import watermark
from fakes.brokers import say
from fakes.daemon import LINE, Service, write_config
from fakes.leaks import leaks_in
from fakes.relay import Relay
from fakes.waiting import until

_OTHER_RULES = (
    {"kind": "zone", "id": "hall", "points": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]},
    {"kind": "heatmap", "id": "paths"},
)
_ALL_TOPICS = "[topics]\nframe = true\nonvif = true\n[home_assistant]\ndiscovery = true\n"


class Whole:
    """Eye and body as two processes, their broker, and everything that left them.

    Attributes:
        heard: what a subscriber to all topics got.
        relay: what crossed the socket of the eye.
    """

    def __init__(self, folder: Path, mosquitto: LocalMosquitto) -> None:
        self.heard: list[Heard] = []
        self._url = mosquitto.url
        self._written = folder / "written"
        self._written.mkdir()
        film = watermark.write_watermarked(folder / "film.mkv", seconds=20)
        places = {name: self._place(name) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME")}
        camera = {"source": "video", "file": str(film), "loop": True}
        config = write_config(self._written, camera=camera, url=mosquitto.url, rules=(LINE, *_OTHER_RULES))
        config.write_text(config.read_text() + _ALL_TOPICS)
        self.relay = Relay(folder / "relay", folder / "eye")
        where = {"EYESPOT_EYE_SOCKET": str(folder / "eye")}
        self._parts = (
            Listener(mosquitto.url, "#", self.heard.append),
            self.relay,
            Service(self._written, "eye", "--socket", folder / "relay", **places),
            Service(self._written, "run", "--config", config, **places, **where),
        )

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for part in self._parts:
                stack.enter_context(part)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def say(self, suffix: str, payload: bytes) -> None:
        say(self._url, Heard(f"eyespot/v1/shop/{suffix}", payload, retain=False, qos=1))

    def is_heard(self, suffix: str, words: bytes = b"") -> bool:
        return any(one.topic.endswith(suffix) and words in one.payload for one in list(self.heard))

    def left(self) -> Iterator[tuple[str, bytes]]:
        """Yield every byte that left, by where it went: a topic, one end of the socket, a file."""
        heard, said = list(self.heard), list(self.relay.said)
        for topic in {one.topic for one in heard}:
            yield f"mqtt {topic}", b"\n".join(one.payload for one in heard if one.topic == topic)
        for who in ("eye", "body"):
            yield f"socket {who}", b"\n".join(data for name, data in said if name == who)
        for path in sorted(self._written.rglob("*")):
            if path.is_file():
                yield f"file {path.relative_to(self._written)}", path.read_bytes()

    def plant(self, name: str, data: bytes) -> None:
        """Write a file, or add to it."""
        with (self._written / name).open("ab") as file:
            file.write(data)

    def _place(self, name: str) -> str:
        (self._written / name).mkdir()
        return str(self._written / name)


@pytest.fixture(name="whole")
def a_whole_system(tmp_path: Path, mosquitto: LocalMosquitto) -> Iterator[Whole]:
    with Whole(tmp_path, mosquitto) as whole:
        yield whole


def test_of_a_known_picture_nothing_leaves_and_what_is_planted_is_found(whole: Whole) -> None:
    until(lambda: whole.is_heard("/door/event"), "somebody is counted in front of the picture")
    whole.say("cmd/aim", b'{"req_id":"a1"}')
    until(lambda: whole.is_heard("/trajectories", b'"aim"'), "where people go is kept")
    until(lambda: whole.is_heard("/frame", b'"boxes":[['), "boxes are told")
    whole.say("cmd/diagnose", b'{"req_id":"d1"}')
    until(lambda: whole.is_heard("/reply/d1", b'"log"'), "a diagnosis is told")

    whole.say("cmd/trajectories", b'{"req_id":"t1"}')
    until(lambda: whole.is_heard("/reply/t1", b'"ways":[{'), "where people went is told")

    left = dict(whole.left())
    assert any(place.startswith("file state/trajectories/") for place in left)
    assert {"socket eye", "socket body", "file stderr", "file state/eyespot.db"} <= left.keys()
    assert sum(map(len, left.values())) > 20_000
    assert leaks_in(left.items()) == {}

    rows = watermark.picture()[10:14].tobytes()
    whole.say("leak/text", base64.b64encode(rows))
    whole.say("leak/thumbnail", str(watermark.thumbnail().tolist()).encode())
    whole.plant("stderr", rows.hex().encode())
    whole.plant("state/eyespot.db", zlib.compress(rows))
    whole.plant("XDG_CACHE_HOME/thumbnail", watermark.thumbnail().tobytes())
    whole.plant("TMPDIR/swapped", ((watermark.levels() >> 4).astype("u1")).tobytes())
    whole.relay.said.append(("eye", rows))
    until(lambda: whole.is_heard("leak/thumbnail"), "what was planted arrives")
    assert leaks_in(whole.left()).keys() == {
        "mqtt eyespot/v1/shop/leak/text",
        "mqtt eyespot/v1/shop/leak/thumbnail",
        "socket eye",
        "file stderr",
        "file state/eyespot.db",
        "file XDG_CACHE_HOME/thumbnail",
        "file TMPDIR/swapped",
    }
