"""An operator's machine fetches all that a device has kept, whatever gets lost on the way, into one file."""

import json
from collections import deque
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from eyespot import app
from eyespot.domain.errors import BrokerError, InputError, StorageError
from eyespot.domain.instants import Timeline
from eyespot.domain.message import Delivery, Heard, Message
from eyespot.recording import RecordingReader
from eyespot.store.trajectories.file import WaysFile, is_ways
from eyespot.store.trajectories.gathering import Gathering
from eyespot.store.trajectories.ways import Salt, pieces_of
from eyespot.topics.trajectories import Piece
from eyespot.tracking.tracing import trace
from eyespot_fleet.fetching.asking import Asking
from eyespot_fleet.fetching.trajectories import aim, pieces, write
from fakes.daemon import LABELS, LINE, write_config, write_recording

NOBODY = "mqtt://127.0.0.1:9"
INFO = json.dumps(
    {
        "device": "shop",
        "model": {"bundle": "m", "labels": LABELS},
        "camera": {"width": 768, "height": 576},
        "more": 1,
    }
).encode()


def piece(begun: int) -> dict[str, Any]:
    return {
        "begun": begun, "synced": True, "model": "m", "labels": [], "steps": [0], "blind": [], "ways": []
    }  # fmt: skip


class Scripted:
    """A device that has some pieces, tells a few at a time, and of which some answers get lost.

    As long as it tells, it refuses to begin anew.

    Args:
        count: of pieces.
        at_once: in one answer.
        lost: numbers of answers that get lost, of all that it says.
    """

    def __init__(self, count: int, at_once: int = 3, lost: set[int] | None = None) -> None:
        self.count, self.at_once, self.lost = count, at_once, lost or set()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.said = 0
        self.telling = False
        self._answers: deque[bytes] = deque()

    def ask(self, command: str, args: dict[str, Any]) -> None:
        self.asked.append((command, args))
        self._answers.clear()
        if self.telling:
            self._say({"code": "refused", "detail": "still under way"})
            return
        cursors = range(int(args["after"]) + 1, self.count + 1)
        some = cursors[: self.at_once]
        self.telling = bool(some)
        self._say({"code": "ok", "detail": "", "result": {"pieces": len(some)}})
        for index, cursor in enumerate(some):
            self._say(
                {
                    "index": index,
                    "cursor": cursor,
                    "more": len(cursors) > len(some),
                    "piece": piece(cursor * 1000),
                }
            )

    def _say(self, payload: dict[str, Any]) -> None:
        if self.said not in self.lost:
            self._answers.append(json.dumps(payload).encode())
        self.said += 1

    def answer(self) -> bytes | None:
        if not self._answers:
            self.telling = False  # by now
            return None
        answer = self._answers.popleft()
        self.telling = self.telling and (bool(self._answers) or b"index" not in answer)
        return answer

    def info(self) -> bytes:
        return INFO


