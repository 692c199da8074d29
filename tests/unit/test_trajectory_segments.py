"""What is kept of where people went survives power cuts and damage, and keeps within its bounds."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from eyespot.store.trajectories import segments as of
from eyespot.store.trajectories.segments import SPAN_MS, Block, Segments

BEGUN_MS = 1_795_000_000_000
LATEST_MS = 1 << 61


def spans(*begun_ms: int, data: bytes = b"x" * 100) -> list[tuple[int, int, bytes]]:
    return [(begun, begun + 1000, data) for begun in begun_ms]


def told(kept: Segments, after: int = 0, since_ms: int = 0, until_ms: int = LATEST_MS) -> list[int]:
    return [block.begun_ms for block in kept.read(after, since_ms, until_ms)]


def test_what_was_kept_is_there_in_the_next_life_in_order(tmp_path: Path) -> None:
    kept = Segments(tmp_path / "ways")
    times = [BEGUN_MS + minute * 60_000 for minute in range(25)]
    for begun in times:
        kept.add(spans(begun))
    assert len(list((tmp_path / "ways").iterdir())) == 3  # of ten minutes each
    again = Segments(tmp_path / "ways")
    assert told(again) == told(kept) == times
    assert (again.kept_bytes, again.since_ms) == (kept.kept_bytes, BEGUN_MS)
    assert again.kept_bytes == sum(path.stat().st_size for path in (tmp_path / "ways").iterdir())
    assert told(again, since_ms=times[3] + 500, until_ms=times[5]) == times[3:6]
    cursors = [block.number for block in again.read(0, 0, LATEST_MS)]
    assert cursors == sorted(set(cursors))
    assert told(again, after=cursors[20]) == times[21:]


def test_numbers_grow_though_the_clock_goes_back_and_all_was_removed(tmp_path: Path) -> None:
    kept = Segments(tmp_path)
    kept.add(spans(BEGUN_MS, BEGUN_MS - 5_000_000))
    [first, second] = [block.number for block in kept.read(0, 0, LATEST_MS)]
    assert first < second
    kept.forget(LATEST_MS)
    later = Segments(tmp_path)
    later.add(spans(BEGUN_MS + 60_000))
    assert next(later.read(0, 0, LATEST_MS)).number > second


@settings(max_examples=60, deadline=None)
@given(some.integers(0, 10_000), some.integers(1, 5))
def test_a_file_that_was_torn_anywhere_keeps_what_is_whole_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int, count: int
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    kept = Segments(folder)
    kept.add(spans(*(BEGUN_MS + second for second in range(count))))
    [file] = folder.iterdir()
    whole = file.stat().st_size
    cut %= whole + 1
    os.truncate(file, cut)
    again = Segments(folder)
    left = cut // (whole // count)
    assert told(again) == [BEGUN_MS + second for second in range(left)]
    assert again.damaged == (cut % (whole // count) > 0)
    again.add(spans(BEGUN_MS + 60_000))
    assert told(Segments(folder))[left:] == [BEGUN_MS + 60_000]
    assert Segments(folder).damaged == 0  # it was named once, and cut off


@settings(max_examples=60, deadline=None)
@given(some.integers(0, 10_000), some.integers(1, 255))
def test_a_flipped_byte_hides_what_comes_behind_it_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, place: int, flip: int
) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    kept = Segments(folder)
    kept.add(spans(*(BEGUN_MS + second for second in range(5))))
    [file] = folder.iterdir()
    data = bytearray(file.read_bytes())
    place %= len(data)
    data[place] ^= flip
    file.write_bytes(data)
    hit = place // (len(data) // 5)
    assert told(kept) == [BEGUN_MS + second for second in range(hit)]
    assert told(kept) == [BEGUN_MS + second for second in range(hit)]
    assert kept.damaged == 1
    assert told(Segments(folder)) == [BEGUN_MS + second for second in range(hit)]


@settings(max_examples=40, deadline=None)
@given(some.lists(some.binary(max_size=300), max_size=4))
def test_files_that_anybody_may_have_left_there_are_no_trouble(
    tmp_path_factory: pytest.TempPathFactory, found: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("foreign")
    for number, data in enumerate(found):
        (folder / f"{number:016d}.tracks").write_bytes(data)
    (folder / "9999999999999999.tracks").mkdir()
    (folder / "9999999999999998.tracks").symlink_to("/etc/passwd")
    os.mkfifo(folder / "9999999999999997.tracks")
    (folder / "notes.txt").write_text("of somebody")
    kept = Segments(folder)
    assert told(kept) == []
    kept.add(spans(BEGUN_MS))
    assert told(kept) == [BEGUN_MS]
    kept.forget(LATEST_MS)
    assert (folder / "notes.txt").exists()
    assert Path("/etc/passwd").stat().st_size > 0


@pytest.mark.parametrize(
    "times_ms", [(1 << 62, 1 << 62), (-1, 5), (5, 4), (BEGUN_MS, 253_402_300_799_001)], ids=str
)
def test_a_block_of_a_time_that_cannot_be_told_is_damaged(tmp_path: Path, times_ms: tuple[int, int]) -> None:
    (tmp_path / "0000000000000001.tracks").write_bytes(of._packed(Block(1, *times_ms, b"x")))
    kept = Segments(tmp_path)
    assert (kept.since_ms, kept.damaged, told(kept)) == (None, 1, [])
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_give_way_and_are_counted(tmp_path: Path) -> None:
    kept = Segments(tmp_path)
    for number in range(30):
        kept.add(spans(BEGUN_MS + number * SPAN_MS))
        kept.make_room(1000)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) == kept.kept_bytes <= 1000
    assert kept.given_up == 30 - len(told(kept))
    assert told(kept)[-1] == BEGUN_MS + 29 * SPAN_MS


def test_what_is_too_old_goes_and_what_claims_to_be_from_the_future_too(tmp_path: Path) -> None:
    kept = Segments(tmp_path)
    times = [BEGUN_MS + number * SPAN_MS for number in range(4)]
    for begun in times:
        kept.add(spans(begun))
    kept.forget(times[1], times[2])
    assert told(kept) == told(Segments(tmp_path)) == times[1:3]
    assert kept.given_up == 0


def test_what_has_been_there_for_long_goes_whatever_the_calendar_says(tmp_path: Path) -> None:
    now_ns = 50
    Segments(tmp_path).add(spans(BEGUN_MS))
    kept = Segments(tmp_path, lambda: now_ns)  # found at 50
    now_ns = 70
    kept.add(spans(BEGUN_MS + SPAN_MS))
    kept.forget(0, None, 50)
    assert told(kept) == [BEGUN_MS, BEGUN_MS + SPAN_MS]
    kept.forget(0, None, 51)
    assert told(kept) == [BEGUN_MS + SPAN_MS]


def test_a_file_that_cannot_be_read_at_the_start_is_read_later_and_ages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Segments(tmp_path)
    before.add(spans(BEGUN_MS))

    def fails(_: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as failing:
        failing.setattr(of, "_opened", fails)
        kept = Segments(tmp_path)
        assert (told(kept), kept.kept_bytes) == ([], before.kept_bytes)
    assert told(kept) == [BEGUN_MS]
    kept.add(spans(BEGUN_MS + 60_000))
    assert told(kept) == told(Segments(tmp_path)) == [BEGUN_MS, BEGUN_MS + 60_000]
    kept.forget(BEGUN_MS + 1)
    assert told(kept) == [BEGUN_MS + 60_000]


def test_files_of_another_time_are_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = [BEGUN_MS + number * SPAN_MS for number in range(24)]
    for begun in times:
        Segments(tmp_path).add(spans(begun))
    kept, opened = Segments(tmp_path), []
    real = of._opened
    monkeypatch.setattr(of, "_opened", lambda path: (opened.append(path), real(path))[1])
    assert told(kept, since_ms=times[-1]) == times[-1:]
    assert len(opened) == 4  # what began half an hour before may reach into it
    assert told(kept, until_ms=times[0]) == times[:1]
    assert len(opened) == 5
    assert told(kept, since_ms=times[-1] + 4 * SPAN_MS) == []
    assert len(opened) == 5


def test_much_more_than_there_is_room_for_goes_some_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Segments(tmp_path)
    for number in range(10):
        kept.add(spans(BEGUN_MS + number * SPAN_MS))
    monkeypatch.setattr(of, "_MOST_REMOVED", 3 * kept.kept_bytes // 10)
    left = []
    while kept.kept_bytes > 200:
        kept.make_room(200)
        left.append(len(list(tmp_path.iterdir())))
    assert left == [7, 4, 1]


@pytest.mark.parametrize("begun", [1, 2])
def test_a_disk_that_fills_up_in_the_middle_leaves_what_was_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: int
) -> None:
    kept = Segments(tmp_path)
    for number in range(begun - 1):
        kept.add(spans(BEGUN_MS + number))
    with monkeypatch.context() as full:
        real = os.pwrite

        def some_of_it(handle: int, data: bytes, at: int) -> int:
            if len(data) < 100:
                raise OSError(28, "No space left on device")
            return real(handle, data[:50], at)

        full.setattr(of.os, "pwrite", some_of_it)
        with pytest.raises(OSError, match="No space"):
            kept.add(spans(BEGUN_MS + 5))
    assert told(kept) == told(Segments(tmp_path)) == [BEGUN_MS + number for number in range(begun - 1)]
    kept.add(spans(BEGUN_MS + 6))
    assert told(kept)[-1] == told(Segments(tmp_path))[-1] == BEGUN_MS + 6


def test_it_is_on_the_disk_when_it_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fdatasync
    monkeypatch.setattr(of.os, "fdatasync", lambda handle: (synced.append("data"), real(handle)))
    monkeypatch.setattr(of, "sync_folder", lambda folder: synced.append(folder.name))
    kept = Segments(tmp_path)
    kept.add(spans(BEGUN_MS))
    kept.add(spans(BEGUN_MS + 1))
    assert synced == ["data", tmp_path.name, "data"]
