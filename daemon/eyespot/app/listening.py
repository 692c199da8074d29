"""Listens to a device at the broker that its configuration names."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from eyespot.broker.credentials import as_the_service, credentials
from eyespot.broker.listener import Listener
from eyespot.broker.settings import MqttSettings, endpoints
from eyespot.domain.errors import BrokerError
from eyespot.domain.message import Heard


@contextmanager
def listening(mqtt: MqttSettings, topics: Sequence[str], hear: Callable[[Heard], None]) -> Iterator[Listener]:
    """Have somebody hear what the first node that answers tells, while the context lasts.

    Raises:
        BrokerError: none does, or it does not let us listen; the words of the last one.
        ConfigError: a certificate or a password cannot be used.
    """
    login = credentials(mqtt, tls=endpoints(mqtt)[0].tls, environ=as_the_service(os.environ))
    with ExitStack() as stack:
        yield _first(stack, [Listener(url, topics, hear, login) for url in mqtt.urls])


def _first(stack: ExitStack, nodes: Sequence[Listener]) -> Listener:
    for node in nodes[:-1]:
        try:
            return stack.enter_context(node)
        except BrokerError:
            continue
    return stack.enter_context(nodes[-1])
