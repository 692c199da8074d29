"""Backups: plain files in one .tar.gz, in a fixed order, the manifest first; written and read.

The headers are those of POSIX.1-1988 ("ustar"), read one by one: whatever else an archive may hold (links,
folders, long names, sparse files) is refused before it means anything.
"""

import gzip
import hashlib
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, BinaryIO, Final, Literal

import msgspec
from msgspec import Meta

from eyespot.domain.errors import InputError, one_line
from eyespot.domain.names import DeviceId, RuleId
from eyespot.trust import ustar

SCHEMA: Final = "eyespot.backup/1"
CONFIGURATION = "eyespot.toml"
NAMED = ("ca_file", "cert_file", "key_file", "password_file")  # as [mqtt] names them
ROOT_OF_TRUST = "root.json"
CREDENTIALS = "credentials/"
DESIRED = "config_desired.json"  # of the state folder
DATABASE = "eyespot.db"
NOTE = "Holds secrets: whoever has this can log in to the broker as this device."

MOST_BYTES: Final = 1024 * 1024  # of any member but the database
MOST_DATABASE_BYTES: Final = 1024 * 1024 * 1024
CREDENTIAL = "[a-z0-9][a-z0-9-]{0,62}"
_FOLDER = "eyespot-backup/"
_MANIFEST = "manifest.json"
_MODE = 0o600
_DAMAGED = "take another copy of it"
_STRANGE = "this is no backup of eyespot, or a damaged one"

_NAMES = "|".join((CONFIGURATION, *NAMED, ROOT_OF_TRUST, CREDENTIALS + CREDENTIAL, DESIRED, DATABASE))

_Name = Annotated[str, Meta(pattern=rf"^({_NAMES})\Z")]
_Text = Annotated[str, Meta(max_length=200)]
_Total = Annotated[int, Meta(ge=0, le=2**53)]
_Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Totals = dict[_Text, dict[_Text, _Total]]


