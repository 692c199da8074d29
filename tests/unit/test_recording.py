"""Recordings: what is written is read again, and what is wrong is named with file and line."""

import json
import os
import resource
import signal
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eyespot.domain.errors import InputError, StorageError
from eyespot.domain.observation import KEYPOINTS, Detections, Observation, Optics, Poses, Sight, no_detections
from eyespot.recording import SCHEMA, Header, RecordingReader, RecordingWriter, digest

HEADER = Header(
    schema=SCHEMA, started="2026-01-01T00:00:00Z", labels=("Person", "dog"), width=768, height=576, rate_hz=10
)
HEADER_LINE = (
    '{"schema": "eyespot.recording/1", "started": "2026-01-01T00:00:00Z", "labels": ["Person", "dog"],'
    ' "width": 768, "height": 576, "rate_hz": 10}'
)
LINE = '{"t_ns": 5, "boxes": [[0, 0.1, 1, 0.2]], "scores": [1], "classes": [1]}'
EMPTY = '{"t_ns": 9, "boxes": [], "scores": [], "classes": []}'

fractions = st.floats(0, 1, width=32)


@st.composite
def observations(draw: st.DrawFn) -> list[Observation]:
    found = []
    for t_ns in sorted(draw(st.lists(st.integers(0, 10**16), max_size=6))):
        count = draw(st.integers(0, 4))
        corners = draw(arrays(np.float32, (count, 2, 2), elements=fractions))
        scores = draw(arrays(np.float32, count, elements=fractions))
        classes = draw(arrays(np.intp, count, elements=st.integers(0, 1)))
        boxes = np.sort(corners, axis=1).reshape(count, 4)
        sight = draw(st.sampled_from(get_args(Sight)))
        found.append(Observation(t_ns, "any", Detections(boxes, scores, classes), sight))
    return found


def some_observations(count: int) -> list[Observation]:
    box = np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)
    found = Detections(box, np.array([0.5], np.float32), np.array([0]))
    return [Observation(number * 10**8, "any", found) for number in range(count)]


def write(path: Path, written: list[Observation], zero_ns: int = 0) -> Path:
    with RecordingWriter(path, HEADER, zero_ns) as writer:
        for observation in written:
            writer.write(observation)
    return path


def hand_written(folder: Path, *lines: str, end: str = "\n") -> Path:
    file = folder / "hand.eyespot.jsonl"
    file.write_bytes((end.join((HEADER_LINE, *lines)) + end).encode())
    return file


def times(path: Path) -> list[int]:
    return [observation.taken_ns for observation in RecordingReader(path)]


@pytest.mark.parametrize("suffix", ["", ".zst"])
@given(written=observations())
def test_what_is_written_is_read_again_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, written: list[Observation]
) -> None:
    path = tmp_path_factory.mktemp("r") / f"r.eyespot.jsonl{suffix}"
    reader = RecordingReader(write(path, written))
    assert reader.header == HEADER
    read = list(reader)
    assert [(seen.taken_ns, seen.sight) for seen in read] == [(seen.taken_ns, seen.sight) for seen in written]
    for before, after in zip(written, read, strict=True):
        assert np.array_equal(before.found.boxes_xyxy_n, after.found.boxes_xyxy_n)
        assert np.array_equal(before.found.scores, after.found.scores)
        assert np.array_equal(before.found.classes, after.found.classes)


def test_how_the_picture_is_is_kept_with_it(tmp_path: Path) -> None:
    optics = Optics(lux=220, exposure_ms=20, gain=1.5, focus=96, brightness=45)
    file = tmp_path / "seen.eyespot.jsonl"
    with RecordingWriter(file, HEADER) as writer:
        for taken_ns, told in ((0, optics), (1, None), (2, Optics(focus=7))):
            writer.write(Observation(taken_ns, "m", no_detections(), optics=told))
    assert [one.optics for one in RecordingReader(file)] == [optics, None, Optics(focus=7)]
    assert file.read_text().splitlines()[3].endswith('"optics":{"focus":7.0}}')


