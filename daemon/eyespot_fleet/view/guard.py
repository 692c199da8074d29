"""Keeps other sites out: what a browser does for a foreign page never comes to a device."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OURS: Final = {"127.0.0.1", "localhost", "::1"}
_READING: Final = {"GET", "HEAD"}
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """An ASGI application around another one.

    A name of somebody else's that leads to 127.0.0.1 (DNS rebinding) is refused by the `Host` that it
    brings, a request from a foreign page by its `Origin`. The port may be any: `ssh -L` changes it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it; either way with headers that let the page load only its own."""
        if scope["type"] != "http":
            return  # no lifespan, no websocket

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        if refusal := _refusal(scope["method"], Headers(scope=scope)):
            await PlainTextResponse(refusal, status_code=403)(scope, receive, sealed)
        else:
            await self._app(scope, receive, sealed)


def _refusal(method: str, headers: Headers) -> str:
    hosts = headers.getlist("host")
    if len(hosts) != 1 or _name_in(f"//{hosts[0]}") not in _OURS:
        return "open it as http://127.0.0.1, by the address that eyespot-fleet view shows"
    origins = headers.getlist("origin")
    if any(origin != f"http://{hosts[0]}" for origin in origins):
        return "asked for by another site"
    if method not in _READING and not origins:
        return "a change needs an Origin: only the page itself makes any"
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return "asked for by another site"
    return ""


def _name_in(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