class Member(msgspec.Struct, frozen=True):
    """A file of a backup: its name there, size in bytes, sha256 in hex."""

    name: _Name
    size: Annotated[int, Meta(ge=0, le=MOST_DATABASE_BYTES)]
    sha256: _Digest


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself. Fields that are not known here are passed over.

    Attributes:
        schema: name and version of the format.
        note: for who finds the file.
        made: when, RFC 3339.
        eyespot: the version that made it.
        device: the id in force.
        hardware: the machine in words.
        board: which one it was, as `host.identity.board` has it.
        rules: rule id -> class -> direction -> total, for people; empty for rules that count nothing.
        seq: number of the newest event.
        waiting: how many events the broker did not have yet.
        left_out: what the configuration names and is not in here, in words.
        files: in the order in which they follow; the database is the last.
    """

    schema: Literal["eyespot.backup/1"] = SCHEMA
    note: _Text = NOTE
    made: _Text
    eyespot: _Text
    device: DeviceId
    hardware: _Text
    board: _Digest
    rules: Annotated[dict[RuleId, Totals], Meta(max_length=1000)]
    seq: _Total
    waiting: _Total
    left_out: Annotated[tuple[Annotated[str, Meta(max_length=5000)], ...], Meta(max_length=10)] = ()
    files: Annotated[tuple[Member, ...], Meta(min_length=2, max_length=50)]

    def __post_init__(self) -> None:
        """Check that it can be shown, and that each file comes once and is no larger than it may be."""
        totals = (text for of in self.rules.values() for label in of for text in (label, *of[label]))
        texts = (self.note, self.made, self.eyespot, self.device, self.hardware, *self.left_out)
        if not all(text.isprintable() for text in (*texts, *self.rules, *totals)):
            raise ValueError("texts are printable")
        names = [file.name for file in self.files]
        if len(set(names)) < len(names) or CONFIGURATION not in names or names[-1] != DATABASE:
            raise ValueError("`files` has each file once, the configuration, and the database at its end")
        if any(file.size > MOST_BYTES for file in self.files[:-1]):
            raise ValueError(f"only the database may have more than {MOST_BYTES} bytes")


def write_backup(out: BinaryIO, manifest: Manifest, open_file: Callable[[str], BinaryIO]) -> None:
    """Write a backup.

    Args:
        out: gets it; stays open.
        manifest: says what is in it.
        open_file: opens a file by its name in the manifest.

    Raises:
        OSError: it cannot be written, or a file cannot be read.
    """
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    with gzip.GzipFile("", "wb", fileobj=out, mtime=0) as packed:
        packed.write(_header(_MANIFEST, len(data)) + data + ustar.padding(len(data)))
        for member in manifest.files:
            packed.write(_header(member.name, member.size))
            with open_file(member.name) as file:
                shutil.copyfileobj(file, packed, ustar.CHUNK)
            packed.write(ustar.padding(member.size))
        packed.write(ustar.END)


class BackupReader:
    """A backup, read once from its beginning to its end.

    Args:
        file: at its beginning; may be a pipe.
        name: what to call it in messages.

    Attributes:
        manifest: what it says of itself.

    Raises:
        InputError: here or later: it is none, cut off, damaged, or of a newer version.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._packed = gzip.GzipFile(fileobj=file, mode="rb")
        self._name = name
        size = self._next(_MANIFEST)
        if size > MOST_BYTES:
            raise self._error(f"its manifest has {size} bytes; this is no backup")
        self.manifest = self._parse(b"".join(self._content(size)))

    def small_files(self) -> Mapping[str, bytes]:
        """Return all files but the database, by name; to be called first."""
        found: dict[str, bytes] = {}
        for member in self.manifest.files[:-1]:
            found[member.name] = b"".join(self._member(member))
        return found

    def database(self) -> Iterator[bytes]:
        """Yield the database in pieces; only what was read to its end is right."""
        yield from self._member(self.manifest.files[-1])
        if self._read(len(ustar.END) + 1) != ustar.END:
            raise self._error("something is behind its end, or the end is missing")

    def _parse(self, data: bytes) -> Manifest:
        try:
            said = msgspec.json.decode(data, type=_Said)
            kind, _, version = said.schema.partition("/")
            if kind == SCHEMA.partition("/")[0] and version.isdecimal() and said.schema != SCHEMA:
                maker = f"made by eyespot {said.eyespot[:40]!r} in a form that is not known here"
                raise self._error(f"{maker}; upgrade this one first")
            return msgspec.json.decode(data, type=Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._error(f"not the manifest of a backup: {one_line(error)}") from error

    def _member(self, member: Member) -> Iterator[bytes]:
        size = self._next(member.name)
        if size != member.size:
            raise self._error(f"{member.name} has {size} bytes, the manifest says {member.size}; {_DAMAGED}")
        digest = hashlib.sha256()
        for chunk in self._content(size):
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != member.sha256:
            raise self._error(f"{member.name} is not what the manifest says; {_DAMAGED}")

    def _next(self, name: str) -> int:
        """Return the size of the next member, which has to be this one."""
        try:
            found = ustar.member(self._exactly(ustar.BLOCK))
        except ustar.NotPlainError as error:
            raise self._error(f"{error} instead of the file {name}; {_STRANGE}") from error
        if found.name != _FOLDER + name:
            raise self._error(f"{found.name[:100]!a} instead of the file {name}; {_STRANGE}")
        return found.size

    def _content(self, size: int) -> Iterator[bytes]:
        yield from ustar.content(size, self._exactly)

    def _exactly(self, size: int) -> bytes:
        data = self._read(size)
        if len(data) < size:
            raise self._error(f"cut off; {_DAMAGED}")
        return data

    def _read(self, size: int) -> bytes:
        try:
            return self._packed.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._error(f"cut off, damaged, or not compressed with gzip; {_DAMAGED}") from error
        except OSError as error:
            raise self._error(f"{error.strerror}; name a backup") from error

    def _error(self, what: str) -> InputError:
        return InputError(f"{self._name}: {what}")


class _Said(msgspec.Struct):
    schema: str
    eyespot: str = "unknown"


def _header(name: str, size: int) -> bytes:
    return ustar.header(_FOLDER + name, size, _MODE)
