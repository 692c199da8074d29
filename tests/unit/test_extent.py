"""What the declared schemas have room for."""

from typing import Any

import msgspec
import pytest

from eyespot.topics import extent as module
from eyespot.topics.extent import extent, fields
from eyespot.topics.gate import DECLARED


class Smuggler(msgspec.Struct):
    picture: bytes
    words: str
    listed: list[str]
    anything: Any


def test_no_declared_schema_holds_bytes_or_endless_text() -> None:
    found = extent()
    assert found.binary == found.endless == ()
    assert found.longest_text <= 1024
    assert found.schemas == len(DECLARED) + 1


def test_undeclared_keys_are_told_and_belong_to_the_configuration() -> None:
    assert set(extent().free) == {"ConfigReported.config", "Settings.config"}


def test_a_schema_that_could_hold_an_image_is_named() -> None:
    found = extent(Smuggler)
    assert found.binary == ("Smuggler.picture",)
    assert set(found.endless) == {"Smuggler.picture", "Smuggler.words", "Smuggler.listed[]"}
    assert "Smuggler.anything" in found.free


def test_the_digest_changes_with_what_may_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    before = extent().digest
    assert before == extent().digest
    assert extent(Smuggler).digest != before
    monkeypatch.setattr(module, "DECLARED", DECLARED[:-1])
    assert extent().digest != before


def test_fields_are_named_by_schema_without_the_envelope() -> None:
    told = fields()
    assert {"direction", "class", "track"} <= set(told["eyespot.crossed/1"])
    assert not any("boot_id" in names for names in told.values())
