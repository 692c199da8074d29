"""`eyespot demo`: the whole daemon on an embedded default, with a broker of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from eyespot.app.plan import plan
from eyespot.app.service import serve
from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.broker.memory import MemoryBroker
from eyespot.broker.paho import PahoBroker
from eyespot.broker.settings import MqttSettings
from eyespot.config import Config, Loaded, TopicsSettings
from eyespot.domain.errors import BrokerError, one_line
from eyespot.domain.message import Heard
from eyespot.host.clock import SystemClock
from eyespot.host.settings import DeviceSettings
from eyespot.host.systemd import Notifier
from eyespot.ports import Broker
from eyespot.rules.line import LineSettings
from eyespot.sources.settings import CameraSettings
from eyespot.store.settings import StateSettings
from eyespot.supervisor.signals import wishes_within

_LAST_WORD_S = 1.0
_NOWHERE = "mqtt://localhost"
# A line down the middle, from the bottom up: from the left to the right of the picture is in.
_LINE = LineSettings(id="middle", a=(0.5, 1.0), b=(0.5, 0.0), classes=("person",))

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
        planned = plan(Loaded(_config(url, folder, video), "demo", {}), clock)
        outcome = serve(
            planned,
            broker,
            clock=clock,
            manager=Notifier(),
            reload=lambda _: False,
            next_wish=wishes_within(seconds, clock),
        )
        ear.gone.wait(_LAST_WORD_S)
    return outcome.exit_code


def _config(url: str, folder: str, video: Path | None) -> Config:
    if video is None:
        camera = CameraSettings(source="scene", mount="overhead")
    else:
        camera = CameraSettings(source="video", mount="overhead", file=str(video))
    return Config(
        device=DeviceSettings(id="demo"),
        camera=camera,
        mqtt=MqttSettings(url=url),
        state=StateSettings(dir=folder),
        topics=TopicsSettings(frame=True),
        rules=(_LINE,),
    )


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
            yield mosquitto.url, PahoBroker(MqttSettings(url=mosquitto.url), "demo")


class _Ear:
    """Passes on what is heard, and knows when the device has said goodbye."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.gone = threading.Event()

    def hear(self, heard: Heard) -> None:
        self._watch(heard)
        if heard.topic.endswith("/status") and b'"offline"' in heard.payload:
            self.gone.set()
