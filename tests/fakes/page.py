"""What a page of `eyespot-fleet view` asks for and hears, without a browser, a socket or a broker."""

import asyncio
import json
from typing import Any

from eyespot.domain.message import Heard, Message
from eyespot_fleet.view.application import application
from eyespot_fleet.view.bridge import Bridge
from eyespot_fleet.view.browsers import Browser

HOST = "127.0.0.1:8090"
PAGE = {"host": HOST}
CHANGE = {"host": HOST, "origin": f"http://{HOST}", "content-type": "application/json"}
HOSTILE = '</script><img src=x onerror="alert(1)">\r\n\nevent: state\ndata: {}'


class Reply:
    """What an ASGI application answered."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 0, dict[str, str](), b""

    async def take(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {key.decode(): value.decode() for key, value in message["headers"]}
        else:
            self.body += message.get("body", b"")


async def answer(bridge: Bridge, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Reply:
    """Ask, and hang up once an answer that never ends has begun."""
    reply, asked, gone = Reply(), asyncio.Event(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not asked.is_set():
            asked.set()
            return {"type": "http.request", "body": body, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        await reply.take(message)
        if reply.body:
            gone.set()

    raw = [(key.encode(), value.encode()) for key, value in headers.items()]
    path, _, query = path.partition("?")
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": raw,
        "query_string": query.encode(), "root_path": "", "scheme": "http", "http_version": "1.1",
        "server": ("127.0.0.1", 8090), "client": ("127.0.0.1", 1), "asgi": {"version": "3.0"},
    }  # fmt: skip
    await application(bridge)(scope, receive, send)
    return reply


def ask(
    bridge: Bridge,
    path: str = "/",
    headers: dict[str, str] | None = None,
    *,
    method: str = "GET",
    body: bytes = b"",
) -> Reply:
    return asyncio.run(asyncio.wait_for(answer(bridge, method, path, headers or PAGE, body), 20))


def hear(bridge: Bridge, topic: str, payload: object, *, retain: bool = True) -> None:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    bridge.hear(Heard(f"eyespot/v1/{topic}", data, retain, 0))


def published(bridge: Bridge) -> list[Message]:
    sent: list[Message] = []
    bridge.carry(lambda message, _token: sent.append(message) is None)
    return sent


def watching(bridge: Bridge) -> Browser:
    browser = Browser(lambda: None)
    assert bridge.open(browser)
    browser.take()
    return browser
