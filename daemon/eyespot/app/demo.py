"""`eyespot demo`: the whole daemon on an embedded default, with a broker of its own."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from eyespot.app.plan import plan
from eyespot.app.service import serve
from eyespot.app.twin import Twin
from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.broker.memory import MemoryBroker
from eyespot.broker.paho import PahoBroker
from eyespot.broker.settings import MqttSettings
from eyespot.domain.errors import BrokerError, one_line
from eyespot.domain.message import Heard
from eyespot.host.clock import SystemClock
from eyespot.host.systemd import Notifier
from eyespot.ports import Broker
from eyespot.supervisor.signals import wishes_within

_LAST_WORD_S = 1.0
_NOWHERE = "mqtt://localhost"
_CONFIG = """\
device = {{ id = "demo" }}
camera = {{ mount = "overhead", source = "{source}"{file} }}
mqtt = {{ url = {url} }}
state = {{ dir = {state} }}
topics = {{ frame = true, health_s = 10 }}

[[rules]] # down the middle, from the bottom up: from the left to the right of the picture is in
kind = "line"
id = "middle"
a = [0.5, 1.0]
b = [0.5, 0.0]
classes = ["person"]
"""

Announce = Callable[[str], None]
Watch = Callable[[Heard], None]


def demo(video: Path | None, seconds: float | None, announce: Announce, watch: Watch) -> int:
    """Count in a rendered scene, or in a video, until a signal, the end, or the seconds are over.

    Signals are to be held back (`supervisor.signals`) before any thread is started.

    Args:
        video: looked at instead of the scene.
        seconds: when to end; None is never.
        announce: is told in a line which broker there is.
        watch: hears what a subscriber hears, from another thread.

    Returns:
        The exit code: 0, or 70 after a bug.

    Raises:
        EyespotError: the video, the model or the disk is not what it should be.
    """
    clock = SystemClock()
    ear = _Ear(watch)
    with TemporaryDirectory(prefix="eyespot-demo-") as folder, _broker(ear.hear, announce) as (url, broker):
        twin = Twin(_written(Path(folder), url, video), clock)
        outcome = serve(
            twin.prepared(lambda loaded: plan(loaded, clock)),
            broker,
            clock=clock,
            manager=Notifier(),
            reload=lambda _: False,
            next_wish=wishes_within(seconds, clock),
            each_tick=twin.tick,
            twin=twin,
        )
        ear.gone.wait(_LAST_WORD_S)
    return outcome.exit_code


def _written(folder: Path, url: str, video: Path | None) -> Path:
    """Return the configuration's file: a line that is drawn over MQTT takes the place of what is in it."""
    file = folder / "eyespot.toml"
    source, name = ("scene", "") if video is None else ("video", f", file = {_quoted(str(video))}")
    text = _CONFIG.format(source=source, file=name, url=_quoted(url), state=_quoted(str(folder)))
    file.write_text(text, "utf-8")
    return file


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@contextmanager
def _broker(hear: Watch, announce: Announce) -> Iterator[tuple[str, Broker]]:
    """Yield the URL of a broker, and the way to it; `hear` hears what it publishes."""
    with ExitStack() as stack:
        try:
            mosquitto = stack.enter_context(LocalMosquitto())
        except BrokerError as error:
            announce(f"no broker of its own, so one inside this process: {one_line(error)}")
            inside = MemoryBroker()
            inside.subscribe(hear)
            yield _NOWHERE, inside
        else:
            stack.enter_context(Listener(mosquitto.url, "eyespot/#", hear))
            announce(f"a mosquitto of its own: mosquitto_sub -p {mosquitto.port} -v -t 'eyespot/#'")
            view = f"{_beside_python('eyespot-fleet')} view --broker {mosquitto.url}"
            announce(f"to draw lines: {view}")
            yield mosquitto.url, PahoBroker(MqttSettings(url=mosquitto.url), "demo")


def _beside_python(program: str) -> Path:
    """Return how to call a program of the same installation, as short as it gets."""
    path = Path(sys.executable).with_name(program)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


class _Ear:
    """Passes on what is heard, and knows when the device has said goodbye."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.gone = threading.Event()

    def hear(self, heard: Heard) -> None:
        self._watch(heard)
        if heard.topic.endswith("/status") and b'"offline"' in heard.payload:
            self.gone.set()
