"""Probes the way to the broker, with the login of the configuration and a client id of its own."""

from typing import Any

from eyespot.app.plan import device_id
from eyespot.app.selftest.finding import Finding
from eyespot.app.selftest.world import World
from eyespot.broker.credentials import as_the_service, out_of_sight
from eyespot.broker.trial import try_out
from eyespot.domain.errors import BrokerError, ConfigError, one_line


def broker(world: World) -> Finding:
    """Tell whether the broker takes our login. Nothing is published."""
    if world.loaded is None:
        return Finding("broker", "skip", "no configuration says which")
    settings, environ = world.loaded.config.mqtt, as_the_service(world.environ, world.root)
    if unseen := out_of_sight(settings, environ):
        return Finding("broker", "skip", f"{unseen} is root's to read: sudo eyespot selftest")
    facts: dict[str, Any] = {"url": settings.url, "username": settings.username}
    try:
        trial = try_out(settings, f"{device_id(world.loaded.config)}-selftest", environ)
    except (BrokerError, ConfigError) as error:
        return Finding("broker", "fail", f"{settings.url}: {one_line(error)}", facts)
    words = f"{settings.url} took the login in {trial.answered_ms:g} ms, MQTT {trial.version}"
    facts |= {"version": trial.version, "answered_ms": trial.answered_ms}
    return Finding("broker", "ok", f"{words}; what it may not publish shows on health", facts)