@pytest.mark.parametrize("figure", [2.1e6, -1.0, float("inf"), float("nan")])
def test_a_figure_that_no_reader_takes_is_not_written(tmp_path: Path, figure: float) -> None:
    file = tmp_path / "seen.eyespot.jsonl"
    with RecordingWriter(file, HEADER) as writer:
        for taken_ns, told in enumerate(
            (Optics(lux=figure, focus=7), Optics(figure, figure, figure, figure, figure, figure), Optics(7))
        ):
            writer.write(Observation(taken_ns, "m", no_detections(), optics=told))
    assert [one.optics for one in RecordingReader(file)] == [Optics(focus=7), Optics(), Optics(7)]


def test_a_reader_begins_again_with_each_iteration(tmp_path: Path) -> None:
    reader = RecordingReader(write(tmp_path / "r.jsonl", some_observations(3)))
    assert len(list(reader)) == len(list(reader)) == 3


def test_poses_are_written_as_boxes_of_persons(tmp_path: Path) -> None:
    keypoints = np.zeros((1, KEYPOINTS, 3), np.float32)
    keypoints[0, :2] = [[0.25, 0.5, 0.9], [0.5, 0.75, 0.9]]
    seen = Observation(0, "any", Poses(keypoints, np.array([0.75], np.float32)))
    [read] = RecordingReader(write(tmp_path / "r.jsonl", [seen]))
    assert read.found.boxes_xyxy_n.tolist() == [[0.25, 0.5, 0.5, 0.75]]
    assert (read.found.scores.tolist(), read.found.classes.tolist()) == ([0.75], [0])


def test_times_count_from_where_the_recording_started(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", [Observation(1_000, "any", some_observations(1)[0].found)], 400)
    assert times(path) == [600]


def test_an_observation_from_before_the_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="before the recording"):
        write(tmp_path / "r.jsonl", some_observations(1), zero_ns=1)


def test_labels_are_lowered_and_the_model_is_named(tmp_path: Path) -> None:
    identity = RecordingReader(hand_written(tmp_path)).header.identity(0.4)
    assert identity.labels == ("person", "dog")
    assert (identity.bundle, identity.sha256, identity.min_score) == ("recording", None, 0.4)


@pytest.mark.parametrize(
    ("model", "bundle"),
    [("a@1-b", "a@1-b"), ({"name": "a"}, "recording"), ("", "recording"), ("a\nb", "recording")],
)
def test_the_bundle_is_the_one_that_the_header_names_if_it_can_be(model: object, bundle: str) -> None:
    header = Header(
        schema=SCHEMA, started="2026-01-01T00:00:00Z", labels=(), width=1, height=1, rate_hz=1, model=model
    )
    assert header.bundle == bundle


def test_a_recording_written_by_hand_is_read(tmp_path: Path) -> None:
    first, second = RecordingReader(hand_written(tmp_path, LINE, "", EMPTY, "  "))
    assert first.found.boxes_xyxy_n.tolist() == [[0, pytest.approx(0.1), 1, pytest.approx(0.2)]]
    assert len(second.found) == 0


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("last", ["", "\n", "\n\n"])
def test_editors_may_leave_their_marks(tmp_path: Path, end: str, bom: str, last: str) -> None:
    file = tmp_path / "r.jsonl"
    file.write_bytes((bom + end.join([HEADER_LINE, LINE, EMPTY]) + last).encode())
    assert times(file) == [5, 9]


@pytest.mark.parametrize("started", ["2026-01-01T00:00:00.123456Z", "2026-01-01T02:00:00+02:00"])
def test_the_start_may_have_a_fraction_and_an_offset(tmp_path: Path, started: str) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text(json.dumps({**json.loads(HEADER_LINE), "started": started, "extra": [1], "device": 3}))
    assert RecordingReader(file).header.started_utc_ns // 10**9 == 1_767_225_600


