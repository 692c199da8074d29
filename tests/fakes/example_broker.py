"""The brokers of config/examples/mosquitto, run here as they stand but for paths and port."""

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from eyespot.broker.local import LocalMosquitto
from eyespot.broker.paho import PahoBroker
from eyespot.broker.settings import MqttSettings
from eyespot.domain.message import Delivery, Message
from eyespot.ports import Subscription
from fakes.brokers import local_mosquitto, mosquitto_plugin
from fakes.certificates import Authority
from fakes.recorder import Recorder
from fakes.tls import ME

EXAMPLES = Path(__file__).parents[2] / "config/examples/mosquitto"
ACL = (EXAMPLES / "eyespot.acl").read_text()


def lines_in(folder: Path, version: str, plugin: Path | None = None) -> list[str]:
    """Return an example's lines but its listener, with the files that it names in a folder of the test.

    Args:
        folder: has the certificates; gets the rights, if it has none.
        version: which example.
        plugin: what an example that names a plugin is to load.
    """
    if not (acl := folder / "eyespot.acl").exists():
        acl.write_text(ACL)
    text = (EXAMPLES / f"mosquitto-{version}.conf").read_text()
    text = re.sub(r"/etc/mosquitto/(certs/)?", f"{folder}/", text)
    text = re.sub(r"/usr/lib/\S+\.so", str(plugin), text)
    return [ME, *text.replace("listener 8883\n", "").splitlines()]


def certify(folder: Path, authority: Authority, name: str = "broker") -> None:
    """Write certificate and key of the broker, and whom it trusts, under the names of the examples."""
    certificate, key = authority.sign(name)
    for file, source in (("ca.crt", authority.certificate), ("broker.crt", certificate), ("broker.key", key)):
        (folder / file).write_bytes(source.read_bytes())


def use_mosquitto_2_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test use the newer mosquitto; skip it where there is none."""
    binary = os.environ.get("EYESPOT_MOSQUITTO_2_1")
    if binary is None:
        pytest.skip("no mosquitto 2.1 here: EYESPOT_MOSQUITTO_2_1 names none")
    monkeypatch.setenv("EYESPOT_MOSQUITTO", binary)


@contextmanager
def example_broker(
    version: str, folder: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalMosquitto]:
    """Run an example; skip the test where there is no mosquitto of that version."""
    plugin = None
    if version == "2.1":
        use_mosquitto_2_1(monkeypatch)
        plugin = mosquitto_plugin("mosquitto_acl_file")
    certify(folder, authority)
    with local_mosquitto(*lines_in(folder, version, plugin)) as mosquitto:
        yield mosquitto


class Party:
    """Somebody at that broker, who has a certificate.

    Attributes:
        told: what the broker tells it.
    """

    def __init__(self, broker: PahoBroker, listens_to: Sequence[str]) -> None:
        self.told = Recorder()
        self._broker = broker
        self._token = 0
        broker.attach(self.told, None)
        if listens_to:
            broker.listen(self.told, [Subscription(each, kept=True) for each in listens_to])

    def publish(self, topic: str, payload: bytes = b"{}", *, retain: bool = False) -> str:
        """Say something; return why the broker refuses it, empty where it does not."""
        self._token += 1
        token, delivery = self._token, Delivery.STATE if retain else Delivery.ANSWER
        assert self._broker.publish(Message(topic, payload, delivery), token)
        self.told.wait_for(lambda: token in (*self.told.acknowledged_tokens, *self.told.refusals))
        return self.told.refusals.get(token, "")

    def hears(self, topic: str) -> list[bytes]:
        """Return what came on a topic."""
        return [heard.payload for heard in list(self.told.heard) if heard.topic == topic]


@contextmanager
def party(url: str, authority: Authority, name: str, *listens_to: str) -> Iterator[Party]:
    """Connect with a certificate that bears this name, and listen."""
    certificate, key = authority.sign(name)
    settings = MqttSettings(
        url=url, ca_file=str(authority.certificate), cert_file=str(certificate), key_file=str(key)
    )
    broker = PahoBroker(settings, f"{name}-here", {})
    there = Party(broker, listens_to)
    thread = threading.Thread(target=broker.run, args=[lambda: None])
    thread.start()
    try:
        there.told.wait_for(lambda: there.told.online and (there.told.hears or not listens_to))
        yield there
    finally:
        broker.stop(None, 1.0)
        thread.join()
