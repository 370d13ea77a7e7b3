"""The simulated exchange behind a real HTTP server on this computer, with things that go wrong on purpose.

A real socket is the point: answers can stop half-way, drip, or never come. What goes wrong is a list of :class:`Fault`,
each of which strikes chosen requests; ``fault_kinds`` has the kinds. Everything is decided by seeds and counters, so a
run repeats itself.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from kalshi_portfolio.simulation import BASE_URL, SimulatedTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from kalshi_portfolio.simulation import BareExchange

ROOT = "/trade-api/v2"
FOREVER = 10**9
_REASONS = {200: "OK", 301: "Moved", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
_STOP_SECONDS = 10.0


@dataclass
class Asked:
    """A request as it came in; what a fault changes here is what the exchange is asked."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Reply:
    """An answer before it goes out."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Fault:
    """One thing that goes wrong.

    Attributes:
        name: What it is called in the table of faults.
        path: The paths it strikes, as a regular expression below the API's root; empty for all.
        skip: How many matching requests are spared first.
        times: How many are struck then.
        cursor: Whether only requests with a cursor match (True), or only those without (False).
        before: Called before the exchange is asked: moves the world, or changes the question.
        instead: Answers in place of the exchange.
        rows: Changes the decoded body of an answer.
        reply: Changes the answer's status, headers or bytes.
        wire: Sends the answer in its own way.
    """

    name: str
    path: str = ""
    skip: int = 0
    times: int = 1
    cursor: bool | None = None
    before: Callable[[Asked], None] | None = None
    instead: Callable[[FaultExchange, Asked], Awaitable[Reply]] | None = None
    rows: Callable[[Asked, dict[str, Any]], None] | None = None
    reply: Callable[[Reply], None] | None = None
    wire: Callable[[asyncio.StreamWriter, bytes], Awaitable[None]] | None = None
    struck: int = 0

    def strikes(self, asked: Asked) -> bool:
        """Say whether it strikes this request, and count it."""
        if self.path and not re.fullmatch(self.path, asked.path):
            return False
        if self.cursor is not None and self.cursor != ("cursor" in asked.query):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.struck >= self.times:
            return False
        self.struck += 1
        return True


@dataclass
class FaultExchange:
    """A simulated exchange that is served over HTTP while it is entered.

    Attributes:
        exchange: The exchange. Move it only while no sync runs, or from a fault.
        faults: What goes wrong; may be replaced between syncs.
        asked: Every request that came in, by path and query.
        struck: How often each fault struck, by name.
    """

    exchange: BareExchange
    faults: Iterable[Fault] = ()
    asked: list[Asked] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    base_url: str = ""

    def __enter__(self) -> Self:
        self._inner = SimulatedTransport(self.exchange)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result(_STOP_SECONDS)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{ROOT}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(_STOP_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_SECONDS)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await self._answer(_asked(head), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is gone, or a fault has cut the line
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.asked.append(Asked(asked.path, dict(asked.query), {}))
        striking = [fault for fault in self.faults if fault.strikes(asked)]
        self.struck.update(fault.name for fault in striking)
        for fault in striking:
            if fault.before is not None:
                fault.before(asked)
        instead = next((fault.instead for fault in striking if fault.instead is not None), None)
        reply = await self.ask(asked) if instead is None else await instead(self, asked)
        for fault in striking:
            if fault.rows is not None and reply.body.startswith(b"{"):
                body = json.loads(reply.body)
                fault.rows(asked, body)
                reply.body = json.dumps(body).encode()
        for fault in striking:
            if fault.reply is not None:
                fault.reply(reply)
        wire = next((fault.wire for fault in striking if fault.wire is not None), _plainly)
        await wire(writer, _encoded(reply))

    async def ask(self, asked: Asked) -> Reply:
        """Ask the exchange itself, past all faults."""
        url = f"{BASE_URL}{asked.path}" + (f"?{urlencode(asked.query)}" if asked.query else "")
        response = await self._inner.handle_async_request(httpx.Request("GET", url, headers=asked.headers))
        return Reply(response.status_code, dict(response.headers), await response.aread())


def _asked(head: bytes) -> Asked:
    line, *lines = head.decode("latin-1").split("\r\n")
    target = urlsplit(line.split(" ")[1])
    headers = dict(one.split(": ", 1) for one in lines if one)
    return Asked(target.path.removeprefix(ROOT), dict(parse_qsl(target.query)), headers)


def _encoded(reply: Reply) -> bytes:
    """Give the bytes of an answer; a length that a fault has set stays, true or not."""
    headers = {name.title(): value for name, value in reply.headers.items()}
    headers["Content-Length"] = headers.get("X-Length", str(len(reply.body)))
    lines = [f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Odd')}", *(f"{n}: {v}" for n, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body


async def _plainly(writer: asyncio.StreamWriter, raw: bytes) -> None:
    writer.write(raw)
    await writer.drain()
