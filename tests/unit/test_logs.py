"""What becomes of a logging call, on a clock set by hand, at an outlet that keeps what it is given."""

import logging
from collections.abc import Iterator

import pytest

from eyespot.domain.notice import NOTICE, Notice
from eyespot.host.journal import Entry
from eyespot.host.logs import LogHandler


class Kept:
    """An outlet that keeps what it is given, while it takes anything."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.takes = True

    def send(self, entry: Entry) -> bool:
        if self.takes:
            self.entries.append(entry)
        return self.takes

    @property
    def texts(self) -> list[str]:
        return [entry.text for entry in self.entries]


class Desk:
    """A logger whose handler is ours."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.kept = Kept()
        self.handler = LogHandler(self.kept, lambda: self.now_s)
        self.log = logging.Logger("eyespot.part", NOTICE)  # noqa: LOG001 - one of its own, that nobody else finds
        self.log.addHandler(self.handler)

    def state(self, name: str, reason: str) -> None:
        raised = Notice.STATE_RAISED.of(state=name, reason=reason)
        self.log.warning("%s: %s", name, reason, extra=raised)

    def over(self, name: str) -> None:
        self.log.log(NOTICE, "%s: over", name, extra=Notice.STATE_OVER.of(state=name))


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.handler.close()


def test_a_notice_has_its_id_its_fields_and_its_place_in_the_code(desk: Desk) -> None:
    desk.handler.about({"device": "gate", "model": "ssd@1"})
    desk.state("broker_unreachable", "refused")
    [entry] = desk.kept.entries
    assert (entry.priority, entry.text) == (4, "broker_unreachable: refused")
    assert entry.fields["MESSAGE_ID"] == Notice.STATE_RAISED.value
    fields = {name: value for name, value in entry.fields.items() if name.startswith("EYESPOT_")}
    assert fields == {
        "EYESPOT_DEVICE": "gate",
        "EYESPOT_MODEL": "ssd@1",
        "EYESPOT_STATE": "broker_unreachable",
        "EYESPOT_REASON": "refused",
    }
    assert entry.fields["SYSLOG_IDENTIFIER"] == "eyespot"
    assert entry.fields["CODE_FILE"] == __file__
    assert entry.fields["CODE_FUNC"] == "state"


def test_what_is_no_notice_has_no_id(desk: Desk) -> None:
    desk.log.warning("picamera2: %s", "said something")
    assert "MESSAGE_ID" not in desk.kept.entries[0].fields


@pytest.mark.parametrize(
    ("level", "priority"), [("CRITICAL", 2), ("ERROR", 3), ("WARNING", 4), ("INFO", 6), ("DEBUG", 7)]
)
def test_levels_are_the_priorities_of_syslog(desk: Desk, level: str, priority: int) -> None:
    desk.log.setLevel(logging.DEBUG)
    desk.log.log(getattr(logging, level), "x")
    desk.log.log(NOTICE, "y")
    assert [entry.priority for entry in desk.kept.entries] == [priority, 5]


def test_a_traceback_is_part_of_its_line(desk: Desk) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        desk.log.exception("a bug in the %s thread", "vision", extra=Notice.BUG.of(thread="vision"))
    [text] = desk.kept.texts
    assert text.startswith("a bug in the vision thread\nTraceback")
    assert text.endswith("ZeroDivisionError: division by zero")


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize("arguments", [("%d", "x"), ("%s and %s", 1), ("%s", Unspeakable()), ("%(a)s", {})])
def test_what_cannot_be_put_into_words_raises_nothing_and_is_told(
    desk: Desk, arguments: tuple[object, ...]
) -> None:
    desk.log.warning(*arguments)
    [entry] = desk.kept.entries
    assert entry.priority == 3
    assert entry.text.startswith("a line of eyespot.part cannot be put into words: ")


def test_a_state_that_comes_and_goes_is_held_back_and_the_last_word_is_true(desk: Desk) -> None:
    for n in range(600):
        desk.now_s += 0.05
        desk.state("broker_unreachable", f"refused for the {n}th time")
        desk.now_s += 0.05
        desk.over("broker_unreachable")
    desk.now_s += 30
    desk.handler.flush_held()
    assert len(desk.kept.entries) == 6
    last = desk.kept.entries[-1]
    assert last.text == "held back 1195 like this within 90 s; the newest: broker_unreachable: over"
    assert last.fields["EYESPOT_COUNT"] == "1195"
    assert last.fields["MESSAGE_ID"] == Notice.STATE_OVER.value


def test_another_state_is_not_held_back_by_one_that_comes_and_goes(desk: Desk) -> None:
    for _ in range(50):
        desk.state("broker_unreachable", "refused")
    desk.state("storage_failed", "the disk is full")
    assert desk.kept.texts[-1] == "storage_failed: the disk is full"


def test_what_was_held_back_is_told_when_the_window_ends_though_nothing_more_is_said() -> None:
    desk = Desk()
    for _ in range(7):
        desk.log.warning("again")
    timer = desk.handler._timer
    assert timer is not None
    assert timer.daemon
    assert timer.interval == pytest.approx(60, abs=0.1)
    timer.cancel()
    desk.now_s += 61
    timer.function()
    assert desk.kept.texts[-1] == "held back 2 like this within 61 s; the newest: again"
    desk.handler.close()


def test_what_is_held_back_for_long_does_not_keep_the_rest_waiting() -> None:
    desk = Desk()
    for _ in range(4):
        for _ in range(7):
            desk.log.warning("on and on")
        desk.now_s += 1000
        desk.handler.flush_held()
    desk.log.warning("on and on")
    assert desk.handler._timer is not None
    assert desk.handler._timer.interval > 800
    for _ in range(7):
        desk.log.warning("again")
    assert desk.handler._timer.interval == pytest.approx(60, abs=0.1)
    desk.handler.close()


def test_what_is_held_back_at_the_end_is_told_before_it() -> None:
    desk = Desk()
    for _ in range(8):
        desk.log.warning("again")
    desk.handler.close()
    assert desk.kept.texts == ["again"] * 5 + ["held back 3 like this within 0 s; the newest: again"]


def test_what_the_journal_does_not_take_is_counted(desk: Desk) -> None:
    desk.kept.takes = False
    for n in range(3):
        desk.state(f"trouble_{n}", "x")
    desk.kept.takes = True
    desk.over("trouble_0")
    assert desk.kept.texts == ["the journal took nothing for a while; lines lost: 3", "trouble_0: over"]
    assert desk.kept.entries[0].fields["MESSAGE_ID"] == Notice.LINES_LOST.value
    assert desk.kept.entries[0].fields["EYESPOT_COUNT"] == "3"
    desk.over("trouble_1")
    assert len(desk.kept.entries) == 3


def test_that_something_was_lost_is_told_within_a_minute_though_nothing_more_is_said() -> None:
    desk = Desk()
    desk.kept.takes = False
    desk.over("broker_unreachable")
    timer = desk.handler._timer
    assert timer is not None
    assert timer.interval == pytest.approx(60, abs=0.1)
    desk.kept.takes = True
    timer.function()
    assert desk.kept.texts == ["the journal took nothing for a while; lines lost: 1"]
    assert desk.handler._timer is None
    desk.handler.close()
