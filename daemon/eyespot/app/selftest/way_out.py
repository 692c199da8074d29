"""Probes the way to the broker: certificates, and the login, with a client id of its own."""

from typing import Any

from eyespot.app.certificates import Now, ages
from eyespot.app.plan import device_id
from eyespot.app.selftest.finding import Finding, Verdict
from eyespot.app.selftest.world import World
from eyespot.broker.credentials import as_the_service, out_of_sight
from eyespot.broker.trial import try_out
from eyespot.domain.errors import BrokerError, ConfigError, one_line
from eyespot.host.clock import SystemClock


def certificates(world: World) -> Finding:
    """Tell for how long the certificates can still be used."""
    settings = world.loaded.config.mqtt if world.loaded else None
    if settings is None or not (settings.cert_file or settings.ca_file):
        return Finding("certificates", "skip", "the configuration names none")
    found = ages(settings, Now.by(SystemClock()))
    words = "; ".join(f"{getattr(settings, key)} {age.words}" for key, age in found.items())
    facts = {key: {"verdict": age.verdict, "words": age.words} for key, age in found.items()}
    worst: Verdict = max((age.verdict for age in found.values()), key=("ok", "warn", "fail").index)
    return Finding("certificates", worst, words, facts)


def broker(world: World) -> Finding:
    """Tell whether the broker takes our login. Nothing is published."""
    if world.loaded is None:
        return Finding("broker", "skip", "no configuration says which")
    settings, environ = world.loaded.config.mqtt, as_the_service(world.environ, world.root)
    if unseen := out_of_sight(settings, environ, world.root):
        return Finding("broker", "skip", f"{unseen} is root's to read: sudo eyespot selftest")
    facts: dict[str, Any] = {"url": settings.where, "username": settings.username}
    try:
        trial = try_out(settings, f"{device_id(world.loaded.config)}-selftest", environ)
    except (BrokerError, ConfigError) as error:
        return Finding("broker", "fail", f"{settings.where}: {one_line(error)}", facts)
    words = f"{settings.where} took the login in {trial.answered_ms:g} ms, MQTT {trial.version}"
    facts |= {"version": trial.version, "answered_ms": trial.answered_ms}
    return Finding("broker", "ok", f"{words}; what it may not publish shows on health", facts)
