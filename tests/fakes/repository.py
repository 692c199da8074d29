"""A repository of updates, made by the operator's own code with keys in memory, for use and for attacks."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from securesystemslib.signer import CryptoSigner, Key, Signer
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from eyespot.trust.desired import Desired, parse_desired
from eyespot_fleet.publishing.contents import Contents
from eyespot_fleet.publishing.founding import Terms, add_site, found
from eyespot_fleet.publishing.releasing import Change, add_bundle, release
from eyespot_fleet.publishing.renewing import keys_of, refresh, replace
from eyespot_fleet.publishing.repository import Repository, opened

BUNDLE = "people@1.0.0-0123456789ab"


class MemoryKeys:
    """Keys that no file has. Who takes one out of `signers` has lost it; who keeps a copy has stolen it."""

    def __init__(self) -> None:
        self.signers: dict[str, Signer] = {}

    def signer(self, role: str, key: Key) -> Signer | None:
        return self.signers.get(key.keyid)

    def make(self, role: str) -> Signer:
        signer = CryptoSigner.generate_ed25519()
        self.signers[signer.public_key.keyid] = signer
        return signer


class FakeRepository:
    """A repository in a folder, with nothing in it.

    Args:
        folder: is made; `metadata/` and `targets/` are in it.
        now: when it is signed; what is done later is signed then, too, unless `now` is set anew.
        terms: for how many days signatures hold.
    """

    def __init__(self, folder: Path, now: datetime | None = None, terms: Terms = Terms()) -> None:  # noqa: B008
        self.folder = folder
        self.now = now or datetime.now(UTC)
        self.keys = MemoryKeys()
        found(folder, self.keys, self.now, terms)

    @property
    def url(self) -> str:
        """What a device is configured with."""
        return self.folder.resolve().as_uri()

    @property
    def root(self) -> bytes:
        """What a device trusts from the beginning."""
        return (self.folder / "metadata" / "1.root.json").read_bytes()

    @contextmanager
    def changed(self) -> Iterator[Repository]:
        """Give what the roles have signed; what they sign meanwhile is announced at the end."""
        with opened(self.folder, self.keys, self.now) as repository:
            yield repository
            repository.announce()

    def add(
        self, content: bytes, bundle: str = BUNDLE, site: str | None = None, runtime: str = "tflite"
    ) -> str:
        """Add a bundle, whatever its bytes are; return the target's name."""

        def check(path: Path) -> Contents:
            return Contents(bundle, runtime, len(content))

        given = self.folder.with_name("given.tar.zst")
        given.write_bytes(content)
        with self.changed() as repository:
            return add_bundle(repository, given, site, check).target

    def release(
        self, bundle: str | None = BUNDLE, cohort: str = "default", percent: float = 100, **rest: Any
    ) -> Desired:
        """Tell a cohort what to run; what else can be told is as in `Change`."""
        with self.changed() as repository:
            return release(repository, cohort, Change(percent, bundle, **rest))

    def add_site(self, site: str) -> None:
        with self.changed() as repository:
            add_site(repository, site)

    def refresh(self) -> None:
        with opened(self.folder, self.keys, self.now) as repository:
            assert refresh(repository) == []

    def replace_keys(self, *roles: str) -> None:
        """Replace all keys of some roles."""
        with opened(self.folder, self.keys, self.now) as repository:
            replace(repository, [key for role in roles for key in keys_of(repository, role)])

    def smuggle(self, role: str, files: Mapping[str, bytes], *by: Signer) -> None:
        """Let a role sign targets, whether it may or not; with its keys, or with those of others."""
        with opened(self.folder, self.keys, self.now) as repository:
            for name, data in files.items():
                repository.targets(role).targets[name] = repository.files.put(name, data)
            if not by:
                repository.sign(role)
            else:
                metadata = repository._signed[role]
                metadata.signed.version += 1
                metadata.signatures.clear()
                for signer in by:
                    metadata.sign(signer, append=True)
                repository.files.write(role, metadata)
            repository.announce()

    def stolen(self, folder: Path, *roles: str) -> "FakeRepository":
        """Return a mirror of the repository as it is, of somebody who has the keys of some roles."""
        mirror = copy(self)
        mirror.folder = Path(shutil.copytree(self.folder, folder))
        mirror.keys = MemoryKeys()
        with opened(self.folder, self.keys, self.now) as repository:
            ids = [key_id for role in roles for _, key_id in keys_of(repository, role)]
        mirror.keys.signers = {key_id: self.keys.signers[key_id] for key_id in ids}
        return mirror

    def updater(self, cache: Path) -> Updater:
        """Return a client of the repository with a folder of its own."""
        cache.mkdir(exist_ok=True)
        metadata, targets = f"{self.url}/metadata/", f"{self.url}/targets/"
        return Updater(str(cache), metadata, str(cache), targets, FromFiles(), bootstrap=self.root)

    def told(self, cache: Path, cohort: str = "default") -> Desired | None:
        """Return what a device finds that keeps its trusted metadata in `cache`; None where that is nothing.

        Raises:
            tuf.api.exceptions.RepositoryError: the repository is not to be trusted.
            TrustError: what the cohort is told is not.
        """
        client = self.updater(cache)
        found = client.get_targetinfo(f"desired/{cohort}.json")
        return parse_desired(Path(client.download_target(found)).read_bytes(), cohort) if found else None


class FromFiles(FetcherInterface):
    """Reads file:// URLs."""

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = Path(url2pathname(urlsplit(url).path))
        if not path.is_file():
            raise DownloadHTTPError("not there", 404)
        return iter([path.read_bytes()])
