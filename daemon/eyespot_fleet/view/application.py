"""The page over HTTP: its files, what devices say as server-sent events, and what is desired of them."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from eyespot.topics.commands import ReqId
from eyespot_fleet.view.asking import Answers, Proposal
from eyespot_fleet.view.bridge import Bridge, Order
from eyespot_fleet.view.browsers import Browser, Said
from eyespot_fleet.view.guard import Guard

MOST_DESIRED_BYTES: Final = 16 * 1024  # more is refused by the device
_PAGE: Final = Path(__file__).parent / "page"
_ALIVE_S: Final = 15.0
_ORDERS: Final[dict[str, Order]] = {"update": "update", "rollback": "rollback"}
_NUMBER: Final = re.compile("[0-9]{1,15}")
_Form = TypeVar("_Form", bound=msgspec.Struct)


class _Desired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    req_id: str
    config: dict[str, Any]


class _Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    req_id: ReqId


def application(bridge: Bridge) -> Guard:
    """Return what serves the page to browsers on this machine, and to nobody else's pages."""
    answers = Answers(bridge.seen, bridge)

    async def events(_request: Request) -> Response:
        heard = asyncio.Event()
        loop = asyncio.get_running_loop()
        browser = Browser(lambda: _wake(loop, heard))
        if not bridge.open(browser):
            return PlainTextResponse("too many pages are open: close one", status_code=503)
        return StreamingResponse(_stream(bridge, browser, heard), media_type="text/event-stream")

    async def desire(request: Request) -> Response:
        return await _desire(bridge, request)

    async def what_if(request: Request) -> Response:
        proposal = await _body(request, Proposal)
        return _json(await answers.what_if(_known(bridge, request), proposal))

    async def seen(request: Request) -> Response:
        return _json(await answers.seen(_known(bridge, request)))

    async def suggestions(request: Request) -> Response:
        return _json(await answers.suggestions(_known(bridge, request)))

    async def forget(request: Request) -> Response:
        bridge.seen.forget(_known(bridge, request))
        return Response(status_code=204)

    async def history(request: Request) -> Response:
        return _history(bridge, request)

    async def order(request: Request) -> Response:
        return await _order(bridge, request)

    routes = [
        Route("/events", events),
        Route("/devices/{device}/what-if", what_if, methods=["POST"]),
        Route("/devices/{device}/seen", seen),
        Route("/devices/{device}/suggestions", suggestions),
        Route("/devices/{device}/forget", forget, methods=["POST"]),
        Route("/devices/{device}/desired", desire, methods=["POST"]),
        Route("/devices/{device}/history", history),
        Route("/devices/{device}/model/{order}", order, methods=["POST"]),
        Mount("/", StaticFiles(directory=_PAGE, html=True)),
    ]
    return Guard(Starlette(routes=routes))


def _wake(loop: asyncio.AbstractEventLoop, heard: asyncio.Event) -> None:
    with suppress(RuntimeError):  # it is closed
        loop.call_soon_threadsafe(heard.set)


async def _stream(bridge: Bridge, browser: Browser, heard: asyncio.Event) -> AsyncIterator[bytes]:
    try:
        while True:
            try:
                await asyncio.wait_for(heard.wait(), _ALIVE_S)
            except TimeoutError:
                yield b": still here\n\n"  # finds out who has gone
                continue
            heard.clear()
            if taken := browser.take():
                yield b"".join(_event(said) for said in taken)
    finally:
        bridge.close(browser)


def _event(said: Said) -> bytes:
    device, name, payload = said
    kind = b"frame" if name == "frame" else b"state"
    head = msgspec.json.encode({"device": device, "name": name})
    return b'event: %b\ndata: %b,"payload":%b}\n\n' % (kind, head[:-1], payload)


def _history(bridge: Bridge, request: Request) -> Response:
    after = request.query_params.get("after", "0")
    if not _NUMBER.fullmatch(after):
        raise HTTPException(400, "after: want a number")
    device = _known(bridge, request)
    return Response(bridge.history(device, int(after)), media_type="application/json")


async def _desire(bridge: Bridge, request: Request) -> Response:
    device = _known(bridge, request)
    desired = msgspec.json.encode(await _body(request, _Desired))
    return _passed_on(bridge, lambda: bridge.desire(device, desired))


async def _order(bridge: Bridge, request: Request) -> Response:
    device = _known(bridge, request)
    order = _ORDERS.get(request.path_params["order"])
    if order is None:
        raise HTTPException(404, "no such order is known")
    req_id = (await _body(request, _Order)).req_id
    return _passed_on(bridge, lambda: bridge.order(device, order, req_id))


def _known(bridge: Bridge, request: Request) -> str:
    device: str = request.path_params["device"]
    if not bridge.knows(device):
        raise HTTPException(404, "no such device is known")
    return device


def _passed_on(bridge: Bridge, pass_on: Callable[[], bool]) -> Response:
    if trouble := bridge.trouble:
        raise HTTPException(503, f"the broker does not hear us: {trouble}")
    if not pass_on():
        raise HTTPException(503, "too much waits for the broker already")
    return Response(status_code=202)


async def _body(request: Request, form: type[_Form]) -> _Form:
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise HTTPException(415, "want application/json")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_DESIRED_BYTES:
            raise HTTPException(413, f"more than {MOST_DESIRED_BYTES} bytes: no device takes it")
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise HTTPException(400, f"cannot be read: {error}") from error


def _json(answer: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
