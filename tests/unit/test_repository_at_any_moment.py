"""Who reads a repository while it is changed, and who goes on after a change broke off, finds it whole."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eyespot.domain.errors import StorageError
from eyespot_fleet.publishing import files
from eyespot_fleet.publishing.founding import add_site
from eyespot_fleet.publishing.roles import sites
from fakes.repository import FakeRepository

NEXT = "people@2.0.0-0123456789ab"


def make_site(ours: FakeRepository) -> None:
    with ours.changed() as repository:
        if "south" not in sites(repository.delegations):
            add_site(repository, "south")


ROLES = ("root", "targets", "snapshot", "timestamp", "desired", "north", "north.desired")
CHANGES: dict[str, Callable[[FakeRepository], object]] = {
    "add": lambda ours: ours.add(b"better", NEXT),
    "add for a site": lambda ours: ours.add(b"better", NEXT, "north"),
    "release": lambda ours: ours.release(percent=50),
    "site": make_site,
    "refresh": lambda ours: ours.refresh(),
    "online keys": lambda ours: ours.replace_keys("snapshot", "timestamp", "desired"),
    "all keys": lambda ours: ours.replace_keys(*ROLES),
    "keys of root": lambda ours: ours.replace_keys("root"),
    "keys of targets": lambda ours: ours.replace_keys("targets"),
    "keys of a site": lambda ours: ours.replace_keys("north", "north.desired"),
}


@pytest.fixture(name="ours")
def a_repository_in_use(tmp_path: Path) -> FakeRepository:
    ours = FakeRepository(tmp_path / "ours")
    ours.add(b"network")
    ours.release(percent=5)
    ours.add_site("north")
    assert ours.told(tmp_path / "device") is not None
    return ours


class Watched:
    """Writes, each of which may be the last one, or be followed by a look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.fails_at: int | None = None
        self.then: Callable[[], object] = lambda: None
        for name in ("write_file", "place_file"):
            monkeypatch.setattr(files, name, self._watch(getattr(files, name)))

    def _watch(self, write: Callable[..., None]) -> Callable[..., None]:
        def watched(*arguments: Any) -> None:
            if self.count == self.fails_at:
                raise StorageError("the power is gone")
            self.count += 1
            write(*arguments)
            self.then()

        return watched


@pytest.mark.parametrize("change", CHANGES)
def test_devices_read_a_whole_repository_after_each_write(
    ours: FakeRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    watched = Watched(monkeypatch)

    def look() -> None:
        assert ours.told(tmp_path / "device") is not None
        assert ours.told(tmp_path / f"new-{watched.count}") is not None

    watched.then = look
    CHANGES[change](ours)
    assert watched.count > 0


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_broke_off_anywhere_can_be_made_again(
    ours: FakeRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    watched = Watched(monkeypatch)
    kept = Path(shutil.copytree(ours.folder, tmp_path / "kept"))
    CHANGES[change](ours)
    for last in range(watched.count):
        shutil.rmtree(ours.folder)
        shutil.copytree(kept, ours.folder)
        device = Path(shutil.copytree(tmp_path / "device", tmp_path / f"device-{last}"))
        watched.count, watched.fails_at = 0, last
        with pytest.raises(StorageError):
            CHANGES[change](ours)
        watched.fails_at = None
        assert ours.told(device) is not None
        CHANGES[change](ours)
        released = ours.release(percent=100)
        assert ours.told(device) == ours.told(tmp_path / f"new-{last}") == released
