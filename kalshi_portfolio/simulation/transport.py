"""The simulated exchange behind httpx: what a client talks to in place of the network."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from email.utils import format_datetime
from typing import TYPE_CHECKING, NamedTuple

import httpx

from kalshi_portfolio.simulation import market_routes, portfolio_routes
from kalshi_portfolio.simulation.parameters import Parameters
from kalshi_portfolio.simulation.refusals import Refusal, bad, missing
from kalshi_portfolio.simulation.routing import DEFAULT_COST, Request

if TYPE_CHECKING:
    from kalshi_portfolio.simulation.exchange import BareExchange
    from kalshi_portfolio.simulation.keys import ApiKey
    from kalshi_portfolio.simulation.routing import Route

ROOT = "/trade-api/v2"
BASE_URL = f"https://simulated.invalid{ROOT}"
"""The base URL of the simulated exchange; any other host does as well."""

_ROUTES = (*market_routes.ROUTES, *portfolio_routes.ROUTES)
_EXACT = {route.path: route for route in _ROUTES if "{" not in route.path}
_PATTERNS = tuple(route for route in _ROUTES if "{" in route.path)
_REMEMBERED = 10_000
_ANY = 10**18
_REFILL, _CAPACITY = 200.0, 600.0


class Seen(NamedTuple):
    """A request that came in, and the status it was answered with."""

    path: str
    query: dict[str, str]
    status: int


class SimulatedTransport(httpx.AsyncBaseTransport):
    """Answers requests from a simulated exchange.

    Args:
        exchange: The exchange.
        verify: Whether signatures are checked; without, every request counts as signed by an unrestricted key.
        clock_tolerance: How far a request's timestamp may be off the exchange's clock, in seconds; None for any.
        latency: How long each answer takes, in seconds.
        enforce_limits: Whether the rate limit of the Basic tier holds (by the real clock); more gives 429.
        strict: Whether an unknown parameter is refused; the real exchange ignores it.

    Attributes:
        seen: The last requests, the newest last.

    Examples:
        >>> import asyncio
        >>> from kalshi_portfolio.simulation import SimulatedExchange
        >>> async def main() -> int:
        ...     transport = SimulatedTransport(SimulatedExchange.tiny(), verify=False)
        ...     async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        ...         return len((await client.get("/portfolio/fills")).json()["fills"])
        >>> with asyncio.Runner() as runner:
        ...     runner.run(main())
        10
    """

    def __init__(
        self,
        exchange: BareExchange,
        *,
        verify: bool = True,
        clock_tolerance: float | None = 30.0,
        latency: float = 0.0,
        enforce_limits: bool = False,
        strict: bool = False,
    ) -> None:
        self.exchange = exchange
        self.verify, self.latency, self.strict = verify, latency, strict
        self.clock_tolerance = clock_tolerance
        self.enforce_limits = enforce_limits
        self.seen: deque[Seen] = deque(maxlen=_REMEMBERED)
        self._tokens, self._filled = _CAPACITY, time.monotonic()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if self.latency:
            await asyncio.sleep(self.latency)
        response = self._respond(request)
        self.seen.append(Seen(request.url.path.removeprefix(ROOT), dict(request.url.params), response.status_code))
        return response

    def _respond(self, request: httpx.Request) -> httpx.Response:
        headers = {"Date": format_datetime(self.exchange.now.replace(microsecond=0), usegmt=True)}
        path = request.url.path
        if path.endswith("/") and path != "/":
            target = request.url.copy_with(path=path.rstrip("/"))
            return httpx.Response(301, headers={**headers, "Location": str(target)}, request=request)
        try:
            body, status = self._handle(request), 200
        except Refusal as refusal:
            body, status = refusal.body(), refusal.status
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body), request=request)

    def _handle(self, request: httpx.Request) -> bytes:
        route, parts = _find(request.url.path)
        if request.method != "GET":
            raise Refusal(405, "method_not_allowed", f"{request.method} is not offered here: this is for reading")
        if self.enforce_limits:
            self._spend(route.cost)
        key = self._check(request, route)
        parameters = Parameters(dict(request.url.params))
        body = route.handler(Request(self.exchange, parameters, key, parts))
        if self.strict and parameters.unread:
            raise bad(f"unknown parameters: {sorted(parameters.unread)}")
        return body

    def _check(self, request: httpx.Request, route: Route) -> ApiKey | None:
        if not self.verify or not route.private:
            return None
        now_ms = self.exchange.clock // 1000
        tolerance = _ANY if self.clock_tolerance is None else int(self.clock_tolerance * 1000)
        key = self.exchange.keys.check(
            request.headers,
            method=request.method,
            path=request.url.raw_path.split(b"?")[0].decode("ascii"),
            now_ms=now_ms,
            tolerance_ms=tolerance,
        )
        if key.subaccount is not None and not route.lockable:
            raise Refusal(403, "forbidden", "the API key is restricted to a subaccount")
        return key

    def _spend(self, cost: int = DEFAULT_COST) -> None:
        now = time.monotonic()
        self._tokens = min(self._tokens + (now - self._filled) * _REFILL, _CAPACITY)
        self._filled = now
        if self._tokens < cost:
            raise Refusal(429, "too_many_requests", "too many requests")
        self._tokens -= cost


def _find(path: str) -> tuple[Route, tuple[str, ...]]:
    if not path.startswith(f"{ROOT}/"):
        raise missing(f"{path} is not below {ROOT}")
    below = path.removeprefix(ROOT)
    if below in _EXACT:
        return _EXACT[below], ()
    for route in _PATTERNS:
        match = route.pattern.fullmatch(below)
        if match:
            return route, match.groups()
    raise missing(f"there is no {below}")
