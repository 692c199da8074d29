"""A body to attack."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eyespot.sources import wire
from fakes.eyes import THREE, Body


@pytest.fixture(name="make_body")
def bodies(tmp_path: Path) -> Iterator[Callable[..., Body]]:
    made: list[Body] = []

    def make(*given: wire.Look, **more: object) -> Body:
        made.append(Body(tmp_path, *given, **more))
        return made[-1]

    yield make
    for body in made:
        body.close()


@pytest.fixture(name="body")
def a_body(make_body: Callable[..., Body]) -> Body:
    return make_body(model=THREE)
