"""The vocabulary of the log, its catalog and its table say the same as the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from eyespot.domain.notice import Fields, Notice

CHECKOUT = Path(__file__).parents[2]
CATALOG = (CHECKOUT / "systemd/eyespot.catalog").read_text()
README = (CHECKOUT / "systemd/README.md").read_text()


def catalog() -> dict[str, str]:
    entries = re.split(r"^-- (\S+)$", CATALOG, flags=re.MULTILINE)[1:]
    ids = entries[::2]
    assert len(ids) == len(set(ids))
    return dict(zip(ids, entries[1::2], strict=True))


def told_in_the_code() -> Iterator[tuple[str, set[str]]]:
    """Find each `Notice.NAME.of(field=…)`, and `Notice.NAME.value`, whose fields are not seen here."""
    for file in (CHECKOUT / "daemon/eyespot").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(ast.Attribute(ast.Attribute(ast.Name("Notice"), name), "of")):
                    yield name, {str(keyword.arg) for keyword in node.keywords}
                case ast.Attribute(ast.Attribute(ast.Name("Notice"), name), "value"):
                    yield name, {"count"}


def table() -> dict[str, tuple[str, set[str]]]:
    rows = re.findall(r"^\| ([a-z ]+) \| [a-z]+ \| `([0-9a-f]{32})` \| (.*?) \|", README, re.MULTILINE)
    return {
        name.upper().replace(" ", "_"): (message_id, set(re.findall("EYESPOT_[A-Z_]+", fields)))
        for name, message_id, fields in rows
    }


def test_every_notice_has_an_id_of_its_own() -> None:
    ids = [notice.value for notice in Notice.__members__.values()]
    assert len(set(ids)) == len(Notice.__members__)
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


def test_every_notice_is_in_the_catalog_with_words() -> None:
    texts = catalog()
    assert set(texts) == {notice.value for notice in Notice}
    for text in texts.values():
        head, body = text.strip().split("\n\n", 1)
        assert re.fullmatch("Subject: .+\nDefined-By: Eyespot", head)
        assert len(body) > 40


def test_every_notice_is_told_somewhere_and_the_table_names_its_fields() -> None:
    fields: dict[str, set[str]] = {}
    for name, told in told_in_the_code():
        assert told <= set(Fields.__annotations__)
        fields.setdefault(name, told)
        assert fields[name] == told, f"{name} has different fields in different places"
    assert set(fields) == set(Notice.__members__)
    assert table() == {
        name: (Notice[name].value, {f"EYESPOT_{field.upper()}" for field in told})
        for name, told in fields.items()
    }


def test_the_catalog_uses_no_field_that_the_entry_lacks() -> None:
    fields = dict(table().values())
    for message_id, text in catalog().items():
        assert set(re.findall("@([A-Z_]+)@", text)) <= fields[message_id]


def test_the_examples_of_the_readme_name_ids_that_exist() -> None:
    examples = re.findall(r"MESSAGE_ID=(\S+)", README)
    assert examples
    assert all(Notice(one) for one in examples)