# two: where nothing comes in between, each costs two tries, its own and one at which the device still tells
@given(some.integers(0, 12), some.integers(1, 4), some.sets(some.integers(0, 20), max_size=2))
def test_all_come_once_and_in_order_though_some_answers_are_lost(
    count: int, at_once: int, lost: set[int]
) -> None:
    got = [one.begun // 1000 for one in pieces(Scripted(count, at_once, lost), 0, 1000)]
    assert got == list(range(1, count + 1))


def test_who_does_not_answer_is_named() -> None:
    with pytest.raises(BrokerError, match="does not answer"):
        list(pieces(Scripted(5, lost=set(range(99))), 0, 1))


@given(
    some.lists(some.binary(max_size=40) | some.just(b'{"code": "ok", "detail": "", "result": {"pieces": 9}}'))
)
def test_whatever_a_device_says_it_comes_to_an_end(answers: list[bytes]) -> None:
    class Babbling(Scripted):
        def answer(self) -> bytes | None:
            return answers.pop() if answers else None

    with pytest.raises(BrokerError):
        list(pieces(Babbling(5), 0, 1))


def test_a_refusal_is_told_in_its_words() -> None:
    class Refusing(Scripted):
        def ask(self, command: str, args: dict[str, Any]) -> None:
            self._say({"code": "refused", "detail": "[trajectories] aim = false", "result": None})

    with pytest.raises(BrokerError, match="aim = false"):
        aim(Refusing(0), 60)


def lie(index: int, cursor: int) -> bytes:
    said = {"index": index, "cursor": cursor, "more": True, "piece": piece(1)}
    return json.dumps(said).encode()


def announced(count: int) -> bytes:
    return json.dumps({"code": "ok", "detail": "", "result": {"pieces": count}}).encode()


@pytest.mark.parametrize(
    "lies",
    [
        [announced(1), lie(0, 5)],
        [announced(2), lie(0, 5), lie(1, 4)],
        [announced(1), lie(-1, 1)],
        [announced(3), lie(0, 1), lie(0, 1)],
        [announced(10**18), lie(0, 1)],
        [announced(-1), lie(0, 1)],
        [b"[" * 100_000],
        [announced(1), b'{"index":' + b"[" * 100_000],
    ],
)
def test_who_lies_again_and_again_does_not_keep_us(lies: list[bytes]) -> None:
    class Lying(Scripted):
        answered = 0

        def answer(self) -> bytes | None:
            self.answered += 1
            return lies[(self.answered - 1) % len(lies)]

    device = Lying(1)
    with pytest.raises(BrokerError):
        list(pieces(device, 0, 1))
    assert device.answered < 1000


def test_who_tells_without_end_is_heard_for_some_hours() -> None:
    seconds = iter(range(10**6))
    told = 0
    with pytest.raises(BrokerError, match="fewer hours"):
        for told, _ in enumerate(pieces(Scripted(10**5, 1), 0, 1, lambda: 60.0 * next(seconds)), 1):  # noqa: B007
            pass
    assert 200 < told < 300


def test_a_number_that_is_none_of_ours_is_passed_over() -> None:
    asking = Asking("eyespot/v1", "shop", clock=iter(range(10**6)).__next__, sleep=lambda _: None)
    said: list[Message] = []
    asking.ask("aim", {"minutes": 1})
    asking.carry(lambda message, _: not said.append(message))
    topic = f"eyespot/v1/shop/reply/{json.loads(said[0].payload)['req_id']}"
    asking.hear(Heard(topic + "1" * 5000, b"", retain=False, qos=1))
    assert asking.answer() is None


class Hostile(Scripted):
    """A device that would like to have the operator's terminal."""

    code = "refused"

    def ask(self, command: str, args: dict[str, Any]) -> None:
        self._say({"code": self.code, "detail": "\x1b]0;owned\x07\x1b[2J\u202e\n" * 9999})


def test_a_refusal_moves_no_cursor() -> None:
    for ask in (lambda: aim(Hostile(0), 60), lambda: list(pieces(Hostile(0), 0, 1))):
        with pytest.raises(BrokerError) as refused:
            ask()
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 300


def test_an_answer_moves_no_cursor() -> None:
    device = Hostile(0)
    device.code = "ok"
    assert aim(device, 60).isprintable()
    assert len(aim(device, 60)) <= 200


def test_nothing_is_written_where_nothing_was_kept_or_it_broke_off(tmp_path: Path) -> None:
    file = tmp_path / "ways.jsonl"
    assert write(file, INFO, []) == 0

    def breaks() -> Any:
        yield from pieces(Scripted(1), 0, 1)
        raise BrokerError("gone")

    with pytest.raises(BrokerError):
        write(file, INFO, breaks())
    with pytest.raises(BrokerError, match="not understood"):
        write(file, b"{}", pieces(Scripted(1), 0, 1))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StorageError):
        write(tmp_path / "missing" / "ways.jsonl", INFO, pieces(Scripted(1), 0, 1))


