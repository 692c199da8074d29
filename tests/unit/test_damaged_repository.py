"""A repository whose files were damaged, by a disk or by somebody, is told so or is none the worse."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.errors import InputError
from eyespot_fleet.publishing.files import Files
from eyespot_fleet.publishing.loading import load
from fakes.repository import FakeRepository

NAMES = ("1.root.json", "2.targets.json", "3.snapshot.json", "timestamp.json", "2.desired.json")
PIECES = (b"", b"{}", b"[]", b"null", b"0", b"-1", b'"x"', b"\xff", b'"targets"', b"1e999", b"[" * 2000)


@pytest.fixture(name="whole", scope="module")
def a_whole_repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeRepository]:
    folder = tmp_path_factory.mktemp("damaged")
    ours = FakeRepository(folder / "ours")
    ours.add(b"network")
    ours.release()
    yield ours
    shutil.rmtree(folder)


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    where=st.floats(0, 1),
    length=st.sampled_from((0, 1, 2, 5, 20, 10_000)),
    piece=st.sampled_from(PIECES) | st.binary(max_size=4),
)
def test_damage_is_told_in_one_line(
    whole: FakeRepository, name: str, where: float, length: int, piece: bytes
) -> None:
    path: Path = whole.folder / "metadata" / name
    kept = path.read_bytes()
    begin = int(where * len(kept))
    path.write_bytes(kept[:begin] + piece + kept[begin + length :])
    try:
        told = said(whole)
    finally:
        path.write_bytes(kept)
    assert len(told.splitlines()) <= 1


def said(repository: FakeRepository) -> str:
    try:
        load(Files(repository.folder))
    except InputError as error:
        return str(error)
    return ""
