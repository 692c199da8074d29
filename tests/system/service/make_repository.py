"""Makes a repository that offers the factory's model as a newer one: make_repository.py FOLDER RELEASE."""

import io
import json
import shutil
import sys
from pathlib import Path

from eyespot.trust.archive import pack
from eyespot.trust.packed import check_packed
from fakes.repository import FakeRepository

_VERSION = "9.0.0"


def main(folder: Path, release: Path) -> None:
    """Make the repository, its root.json, and the bundle's own folder beside it."""
    bundle = folder / "bundle"
    shutil.copytree(release / "models" / "factory", bundle)
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "version": _VERSION}))
    out = io.BytesIO()
    pack(bundle, out)
    repository = FakeRepository(folder / "repository")
    repository.add(out.getvalue(), check_packed(bundle).identity(()).bundle)
    repository.release(check_packed(bundle).identity(()).bundle)
    (folder / "root.json").write_bytes(repository.root)


main(Path(sys.argv[1]), Path(sys.argv[2]))
