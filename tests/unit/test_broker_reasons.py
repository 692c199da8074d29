"""Why a broker cannot be used is said in words that help."""

import ssl
from pathlib import Path

import pytest

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.broker.reasons import broker_said, no_way, tls_said
from eyespot.domain.errors import BrokerError


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "refused"), "is the broker running"),
        (TimeoutError("timed out"), "firewalls"),
        (ConnectionResetError(104, "Connection reset by peer"), "does it speak TLS"),
        (FileNotFoundError(2, "No such file or directory"), "no such socket"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "is it a TLS port"),
        (ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]"), "set cert_file and key_file"),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA]"), "it does not accept our certificate"),
        (ssl.SSLError(1, "[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED]"), "our certificate has expired"),
        (ssl.SSLError(1, "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE]"), "no common TLS"),
        (OSError(101, "Network is unreachable"), "Network is unreachable"),
    ],
)
def test_errors_of_the_network_become_advice(error: Exception, words: str) -> None:
    assert words in no_way(error)


def test_what_the_broker_says_becomes_advice_or_is_passed_on() -> None:
    assert "check username" in broker_said(0x86, "Bad user name or password")
    assert broker_said(0x97, "Quota exceeded") == "it says: quota exceeded"
    assert tls_said("connection reset by peer") is None


def test_without_a_mosquitto_it_is_said_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYESPOT_MOSQUITTO", "/nonexistent/mosquitto")
    with pytest.raises(BrokerError, match="apt install mosquitto"):
        LocalMosquitto()


def test_a_mosquitto_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    binary = tmp_path / "mosquitto"
    binary.write_text("#!/bin/sh\necho 'Error: no such option'\nexit 1\n")
    binary.chmod(0o755)
    monkeypatch.setenv("EYESPOT_MOSQUITTO", str(binary))
    with pytest.raises(BrokerError, match="no such option"), LocalMosquitto():
        pass


def test_a_listener_without_a_broker_says_so() -> None:
    with pytest.raises(BrokerError, match="cannot listen"), Listener("mqtt://127.0.0.1:1", "#", print):
        pass
