import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.geometry import Resize, content_span
from eyespot.engines.fitting import Fitting

SIDES = st.integers(1, 200)


def numbered(height: int, width: int) -> np.ndarray:
    """Return a picture in which each pixel says its row, its column and 200."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, np.full_like(rows, 200)], axis=-1).astype(np.uint8)


def test_a_picture_that_fits_is_not_copied() -> None:
    picture = numbered(16, 20)
    assert Fitting(20, 16, "stretch", 0).fit(picture) is picture


def test_stretch_takes_the_pixel_nearest_to_each_centre() -> None:
    fitted = Fitting(16, 16, "stretch", 0).fit(numbered(32, 8))
    assert fitted[:, 0, 0].tolist() == list(range(1, 32, 2))
    assert fitted[0, :, 1].tolist() == [column // 2 for column in range(16)]


def test_letterbox_keeps_the_shape_and_pads_beside_it() -> None:
    fitted = Fitting(20, 20, "letterbox", 114).fit(numbered(20, 40))
    assert (fitted[5:15, :, 2] == 200).all()
    assert (fitted[[0, 4, 15, 19]] == 114).all()


def test_a_picture_already_scaled_is_only_put_in_its_place() -> None:
    picture = numbered(15, 20)  # leaves 5 rows: 2 above, 3 below
    fitted = Fitting(20, 20, "letterbox", 0).fit(picture)
    assert np.array_equal(fitted[2:17], picture)


def test_crop_takes_the_middle() -> None:
    fitted = Fitting(20, 20, "crop", 0).fit(numbered(20, 40))
    assert fitted[0, [0, 19], 1].tolist() == [10, 29]
    assert fitted[[0, 19], 0, 0].tolist() == [0, 19]


def test_a_picture_of_another_shape_leaves_nothing_of_the_one_before() -> None:
    fitting = Fitting(20, 20, "letterbox", 7)
    fitting.fit(numbered(40, 20))
    fitted = fitting.fit(numbered(20, 40))
    assert (fitted[[0, 4, 15, 19]] == 7).all()


@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
@given(width=SIDES, height=SIDES)
def test_content_lies_where_boxes_are_mapped_back_from(resize: Resize, width: int, height: int) -> None:
    picture = np.full((height, width, 3), 255, np.uint8)
    fitted = Fitting(32, 24, resize, 0).fit(picture)
    low_x, low_y, high_x, high_y = np.clip(content_span((width, height), (32, 24), resize), 0, 1)
    rows, columns = np.flatnonzero(fitted.any(axis=(1, 2))), np.flatnonzero(fitted.any(axis=(0, 2)))
    assert [rows[0], rows[-1] + 1] == pytest.approx([low_y * 24, high_y * 24], abs=1)
    assert [columns[0], columns[-1] + 1] == pytest.approx([low_x * 32, high_x * 32], abs=1)
