"""Paths that may not, or cannot, be looked at are errors of whoever named them."""

from pathlib import Path

import pytest

from eyespot.domain.errors import InputError, ModelError
from eyespot.domain.paths import is_file, is_folder
from eyespot.sources.film import Film
from eyespot.store.memo import Memo
from eyespot.trust.bundle import find_bundle

TOO_LONG = "x" * 300


def test_what_is_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert is_file(tmp_path / "file", InputError)
    assert not is_file(tmp_path / "nothing", InputError)
    assert is_folder(tmp_path, InputError)
    assert not is_folder(tmp_path / "file", InputError)


def test_a_bundle_whose_name_cannot_be_is_an_error_of_the_model() -> None:
    with pytest.raises(ModelError, match="File name too long"):
        find_bundle(f"/{TOO_LONG}")


def test_a_video_whose_name_cannot_be_is_an_error_of_the_input() -> None:
    with pytest.raises(InputError, match="File name too long"):
        Film(Path(f"/{TOO_LONG}"))


def test_a_memo_that_is_not_there_is_no_news(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert Memo(tmp_path / "memo").read() is None
    assert caplog.messages == []


@pytest.mark.parametrize("name", ["a folder", "too large", "a file/in a file", "no\0name"])
def test_a_memo_that_cannot_be_read_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a file").touch()
    (tmp_path / "too large").write_bytes(b"12345")
    assert Memo(tmp_path / name, most_bytes=4).read() is None
    assert "cannot be read and counts as nothing: " in caplog.text


def test_a_memo_may_be_as_large_as_is_said(tmp_path: Path) -> None:
    (tmp_path / "memo").write_bytes(b"1234")
    assert Memo(tmp_path / "memo", most_bytes=4).read() == b"1234"
