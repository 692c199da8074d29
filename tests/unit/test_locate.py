"""Each key of a TOML text is found on its line."""

import tomllib
from collections.abc import Iterator

from hypothesis import assume, given
from hypothesis import strategies as st

from eyespot.config.locate import KeyPath, locate

TEXT = """\
# a comment = 1
top = 1
[device] # another
id = "x"
name.first."and.last" = 3
[[rules]]
text = \"\"\"
id = 7
\\\"\"\"\"\"\"
a = [
  0.1, # one
  [
    2 ],
]
[rules.inner]
b = 'it # is'
[[rules]]
table = {p = 1, q = [1,
2]}
moment = 1979-05-27 07:32:00Z
'odd key' = '''
'''
last = true"""


def test_keys_of_all_forms_are_found_on_their_lines() -> None:
    lines = locate(TEXT)
    expected = {
        ("top",): 2,
        ("device",): 3,
        ("device", "id"): 4,
        ("device", "name", "first", "and.last"): 5,
        ("rules",): 6,
        ("rules", 0): 6,
        ("rules", 0, "text"): 7,
        ("rules", 0, "a"): 10,
        ("rules", 0, "a", 0): 11,
        ("rules", 0, "a", 1): 12,
        ("rules", 0, "a", 1, 0): 13,
        ("rules", 0, "inner"): 15,
        ("rules", 0, "inner", "b"): 16,
        ("rules", 1): 17,
        ("rules", 1, "table", "p"): 18,
        ("rules", 1, "table", "q", 1): 19,
        ("rules", 1, "moment"): 20,
        ("rules", 1, "odd key"): 21,
        ("rules", 1, "last"): 23,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert ("id",) not in lines


def test_line_ends_of_other_systems_count_once() -> None:
    assert locate("a = 1\r\nb = 2\r\n") == {("a",): 1, ("b",): 2}


PIECES = [
    *("[a]", "[a.b]", "[[c]]", "[[c.d]]", "[c.e]", '["q.r"]', "", "# k = 7", "k = 1", "m.n = 2", "'o o' = 3"),
    "k2 = [1, [2,\n3], {x = 4}]",
    's = """\nk = 9\n]""""',
    "t = {u = 'v', w.x = [ # ]\n5 ]}",
    "f = '''it's",
    "'''",
    r'z = "\"#"',
]


def paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    if path:
        yield path
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    )
    for key, entry in entries:
        yield from paths(entry, (*path, key))


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("\n".join))
def test_all_that_tomllib_reads_has_a_line_and_nothing_else_has(text: str) -> None:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)  # noqa: FBT003 - so it is called
    lines = locate(text)
    assert set(lines) == set(paths(table))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
