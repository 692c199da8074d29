"""Tries whether a broker can be used, without publishing anything."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from eyespot.broker.credentials import credentials
from eyespot.broker.session import Who
from eyespot.broker.settings import MqttSettings, endpoints
from eyespot.broker.visit import visit


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
    nodes = endpoints(settings)
    login = credentials(settings, tls=nodes[0].tls, environ=environ)
    begun = time.monotonic()
    with visit([Who(where, client_id, login, None) for where in nodes]) as (_, version):
        return Trial(version, round((time.monotonic() - begun) * 1000, 1))
