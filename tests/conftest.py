from collections.abc import Iterator

import pytest
from hypothesis import settings

from eyespot.domain.message import Message
from eyespot.topics import gate
from fakes import contract

# The machine may be busy, and the disk slow: time is judged in tests that ask for it.
# What a change is judged by does not depend on chance; that is for who goes to look for more.
settings.register_profile("judging", deadline=None, derandomize=True)
settings.register_profile("exploring", deadline=None)
settings.load_profile("judging")


@pytest.fixture(autouse=True, scope="session")
def caches_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leave the user's cache alone, and find nothing in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def every_message_fits_its_schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look at all that the gate makes in this process; listeners look at what comes over a wire."""

    def made(topic: str, payload: bytes, *rest: object) -> Message:
        contract.look_at(topic, payload)
        return Message(topic, payload, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(gate, "Message", made)
    yield
    assert not contract.unfit()
