"""Takes a few messages to the broker in a process of its own, from where no broker is kept connected.

What hangs or dies on the way there (a name that is looked up, a library) neither holds up nor takes along who
sent it, and it can be ended at any moment: a connection that came about late would end that of the daemon.
"""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence

import msgspec

from eyespot.broker.credentials import credentials
from eyespot.broker.session import Who
from eyespot.broker.settings import MqttSettings, endpoints
from eyespot.broker.visit import TURN_S, visit
from eyespot.domain.errors import BrokerError, EyespotError, one_line
from eyespot.domain.message import Message
from eyespot.topics.gate import Gate

_log = logging.getLogger(__name__)

_MOST_CARRYING_S = 5.0


class _Task(msgspec.Struct, frozen=True):
    """What the process is told on its standard input; `messages` are topics and payloads."""

    settings: MqttSettings
    client_id: str
    root: str
    messages: tuple[tuple[str, bytes], ...]


class Errand:
    """Messages on their way to the broker. For one thread; never raises.

    Args:
        settings: which broker, and who we are to it.
        client_id: the device's id: some brokers let publish by it.
        root: where the device's topics begin.
        messages: what to deliver.
    """

    def __init__(
        self, settings: MqttSettings, client_id: str, root: str, messages: Sequence[Message]
    ) -> None:
        told = tuple((message.topic, message.payload) for message in messages)
        self._task = msgspec.json.encode(_Task(settings, client_id, root, told))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Set out; again, if the last attempt came to nothing."""
        self.end()
        command = [sys.executable, "-m", "eyespot.broker.errand"]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - this very file
            if self._process.stdin is not None:  # pragma: no branch - it was asked for
                with self._process.stdin as way_in:
                    way_in.write(self._task)  # a pipe holds that much
        except OSError as error:  # no memory, no processes, or it died at once
            _log.warning("the broker cannot be told: %s", error.strerror)

    @property
    def under_way(self) -> bool:
        """Whether it is not over yet."""
        return self._process is not None and self._process.poll() is None

    @property
    def done(self) -> bool:
        """Whether the broker has everything."""
        return self._process is not None and self._process.poll() == 0

    def end(self) -> None:
        """Give it up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _carry(task: _Task) -> None:
    """Deliver the messages.

    Raises:
        BrokerError: the broker cannot be reached, or will not have them.
        ConfigError: a certificate or a password cannot be used.
    """
    nodes = endpoints(task.settings)
    login = credentials(task.settings, tls=nodes[0].tls, environ=os.environ)
    gate = Gate(task.root)
    waiting = {token: gate.readmit(*told) for token, told in enumerate(task.messages)}
    with visit([Who(where, task.client_id, login, None) for where in nodes]) as (session, _):
        for token, message in waiting.items():
            session.offer(message, token)
        until = time.monotonic() + _MOST_CARRYING_S
        while waiting and session.ending is None and time.monotonic() < until:
            session.turn(TURN_S)
            while session.answers:
                token, refusal = session.answers.popleft()
                message = waiting.pop(token)
                if refusal is not None:
                    raise BrokerError(f"it refuses {message.topic}: {refusal}")
        if waiting:
            raise BrokerError(session.ending.reason if session.ending else "it does not answer")


def _main() -> int:
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=_Task)
    try:
        _carry(task)
    except EyespotError as error:
        print(f"cannot tell {task.settings.where}: {one_line(error)}", file=sys.stderr)  # noqa: T201 - for the journal
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(_main())