def test_only_answers_to_what_was_asked_last_are_heard() -> None:
    asking = Asking("eyespot/v1", "shop", clock=iter(range(10**6)).__next__, sleep=lambda _: None)
    said: list[Message] = []
    asking.ask("aim", {"minutes": 1})
    asking.ask("aim", {"minutes": 2})
    asking.carry(lambda message, _: not said.append(message))
    assert [(message.topic, message.delivery) for message in said] == [
        ("eyespot/v1/shop/cmd/aim", Delivery.ANSWER)
    ] * 2
    first, second = (f"eyespot/v1/shop/reply/{json.loads(message.payload)['req_id']}" for message in said)
    for topic in (first, "eyespot/v1/other" + second[15:], second + "1", second):
        asking.hear(Heard(topic, topic.encode(), retain=False, qos=1))
    assert asking.answer() == second.encode()
    assert asking.answer() is None
    with pytest.raises(BrokerError, match="nothing was ever heard"):
        asking.info()


@pytest.fixture(name="ways")
def a_file(tmp_path: Path) -> Path:
    """Where twelve went, as a device would have kept it of this recording."""
    reader = RecordingReader(write_recording(tmp_path / "walk.eyespot.jsonl", 12))
    timeline = Timeline(reader.header.started_utc_ns, synced=True)
    gathering, salt, kept = Gathering(), Salt(), list[Piece]()
    gathering.open(wanted=True)
    for strip in trace(reader, reader.header.identity(0.35), timeline):
        for number, scene in enumerate(strip.scenes()):
            gathering.note(scene, LABELS)
            if number % 100 == 0:
                kept += pieces_of(gathering.take()[0], salt)
    kept += pieces_of(gathering.take()[0], salt)
    file = tmp_path / "ways.jsonl"
    assert write(file, INFO, kept) == len(kept) > 2
    return file


def events(folder: Path, file: Path, **line: Any) -> list[dict[str, Any]]:
    config = write_config(folder, camera={"source": "scene"}, url=NOBODY, rules=[LINE | line])
    told = [json.loads(message.payload) for message in app.replay(config, file, cached=False)]
    return [one for one in told if one.get("kind") == "crossed"]


@pytest.mark.parametrize("line", [{}, {"a": [0.3, 1.0], "b": [0.3, 0.0]}, {"mode": "late"}])
def test_rules_count_on_it_what_they_count_on_the_recording(
    tmp_path: Path, ways: Path, line: dict[str, Any]
) -> None:
    of_ways = events(tmp_path, ways, **line)
    of_recording = events(tmp_path, tmp_path / "walk.eyespot.jsonl", **line)
    assert len(of_recording) == len(of_ways) >= 11
    for one, other in zip(of_ways, of_recording, strict=True):
        assert (one["direction"], one["class"]) == (other["direction"], other["class"])
        apart = datetime.fromisoformat(one["t"]) - datetime.fromisoformat(other["t"])
        assert abs(apart) < timedelta(milliseconds=5)


def test_a_rule_that_looks_at_more_than_tracks_is_refused(tmp_path: Path, ways: Path) -> None:
    shelf = {
        "kind": "shelf", "id": "drinks", "classes": ["dog"], "points": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]
    }  # fmt: skip
    config = write_config(tmp_path, camera={"source": "scene"}, url=NOBODY, rules=[shelf])
    with pytest.raises(InputError, match="has tracks alone"):
        list(app.replay(config, ways))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda data: data[: len(data) - 200], "not a piece of trajectories"),
        (lambda data: data.replace(b'"steps"', b'"stops"', 3), ":2: not a piece of trajectories"),
        (lambda data: data.replace(b'"left":[', b'"left":[1,', 1), "differ in length"),
        (lambda data: data.replace(b'"labels":["person"]', b'"labels":["cat"]', 2), "not among the labels"),
        (lambda data: data.replace(b'"width"', b'"widths"', 1), ":1: not the header"),
        (lambda data: data.replace(b'"started":"20', b'"started":"90', 1), "beyond the calendar"),
        (lambda data: data.replace(b'"begun":', b'"begun":' + b"9" * 400, 1), ":2: not a piece"),
    ],
)
def test_a_damaged_file_is_named_by_its_line(tmp_path: Path, ways: Path, harm: Any, words: str) -> None:
    ways.write_bytes(harm(ways.read_bytes()))
    with pytest.raises(InputError, match=words):
        events(tmp_path, ways)


def test_what_is_there_no_more_is_named(tmp_path: Path) -> None:
    assert not is_ways(tmp_path / "missing")
    with pytest.raises(InputError, match="No such file"):
        WaysFile(tmp_path / "missing")
