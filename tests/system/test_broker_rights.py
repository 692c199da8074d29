"""The brokers of config/examples/mosquitto: a device has its own topics, and only operators command it."""

import re
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyespot.broker.local import LocalMosquitto
from eyespot.domain.event import RULE_ID
from eyespot.topics.commands import REQ_ID
from eyespot.topics.gate import DECLARED
from fakes import contract
from fakes.certificates import Authority
from fakes.example_broker import certify, example_broker, party
from fakes.waiting import until

OWN, OTHER = "eyespot/v1/shop-1", "eyespot/v1/shop-2"
FORMS = {each.form.pattern.replace(RULE_ID, "door").replace(REQ_ID, "17") for each in DECLARED}
SAID = sorted(
    {
        *(f"{OWN}/{form}" for form in FORMS if form == re.escape(form).replace("\\-", "-")),
        f"{OWN}/onvif-ej/VideoSource/Counting",
        "homeassistant/device/shop-1/config",
    }
)
FORBIDDEN = [
    f"{OTHER}/status",
    f"{OTHER}/rule/door/event",
    f"{OTHER}/cmd/model/update",
    f"{OTHER}/reply/17",
    f"{OWN}/cmd/model/update",
    f"{OWN}/config/desired",
    f"{OWN}/model/desired",
    f"{OWN}/else",
    "eyespot/v1/status",
    "eyespot/v1/shop-1",
    "homeassistant/device/shop-2/config",
    "homeassistant/status",
    "homeassistant/sensor/shop-1/config",
    "somewhere/else",
]


@pytest.fixture(autouse=True)
def every_message_fits_its_schema() -> Iterator[None]:
    """Let messages have nothing in them: here it counts who says them."""
    yield
    contract.unfit()


@pytest.fixture(name="authority", scope="module")
def an_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("rights") / "ours", "ours")


@pytest.fixture(name="mosquitto", params=["2.0", "2.1"])
def a_mosquitto(
    request: pytest.FixtureRequest, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalMosquitto]:
    with example_broker(request.param, tmp_path, authority, monkeypatch) as mosquitto:
        yield mosquitto


@pytest.fixture(name="url")
def its_url(mosquitto: LocalMosquitto) -> str:
    return mosquitto.url.replace("mqtt:", "mqtts:")


def test_a_device_says_what_is_its_own_and_nothing_else(url: str, authority: Authority) -> None:
    with party(url, authority, "shop-1") as device:
        assert {topic: device.publish(topic) for topic in SAID} == dict.fromkeys(SAID, "")
        said = {topic: device.publish(topic) for topic in FORBIDDEN}
        assert said == dict.fromkeys(FORBIDDEN, "not authorized")
        assert device.told.connections == 1


FOR_IT = {f"{OWN}/cmd/model/update", f"{OWN}/config/desired", f"{OWN}/model/desired"}
OWN_AMONG = {
    "eyespot/v1/+/cmd/#": {f"{OWN}/cmd/model/update"},
    "#": FOR_IT | {f"{OWN}/status"},
    f"{OWN}/#": FOR_IT | {f"{OWN}/status"},
    f"{OTHER}/#": set(),
}


@pytest.mark.parametrize("topic_filter", OWN_AMONG)
def test_a_device_hears_its_own_topics_alone_however_much_it_listens_to(
    url: str, authority: Authority, topic_filter: str
) -> None:
    for_another = [each.replace(OWN, OTHER) for each in FOR_IT]
    last = "homeassistant/status"
    with (
        party(url, authority, "shop-1", topic_filter, last) as device,
        party(url, authority, "operator") as operator,
        party(url, authority, "homeassistant") as assistant,
        party(url, authority, "shop-2") as another,
    ):
        assert [operator.publish(topic) for topic in (*for_another, *FOR_IT)] == [""] * 6
        assert another.publish(f"{OTHER}/status") == ""
        assert device.publish(f"{OWN}/status", b"") == ""
        assert assistant.publish(last) == ""
        until(lambda: device.hears(last), "what comes last")
        heard = {each.topic for each in device.told.heard} - {last}
        assert heard == OWN_AMONG[topic_filter]


def test_an_operator_commands_and_a_dashboard_looks_on(url: str, authority: Authority) -> None:
    command = f"{OWN}/cmd/model/update"
    with (
        party(url, authority, "shop-1", f"{OWN}/cmd/#") as device,
        party(url, authority, "operator", "eyespot/v1/#") as operator,
        party(url, authority, "dashboard", "eyespot/v1/#") as dashboard,
    ):
        assert operator.publish(command, b"1") == ""
        until(lambda: device.hears(command) == [b"1"], "the command")
        assert device.publish(f"{OWN}/reply/17", b"") == ""
        for party_ in (operator, dashboard):
            until(lambda who=party_: who.hears(f"{OWN}/reply/17") == [b""], "the answer")
        for topic in (command, f"{OWN}/config/desired", f"{OWN}/status"):
            assert dashboard.publish(topic) == "not authorized"
        assert operator.publish(f"{OWN}/status", retain=True) == "not authorized"
        assert operator.publish("homeassistant/device/shop-1/config") == "not authorized"


@pytest.mark.parametrize("name", ["dashboard", "operator", "homeassistant"])
def test_who_watches_or_commands_cannot_pass_for_a_device_of_its_name(
    url: str, authority: Authority, name: str
) -> None:
    as_device = {topic.replace("shop-1", name) for topic in SAID}
    allowed = {"homeassistant/device/homeassistant/config"} & as_device
    heard = f"{OWN}/status"
    with party(url, authority, "shop-1") as device, party(url, authority, name, "eyespot/v1/#") as who:
        said = {topic: who.publish(topic) for topic in as_device}
        assert {topic for topic, refusal in said.items() if not refusal} == allowed
        assert device.publish(heard) == ""
        until(lambda: who.hears(heard) == [b"{}"], "what a device says")


def test_changed_rights_and_a_renewed_certificate_are_taken_up_while_connections_last(
    mosquitto: LocalMosquitto, url: str, tmp_path: Path, authority: Authority
) -> None:
    topic, acl = f"{OWN}/else", tmp_path / "eyespot.acl"
    before = shown_at(mosquitto.port, authority)
    with party(url, authority, "shop-1") as device:
        assert device.publish(topic) == "not authorized"
        acl.write_text(acl.read_text() + "\npattern write eyespot/v1/%u/else\n")
        certify(tmp_path, authority, "renewed")
        assert mosquitto._process is not None
        mosquitto._process.send_signal(signal.SIGHUP)
        until(lambda: device.publish(topic) == "", "the right is there")
        until(lambda: shown_at(mosquitto.port, authority) != before, "another certificate")
        assert device.told.connections == 1


def shown_at(port: int, authority: Authority) -> bytes | None:
    """Return the certificate that a server shows."""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        return secured.getpeercert(binary_form=True)