def test_boxes_are_clipped_to_the_frame(tmp_path: Path) -> None:
    line = '{"t_ns": 1e8, "boxes": [[-1, -1e300, 2, 1e300]], "scores": [0.5], "classes": [0]}'
    (seen,) = RecordingReader(hand_written(tmp_path, line))
    assert seen.found.boxes_xyxy_n.tolist() == [[0, 0, 1, 1]]
    assert seen.taken_ns == 10**8


def test_concatenated_compressed_files_are_one(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl.zst"
    file.write_bytes(
        b"".join(zstandard.compress(f"{text}\n".encode()) for text in (HEADER_LINE, LINE, EMPTY))
    )
    assert times(file) == [5, 9]


def line(**changes: object) -> str:
    return json.dumps({**json.loads(LINE), **changes})


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("nonsense", "malformed"),
        (LINE + LINE, "trailing"),
        ("[]", "array"),
        ("{}", "t_ns"),
        (line(t_ns=-1), "t_ns is -1"),
        (line(t_ns=0.5), "whole"),
        (line(t_ns="5"), "t_ns"),
        (line(t_ns=None), "t_ns"),
        (line(t_ns=1_767_225_600 * 10**9), "ten years"),
        (line(t_ns=4), "goes back"),
        (line(boxes=[[0, 0, 1]]), "length 4"),
        (line(boxes=[[0, 0, 1, "1"]]), "float"),
        (line(boxes=[[0.5, 0, 0.4, 1]]), "inside out"),
        (line(boxes=[]), "0 boxes, 1 scores"),
        (line(boxes=[[0, 0, 1, 1]] * 1001), "1000"),
        (line(scores=[1.5]), "<= 1"),
        (line(scores=[-0.1]), ">= 0"),
        (line(scores=[]), "0 scores"),
        (line(classes=[2]), "class 2"),
        (line(classes=[-1]), ">= 0"),
        (line(classes=[0.5]), "int"),
        (line(scores=[float("nan")]), "malformed"),
        (line(boxes=[[0, 0, 1, float("inf")]]), "malformed"),
        ('{"t_ns": 5, "boxes": [[0, 0, 1, 1e999]], "scores": [1], "classes": [1]}', "out of range"),
        ('{"a": ' + "[" * 50_000 + "]" * 50_000 + "}", "recursion"),
        ('{"t_ns": 7, "a": "' + "x" * 1_000_000 + '"}', "longer than"),
    ],
)
def test_a_line_that_is_no_observation_is_named_after_the_good_ones(
    tmp_path: Path, bad: str, said: str
) -> None:
    reader = iter(RecordingReader(hand_written(tmp_path, LINE, bad, EMPTY)))
    assert next(reader).taken_ns == 5
    with pytest.raises(InputError, match=rf"hand\.eyespot\.jsonl:3: .*{said}"):
        next(reader)


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "eyespot.recording/2"},
        {"schema": None},
        {"started": "2026-01-01T00:00:00"},
        {"started": "yesterday"},
        {"started": "1969-12-31T23:59:59Z"},
        {"labels": "person"},
        {"labels": ["person", ""]},
        {"width": 0},
        {"height": 1.5},
        {"rate_hz": 0},
        {"rate_hz": -1},
    ],
)
def test_a_wrong_header_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text(json.dumps({**json.loads(HEADER_LINE), **changes}) + "\n")
    with pytest.raises(InputError, match=r"r\.jsonl:1: .*" + next(iter(changes))):
        RecordingReader(file)


