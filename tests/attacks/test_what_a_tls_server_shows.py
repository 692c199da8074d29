"""Whoever stands between us and the broker hears nothing of us: no name, no password, no event."""

import ssl
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from eyespot.broker.paho import PahoBroker
from eyespot.broker.settings import MqttSettings
from fakes.brokers import running
from fakes.certificates import DAY, Authority
from fakes.scripted import WELCOME, Peer, ScriptedBroker

NOW = datetime.now(UTC)

# paho leaves a socket whose handshake failed to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(name="ours", scope="module")
def an_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours", "ours")


def welcomes(peer: Peer) -> None:
    peer.say(WELCOME)
    peer.hear_out()


def showing(pair: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


def told_by(server: ScriptedBroker, trusted: Authority) -> list[str]:
    """Return what a device says of a server; fail if it tells that anything."""
    settings = MqttSettings(url=server.url, ca_file=str(trusted.certificate), username="shop")
    with running(PahoBroker(settings, "shop-1", {}, lambda: 0.1)) as device:
        device.told.wait_for(lambda: device.told.reasons or device.told.online)
    assert server.versions == []
    assert device.told.connections == 0
    return device.told.reasons


def test_the_right_one_is_told(ours: Authority) -> None:
    settings = {"ca_file": str(ours.certificate), "username": "shop"}
    with closing(ScriptedBroker(welcomes, showing(ours.sign("broker")))) as server:
        with running(PahoBroker(MqttSettings(url=server.url, **settings), "shop-1", {})) as device:
            device.told.wait_for(lambda: device.told.online)
        assert server.versions == [5]


def another(ours: Authority) -> Authority:
    return Authority(ours.certificate.parent / "another", "ours")  # bears the name


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (lambda ours: ours.sign("w", address="127.0.0.2"), "not trusted (IP address mismatch"),
        (lambda ours: ours.sign("o", ends=NOW - DAY), "its certificate has expired"),
        (lambda ours: ours.sign("y", begins=NOW + DAY, ends=NOW + 2 * DAY), "is not valid yet"),
        (lambda ours: another(ours).sign("broker"), "not trusted ("),
        (lambda ours: ours.sign("d", only_for=ExtendedKeyUsageOID.CLIENT_AUTH), "not trusted (unsuitable"),
    ],
    ids=["name", "expired", "not yet", "another authority", "a device's certificate"],
)
def test_one_with_a_wrong_certificate_is_named_and_hears_nothing(
    ours: Authority, pair: Callable[[Authority], tuple[Path, Path]], words: str
) -> None:
    with closing(ScriptedBroker(welcomes, showing(pair(ours)))) as server:
        reason = told_by(server, ours)[0]
    assert server.url in reason
    assert words in reason


def test_one_that_vouches_for_itself_is_named_and_hears_nothing(ours: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger", "broker")
    with closing(ScriptedBroker(welcomes, showing(stranger.self_signed))) as server:
        assert "its certificate is not trusted (self-signed certificate" in told_by(server, ours)[0]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_one_that_speaks_only_an_old_tls_is_named_and_hears_nothing(
    ours: Authority, version: ssl.TLSVersion
) -> None:
    context = showing(ours.sign("broker"))
    context.set_ciphers("ALL:@SECLEVEL=0")  # else it is OpenSSL that refuses, at the other end
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = context.maximum_version = version
    with closing(ScriptedBroker(welcomes, context)) as server:
        assert "it speaks an old TLS: want 1.2 or 1.3" in told_by(server, ours)[0]
