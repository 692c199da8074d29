"""The folder on the boot partition: where it is, and what is in it. Nothing is changed here."""

import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eyespot.config.loading import MOST_BYTES
from eyespot.domain.errors import one_line
from eyespot.domain.nearest import nearest

NAME = "eyespot"
TOML = "eyespot.toml"
CERTIFICATE, KEY, AUTHORITY = "client.crt", "client.key", "ca.crt"
PASSWORD = "mqtt-password"  # noqa: S105 - the name of a file
ROOT_OF_TRUST = "root.json"

_KIB = 1024
# the partition's place since Debian 12, and the one before
_BOOTS = ("boot/firmware", "boot")
# what laptops leave behind wherever they look; what begins with a dot, too
_JUNK = ("thumbs.db", "desktop.ini", "system volume information", "$recycle.bin")


@dataclass(frozen=True, slots=True)
class Kind:
    """A file that may be in the folder.

    Attributes:
        target: where it goes, below the folder of the configuration.
        mode: who may what there.
        most_bytes: how large it may be.
    """

    target: str
    mode: int
    most_bytes: int

    @property
    def is_secret(self) -> bool:
        """Whether nobody but root may read it."""
        return not self.mode & 0o077


# In the order in which they are imported: the configuration comes last, as it names the others.
KINDS: Mapping[str, Kind] = {
    PASSWORD: Kind("credentials/mqtt-password", 0o600, 64 * _KIB),
    KEY: Kind("credentials/mqtt-key", 0o600, 64 * _KIB),
    CERTIFICATE: Kind(CERTIFICATE, 0o644, 64 * _KIB),
    AUTHORITY: Kind(AUTHORITY, 0o644, 1024 * _KIB),
    ROOT_OF_TRUST: Kind(ROOT_OF_TRUST, 0o644, 500 * _KIB),
    TOML: Kind(TOML, 0o640, MOST_BYTES),
}
SECRETS = tuple(name for name, kind in KINDS.items() if kind.is_secret)


@dataclass(slots=True)
class Contents:
    """What is in a folder.

    Attributes:
        files: name, as in `KINDS` -> bytes.
        paths: name -> where it lies.
        ignored: names of other things, with what may have been meant.
        problems: what cannot be read, one line each.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        """Of all that would be imported."""
        known = sorted((name, hashlib.sha256(data).hexdigest()) for name, data in self.files.items())
        return hashlib.sha256(repr(known).encode()).hexdigest()


def boots(root: Path) -> list[Path]:
    """Return the places where a boot partition may be mounted, the newer one first."""
    return [root / boot for boot in _BOOTS]


def find(root: Path) -> list[Path]:
    """Return the folders that wait for being imported; the first one counts."""
    found: list[Path] = []
    for folder in (boot / NAME for boot in boots(root)):
        if folder.is_dir() and not any(folder.samefile(other) for other in found):
            found.append(folder)
    return found


def read(folder: Path) -> Contents:
    """Return what is in a folder, each file read once and no further than it may be long."""
    contents = Contents()
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        contents.problems.append(f"{folder}: {error.strerror}: look at the card on a computer")
        return contents
    if folder.is_symlink():
        contents.problems.append(f"{folder} is a link: put the folder itself there")
        return contents
    # partitions for booting do not tell EYESPOT.TOML from eyespot.toml; where both can be, ours counts
    for name in sorted(names, key=lambda name: (name not in KINDS, name)):
        _take(contents, folder / name)
    if TOML not in contents.paths:
        contents.problems.append(f"{TOML} is missing: it says where the broker is, and what to count")
    return contents


def _take(contents: Contents, path: Path) -> None:
    name = path.name.lower()
    if name in KINDS and name not in contents.paths:
        contents.paths[name] = path
        try:
            contents.files[name] = _read(path, KINDS[name].most_bytes)
        except (OSError, ValueError) as error:
            contents.problems.append(f"{name} {_reason(error)}")
    elif not name.startswith(".") and name not in _JUNK:
        guess = nearest(name, [known for known in KINDS if known not in contents.paths])
        told = one_line(ValueError(path.name))
        contents.ignored.append(f'{told} (did you mean "{guess}"?)' if guess else told)


def _read(path: Path, most_bytes: int) -> bytes:
    """Return a file's bytes; ValueError says what is odd about it."""
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise ValueError("is no file: put a file there")
        with os.fdopen(opened, "rb", closefd=False) as stream:
            data = stream.read(most_bytes + 1)
    finally:
        os.close(opened)
    if len(data) > most_bytes:
        raise ValueError(f"is larger than {most_bytes // _KIB} KiB: that cannot be it")
    return data


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        if error.errno == errno.ELOOP:
            return "is a link: put the file itself there"
        return f"cannot be read ({error.strerror}): copy it anew"
    return str(error)
