"""Looks whether all of a folder is good, before any of it is imported."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from eyespot.app.certificates import Now
from eyespot.app.provision.folder import (
    AUTHORITY,
    CERTIFICATE,
    KEY,
    KINDS,
    PASSWORD,
    ROOT_OF_TRUST,
    TOML,
    Contents,
)
from eyespot.app.verdict import judge as judge_config
from eyespot.broker.credentials import as_the_service
from eyespot.config import Config, Loaded, parse
from eyespot.config.loading import beside, decoded
from eyespot.domain.errors import ConfigError, InputError
from eyespot.trust.tuf_root import check_root

_UNKNOWN = "cannot be known: Python's cryptography 43 is missing; ./install.sh brings it, or pip"
_PAIR = (CERTIFICATE, KEY)
_NAMED_BY = {CERTIFICATE: "cert_file", AUTHORITY: "ca_file"}


@dataclass(frozen=True, slots=True)
class Judged:
    """A folder that may be imported.

    Attributes:
        config: what the device will be.
        doubts: what is allowed but may not be meant, one line each.
    """

    config: Config
    doubts: tuple[str, ...]


def judge(contents: Contents, etc: Path, now: Now, root: Path) -> Judged:
    """Judge a folder as it will stand in `etc`.

    Args:
        contents: of the folder.
        etc: where it goes.
        now: certificates are judged by it.
        root: where the file system begins, for the credentials of before.

    Raises:
        ConfigError: the configuration is wrong, and maybe more; one line for each problem.
        InputError: other files are.
    """
    problems = [*contents.problems, *_passwords(contents), *_trust(contents), *_papers(contents, now)]
    try:
        loaded = _configuration(contents, etc)
        if loaded is not None and not problems:
            verdict = judge_config(loaded, now, as_the_service({}, root))
            return Judged(loaded.config, (*verdict.warnings, *_unused(contents, loaded.config)))
    except ConfigError as error:
        raise ConfigError("\n".join((*str(error).splitlines(), *problems))) from error
    raise InputError("\n".join(problems))


def _configuration(contents: Contents, etc: Path) -> Loaded | None:
    """Return the configuration; files that will be imported are named where they lie now."""
    if TOML not in contents.files:
        return None
    coming = {
        etc / KINDS[name].target: str(path)
        for name, path in contents.paths.items()
        if not KINDS[name].is_secret
    }

    def locates(name: str) -> str:
        there = beside(etc, name)
        return coming.get(Path(there), there)

    loaded = parse(decoded(contents.files[TOML], TOML), TOML, locates)
    mqtt, secrets = loaded.config.mqtt, {}
    if mqtt.cert_file and not mqtt.key_file and KEY in contents.paths:
        secrets["key_file"] = str(contents.paths[KEY])
    if mqtt.username and not mqtt.password_file and contents.files.get(PASSWORD):
        secrets["password_file"] = str(contents.paths[PASSWORD])
    mqtt = msgspec.structs.replace(mqtt, **secrets)
    return replace(loaded, config=msgspec.structs.replace(loaded.config, mqtt=mqtt))


def _passwords(contents: Contents) -> Iterator[str]:
    try:
        text = contents.files.get(PASSWORD, b"").decode()
    except UnicodeDecodeError:
        yield f"{PASSWORD} is not UTF-8: save it as UTF-8"
        return
    if text.startswith("\N{BYTE ORDER MARK}"):
        yield f"{PASSWORD} begins with a byte order mark: save it as UTF-8 without BOM"
    if len(text.rstrip("\r\n").splitlines()) > 1:
        yield f"{PASSWORD} has more than one line: want the password alone"


def _trust(contents: Contents) -> Iterator[str]:
    try:
        if ROOT_OF_TRUST in contents.files:
            check_root(contents.files[ROOT_OF_TRUST])
    except InputError as error:
        yield f"{ROOT_OF_TRUST}: {error}"


def _papers(contents: Contents, now: Now) -> Iterator[str]:
    for one, other in (_PAIR, _PAIR[::-1]):
        if one in contents.paths and other not in contents.paths:
            yield f"{one} is there, but no {other}: they go together"
    if not contents.files.keys() & {*_PAIR, AUTHORITY}:
        return
    try:
        # the library is large, and most folders and starts do without
        from eyespot.app.provision import papers  # noqa: PLC0415 - see above
    except ImportError:
        yield f"whether the certificates are good {_UNKNOWN}"
        return
    yield from papers.problems(contents.files, now)


def _unused(contents: Contents, config: Config) -> Iterator[str]:
    for name, key in _NAMED_BY.items():
        if name in contents.files and getattr(config.mqtt, key) != str(contents.paths[name]):
            yield f'{name} will not be used: {TOML} does not say {key} = "{name}" in [mqtt]'
    if contents.files.get(PASSWORD) and not config.mqtt.username:
        yield f"{PASSWORD} will not be used: {TOML} names no username in [mqtt]"
