"""Opens what a URL names, from any byte on: https://, http:// and file://."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import (
    HTTPError,
    InvalidHeader,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
    TimeoutError,  # noqa: A004 - urllib3's own name
)
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

import eyespot
from eyespot.domain.errors import FeedError, one_line

NOT_FOUND: Final = 404
BEYOND_ITS_END: Final = 416

_TIMEOUT_S = 30.0
_PIECE_BYTES = 64 * 1024
_WHOLE, _PARTIAL, _FAULTS_OF_THE_SERVER = 200, 206, 500
_PASSING = frozenset({408, 416, 425, 429})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_BETTER_THAN = {"http": {"http", "https"}, "https": {"https"}}
_RANGE = re.compile(r"bytes ([0-9]{1,15})-[0-9]{1,15}/([0-9]{1,15}|\*)")


class WireError(FeedError):
    """It cannot be had, or no further.

    Attributes:
        status: of the answer; None where there was none.
        passing: whether to try again makes sense.
        wait_s: how long the server asks to wait with that.
    """

    def __init__(
        self,
        text: str,
        code: str | None = None,
        *,
        status: int | None = None,
        passing: bool = True,
        wait_s: float = 0,
    ) -> None:
        super().__init__(text, code)
        self.status = status
        self.passing = passing
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Opened:
    """What a URL names.

    Attributes:
        start: which byte comes first: the one that was asked for, or 0.
        total: how many bytes there are in all; None where nobody says.
        pieces: the bytes, as they come.
    """

    start: int
    total: int | None
    pieces: Iterator[bytes]


class Wire:
    """The way to a repository. Certificates are verified by the authorities of the system.

    Args:
        timeout_s: of each wait for the other side.
    """

    def __init__(self, timeout_s: float = _TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._pools: dict[str, urllib3.PoolManager] = {}

    @contextmanager
    def opened(self, url: str, start: int = 0) -> Iterator[Opened]:
        """Give what a URL names, from a byte on where the other side can do that.

        Raises:
            WireError: it cannot be had; also while the pieces are read.
        """
        if urlsplit(url).scheme == "file":
            with _file(url, start) as opened:
                yield opened
            return
        response = self._answered(url, start)
        try:
            if response.status not in {_WHOLE, _PARTIAL}:
                with suppress(WireError):  # a short answer's rest: then the connection is good for the next
                    next(self._pieces(url, response), b"")
                raise _refusal(url, response)
            first, total = _extent(url, response, start)
            pieces = self._pieces(url, response)
            yield Opened(first, total, pieces if first else _no_page(url, pieces))
        finally:
            response.close()

    def _answered(self, url: str, start: int) -> BaseHTTPResponse:
        """Return the answer, once nobody sends us on any more."""
        for _ in range(_MOST_REDIRECTS + 1):
            with _named(url, self._timeout_s):
                response = self._pool(url).request(
                    "GET",
                    url,
                    headers={"Range": f"bytes={start}-"} if start else {},
                    preload_content=False,
                    redirect=False,
                    retries=False,
                    timeout=self._timeout_s,
                )
            if response.status not in _REDIRECTS:
                return response
            response.close()
            url = _sent_on(url, response.headers.get("Location", ""))
        raise WireError(f"{url} is sent from place to place; mend the server", "redirect", passing=False)

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxy = "" if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme, "")
        if proxy not in self._pools:
            said = {"User-Agent": f"eyespot/{eyespot.__version__}", "Accept-Encoding": "identity"}
            self._pools[proxy] = (
                urllib3.ProxyManager(proxy, headers=said) if proxy else urllib3.PoolManager(headers=said)
            )
        return self._pools[proxy]

    def _pieces(self, url: str, response: BaseHTTPResponse) -> Iterator[bytes]:
        while True:
            with _named(url, self._timeout_s):
                # what is there: to wait for a whole piece would hide how slowly it comes
                piece = response.read1(_PIECE_BYTES, decode_content=False)
            if not piece:
                return
            yield piece


@contextmanager
def _file(url: str, start: int) -> Iterator[Opened]:
    parts = urlsplit(url)
    path = Path(unquote(parts.path))
    if parts.netloc not in {"", "localhost"}:
        raise WireError(f"{url} names another machine; write file:///path", passing=False)
    try:
        with path.open("rb") as file:
            file.seek(start)
            yield Opened(start, path.stat().st_size, iter(lambda: file.read(_PIECE_BYTES), b""))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise WireError(f"{path} is not there", "missing", status=NOT_FOUND, passing=False) from error
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise WireError(f"cannot read {path}: {reason}; is the medium in?", passing=False) from error


def _extent(url: str, response: BaseHTTPResponse, start: int) -> tuple[int, int | None]:
    """Return which byte comes first, and how many there are in all, where that is said (RFC 9110, 14.4)."""
    if response.status != _PARTIAL:
        said = response.headers.get("Content-Length", "")
        return 0, int(said) if re.fullmatch("[0-9]{1,15}", said) else None
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if found is None or int(found[1]) != start:
        raise WireError(f"{url}: the server sends another part than was asked for", "server", passing=False)
    return start, None if found[2] == "*" else int(found[2])


def _no_page(url: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a file of ours, none of which begins like a web page."""
    first = next(pieces, b"")
    if first.lstrip().startswith(b"<"):
        advice = "does this network want somebody to sign in?"
        raise WireError(f"{url}: a web page came instead; {advice}", "server", passing=False)
    if first:
        yield first
    yield from pieces


