"""What devices ask of a repository's server, over HTTP and from a stick."""

import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from tuf.ngclient import Updater

from eyespot.domain.errors import FeedError, InputError
from eyespot_fleet.publishing.serving import application, listen
from fakes.repository import BUNDLE, FakeRepository

NETWORK = bytes(range(256)) * 1000


@pytest.fixture(name="ours")
def a_repository_with_a_release(tmp_path: Path) -> FakeRepository:
    ours = FakeRepository(tmp_path / "ours")
    ours.add(NETWORK)
    ours.release()
    (tmp_path / "ours" / "secret.pem").write_text("not to be seen")
    (tmp_path / "keys.pem").write_text("not to be seen")
    return ours


@pytest.fixture(name="port")
def a_server_of_it(ours: FakeRepository) -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(application(ours.folder), log_level="warning"))
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    told = response.status, response.read(), {name.lower(): value for name, value in response.getheaders()}
    connection.close()
    return told


def network(ours: FakeRepository) -> str:
    (path,) = (ours.folder / "targets" / "bundles").iterdir()
    return f"/targets/bundles/{path.name}"


def test_a_device_takes_its_model_over_http(ours: FakeRepository, port: int, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{port}"
    device = tmp_path / "device"
    device.mkdir()
    client = Updater(str(device), f"{url}/metadata", str(device), f"{url}/targets", bootstrap=ours.root)
    found = client.get_targetinfo(f"bundles/{BUNDLE}.tar.zst")
    assert found is not None
    assert Path(client.download_target(found)).read_bytes() == NETWORK


def test_a_download_goes_on_where_it_was_cut(ours: FakeRepository, port: int) -> None:
    status, body, headers = ask(port, network(ours), Range="bytes=250000-")
    assert (status, body) == (206, NETWORK[250000:])
    assert headers["content-range"] == f"bytes 250000-255999/{len(NETWORK)}"
    assert ask(port, network(ours), Range=f"bytes={len(NETWORK)}-")[0] == 416
    status, body, headers = ask(port, network(ours), "HEAD")
    assert (status, body, headers["content-length"]) == (200, b"", str(len(NETWORK)))
    assert headers["accept-ranges"] == "bytes"


def test_only_the_timestamp_is_to_be_asked_for_again(ours: FakeRepository, port: int) -> None:
    assert ask(port, "/metadata/timestamp.json")[2]["cache-control"] == "no-cache"
    for path in ("/metadata/1.root.json", network(ours)):
        assert "immutable" in ask(port, path)[2]["cache-control"]
    assert ask(port, "/metadata/2.root.json")[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/", "/metadata/", "/targets", "/secret.pem", "/metadata/../secret.pem", "/targets/..%2fsecret.pem",
        "/targets/%2e%2e/%2e%2e/keys.pem", "//etc/passwd", "/targets//etc/passwd", "/targets/bundles/%00",
        "/targets/" + "a" * 5000,
    ],
)  # fmt: skip
def test_nothing_else_is_served(port: int, path: str) -> None:
    status, body, _ = ask(port, path)
    assert status == 404
    assert b"not to be seen" not in body


def test_a_link_in_the_repository_leads_nowhere(ours: FakeRepository, port: int) -> None:
    (ours.folder / "targets" / "link").symlink_to(ours.folder.parent / "keys.pem")
    assert ask(port, "/targets/link")[0] == 404


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_nothing_can_be_changed(ours: FakeRepository, port: int, method: str) -> None:
    before = (ours.folder / "metadata" / "timestamp.json").read_bytes()
    assert ask(port, "/metadata/timestamp.json", method)[0] == 405
    assert (ours.folder / "metadata" / "timestamp.json").read_bytes() == before


def test_who_asks_and_never_reads_stops_nobody_else(ours: FakeRepository, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"GET /metadata/timestamp.json HTTP/1.1\r\nHost: x\r\n")
        begun = time.monotonic()
        assert ask(port, "/metadata/timestamp.json")[0] == 200
        assert time.monotonic() - begun < 5


def test_a_repository_on_a_stick_is_as_good(ours: FakeRepository, tmp_path: Path) -> None:
    stick = ours.stolen(tmp_path / "stick with spaces")
    released = stick.told(tmp_path / "device")
    assert released is not None
    assert released.bundle == "people"


def test_ctrl_c_ends_it_without_a_traceback(ours: FakeRepository) -> None:
    command = [sys.executable, "-m", "eyespot_fleet", "publish", "serve", "--port", "0"]
    with subprocess.Popen(
        [*command, "--repository", str(ours.folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().rpartition(":")[2].strip(' "\n'))
        assert ask(port, "/metadata/timestamp.json")[0] == 200
        server.send_signal(signal.SIGINT)
        assert server.communicate(timeout=20)[1] == ""


def test_no_repository_and_no_address_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no repository; --repository says where it is"):
        application(tmp_path)
    with listen("127.0.0.1", 0) as taken, pytest.raises(FeedError, match="Address already in use"):
        listen("127.0.0.1", taken.getsockname()[1])
