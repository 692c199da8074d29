"""`eyespot watch`: what the device of a configuration says over MQTT."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from eyespot.app.listening import listening
from eyespot.app.plan import device_id
from eyespot.app.watched import ASKED_FOR
from eyespot.config import load
from eyespot.domain.message import Heard


class Post:
    """Where to watch a device from.

    Args:
        config: of the device; its broker, id and credentials.

    Attributes:
        prefix: topics begin with it; the device's id follows.
        device: its id.

    Raises:
        ConfigError: it cannot be used.
    """

    def __init__(self, config: Path) -> None:
        loaded = load(config).config
        self._mqtt = loaded.mqtt
        self.prefix = loaded.mqtt.prefix
        self.device = device_id(loaded)

    @contextmanager
    def listening(self, hear: Callable[[Heard], None]) -> Iterator[Callable[[], str]]:
        """Yield why nothing is heard, empty where all is well, while somebody hears the device.

        Raises:
            BrokerError: the broker cannot be reached, or does not let us listen.
            ConfigError: a certificate or a password cannot be used.
        """
        topics = [f"{self.prefix}/{self.device}/{suffix}" for suffix in ASKED_FOR]
        with listening(self._mqtt, topics, hear) as listener:
            yield lambda: listener.trouble
