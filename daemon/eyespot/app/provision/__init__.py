"""`eyespot provision`: imports the folder that somebody has put on the boot partition."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from eyespot.app.certificates import Now
from eyespot.app.provision.folder import SECRETS, Contents, find, read
from eyespot.app.provision.importing import IMPORTED, Mark, bring_in, put_aside, remove_secrets
from eyespot.app.provision.judging import Judged, judge
from eyespot.app.provision.report import leave_report
from eyespot.domain.errors import EyespotError, StorageError
from eyespot.host.clock import SystemClock
from eyespot.host.identity import default_device_id
from eyespot.ports import Clock, Tell
from eyespot.store.disk import Disk

__all__ = ["provision"]

_ETC = "etc/eyespot"
_IGNORED = "eyespot-ignored"


def provision(
    tell: Tell, root: Path = Path("/"), clock: Clock | None = None, disk: Disk | None = None
) -> None:
    """Import the folder, if there is one; finish what a power cut has interrupted.

    Args:
        tell: is told what was done and what is doubtful, one line each.
        root: where the file system begins.
        clock: tells the time, by which certificates are judged.
        disk: does the steps.

    Raises:
        ConfigError, InputError: the folder is bad, one line for each reason; nothing was changed.
        StorageError: the disk is full, read-only or failing; the text says what was done all the same.
    """
    _Provisioning(tell, root, Now.by(clock or SystemClock()), disk or Disk()).run()


class _Provisioning:
    """One run."""

    def __init__(self, tell: Tell, root: Path, now: Now, disk: Disk) -> None:
        self._tell = tell
        self._root = root
        self._etc = root / _ETC
        self._now = now
        self._disk = disk
        self._mark = Mark(self._etc, disk)

    def run(self) -> None:
        removed = remove_secrets(self._root, self._disk)
        for path in removed:
            self._tell(f"removed {path}, as the start before could not")
        folders = find(self._root)
        if not folders:
            if not removed:
                self._tell("no folder waits for being imported: nothing to do")
            return
        folder, *others = folders
        contents = read(folder)
        if self._mark.is_for(contents):
            self._tell(f"{folder} was imported before")
        else:
            self._import(folder, others, contents)
        self._tidy_up(folder, contents)

    def _import(self, folder: Path, others: Sequence[Path], contents: Contents) -> None:
        try:
            judged = judge(contents, self._etc, self._now, self._root)
            passed_over = [self._pass_over(other, folder) for other in others]
            bring_in(contents, self._etc, self._disk)
        except EyespotError as error:
            refusal = f'The folder "{folder.name}" was not imported. Mend this, then start the device again:'
            reasons = [f"- {line}" for line in str(error).splitlines()]
            self._report(folder, [refusal, *reasons, *_ignored(contents)])
            raise
        lines = [*_imported(judged, contents, self._root), *passed_over]
        for line in lines:
            self._tell(line)
        self._report(folder, [*lines, f'The folder is called "{IMPORTED}" now, without the secrets in it.'])

    def _pass_over(self, other: Path, folder: Path) -> str:
        """Put aside the folder that does not count: the next start would import it."""
        try:
            aside = put_aside(other, _IGNORED, self._disk)
        except OSError as error:
            return f"passed over {other}, as {folder} comes first: remove it ({error.strerror})"
        return f"passed over {other}, as {folder} comes first: it is {aside} now"

    def _tidy_up(self, folder: Path, contents: Contents) -> None:
        try:
            put_aside(folder, IMPORTED, self._disk)
        except OSError as error:
            if not self._mark.is_for(contents):
                self._remember(contents)
            self._warn_of_secrets(folder, contents, error)
            return
        remove_secrets(self._root, self._disk)
        with suppress(OSError):
            self._mark.clear()

    def _remember(self, contents: Contents) -> None:
        try:
            self._mark.set(contents)
        except OSError as error:
            self._tell(f"the next start imports it again, as that cannot be noted: {error.strerror}")

    def _warn_of_secrets(self, folder: Path, contents: Contents, error: OSError) -> None:
        left = [name for name in SECRETS if name in contents.files]
        if left:
            raise StorageError(
                f"{folder} was imported, but whoever takes the card has {' and '.join(left)}, as nothing "
                f"can be removed there ({error.strerror}): sudo mount -o remount,rw {folder.parent}, "
                "then sudo eyespot provision"
            )
        self._tell(f"{folder} cannot be renamed ({error.strerror}); nothing in it is secret")

    def _report(self, folder: Path, lines: Sequence[str]) -> None:
        leave_report(folder.parent, lines, self._now, self._disk)


def _imported(judged: Judged, contents: Contents, root: Path) -> Iterator[str]:
    yield f"imported {', '.join(sorted(contents.files))}"
    yield f"this device is {judged.config.device.id or default_device_id(root)}"
    yield from (f"warning: {doubt}" for doubt in judged.doubts)
    yield from _ignored(contents)


def _ignored(contents: Contents) -> Iterator[str]:
    told, more = contents.ignored[:20], len(contents.ignored) - 20
    if told:
        yield f"ignored: {', '.join(told)}{f' and {more} more' if more > 0 else ''}"