@pytest.mark.parametrize("missing", ["schema", "started", "labels", "width", "height", "rate_hz"])
def test_a_header_must_have_all_that_is_required(tmp_path: Path, missing: str) -> None:
    fields = json.loads(HEADER_LINE)
    del fields[missing]
    file = tmp_path / "r.jsonl"
    file.write_text(json.dumps(fields))
    with pytest.raises(InputError, match=missing):
        RecordingReader(file)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "r.jsonl"
    file.write_bytes(content)
    with pytest.raises(InputError, match="empty"):
        RecordingReader(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(InputError, match="name a recording"):
            RecordingReader(path)


@pytest.mark.parametrize("cut", [1, 10, len(EMPTY) - 1])
def test_of_a_file_that_was_cut_off_all_whole_lines_are_read(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text(f"{HEADER_LINE}\n{LINE}\n{EMPTY[:cut]}")
    reader = iter(RecordingReader(file))
    assert next(reader).taken_ns == 5
    with pytest.raises(InputError, match=r"r\.jsonl:3: cut off"):
        next(reader)


def _note(file: Path, seen: list[int]) -> None:
    for observation in RecordingReader(file):
        seen.append(observation.taken_ns)  # noqa: PERF401 - kept also when an error ends it


def test_of_a_compressed_file_that_was_cut_off_all_whole_lines_are_read(tmp_path: Path) -> None:
    file = write(tmp_path / "r.jsonl.zst", some_observations(3000))
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 3 // 4])
    seen: list[int] = []
    with pytest.raises(InputError, match="cut off"):
        _note(file, seen)
    assert len(seen) > 500
    assert seen == [number * 10**8 for number in range(len(seen))]


def test_whole_numbers_may_be_written_with_a_point_and_others_may_not(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    header = HEADER_LINE.replace('"width": 768', '"width": 768.0')
    line = '{"t_ns": 0.0, "boxes": [[0, 0, 1, 1]], "scores": [1], "classes": [0.0]}'
    assert header != HEADER_LINE
    file.write_text(f"{header}\n{line}\n")
    [observation] = RecordingReader(file)
    assert observation.found.classes.tolist() == [0]
    file.write_text(f"{header}\n{line.replace('[0.0]', '[0.5]')}\n")
    with pytest.raises(InputError, match=r":2: .*whole numbers"):
        list(RecordingReader(file))
    file.write_text(f"{header.replace('768.0', '768.5')}\n{line}\n")
    with pytest.raises(InputError, match=r":1: .*whole numbers"):
        RecordingReader(file)


def test_a_compressed_recording_that_is_not_closed_lacks_five_seconds_at_most(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl.zst"
    with RecordingWriter(file, HEADER) as writer:
        assert list(RecordingReader(file)) == []
        for observation in some_observations(120):
            writer.write(observation)
        assert len(list(RecordingReader(file))) > 120 - 50


def test_what_is_not_compressed_is_refused_where_it_should_be(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl.zst"
    file.write_text(HEADER_LINE)
    with pytest.raises(InputError, match=r"r\.jsonl\.zst:1: .*zstd"):
        RecordingReader(file)


def test_a_bomb_costs_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl.zst"
    file.write_bytes(zstandard.compress(HEADER_LINE.encode() + b"\n" + b" " * 300_000_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="longer than"):
        times(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none/r\.jsonl: .*name a file that can be written"):
        RecordingWriter(tmp_path / "none" / "r.jsonl", HEADER)


def test_a_full_disk_is_told_with_what_to_do() -> None:
    with pytest.raises(StorageError, match=r"/dev/full: cannot record: .*free some space"):
        RecordingWriter(Path("/dev/full"), HEADER)


@pytest.mark.parametrize("suffix", ["", ".zst"])
def test_when_the_disk_is_full_whole_lines_remain(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"r.jsonl{suffix}"
    written = some_observations(20_000)
    limit = 3_000 if suffix else 100_000
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(StorageError, match="cannot record"):
            write(path, written)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    kept = times(path)
    assert len(kept) > 500
    assert kept == [number * 10**8 for number in range(len(kept))]


def test_a_closed_writer_leaves_no_file_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    writer = RecordingWriter(tmp_path / "r.jsonl", HEADER)
    writer.close()
    writer.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_digest_tells_files_apart_by_what_is_in_them(tmp_path: Path) -> None:
    one, same, other = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    one.write_text(LINE)
    same.write_text(LINE)
    other.write_text(EMPTY)
    assert digest(one) == digest(same) != digest(other)
    with pytest.raises(InputError, match="name a recording"):
        digest(tmp_path / "none")


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.eyespot.jsonl"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="only once"):
        RecordingReader(pipe)
