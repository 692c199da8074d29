"""The last hour, in memory: bounded, and told at a local door alone."""

import io
import stat
import threading
import time
from pathlib import Path

import pytest

from eyespot.app.last_hour import asked_at
from eyespot.domain.errors import InputError
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation, no_detections
from eyespot.domain.track import Scene
from eyespot.host.door import Door, ask
from eyespot.store.packed_strips import strips_in
from eyespot.supervisor.track_hour import TrackHour
from eyespot.tracking.tracker import Tracker
from fakes.scenes import scenes
from fakes.waiting import PATIENCE_S

LABELS = ("person", "dog")


def instants(hour: TrackHour) -> list[int]:
    data, _ = hour.told()
    strips = strips_in(io.BytesIO(data), "m", Timeline(0, synced=True))
    return [taken_ns for strip in strips for taken_ns in strip.taken_ns.tolist()]


def nobody(taken_ns: int) -> Scene:
    tracks = Tracker(0.5).step(taken_ns, None)
    return Scene(taken_ns, Observation(taken_ns, "m", no_detections()), tracks)


def test_scenes_are_told_as_they_were_the_newest_too() -> None:
    hour, film = TrackHour(), scenes(4)
    for scene in film:
        hour.note(scene, LABELS)
    assert instants(hour) == [scene.taken_ns for scene in film]


def test_nothing_is_told_before_anything_was_seen() -> None:
    assert instants(TrackHour()) == []


def test_what_is_older_than_an_hour_gives_way() -> None:
    hour = TrackHour()
    for second in range(5000):
        hour.note(nobody(second * SECOND_NS), LABELS)
    kept = instants(hour)
    assert kept[-1] == 4999 * SECOND_NS
    assert 3600 <= len(kept) <= 3600 + 512


def test_much_that_happens_makes_it_shorter() -> None:
    hour = TrackHour(most_bytes=30_000)
    for seed in range(20):
        for scene in scenes(seed):
            hour.note(scene, LABELS)
    data, _ = hour.told()
    assert len(data) < 60_000
    assert instants(hour)


def test_other_classes_begin_it_anew() -> None:
    hour = TrackHour()
    for taken_ns in range(300):
        hour.note(nobody(taken_ns), LABELS)
    hour.note(nobody(300), ("cat",))
    assert instants(hour) == [300]
    assert hour.told()[1] == ("cat",)


def opened(path: Path, answer: bytes) -> Door:
    return Door(path, lambda: answer)


def asked(door: Door, path: Path) -> bytes:

    told: list[bytes] = []
    asking = threading.Thread(target=lambda: told.append(ask(path)))
    asking.start()
    until = time.monotonic() + PATIENCE_S
    while asking.is_alive() and time.monotonic() < until:
        door.tick()
        asking.join(0.01)
    return told[0]


def test_who_asks_is_told_each_time(tmp_path: Path) -> None:
    path, answer = tmp_path / "why.sock", bytes(range(256)) * 10_000
    door = opened(path, answer)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert asked(door, path) == answer
    assert asked(door, path) == answer
    door.close()
    door.close()
    assert not path.exists()


def test_a_socket_that_a_crash_has_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "why.sock"
    left = opened(path, b"old")
    door = opened(path, b"new")
    assert asked(door, path) == b"new"
    left.close()
    door.close()


def test_where_there_can_be_no_door_nothing_else_is_amiss(tmp_path: Path) -> None:
    door = opened(tmp_path / "missing" / "why.sock", b"")
    door.tick()
    door.close()
    opened(tmp_path / ("long" * 50), b"").close()


def test_where_no_service_runs_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is the service running, and are you its user or root"):
        ask(tmp_path / "why.sock")


def test_a_service_of_another_version_is_not_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eyespot.app.last_hour.ask", lambda _: b"hello\n")
    with pytest.raises(InputError, match="is it of this version"):
        asked_at(tmp_path)
