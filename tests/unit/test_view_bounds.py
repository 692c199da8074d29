"""What the page's server keeps of what devices say has a bound, whatever it is that they say."""

import gc
import json
import random
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.instants import SECOND_NS
from eyespot.topics.payloads import MOST_BOXES
from eyespot_fleet.view import bridge as bridge_of
from eyespot_fleet.view import journal as journal_of
from eyespot_fleet.view.blocks import OPEN_BYTES, ROW, Filling, unpacked
from eyespot_fleet.view.bridge import Bridge
from eyespot_fleet.view.browsers import Browser
from eyespot_fleet.view.journal import Journal, Kind
from eyespot_fleet.view.seen import LAST_TRACK, MOST_LABELS, Observation, Sightings
from fakes.page import hear, watching

START_NS = 1_767_225_600 * SECOND_NS
SLACK = 150_000  # of what the test itself holds, and Python

Say = Callable[[int], tuple[str, Observation]]


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Yield what returns by how many bytes more of memory Python has now than at the beginning."""
    gc.collect()
    tracemalloc.start()
    try:
        begun = tracemalloc.get_traced_memory()[0]
        yield lambda: gc.collect() * 0 + tracemalloc.get_traced_memory()[0] - begun
    finally:
        tracemalloc.stop()


# --- blocks -----------------------------------------------------------------------------------------------

SIDE = st.integers(0, 1000)
ROWS = st.lists(
    st.tuples(st.integers(0, 2**53), st.integers(0, MOST_LABELS - 1), st.tuples(SIDE, SIDE, SIDE, SIDE)),
    max_size=6,
    unique_by=lambda row: row[0],
).map(sorted)
LOOKS = st.lists(st.tuples(st.integers(0, 2**63 - 1), ROWS), min_size=1, max_size=8)


@given(st.lists(LOOKS, min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_what_is_packed_comes_back_as_it_was(
    given_blocks: list[list[tuple[int, list[tuple[int, int, tuple[int, int, int, int]]]]]],
) -> None:
    blocks = []
    for looks in given_blocks:
        filling = Filling()
        for taken_ns, rows in looks:
            filling.add(taken_ns, rows)
        blocks.append(filling.pack())
    back = unpacked(blocks)
    looks = [look for block in given_blocks for look in block]
    assert back.taken_ns.tolist() == [taken_ns for taken_ns, _ in looks]
    assert back.counts.tolist() == [len(rows) for _, rows in looks]
    told = [(track, label, list(box)) for track, label, box in back.rows.tolist()]
    assert told == [(track, label, list(box)) for _, rows in looks for track, label, box in rows]


@pytest.mark.parametrize("boxes", [0, 1, MOST_BOXES])
def test_a_block_that_is_being_filled_has_a_bound(boxes: int) -> None:
    filling, largest = Filling(), 0
    while not filling.is_full:
        filling.add(START_NS, [(track, 0, (0, 0, 1, 1)) for track in range(boxes)])
        largest = max(largest, sum(sys.getsizeof(each) for each in vars(filling).values()))
    assert largest <= OPEN_BYTES


# --- what is kept of boxes --------------------------------------------------------------------------------


def noise(number: int, boot: str = "a", label: str = "person", boxes: int = 6) -> Observation:
    """Boxes that cannot be packed any smaller."""
    tracks = sorted(random.Random(number).sample(range(LAST_TRACK), boxes))
    places = random.Random(number).choices(range(500), k=4 * boxes)
    corners = [(x, y, 500 + w, 500 + h) for x, y, w, h in zip(*[iter(places)] * 4, strict=True)]
    return Observation(boot, START_NS + number * SECOND_NS // 10, tracks, [label] * boxes, corners)


ATTACKS: dict[str, Say] = {
    "devices": lambda n: (f"dev-{n % 20}", noise(n)),
    "labels": lambda n: ("dev", noise(n, label=f"\U0001f4a3{n:063}")),
    "labels of many": lambda n: (f"dev-{n % 20}", noise(n, label=f"\U0001f4a3{n:063}")),
    "processes": lambda n: ("dev", noise(n, boot=f"{n:064}")),
    "boxes": lambda n: (f"dev-{n % 4}", noise(n % 40, boxes=MOST_BOXES)),
    "nobody": lambda n: ("dev", noise(n, boxes=0)),
    "time": lambda n: (f"dev-{n % 4}", noise(n)._replace(taken_ns=random.Random(n).randrange(2**62))),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_devices_see_the_history_stays_within_its_bound(attack: str) -> None:
    most = 400_000
    with traced() as grown:
        history = Sightings(most_of_all=most)
        for number in range(1500):
            history.add(*ATTACKS[attack](number))
            if number % 300 == 299:
                assert history.nbytes <= most
                assert grown() <= history.nbytes + SLACK


def test_what_takes_most_gives_way_to_a_device_that_says_little() -> None:
    history = Sightings(most_of_all=300_000)
    for number in range(4000):
        history.add("loud", noise(number, label=f"{number:064}"))
        if number % 100 == 0:
            history.add("quiet", noise(number, boxes=1))
    assert len(history.observations("quiet").taken_ns) == 40


def test_a_history_that_is_full_takes_no_more_memory_however_long_it_goes_on() -> None:
    most, sizes = 10_000, []
    with traced() as grown:
        history = Sightings(most_bytes=most)
        for number in range(3000):
            for device in range(2):
                history.add(f"dev-{device}", noise(number % 50)._replace(taken_ns=number * SECOND_NS))
            if number % 125 == 124:
                sizes.append(grown())
    assert number * 6 * ROW.itemsize > 30 * most  # it was full long before the end
    assert max(sizes[12:]) < 1.05 * max(sizes[4:12])


# --- what is kept of states, buckets and events -----------------------------------------------------------


def met(*devices: str) -> Bridge:
    bridge = Bridge("eyespot/v1")
    for device in devices:
        hear(bridge, f"{device}/status", {"state": "online"})
    return bridge


def test_states_that_come_and_go_do_not_pile_up_for_a_browser_that_takes_nothing() -> None:
    bridge = met("door")
    browser = watching(bridge)
    hear(bridge, "door/rule/told/state", {})
    browser.take()
    for number in range(3000):
        hear(bridge, f"door/rule/r{number}/state", {"counts": {}})
        hear(bridge, f"door/rule/r{number}/state", b"")
    hear(bridge, "door/rule/told/state", b"")
    assert browser.take() == [("door", "rule/told/state", b"null")]
    assert browser.take() == []


def test_answers_leave_nothing_with_a_browser_that_took_them() -> None:
    browser = Browser(lambda: None)
    with traced() as grown:
        for number in range(10_000):
            browser.state("door", f"reply/{number}", b"{}")
            assert browser.take() == [("door", f"reply/{number}", b"{}")]
        assert grown() <= SLACK


def test_what_a_device_never_said_is_not_taken_back() -> None:
    bridge = met("door")
    browser = watching(bridge)
    hear(bridge, "door/rule/never/state", b"")
    assert browser.take() == []


def test_what_is_no_frame_goes_no_further() -> None:
    bridge = met("door")
    browser = watching(bridge)
    hear(bridge, "door/frame", {"schema": "eyespot.frame/2", "boxes": "x" * 100_000}, retain=False)
    assert browser.take() == []


def test_states_count_with_what_they_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 300_000
    monkeypatch.setattr(bridge_of, "MOST_KEPT_BYTES", most)
    with traced() as grown:
        bridge = met(*(f"dev-{number}" for number in range(50)))
        begun = grown()
        for number in range(5000):
            hear(bridge, f"dev-{number % 50}/rule/{number:063}/state", {})
        assert grown() - begun <= most + SLACK


LONG = "\U0001f4a3" + "x" * 127  # four bytes a character, of which one alone needs them
ENTRIES: dict[str, Callable[[int], tuple[Kind, str, dict[str, Any]]]] = {
    "buckets": lambda n: ("bucket", "door", bucket(start=f"{n}", end=LONG, model=LONG)),
    "rules": lambda n: ("bucket", f"{n:063}", bucket(start=LONG, end=LONG, model=LONG)),
    "stays": lambda n: ("stay", "hall", {**LEFT, "boot_id": LONG, "seq": n}),
    "numbers": lambda n: ("stay", "hall", {**LEFT, "boot_id": "b", "seq": 10**150 + n}),
    "steps": lambda n: ("step", "", {"boot_id": LONG, "seq": n}),
}
LEFT = {"kind": "left", "t": "2026-01-01T12:00:00.000Z", "class": LONG, "dwell_s": 1, "found": False}


def bucket(**fields: str) -> dict[str, Any]:
    return {"rev": 0, **fields}


@pytest.mark.parametrize("attack", ENTRIES)
def test_whatever_devices_count_the_journal_stays_within_its_bound(
    attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 400_000
    monkeypatch.setattr(journal_of, "MOST_BYTES", most)
    with traced() as grown:
        journal = Journal()
        for number in range(6000):
            kind, rule, said = ENTRIES[attack](number)
            journal.take(f"dev-{number % 30}", kind, rule, json.dumps(said, ensure_ascii=False).encode())
            if number % 1000 == 999:
                assert grown() <= most + SLACK


def test_who_says_little_keeps_his_place_beside_who_fills_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal_of, "MOST_BYTES", 100_000)
    journal = Journal()
    for number in range(3000):
        said = json.dumps(bucket(start=str(number), end="", model="")).encode()
        journal.take("loud", "bucket", f"r{number % 100}", said)
        if number % 300 == 0:
            journal.take("quiet", "bucket", "door", said)
    told = json.loads(journal.after("quiet", 0))["entries"]
    assert [entry["said"]["start"] for entry in told] == [str(number) for number in range(0, 3000, 300)]
