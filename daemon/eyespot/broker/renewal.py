"""Credentials whose files may change while we are connected: certificates are renewed, passwords replaced."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from eyespot.broker.credentials import Credentials, credentials, files
from eyespot.broker.settings import MqttSettings
from eyespot.domain.errors import ConfigError, one_line

_KEPT = "the ones before stay in force"
_NONE = "nothing can be connected with them, and counting goes on"
# LoadCredential= of systemd.exec(5) copies a file when the service starts, and never again
_COPIED = " (a new mqtt-key wants `sudo systemctl restart eyespot`)"


class _Version(NamedTuple):
    """Credentials, and what their files looked like."""

    credentials: Credentials
    looks: Mapping[str, object]


class Renewal:
    """The credentials for the next connection. For one thread; looks at the disk.

    Files may be replaced one after the other, a certificate before its key. So those that do not fit together
    change nothing. New ones with which there is no connection give way to the last that the broker took, in
    turn with them. Whom we trust is another matter: what was taken out of `ca_file` is trusted no more.
    A process may begin between the two files, after a power cut: then there are none at first.

    Args:
        settings: which files.
        tls: whether the connection is to have TLS.
        environ: of the process, for systemd's credentials.
    """

    def __init__(self, settings: MqttSettings, *, tls: bool, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._tls = tls
        self._environ = environ
        self._seen = self._tried = self._looks()
        self._newest: _Version | None = None
        self._taken: _Version | None = None
        self._stands_in = False
        self._misfit = self._turned_away = ""
        try:
            self._newest = self._read(self._tried)
        except ConfigError as error:
            self._misfit = self._in_words(error)

    @property
    def credentials(self) -> Credentials | None:
        """What the next connection is to be made with; None where no files could be used yet."""
        version = (self._stand_in if self._stands_in else None) or self._newest
        return version and version.credentials

    @property
    def refusal(self) -> str:
        """Why the newest are not in force, in words; empty where they are."""
        return self._misfit or self._turned_away

    def renew(self, *, at_once: bool = False) -> bool:
        """Take up what has changed; return whether there are new credentials.

        Args:
            at_once: does not wait until nothing has changed since this was last called, if they fit together.
        """
        looks = self._looks()
        settled, self._seen = looks == self._seen, looks
        if looks == self._tried or not (settled or at_once):
            return False
        try:
            self._newest = self._read(looks)
        except ConfigError as error:
            if settled:
                self._tried, self._misfit = looks, self._in_words(error)
            return False
        self._tried = looks
        self._stands_in, self._misfit, self._turned_away = False, "", ""
        return True

    def taken(self) -> None:
        """Note that the broker has taken those that were offered; the next time the newest come first."""
        if not self._stands_in:
            self._taken, self._turned_away = self._newest, ""
        self._stands_in = False

    def turned_away(self, reason: str) -> None:
        """Note that somebody was there, and that there was no connection all the same."""
        if self._stand_in is None:
            return
        if not self._stands_in:
            self._turned_away = f"{_KEPT}, as there is no connection with the new: {reason}"
        self._stands_in = not self._stands_in

    @property
    def _stand_in(self) -> _Version | None:
        last, newest = self._taken, self._newest
        if last is None or newest is None or last is newest:
            return None
        return last if last.looks.get("ca_file") == newest.looks.get("ca_file") else None

    def _in_words(self, misfit: ConfigError) -> str:
        copied = _COPIED if self._settings.cert_file and not self._settings.key_file else ""
        return f"{_KEPT if self._newest else _NONE}{copied}: {one_line(misfit)}"

    def _read(self, looks: Mapping[str, object]) -> _Version:
        return _Version(credentials(self._settings, tls=self._tls, environ=self._environ), looks)

    def _looks(self) -> Mapping[str, object]:
        return {key: _look(path) for key, path in files(self._settings, self._environ).items()}


def _look(path: Path) -> object:
    """Return what changes when a file is replaced or written, also behind a link."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
