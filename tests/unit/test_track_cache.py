"""Tracks that a replay leaves behind: the same again, or none."""

import os
from collections.abc import Iterator
from dataclasses import replace
from errno import ENOSPC, EROFS
from pathlib import Path

import pytest

from eyespot import app
from eyespot.app.traces import cache_folder
from eyespot.domain.errors import InputError
from eyespot.domain.instants import Timeline
from eyespot.domain.message import Message
from eyespot.domain.observation import Optics
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.ports import ModelIdentity
from eyespot.store.track_cache import TrackCache
from eyespot.tracking.tracing import trace
from fakes.daemon import LINE, write_config, write_recording
from fakes.scenes import scenes

NOBODY = "mqtt://127.0.0.1:9"
TIMELINE = Timeline(0, synced=True)


def strips() -> Iterator[Strip]:
    film = scenes(5)
    yield replace(Strip.of(film[:100]), doubts={"moved": "nobody knows"})
    yield Strip.of([told(scene, step) for step, scene in enumerate(film[100:])])


def told(scene: Scene, step: int) -> Scene:
    """Say of every tenth scene how its picture is."""
    if scene.observation is None or step % 10:
        return scene
    return replace(scene, observation=replace(scene.observation, optics=Optics(lux=step, focus=0.12)))


def test_where_nothing_was_observed_there_are_no_tracks() -> None:
    nobody = ModelIdentity("m@1-abc", "m", "1", None, ("person",), 0.5)
    assert list(trace([], nobody, TIMELINE)) == []


def test_what_is_kept_is_read_as_it_was(tmp_path: Path) -> None:
    cache = TrackCache(tmp_path / "tracks")
    given = list(cache.keep("k", strips()))
    kept = list(cache.read("k", "m@1-abc", TIMELINE))
    for one, other in zip(given, kept, strict=True):
        assert one.bundle == other.bundle
        assert one.optics == other.optics
        assert one.doubts == other.doubts
        for name in ("taken_ns", "observed", "sights", "bounds"):
            assert (getattr(one, name) == getattr(other, name)).all()
        for name in ("ids", "classes", "boxes_xyxy_n", "scores", "seen", "confirmed"):
            assert (getattr(one.tracks, name) == getattr(other.tracks, name)).all()


def test_it_is_for_nobody_else(tmp_path: Path) -> None:
    list(TrackCache(tmp_path / "tracks").keep("k", strips()))
    assert (tmp_path / "tracks").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "tracks" / "k.tracks").stat().st_mode & 0o777 == 0o600


def test_what_was_not_taken_to_its_end_is_not_kept(tmp_path: Path) -> None:
    cache = TrackCache(tmp_path)
    taken = cache.keep("k", strips())
    next(taken)
    taken.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_costs_the_cache_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "tracks").write_text("a file")
    cache = TrackCache(tmp_path / "tracks")
    assert len(list(cache.keep("k", strips()))) == 2
    assert cache.read("k", "m", TIMELINE) is None


def test_a_disk_that_fills_up_meanwhile_costs_the_cache_and_no_tracks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_strip: Strip) -> bytes:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr("eyespot.store.track_cache.packed", full)
    cache = TrackCache(tmp_path / "tracks")
    given, expected = list(cache.keep("k", strips())), list(strips())
    assert [len(strip) for strip in given] == [len(strip) for strip in expected]
    assert list((tmp_path / "tracks").iterdir()) == []


def test_a_length_beyond_all_bounds_is_damage_and_takes_no_memory(tmp_path: Path) -> None:
    cache = TrackCache(tmp_path / "tracks")
    list(cache.keep("k", strips()))
    [path] = (tmp_path / "tracks").iterdir()
    begin = path.read_bytes().index(b"\n") + 1
    path.write_bytes(path.read_bytes()[: begin + 12] + b"\xff" * 8 + path.read_bytes()[begin + 20 :])
    with pytest.raises(InputError, match="damaged, and removed"):
        list(cache.read("k", "m@1-abc", TIMELINE) or ())
    assert not path.exists()


def test_the_least_used_gives_way(tmp_path: Path) -> None:
    cache = TrackCache(tmp_path)
    list(cache.keep("first", strips()))
    size = (tmp_path / "first.tracks").stat().st_size
    small = TrackCache(tmp_path, most_bytes=size * 3 // 2)
    list(small.keep("second", strips()))
    assert [path.name for path in tmp_path.iterdir()] == ["second.tracks"]


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_file_is_named_and_removed(tmp_path: Path, damage: str) -> None:
    cache = TrackCache(tmp_path)
    list(cache.keep("k", strips()))
    file = tmp_path / "k.tracks"
    whole = file.read_bytes()
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + (b"" if damage == "cut" else b"\xff\x00\xff" + whole[middle + 3 :]))
    with pytest.raises(InputError, match="damaged, and removed; try again"):
        list(cache.read("k", "m", TIMELINE))
    assert not file.exists()


def test_a_damaged_file_that_cannot_be_removed_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = TrackCache(tmp_path)
    list(cache.keep("k", strips()))
    file = tmp_path / "k.tracks"
    file.write_bytes(file.read_bytes()[:-20])

    def refuse(*_: object, **__: object) -> None:
        raise OSError(EROFS, os.strerror(EROFS))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(InputError, match="cannot be removed: Read-only file system; remove it, or have XDG"):
        list(cache.read("k", "m", TIMELINE) or ())


def test_another_replay_goes_by_the_tracks_of_the_first_and_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 3)
    config = write_config(tmp_path, camera={"source": "scene"}, url=NOBODY)
    first = list(app.replay(config, recording))
    [kept] = cache_folder({"XDG_CACHE_HOME": str(tmp_path)}).iterdir()
    before_ns = kept.stat().st_mtime_ns
    monkeypatch.setattr("eyespot.app.traces.trace", lambda *_: iter(()))
    assert list(app.replay(config, recording)) == first
    assert kept.stat().st_mtime_ns > before_ns
    other = write_config(tmp_path, camera={"source": "scene"}, url=NOBODY, rules=[LINE | {"swap": True}])
    last = list(app.replay(other, recording))[-1]
    assert b'"counts":{"person":{"in":0,"out":3}}' in last.payload


def test_what_could_not_be_seen_is_no_coverage_in_the_next_replay_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 6)
    header, *looks = recording.read_text().splitlines()
    dark = [line.removesuffix("}") + ',"sight":"dark","optics":{"lux":0.1}}' for line in looks[40:90]]
    recording.write_text("\n".join([header, *looks[:40], *dark, *looks[90:]]) + "\n")
    config = write_config(tmp_path, camera={"source": "scene"}, url=NOBODY, rules=[LINE | {"bucket_s": 60}])
    first, second = (list(app.replay(config, recording)) for _ in range(2))
    assert second == first
    assert any(b'"cause":"dark"' in (message.payload or b"") for message in first)


def test_a_recording_that_was_cut_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 3)
    recording.write_bytes(recording.read_bytes()[:-20])
    config = write_config(tmp_path, camera={"source": "scene"}, url=NOBODY)
    told: list[Message] = []
    with pytest.raises(InputError, match="cut off"):
        told.extend(app.replay(config, recording))
    assert b'"in":3' in told[-1].payload
    assert list((tmp_path / "eyespot" / "tracks").iterdir()) == []


def test_the_cache_is_where_the_desktop_says() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == Path("/c/eyespot/tracks")
    assert cache_folder({"XDG_CACHE_HOME": "relative", "HOME": "/h"}) == Path("/h/.cache/eyespot/tracks")
