"""Paths that may not, or cannot, be looked at are errors of whoever named them."""

from pathlib import Path

import pytest

from eyespot.domain.errors import InputError, ModelError
from eyespot.domain.paths import is_file, is_folder
from eyespot.sources.film import Film
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
