"""How a line of the log leaves: to a socket that stands for the journal's, to its stream, or to people."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eyespot.host.journal import Entry, JournalSocket, PlainLines, StreamLines, encoded, way_out

LONGEST = 16_000


class Journal:
    """A socket that listens where the journal would."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(0)

    def heard(self) -> list[dict[str, str]]:
        entries = []
        while True:
            try:
                entries.append(decoded(self.socket.recv(1 << 20)))
            except BlockingIOError:
                return entries


def decoded(data: bytes) -> dict[str, str]:
    """Read an entry as journald does: NAME=value, or NAME, its length in 8 bytes, and what may hold lines."""
    fields: dict[str, str] = {}
    while data:
        line, data = data.split(b"\n", 1)
        name, equals, value = line.partition(b"=")
        if not equals:
            length = int.from_bytes(data[:8], "little")
            value, data = data[8 : 8 + length], data[8 + length :]
            assert data[:1] == b"\n"
            data = data[1:]
        assert name.decode() not in fields
        fields[name.decode()] = value.decode()
    return fields


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    with journal.socket:
        yield journal


class Stream:
    """A stderr that is the journal's: our end, and the journal's."""

    def __init__(self, ours: socket.socket, journals: socket.socket) -> None:
        self.descriptor, self.journals = ours.fileno(), journals
        status = os.fstat(self.descriptor)
        self.environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


@pytest.fixture
def stream() -> Iterator[Stream]:
    ours, journals = socket.socketpair()
    journals.settimeout(0)
    with ours, journals:
        yield Stream(ours, journals)


def entry(text: str, **fields: str) -> Entry:
    return Entry(4, text, fields)


def test_an_entry_has_its_fields_and_a_traceback_stays_whole(journal: Journal, path: Path) -> None:
    text = "a bug in the vision thread\nTraceback (most recent call last):\n  x = 1\nValueError: é"
    with closing(JournalSocket(path)) as outlet:
        assert outlet.send(entry(text, EYESPOT_THREAD="vision", MESSAGE_ID="0" * 32))
    fields = {"EYESPOT_THREAD": "vision", "MESSAGE_ID": "0" * 32}
    assert journal.heard() == [{"MESSAGE": text, "PRIORITY": "4", **fields}]


@pytest.mark.parametrize(
    "text", ["", "=", "a=b", "\n", "\n=\n", "PRIORITY=0\n", "\ud800", "a\0b", "𝄞" * 20_000]
)
def test_what_is_said_cannot_become_a_field_and_cannot_be_too_long(
    journal: Journal, path: Path, text: str
) -> None:
    with closing(JournalSocket(path)) as outlet:
        assert outlet.send(entry(text, EYESPOT_REASON=text))
    [heard] = journal.heard()
    assert heard["PRIORITY"] == "4"
    assert set(heard) == {"MESSAGE", "PRIORITY", "EYESPOT_REASON"}
    if len(text) <= LONGEST:
        assert heard["MESSAGE"] == text.replace("\ud800", "?")


def test_of_a_long_text_the_end_is_kept_too() -> None:
    heard = decoded(encoded(entry("begin" + "x" * 100_000 + "the error")))
    assert heard["MESSAGE"].startswith("begin")
    assert heard["MESSAGE"].endswith("the error")
    assert len(heard["MESSAGE"]) < LONGEST + 10


def test_a_journal_that_hangs_is_waited_for_once_a_moment(journal: Journal, path: Path) -> None:
    outlet = JournalSocket(path)
    begun = time.monotonic()
    went = [outlet.send(entry("x" * 1000)) for _ in range(2000)]
    assert time.monotonic() - begun < 20
    taken = went.index(False)
    assert taken > 0
    assert not any(went[taken:])
    assert len(journal.heard()) == taken
    assert outlet.send(entry("it goes on"))
    assert journal.heard()[0]["MESSAGE"] == "it goes on"
    outlet.close()


def test_a_journal_that_was_started_anew_is_found_again(path: Path) -> None:
    before = Journal(path)
    outlet = JournalSocket(path)
    before.socket.close()
    path.unlink()
    assert not outlet.send(entry("nobody is there"))
    assert not outlet.send(entry("nor is anybody now"))
    after = Journal(path)
    with after.socket:
        assert outlet.send(entry("there it is"))
        assert [heard["MESSAGE"] for heard in after.heard()] == ["there it is"]
    outlet.close()


def test_a_stderr_that_is_not_the_journals_is_for_people(
    path: Path, journal: Journal, capfd: pytest.CaptureFixture[str]
) -> None:
    for environ in ({}, {"JOURNAL_STREAM": "1:1"}, {"JOURNAL_STREAM": ""}):
        outlet = way_out(environ, path)
        assert isinstance(outlet, PlainLines)
        assert outlet.send(Entry(5, "ready: 10 Hz", {"EYESPOT_DEVICE": "gate"}))
        assert capfd.readouterr().err == "NOTICE ready: 10 Hz\n"
    assert journal.heard() == []


def test_a_stderr_that_is_the_journals_leads_to_its_socket(
    path: Path, journal: Journal, stream: Stream
) -> None:
    outlet = way_out(stream.environ, path, stream.descriptor)
    assert isinstance(outlet, JournalSocket)
    assert outlet.send(entry("hello"))
    outlet.close()
    assert journal.heard()[0]["MESSAGE"] == "hello"
    with pytest.raises(BlockingIOError):
        stream.journals.recv(1)


def test_where_the_journals_socket_is_hidden_each_line_says_how_bad_it_is(path: Path, stream: Stream) -> None:
    outlet = way_out(stream.environ, path, stream.descriptor)
    assert isinstance(outlet, StreamLines)
    assert outlet.send(entry("a bug\nTraceback\n<0>not so bad", EYESPOT_THREAD="link"))
    assert stream.journals.recv(1000) == b"<4>a bug\n<4>Traceback\n<4><0>not so bad\n"
    outlet.close()


def test_a_stream_that_nobody_reads_is_waited_for_once_a_moment(path: Path, stream: Stream) -> None:
    outlet = way_out(stream.environ, path, stream.descriptor)
    assert isinstance(outlet, StreamLines)
    begun = time.monotonic()
    went = [outlet.send(entry("x" * 1000)) for _ in range(2000)]
    assert time.monotonic() - begun < 20
    assert True in went
    assert not went[-1]
    heard = bytearray()
    while len(heard) < sum(went) * 1004:
        heard += stream.journals.recv(1 << 20)
    assert heard == (b"<4>" + b"x" * 1000 + b"\n") * sum(went)
    assert outlet.send(entry("it goes on"))
    outlet.close()


def test_a_stderr_that_is_gone_raises_nothing(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert not way_out({"JOURNAL_STREAM": "1:1"}, path, 999).send(entry("nobody hears this"))
