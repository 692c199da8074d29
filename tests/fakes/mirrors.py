"""A web server for a repository that serves badly: it cuts, crawls, forgets ranges, sends on, wants waits."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit


@dataclass
class Mirror:
    """What it serves and how; may be changed while it does.

    Attributes:
        folder: of the repository.
        url: where it listens.
        requests: paths, with the range that was asked for.
        connections: that were made.
        sent_bytes: of contents.
        cuts: after so many bytes of a bundle each of the next answers is cut.
        answers: status and headers of the next answers, instead of what is there.
        page: what comes instead of everything, as where somebody has to sign in first.
        rate_bytes_s: of what crawls; 0 is as fast as can be.
        crawls: how the names end of what is sent at that rate.
        piece_bytes: that it sends at a time.
        ranges: whether it knows them.
        pads: bytes that it sends behind the end of each file.
    """

    folder: Path
    url: str = ""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    sent_bytes: int = 0
    connections: int = 0
    cuts: list[int] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    page: bytes | None = None
    rate_bytes_s: float = 0
    crawls: str = ".tar.zst"
    piece_bytes: int = 8192
    ranges: bool = True
    pads: int = 0

    def of_bundles(self) -> list[str | None]:
        """Return the ranges that were asked of bundles."""
        return [asked for path, asked in self.requests if path.endswith(".tar.zst")]


class _Server(ThreadingHTTPServer):
    """Says nothing of clients that go."""

    def handle_error(self, *_: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[Mirror]:
    """Serve a folder on the loopback."""
    mirror = Mirror(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            mirror.connections += 1
            super().setup()

        def do_GET(self) -> None:
            _answer(self, mirror)

        def log_message(self, *_: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        mirror.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield mirror
        finally:
            server.shutdown()
            thread.join()


def _answer(handler: BaseHTTPRequestHandler, mirror: Mirror) -> None:
    asked = handler.headers.get("Range")
    mirror.requests.append((handler.path, asked))
    path = mirror.folder / unquote(urlsplit(handler.path).path).lstrip("/")  # whole URLs come to proxies
    if mirror.answers:
        status, headers = mirror.answers.pop(0)
        _begin(handler, status, 0, headers)
    elif mirror.page is not None:
        _begin(handler, 200, len(mirror.page), {"Content-Type": "text/html"})
        handler.wfile.write(mirror.page)
    elif path.is_file():
        _send(handler, mirror, path.read_bytes() + bytes(mirror.pads), asked)
    else:
        _begin(handler, 404, 9, {})
        handler.wfile.write(b"not there")


def _send(handler: BaseHTTPRequestHandler, mirror: Mirror, data: bytes, asked: str | None) -> None:
    is_bundle = handler.path.endswith(".tar.zst")
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and mirror.ranges else 0
    if start and start >= len(data):
        _begin(handler, 416, 0, {"Content-Range": f"bytes */{len(data)}"})
        return
    part = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
    _begin(handler, 206 if start else 200, len(data) - start, part)
    cut = start + mirror.cuts.pop(0) if is_bundle and mirror.cuts else len(data)
    crawls = handler.path.endswith(mirror.crawls)
    for at in range(start, min(cut, len(data)), mirror.piece_bytes):
        piece = data[at : min(at + mirror.piece_bytes, cut)]
        mirror.sent_bytes += len(piece)  # before whoever has it can ask
        handler.wfile.write(piece)
        if crawls and mirror.rate_bytes_s:
            time.sleep(len(piece) / mirror.rate_bytes_s)
    if cut < len(data):
        handler.close_connection = True


def _begin(handler: BaseHTTPRequestHandler, status: int, size: int, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(size), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
