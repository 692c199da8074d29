"""Whoever connects to a body and is no eye of ours."""

import socket
from typing import Self

import pytest

from eyespot.domain.observation import Observation, no_detections
from eyespot.sources import crossing, wire
from eyespot.sources.datagrams import Datagrams, Gone
from eyespot.sources.wire import Look
from fakes.eyes import Body


class Peer:
    """Whoever connects to a body, and says what the test wants."""

    def __init__(self, body: Body, *said: wire.FromEye) -> None:
        self.end = Datagrams.dial(body.path, wire.MOST_BYTES)
        self.end._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)  # for what is too large
        body.ends.append(self.end)
        for message in said:
            self.say(message)

    @classmethod
    def ordered(cls, body: Body) -> Self:
        """Return one that has greeted and was told to look."""
        body.clock.sleep(0.3)
        peer = cls(body, wire.Hello())
        body.turn()
        assert isinstance(peer.heard(), Look)
        return peer

    def say(self, message: wire.FromEye) -> None:
        self.send(wire.encode(message))

    def send(self, data: bytes) -> None:
        assert self.end.send(data, 1)

    def heard(self) -> wire.FromBody | None:
        data = self.end.receive(0)
        return None if data is None else wire.decode_from_body(data)

    def close(self) -> None:
        self.end.close()


def sees(body: Body) -> None:
    """A well-behaved eye comes, and is heard."""
    peer = Peer.ordered(body)
    count = len(body.seen)
    peer.say(crossing.seen(Observation(body.clock.now_ns(), "m", no_detections())))
    body.turn()
    assert len(body.seen) == count + 1
    assert body.troubles == {}
    peer.close()
    body.turn()


def is_cut_off(body: Body, peer: Peer) -> str:
    """Return why the eye was cut off; another one is heard a second later."""
    body.turn()
    assert body.seen == []
    assert list(body.troubles) == ["eye_refused"], body.troubles
    reason = body.troubles["eye_refused"]
    with pytest.raises(Gone):
        peer.heard()
    peer.close()
    body.clock.sleep(1)
    sees(body)
    return reason
