"""The client for what everybody may read: markets, events, series, the exchange's state."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from kalshi_portfolio.client.answers import Page, read_object, read_page
from kalshi_portfolio.client.endpoints import Endpoint, Value, endpoint_named
from kalshi_portfolio.errors import ArgumentError, ProtocolError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from datetime import datetime
    from types import TracebackType

    import httpx

    from kalshi_portfolio.auth import Signer
    from kalshi_portfolio.client.pace import Stats

PRODUCTION = "https://external-api.kalshi.com/trade-api/v2"


class KalshiPublicClient:
    """Reads public data. Use it inside ``async with``; it may be opened again afterwards.

    Each answer is a dictionary as the exchange sent it: prices and counts are text, a number with a fraction is a
    ``Decimal``, never a float, and a null list is an empty one. Failures that may pass (429, 5xx, timeouts,
    resets, HTML or cut-off JSON) are retried with growing, jittered waits.

    Args:
        base_url: The address of the API, from :attr:`Settings.base_url`.
        transport: What stands in for the network: the simulated exchange.
        clock: Gives the time in seconds since 1970.
        timeout: In seconds, or an ``httpx.Timeout``; 10 to connect and 30 to read where None. It limits each silence;
            an answer as a whole has ten times the time to read.
        max_concurrency: How many requests may be under way at once.
        requests_per_second: The pace, with a burst of one second; None for unlimited. 5 is safe for public
            requests, which are limited per address, and for signed ones until the account's limit is known.
        attempts: How often a request is tried in all.

    Raises:
        ArgumentError: A number is out of bounds.

    Examples:
        >>> import asyncio, httpx
        >>> async def as_of(transport):
        ...     async with KalshiPublicClient(transport=transport) as client:
        ...         return await client.get_user_data_timestamp()
        >>> answer = httpx.Response(200, json={"as_of_time": "2026-11-22T18:05:00Z"})
        >>> with asyncio.Runner() as runner:
        ...     runner.run(as_of(httpx.MockTransport(lambda request: answer)))
        {'as_of_time': '2026-11-22T18:05:00Z'}
    """

    def __init__(
        self,
        *,
        base_url: str = PRODUCTION,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        timeout: httpx.Timeout | float | None = None,
        max_concurrency: int = 4,
        requests_per_second: float | None = 5.0,
        attempts: int = 8,
        _signer: Signer | None = None,
    ) -> None:
        from kalshi_portfolio.client.session import Session  # noqa: PLC0415  (httpx: a third of the import's time)

        self._session = Session(
            base_url=base_url,
            signer=_signer,
            transport=transport,
            clock=clock,
            timeout=timeout,
            max_concurrency=max_concurrency,
            requests_per_second=requests_per_second,
            attempts=attempts,
        )

    async def __aenter__(self) -> Self:
        """Open the connections, on the running loop."""
        await self._session.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._session.close()

    @property
    def stats(self) -> Stats:
        """What this client has done since it was made."""
        return self._session.stats

    @property
    def clock_offset(self) -> float:
        """The seconds that signing adds to the local clock: 0 until the exchange refused our time."""
        return self._session.clock_offset

    @property
    def clock_error(self) -> float | None:
        """By how many seconds the exchange's clock was ahead of ours in its last answer, to half a second.

        None before the first answer, and where the last one did not give its time.
        """
        return self._session.clock_error

    def tell(self, hear: Callable[[str], None]) -> None:
        """Have somebody told, once, when a request has failed twice and is tried again: it may take a minute more.

        Args:
            hear: Called with a sentence that names the request and what is wrong.
        """
        self._session.tell = hear

    def server_time(self) -> datetime | None:
        """Give the exchange's clock in its last answer (UTC, whole seconds), or None before the first."""
        return self._session.server_time

    async def get(self, endpoint: str | Endpoint, **params: Value) -> dict[str, Any]:
        """Ask one endpoint once, by name.

        Args:
            endpoint: One of :data:`ENDPOINTS`, or its name.
            params: The parameters of its path and query; None is left out, a sequence becomes a comma list.

        Returns:
            The answer.

        Raises:
            ArgumentError: The client is not open or has no key, or a parameter is wrong.
            ApiError: The exchange answered with an error, after all retries where those may help.
            ConnectionFailedError: No answer came, after all retries.
            ProtocolError: The answers were not what the API documents, after all retries.
        """
        return await self._session.get(endpoint_named(endpoint), params, read_object)

    def pages(self, endpoint: str | Endpoint, **params: Value) -> AsyncGenerator[Page]:
        """Ask for a list, page by page, to its last page.

        Args:
            endpoint: One of :data:`ENDPOINTS` that has pages, or its name.
            params: Filters, sent with every page; ``limit`` is the largest that the endpoint allows by default.

        Returns:
            The pages, in the order of the exchange. A page may have no rows and not be the last.

        Raises:
            ArgumentError: The endpoint has no pages; while iterating, also what :meth:`get` raises.
            ProtocolError: While iterating, a cursor came twice.
        """
        found = endpoint_named(endpoint)
        if not found.max_limit:
            raise ArgumentError(f"The endpoint {found.name!r} has no pages. Use get({found.name!r}).")
        return self._pages(found, {"limit": found.max_limit, **params})

    async def _pages(self, endpoint: Endpoint, params: dict[str, Value]) -> AsyncGenerator[Page]:
        seen: set[str] = set()
        while True:
            page = await self._session.get(endpoint, params, read_page)
            yield page
            if not page.cursor:
                return
            if page.cursor in seen:
                raise ProtocolError(
                    f"{endpoint.label} gave the cursor of page {len(seen) + 1} a second time, so its pages never "
                    "end. Expected a new one with each page. Nothing can be said to be complete; try again later."
                )
            seen.add(page.cursor)
            params = {**params, "cursor": page.cursor}

    async def get_historical_cutoff(self) -> dict[str, Any]:
        """Fetch the times before which fills, markets, orders and positions are archived."""
        return await self.get("historical_cutoff")

    async def get_user_data_timestamp(self) -> dict[str, Any]:
        """Fetch the time up to which an account's data are about complete (``as_of_time``)."""
        return await self.get("user_data_timestamp")

    async def get_exchange_status(self) -> dict[str, Any]:
        """Fetch whether the exchange is up and trading; it answers while it is down, too."""
        return await self.get("exchange_status")

    async def get_markets(
        self,
        tickers: str | Sequence[str] | None = None,
        *,
        event_ticker: str | None = None,
        series_ticker: str | None = None,
        status: str | None = None,
        mve_filter: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Fetch live markets.

        Args:
            tickers: At most 100 are safe. Unknown and archived ones are silently missing in the answer.
            event_ticker: The markets of one event.
            series_ticker: The markets of one series.
            status: ``unopened``, ``open``, ``paused``, ``closed`` or ``settled``.
            mve_filter: ``only`` or ``exclude`` combos.
            limit: The size of a page, 1 to 1000.
            cursor: Of the page before.
        """
        return await self.get(
            "markets",
            tickers=tickers,
            event_ticker=event_ticker,
            series_ticker=series_ticker,
            status=status,
            mve_filter=mve_filter,
            limit=limit,
            cursor=cursor,
        )

    async def get_market(self, ticker: str) -> dict[str, Any]:
        """Fetch one live market."""
        return await self.get("market", ticker=ticker)

    async def get_historical_markets(
        self,
        tickers: str | Sequence[str] | None = None,
        *,
        event_ticker: str | None = None,
        series_ticker: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Fetch archived markets. One filter at most; ``limit`` is 1 to 1000."""
        return await self.get(
            "historical_markets",
            tickers=tickers,
            event_ticker=event_ticker,
            series_ticker=series_ticker,
            limit=limit,
            cursor=cursor,
        )

    async def get_historical_market(self, ticker: str) -> dict[str, Any]:
        """Fetch one archived market."""
        return await self.get("historical_market", ticker=ticker)

    async def get_events(
        self,
        tickers: str | Sequence[str] | None = None,
        *,
        series_ticker: str | None = None,
        status: str | None = None,
        with_nested_markets: bool | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Fetch events, without combos. ``limit`` is 1 to 200."""
        return await self.get(
            "events",
            tickers=tickers,
            series_ticker=series_ticker,
            status=status,
            with_nested_markets=with_nested_markets,
            limit=limit,
            cursor=cursor,
        )

    async def get_multivariate_events(
        self, *, series_ticker: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> dict[str, Any]:
        """Fetch combo events (``KXMVE…``). ``limit`` is 1 to 200."""
        return await self.get("multivariate_events", series_ticker=series_ticker, limit=limit, cursor=cursor)

    async def get_event(self, event_ticker: str, *, with_nested_markets: bool | None = None) -> dict[str, Any]:
        """Fetch one event with its live markets."""
        return await self.get("event", event_ticker=event_ticker, with_nested_markets=with_nested_markets)

    async def get_series(self, series_ticker: str) -> dict[str, Any]:
        """Fetch one series."""
        return await self.get("series", series_ticker=series_ticker)
