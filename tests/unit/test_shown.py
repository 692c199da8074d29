"""Whatever devices say, a terminal stays as it is."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as some

from eyespot.domain.shown import shown


@given(some.text(), some.integers(1, 50))
def test_no_text_moves_a_cursor_or_leaves_its_cells(text: str, most: int) -> None:
    told = shown(text, most)
    assert told.isprintable()
    assert len(told) <= most
    assert not any(unicodedata.category(one).startswith("M") for one in told)


def test_what_is_taken_away_and_what_is_cut_is_seen() -> None:
    assert shown("\x1b[2J\u202ea\n", 10) == "\ufffd[2J\ufffda\ufffd"
    assert shown("n" * 9, 5) == "nnnn…"
    assert shown("o" + "\u0301" * 8, 10) == "o"
    assert shown("Tür 3", 5) == "Tür 3"
