"""Serves the page, until somebody interrupts."""

import socket
from typing import Final

import uvicorn
from starlette.types import ASGIApp

_MOST_CONNECTIONS: Final = 128
_LEAVE_S: Final = 1  # pages hold their connection for as long as they are open


def serve(served: ASGIApp, listener: socket.socket) -> None:
    """Serve until somebody interrupts."""
    config = uvicorn.Config(
        served,
        log_level="warning",
        server_header=False,
        lifespan="off",
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_LEAVE_S,
    )
    uvicorn.Server(config).run(sockets=[listener])
