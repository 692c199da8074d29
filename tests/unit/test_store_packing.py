"""Payloads on disk: small, whole, and harmless when damaged."""

import zlib

from hypothesis import given
from hypothesis import strategies as some

from eyespot.store.packing import packed, unpacked

MOST = 65_536


@given(some.binary(max_size=300) | some.binary(max_size=20).map(lambda end: b"\x78" + end))
def test_what_is_kept_comes_back_as_it_was(payload: bytes) -> None:
    assert unpacked(packed(payload), MOST) == payload


@given(some.binary(max_size=300))
def test_what_was_damaged_comes_back_as_something_short(kept: bytes) -> None:
    assert len(unpacked(kept, 200)) <= max(200, len(kept))
    assert len(unpacked(b"\x78" + kept, 200)) <= max(200, len(kept) + 1)


def test_what_was_planted_does_not_grow_beyond_measure() -> None:
    assert unpacked(zlib.compress(bytes(100_000_000)), MOST) == bytes(MOST)


def test_what_an_earlier_version_kept_comes_back() -> None:
    assert unpacked(b'{"kind":"crossed"}', MOST) == b'{"kind":"crossed"}'
