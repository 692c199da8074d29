"""The `[mqtt]` table is understood, or refused with advice."""

from pathlib import Path

import pytest

from eyespot.broker.backoff import Backoff
from eyespot.broker.settings import Endpoint, MqttSettings, endpoint, endpoints, problems


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("mqtt://broker.example", Endpoint("broker.example", 1883)),
        ("mqtt://10.0.0.1:1884/", Endpoint("10.0.0.1", 1884)),
        ("mqtts://broker.example", Endpoint("broker.example", 8883, tls=True)),
        ("mqtts://[::1]:99", Endpoint("::1", 99, tls=True)),
        ("mqtt://[fe80::1%eth0]", Endpoint("fe80::1%eth0", 1883)),
        ("mqtts://b\u00fccher.example.", Endpoint("b\u00fccher.example.", 8883, tls=True)),
        (f"mqtt://{'a' * 63}.example", Endpoint(f"{'a' * 63}.example", 1883)),
        ("unix:///run/mosquitto.sock", Endpoint("/run/mosquitto.sock", 0, unix=True)),
    ],
)
def test_a_url_says_where_the_broker_is(url: str, where: Endpoint) -> None:
    assert endpoint(url) == where
    assert problems(MqttSettings(url=url)) == []


def test_a_cluster_is_a_list_of_its_nodes() -> None:
    cluster = MqttSettings(url=("mqtts://a.example", "mqtts://b.example:99"))
    assert endpoints(cluster) == (Endpoint("a.example", 8883, tls=True), Endpoint("b.example", 99, tls=True))
    assert problems(cluster) == []


def test_nodes_with_tls_and_without_are_refused() -> None:
    ((key, advice),) = problems(MqttSettings(url=("mqtts://a.example", "mqtt://b.example")))
    assert (key, "begin all with mqtts://, or none" in advice) == ("url", True)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("broker.example", "want mqtt://"),
        ("http://broker.example", "want mqtt://"),
        ("mqtt://", "want mqtt://"),
        ("mqtt://broker:0", "want mqtt://"),
        ("mqtt://broker:70000", "Port out of range"),
        ("mqtt://broker:x", "want mqtt://"),
        ("mqtt://[::1", "want mqtt://"),
        ("mqtt://broker/topic", "want mqtt://"),
        ("mqtts://a..b", "no host has this name"),
        ("mqtts://.localhost", "no host has this name"),
        (f"mqtts://{'a' * 64}.example", "no host has this name"),
        ("mqtt://broker?x=1", "nothing may follow"),
        ("unix://run/socket", "want mqtt://"),
        ("unix:///", "want mqtt://"),
        ("mqtt://me:secret@broker", "no secrets in the url"),
    ],
)
def test_a_url_that_is_none_is_refused_with_advice(url: str, advice: str) -> None:
    ((key, message),) = problems(MqttSettings(url=url))
    assert key == "url"
    assert advice in message
    assert "secret@" not in message


def test_what_does_not_fit_together_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    here, gone = str(file), str(tmp_path / "gone")

    def keys(**settings: str) -> list[str]:
        return [key for key, _ in problems(MqttSettings(**settings))]

    secure = "mqtts://broker"
    assert keys(url=secure, cert_file=here, key_file=here, ca_file=here) == []
    assert keys(url=secure, cert_file=here) == []  # its key may be a credential
    assert keys(url=secure, key_file=here) == ["key_file"]
    assert keys(url=secure, ca_file=gone) == ["ca_file"]
    assert keys(url=secure, password_file=here) == ["password_file"]
    assert keys(url=secure, password_file=here, username="me") == []
    assert keys(url="mqtt://broker", ca_file=here) == ["ca_file"]


def test_waits_double_up_to_a_minute_and_begin_again() -> None:
    backoff = Backoff(lambda: 1.0)
    assert [backoff.next_s() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    backoff.reset()
    assert backoff.next_s() == 1
    assert [backoff.next_s(alone=True) for _ in range(4)] == [2, 4, 4, 4]
    assert [Backoff(lambda: 0.0).long_s(), Backoff(lambda: 1.0).long_s()] == [30, 60]