def _sent_on(url: str, location: str) -> str:
    """Return where a server sends us; never from https to what anybody on the way can change."""
    shown = one_line(ValueError(location))[:100]
    refused = WireError(f"{url} is sent to {shown!r}, which is not followed", "redirect", passing=False)
    try:
        there = urlsplit(urljoin(url, location))
    except ValueError as error:
        raise refused from error
    if (
        not location
        or not there.hostname
        or "@" in there.netloc
        or there.scheme not in _BETTER_THAN[urlsplit(url).scheme]
    ):
        raise refused
    return there.geturl()


def _refusal(url: str, response: BaseHTTPResponse) -> WireError:
    status = response.status
    passing = status >= _FAULTS_OF_THE_SERVER or status in _PASSING
    code = "missing" if status == NOT_FOUND else "server"
    advice = "try again later" if passing else "see what the server has there"
    return WireError(
        f"{url}: the server answers {status}; {advice}",
        code,
        status=status,
        passing=passing,
        wait_s=_wait_s(response),
    )


def _wait_s(response: BaseHTTPResponse) -> float:
    said = response.headers.get("Retry-After")
    try:
        return max(0.0, Retry().parse_retry_after(said)) if said else 0.0
    except (InvalidHeader, OverflowError, ValueError):
        return 0.0


@contextmanager
def _named(url: str, timeout_s: float) -> Iterator[None]:
    """Name what goes wrong on the way in our words: urllib3's own show its insides."""
    try:
        yield
    except NameResolutionError as error:
        raise WireError(f"nobody knows the name {urlsplit(url).hostname}; is the network up?") from error
    except (SSLError, ProxyError, LocationParseError) as error:
        code = "tls" if isinstance(error, SSLError) else None
        reason = one_line(error.__cause__ or error)
        raise WireError(f"cannot speak with {urlsplit(url).netloc}: {reason}", code, passing=False) from error
    except NewConnectionError as error:
        reason = getattr(error.__cause__, "strerror", None) or "no connection"
        raise WireError(f"cannot reach {urlsplit(url).netloc}: {reason}") from error
    except TimeoutError as error:
        raise WireError(f"{url}: no answer within {timeout_s:g} s", "slow") from error
    except (HTTPError, OSError) as error:
        raise WireError(f"{url}: the connection was cut", "cut") from error
