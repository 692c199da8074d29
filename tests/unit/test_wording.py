"""What a type wants, in words."""

from typing import Annotated, Literal

import pytest
from msgspec import Meta, inspect

from eyespot.config.wording import placed, shown, wanted


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (bool, "true or false"),
        (int, "a whole number"),
        (Annotated[int, Meta(ge=1, le=9)], "a whole number from 1 to 9"),
        (Annotated[int, Meta(ge=0, le=2**31 - 1)], "a whole number from 0 to 2147483647"),
        (Annotated[float, Meta(gt=0, lt=1)], "a number above 0 below 1"),
        (Annotated[float, Meta(le=1)] | None, "a number up to 1"),
        (str, "text"),
        (Annotated[str, Meta(min_length=2)], "text of at least 2 characters"),
        (Annotated[str, Meta(max_length=2, pattern="^a")] | None, "text of the form ^a of 0 to 2 characters"),
        (Literal["a", "b"], '"a" or "b"'),
        (tuple[int, int], "a list of 2, each a whole number"),
        (tuple[int, bool], "a list of 2, each a whole number or true or false"),
        (list[str], "a list, each text"),
        (bool | str | None, "true or false or text"),
        (Annotated[str, Meta(pattern="^a", description="a word")] | None, "a word"),
        (tuple[Annotated[str, Meta(pattern="^a", description="a word")], ...], "a list, each a word"),
        (dict[str, int], "a table, each a whole number"),
        (
            Annotated[dict[str, Annotated[float, Meta(ge=1)]], Meta(max_length=9)],
            "a table of 0 to 9 items, each a number from 1",
        ),
    ],
)
def test_a_type_is_told_by_what_it_takes(kind: type, words: str) -> None:
    assert wanted(inspect.type_info(kind)) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        ("a\nb", '"a\\nb"'),
        ({"a": 1}, "a table"),
        ([1, "é"], '[1, "é"]'),
        ("x" * 99, '"' + "x" * 46 + "…"),
        ("mqtt://me:secret@broker", '"mqtt://…@broker"'),
    ],
)
def test_a_value_is_shown_short_and_without_passwords(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_table_is_named_as_its_header_is_written() -> None:
    assert placed(("camera",)) == "[camera]"
    assert placed(("rules", 3)) == "[[rules]]"
