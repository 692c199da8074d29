"""Plain files over HTTP, read only. Starlette does ranges, conditions and paths; http.server no ranges."""

import os
import socket
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from eyespot.domain.errors import FeedError
from eyespot_fleet.publishing.files import METADATA, TARGETS, no_repository

_TIMESTAMP: Final = "timestamp.json"
_UNCHANGING: Final = "public, max-age=31536000, immutable"


class _Files(StaticFiles):
    """Files whose names say which version they are, all but the timestamp's."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        changes = Path(full_path).name == _TIMESTAMP
        response.headers["Cache-Control"] = "no-cache" if changes else _UNCHANGING
        return response


def application(folder: Path) -> Starlette:
    """Return what serves the repository in a folder.

    Raises:
        InputError: there is none.
    """
    if not (folder / METADATA / _TIMESTAMP).is_file():
        raise no_repository(folder)
    served = Starlette(
        routes=[Mount(f"/{name}", _Files(directory=folder / name)) for name in (METADATA, TARGETS)]
    )
    served.router.redirect_slashes = False
    return served


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        FeedError: the address is not ours, or taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # Python adds the address, which we name
        raise FeedError(f"cannot listen at {host}:{port}: {reason}; name another") from error


def serve(served: Starlette, listener: socket.socket) -> None:
    """Serve until somebody interrupts."""
    # Nothing is to be started or ended with it; uvicorn would only log a traceback at Ctrl-C.
    config = uvicorn.Config(served, log_level="warning", server_header=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])
