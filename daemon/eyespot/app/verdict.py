"""`eyespot check`: is a configuration right, and can its rules work?"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from eyespot.app.certificates import Now, ages
from eyespot.app.choice import order_of_now
from eyespot.app.eye import glance
from eyespot.app.survey import survey
from eyespot.app.twin import in_force_over
from eyespot.app.updating import read_root
from eyespot.broker.credentials import as_the_service, credentials, out_of_sight
from eyespot.broker.settings import endpoints
from eyespot.config import Loaded, load, problems_with_model, warnings
from eyespot.domain.errors import ConfigError, InputError, ModelError
from eyespot.domain.observation import Tells
from eyespot.host.clock import SystemClock
from eyespot.ports import ModelIdentity


@dataclass(frozen=True, slots=True)
class Verdict:
    """What there is to say about a configuration without errors."""

    warnings: tuple[str, ...]
    summary: str


def check(file: Path, recording: Path | None = None, tell: Callable[[str], None] = lambda _: None) -> Verdict:
    """Check a configuration without starting anything; the files that it names are read.

    Args:
        file: the configuration.
        recording: of what its camera sees, to try its lines on.
        tell: is told how far that is.

    Raises:
        ConfigError: with every error, one a line; what the files are wrong in follows once it has none.
        InputError: the recording cannot be read.
    """
    loaded = load(file)
    if loaded.config.update.url is not None:
        read_root(loaded)
    verdict = judge(loaded, Now.by(SystemClock()), as_the_service(os.environ))
    tried = () if recording is None else survey(loaded, recording, tell)
    return Verdict((*verdict.warnings, *_desired(loaded), *tried), verdict.summary)


def judge(loaded: Loaded, now: Now, environ: Mapping[str, str]) -> Verdict:
    """Check a configuration that is right in itself against all that it names.

    Args:
        loaded: the configuration.
        now: certificates are judged by it.
        environ: with the credentials of the service, where they may be read.

    Raises:
        ConfigError: as `check`.
    """
    model, tells = _look(loaded)
    problems_with_model(loaded, model.labels, tells)
    doubts = [*warnings(loaded), *_login(loaded, environ), *_certificates(loaded, now)]
    count = len(loaded.config.rules)
    rules = f"{count} rule{'' if count == 1 else 's'}"
    summary = f"{loaded.config.camera.source}, {model.bundle}, {rules}, {loaded.config.mqtt.where}"
    return Verdict(tuple(doubts), summary)


def _desired(loaded: Loaded) -> Iterator[str]:
    if words := in_force_over(loaded, os.environ):
        yield f"{loaded.file}: {words}"


def _look(loaded: Loaded) -> tuple[ModelIdentity, Tells]:
    """Return the model and what it tells; name the line of the file that cannot be used."""
    try:
        return glance(order_of_now(loaded.config))
    except ModelError as error:
        raise ConfigError(f"{loaded.at('model', 'bundle')}: {error}") from error
    except InputError as error:
        raise ConfigError(f"{loaded.at('camera', 'file')}: {error}") from error


def _login(loaded: Loaded, environ: Mapping[str, str]) -> Iterator[str]:
    """Try what proves to the broker who we are; yield what could not be tried."""
    settings = loaded.config.mqtt
    if settings.cert_file and (unseen := out_of_sight(settings, environ)):
        yield f"{loaded.at('mqtt', 'cert_file')}: {unseen} is root's to read, and was not tried: use sudo"
        settings = replace(settings, cert_file=None)
    credentials(settings, tls=endpoints(settings)[0].tls, environ=environ)


def _certificates(loaded: Loaded, now: Now) -> Iterator[str]:
    """Yield which certificates will soon be of no use."""
    settings = loaded.config.mqtt
    if not (settings.cert_file or settings.ca_file):
        return
    found = ages(settings, now)
    told = {
        key: f"{loaded.at('mqtt', key)}: {getattr(settings, key)} {age.words}" for key, age in found.items()
    }
    if expired := [told[key] for key, age in found.items() if age.verdict == "fail"]:
        raise ConfigError("\n".join(expired))
    yield from (told[key] for key, age in found.items() if age.verdict == "warn")
