"""A device as the update worker sees it, and a repository with bundles for it; time is told."""

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import zstandard
from msgspec.structs import replace

from eyespot.domain.errors import UpdateError
from eyespot.trust import ustar
from eyespot.trust.archive import pack
from eyespot.trust.notes import Request, WorkerNote
from eyespot.trust.packed import check_packed
from eyespot.trust.slots import Record, activate, commit
from eyespot.update.decision import Device
from eyespot.update.feed import Feed
from eyespot.update.fetcher import Fetcher
from eyespot.update.now import Now
from eyespot.update.patience import Patience
from eyespot.update.settings import UpdateSettings
from eyespot.update.slots import Slots
from eyespot.update.wire import Wire
from eyespot.update.worker import Source, Worker
from fakes.bundles import NETWORK, write_travelling
from fakes.repository import FakeRepository

PI = Device("entrance-1", ZoneInfo("Europe/Berlin"), "tflite", 1024)


def write_packed(
    folder: Path, version: str = "1.0.0", network: bytes = NETWORK, /, **changes: Any
) -> tuple[str, bytes]:
    """Return a bundle's id and its archive, as `eyespot-fleet publish pack` makes it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_travelling(folder, network, version=version, **changes)
    out = io.BytesIO()
    pack(folder, out)
    return check_packed(folder).identity(()).bundle, out.getvalue()


def pack_anyway(folder: Path) -> tuple[str, bytes]:
    """Return id and archive of a bundle that nobody who looked at it would pack."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    out = b""
    for name in dict.fromkeys(("manifest.json", *names)):
        data = (folder / name).read_bytes()
        out += ustar.header(name, len(data), 0o644) + data + ustar.padding(len(data))
    bundle = f"{manifest['name']}@{manifest['version']}-{manifest['network']['sha256'][:12]}"
    return bundle, zstandard.ZstdCompressor(write_checksum=True).compress(out + ustar.END)


def offer(
    repository: FakeRepository, version: str = "1.0.0", network: bytes = NETWORK, /, **release: Any
) -> str:
    """Put a bundle into a repository and release it; return its id."""
    bundle, archive = write_packed(repository.folder.with_name(f"bundle-{version}"), version, network)
    repository.add(archive, bundle)
    repository.release(bundle, **release)
    return bundle


class Fitted:
    """A device with a folder for models, and a root of trust; the repository is that of the URL.

    Args:
        folder: for its models.
        repository: whose `root.json` it was given.
    """

    def __init__(self, folder: Path, repository: FakeRepository) -> None:
        self.slots = Slots.open(folder)
        self.url = repository.url
        self.root = repository.root
        self.now = Now(int(repository.now.timestamp()), synced=True)
        self.settings = UpdateSettings()
        self.device = PI
        self.proved: list[Path] = []
        self.prove: Callable[[Path], object] = self.proved.append
        self.slept_s: list[float] = []
        self.notes: list[WorkerNote] = []
        self.wire = Wire(timeout_s=5)
        self.patience = Patience()

    @property
    def fetcher(self) -> Fetcher:
        return Fetcher(self.wire, self.patience, sleep=self.slept_s.append, roll=lambda: 1.0)

    @property
    def feed(self) -> Feed:
        return Feed(self.url, self.root, self.slots.folder, self.fetcher)

    @property
    def record(self) -> Record:
        return self.slots.record

    def later(self, seconds: float, *, synced: bool = True) -> None:
        """Let the clock go on."""
        self.now = Now(self.now.utc_s + int(seconds), synced)

    def ask(self, kind: Any, **more: Any) -> None:
        self.slots.post_request("worker", Request(kind=kind, **more))

    def update(self) -> WorkerNote:
        """Run the worker once."""
        source = Source(self.feed, self.fetcher)
        worker = Worker(
            self.slots,
            self.settings,
            self.device,
            source,
            prove=self.prove,
            now=lambda: self.now,
            show=self.notes.append,
        )
        return worker.run()

    def configured(self, **changes: Any) -> None:
        self.settings = replace(self.settings, **changes)


def committed(slots: Slots) -> None:
    """Let the body take what is staged, and be content with it."""
    slots.change(activate)
    slots.change(partial(commit, at_s=1))


def staged(device: Fitted) -> str | None:
    """Return what waits for the body."""
    return device.record.staged and device.record.staged.bundle


def fails(device: Fitted) -> WorkerNote:
    """Run the worker, which has to fail; return what it says of that."""
    try:  # without pytest, whose memory a measurement would count
        said = device.update()
    except UpdateError:
        note = device.slots.worker_note()
    else:
        raise AssertionError(said)
    assert note is not None
    return note
