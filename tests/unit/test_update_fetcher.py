"""Bundles come over links and from servers as they are: slow, cut, forgetful, and not always honest."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadHTTPError, DownloadLengthMismatchError

from eyespot.domain.errors import FeedError, TrustError
from eyespot.update.fetcher import Fetcher
from eyespot.update.patience import Pace, Patience
from eyespot.update.wire import Wire, WireError
from fakes.mirrors import Mirror, serving

SIZE = 1_000_000
DATA = bytes(range(256)) * (SIZE // 256) + bytes(SIZE % 256)
NAME = "targets/bundles/b.tar.zst"


@pytest.fixture(name="mirror")
def a_mirror(tmp_path: Path) -> Iterator[Mirror]:
    with serving(tmp_path / "there") as mirror:
        path = mirror.folder / NAME
        path.parent.mkdir(parents=True)
        path.write_bytes(DATA)
        yield mirror


@pytest.fixture(name="part")
def a_part(tmp_path: Path) -> Path:
    return tmp_path / "here.part"


def bring(mirror: Mirror, part: Path, waits: list[float] | None = None, size: int = SIZE) -> None:
    sleep: list[float] = [] if waits is None else waits
    Fetcher(Wire(5), sleep=sleep.append, roll=lambda: 1.0).bring(f"{mirror.url}/{NAME}", size, part)


def test_a_bundle_comes_whole(mirror: Mirror, part: Path) -> None:
    bring(mirror, part)
    assert part.read_bytes() == DATA
    assert mirror.requests == [(f"/{NAME}", None)]


def test_a_link_that_is_cut_ten_times_costs_hardly_a_byte_more(mirror: Mirror, part: Path) -> None:
    mirror.cuts = [90_000] * 10
    waits: list[float] = []
    bring(mirror, part, waits)
    assert part.read_bytes() == DATA
    assert len(waits) == 10
    assert mirror.sent_bytes < SIZE * 1.02


def test_what_came_before_a_restart_is_not_fetched_again(mirror: Mirror, part: Path) -> None:
    part.write_bytes(DATA[:700_000])
    bring(mirror, part)
    assert part.read_bytes() == DATA
    assert mirror.of_bundles() == ["bytes=700000-"]
    assert mirror.sent_bytes == 300_000


def test_a_bundle_that_is_there_is_not_asked_for(mirror: Mirror, part: Path) -> None:
    part.write_bytes(DATA)
    bring(mirror, part)
    assert mirror.requests == []


def test_a_server_without_ranges_starts_over(mirror: Mirror, part: Path) -> None:
    part.write_bytes(b"x" * 1000)
    mirror.ranges = False
    bring(mirror, part)
    assert part.read_bytes() == DATA


def test_a_part_that_is_too_long_starts_over(mirror: Mirror, part: Path) -> None:
    part.write_bytes(DATA + b"x")
    bring(mirror, part)
    assert part.read_bytes() == DATA


def test_a_file_that_has_become_shorter_at_the_server_starts_over(mirror: Mirror, part: Path) -> None:
    part.write_bytes(DATA)
    with pytest.raises(WireError):
        bring(mirror, part, size=SIZE + 10)
    assert mirror.of_bundles()[:2] == ["bytes=1000000-", None]
    assert mirror.sent_bytes < 5 * SIZE


def test_more_than_there_should_be_is_not_kept(mirror: Mirror, part: Path) -> None:
    mirror.pads = 10_000
    with pytest.raises(TrustError) as caught:
        bring(mirror, part)
    assert caught.value.code == "too_long"
    assert not part.exists()


def test_a_page_to_sign_in_at_is_named_and_costs_nothing_of_what_has_come(mirror: Mirror, part: Path) -> None:
    part.write_bytes(DATA[:700_000])
    mirror.page = b"\n<!doctype html><title>Welcome to our hotel</title>"
    waits: list[float] = []
    with pytest.raises(WireError, match="does this network want somebody to sign in"):
        bring(mirror, part, waits)
    assert waits == []
    assert part.read_bytes() == DATA[:700_000]
    mirror.page = None
    bring(mirror, part)
    assert part.read_bytes() == DATA
    assert mirror.sent_bytes == 300_000


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {}), "cut after 0 of"),
        ((204, {}), "answers 204"),
        ((304, {}), "answers 304"),
        (
            (206, {"Content-Range": "bytes 700000-700009/*", "Content-Length": "0"}),
            "cut after 700000 of",
        ),
    ],
)
def test_an_answer_without_anything_costs_nothing_of_what_has_come(
    mirror: Mirror, part: Path, answer: tuple[int, dict[str, str]], words: str
) -> None:
    part.write_bytes(DATA[:700_000])
    mirror.answers = [answer] * 9
    with pytest.raises(WireError, match=words):
        bring(mirror, part)
    assert part.read_bytes() == DATA[:700_000]


def test_a_shorter_file_of_that_name_costs_nothing_of_what_has_come(mirror: Mirror, part: Path) -> None:
    part.write_bytes(DATA[:700_000])
    mirror.ranges = False
    (mirror.folder / NAME).write_bytes(b"an older one")
    with pytest.raises(WireError, match="12 bytes are there, and 1000000 are signed"):
        bring(mirror, part)
    assert part.read_bytes() == DATA[:700_000]


def test_waits_double_and_end(mirror: Mirror, part: Path) -> None:
    mirror.answers = [(500, {})] * 10
    waits: list[float] = []
    with pytest.raises(WireError, match="answers 500"):
        bring(mirror, part, waits)
    assert waits == [2, 4, 8, 16]


def test_a_server_that_asks_to_wait_is_left_alone_for_so_long(mirror: Mirror, part: Path) -> None:
    mirror.answers = [(503, {"Retry-After": "120"}), (429, {"Retry-After": "7"})]
    waits: list[float] = []
    bring(mirror, part, waits)
    assert waits == [122, 11]


@pytest.mark.parametrize("said", ["7200", "9" * 400, "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_a_server_that_asks_to_wait_for_hours_is_left_until_the_next_run(
    mirror: Mirror, part: Path, said: str
) -> None:
    mirror.answers = [(503, {"Retry-After": said})]
    waits: list[float] = []
    with pytest.raises(WireError):
        bring(mirror, part, waits)
    assert waits == []


@pytest.mark.parametrize("said", ["x", "-5", "Fri, 99 Foo 2026"])
def test_a_server_that_asks_for_nonsense_is_tried_as_if_it_had_not(
    mirror: Mirror, part: Path, said: str
) -> None:
    mirror.answers = [(503, {"Retry-After": said})]
    bring(mirror, part)
    assert part.read_bytes() == DATA


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_is_not_there_is_not_asked_for_again(mirror: Mirror, part: Path, status: int) -> None:
    mirror.answers = [(status, {})] * 5
    with pytest.raises(WireError) as caught:
        bring(mirror, part)
    assert len(mirror.requests) == 1
    assert caught.value.status == status


def test_a_server_may_send_on(mirror: Mirror, part: Path) -> None:
    (mirror.folder / "moved.tar.zst").write_bytes(DATA)
    mirror.answers = [(302, {"Location": "/moved.tar.zst"})]
    bring(mirror, part)
    assert part.read_bytes() == DATA


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://example.org/b", "", "//", "gopher://x", "http://[::"]
)
def test_a_server_does_not_send_us_anywhere(mirror: Mirror, part: Path, location: str) -> None:
    mirror.answers = [(302, {"Location": location})] * 10
    with pytest.raises(WireError):
        bring(mirror, part)
    assert not part.exists()


def test_a_server_that_sends_in_circles_is_left(mirror: Mirror, part: Path) -> None:
    mirror.answers = [(307, {"Location": f"/{NAME}"})] * 50
    with pytest.raises(WireError, match="from place to place"):
        bring(mirror, part)
    assert len(mirror.requests) < 10


def test_a_server_that_sends_another_part_is_not_believed(mirror: Mirror, part: Path) -> None:
    part.write_bytes(DATA[:1000])
    mirror.answers = [(206, {"Content-Range": "bytes 5-9/10"})] * 10
    with pytest.raises(WireError, match="another part"):
        bring(mirror, part)
    assert part.read_bytes() == DATA[:1000]


def test_slow_retrieval_is_named(tmp_path: Path) -> None:
    """A server that holds on with a byte a second would keep the worker for ever."""
    clock = iter(range(10_000))
    pace = Pace(Patience(), lambda: float(next(clock)))
    for _ in range(59):
        pace.add(1)
    with pytest.raises(FeedError) as caught:
        pace.add(1)
    assert caught.value.code == "slow"


def test_a_link_that_is_slow_but_steady_is_waited_for() -> None:
    clock = iter(range(100_000))
    pace = Pace(Patience(), lambda: float(next(clock)))
    for _ in range(5000):
        pace.add(2048)


def test_nobody_there_is_said_in_words(part: Path) -> None:
    with pytest.raises(WireError, match=r"cannot reach 127\.0\.0\.1:1: Connection refused"):
        Fetcher(Wire(1), sleep=lambda _: None).bring("http://127.0.0.1:1/x", 5, part)


def test_a_name_that_nobody_knows_is_said_in_words(part: Path) -> None:
    with pytest.raises(WireError, match=r"nobody knows the name nowhere\.invalid"):
        Fetcher(Wire(1), sleep=lambda _: None).bring("http://nowhere.invalid/x", 5, part)


def test_a_stick_and_a_server_are_the_same(tmp_path: Path, part: Path) -> None:
    stick = tmp_path / "a stick ä"
    stick.mkdir()
    (stick / "b").write_bytes(DATA)
    part.write_bytes(DATA[:10])
    Fetcher(Wire()).bring((stick / "b").as_uri(), SIZE, part)
    assert part.read_bytes() == DATA


@pytest.mark.parametrize("url", ["file:///nowhere/at/all", "file:///", "file://elsewhere/etc/passwd"])
def test_a_stick_that_is_not_in_is_said(part: Path, url: str) -> None:
    with pytest.raises(WireError):
        Fetcher(Wire()).bring(url, 5, part)


def test_small_files_are_capped_and_missing_ones_are_told_apart(mirror: Mirror) -> None:
    fetcher = Fetcher(Wire(5), sleep=lambda _: None)
    (mirror.folder / "small.json").write_bytes(b"{}")
    assert fetcher.download_bytes(f"{mirror.url}/small.json", 2) == b"{}"
    with pytest.raises(DownloadLengthMismatchError):
        fetcher.download_bytes(f"{mirror.url}/small.json", 1)
    with pytest.raises(DownloadHTTPError) as caught:
        fetcher.download_bytes(f"{mirror.url}/none.json", 1)
    assert caught.value.status_code == 404


def test_a_proxy_that_is_configured_is_used(
    mirror: Mirror, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", mirror.url)
    Fetcher(Wire(5)).bring(f"http://repository.invalid/{NAME}", SIZE, part)
    assert part.read_bytes() == DATA
    assert mirror.requests == [(f"http://repository.invalid/{NAME}", None)]
