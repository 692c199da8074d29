"""Tries whether a broker can be used, without publishing anything."""

import os
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from paho.mqtt.enums import MQTTProtocolVersion

from eyespot.broker.credentials import credentials
from eyespot.broker.session import Ending, Session, Who
from eyespot.broker.settings import MqttSettings, endpoint
from eyespot.domain.errors import BrokerError

_VERSIONS = {MQTTProtocolVersion.MQTTv5: "5", MQTTProtocolVersion.MQTTv311: "3.1.1"}
_MOST_ANSWERING_S = 5.0
_TURN_S = 0.2


@dataclass(frozen=True, slots=True)
class Trial:
    """A login that was taken.

    Attributes:
        version: of MQTT.
        answered_ms: from the first attempt to connect to the broker's word.
    """

    version: str
    answered_ms: float


def try_out(settings: MqttSettings, client_id: str, environ: Mapping[str, str] = os.environ) -> Trial:
    """Log in and leave again. There is no last will, so that nobody hears of it.

    Args:
        settings: where to, and as whom.
        client_id: not that of the device, whose session it would end.
        environ: of the process, for systemd's credentials.

    Raises:
        BrokerError: why not, in words.
        ConfigError: a certificate or a password cannot be used.
    """
    where = endpoint(settings.url)
    who = Who(where, client_id, credentials(settings, tls=where.tls, environ=environ), None)
    reason = ""
    for version, name in _VERSIONS.items():
        begun = time.monotonic()
        ending = _log_in(who, version)
        if ending is None:
            return Trial(name, round((time.monotonic() - begun) * 1000, 1))
        reason = reason or ending.reason
        if not (ending.unsupported or ending.unanswered):
            break
    raise BrokerError(reason)


def _log_in(who: Who, version: MQTTProtocolVersion) -> Ending | None:
    """Return why the broker did not take us; None if it did."""
    with closing(Session(who, version)) as session:
        session.dial()
        until = time.monotonic() + _MOST_ANSWERING_S
        while not (session.opened or session.ending):
            session.turn(_TURN_S)
            if time.monotonic() > until:
                session.end(Ending("it does not answer; is it an MQTT broker?", unanswered=True))
        if session.opened:
            session.leave()
            session.turn(0)
            return None
        return session.ending
