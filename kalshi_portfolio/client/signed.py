"""The client for what only the account's owner may read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from kalshi_portfolio.client.pace import Pace
from kalshi_portfolio.client.public import PRODUCTION, KalshiPublicClient
from kalshi_portfolio.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from kalshi_portfolio.auth import Signer

_TOKENS_PER_REQUEST = 10


_Tokens = Annotated[float, msgspec.Meta(gt=0, lt=1e9)]


class _Bucket(msgspec.Struct):
    refill_rate: _Tokens
    bucket_capacity: _Tokens


class KalshiClient(KalshiPublicClient):
    """Reads an account, and public data. Public requests stay unsigned, so they cost the account nothing.

    Args:
        signer: Signs the requests.
        base_url: As for :class:`KalshiPublicClient`, and so are the others.
        transport: As there.
        clock: As there.
        timeout: As there.
        max_concurrency: As there.
        requests_per_second: As there; :meth:`pace_to_account_limits` changes the pace of signed requests.
        attempts: As there. Each attempt is signed afresh.

    Raises:
        ArgumentError: A number is out of bounds.

    Examples:
        >>> import asyncio, kalshi_portfolio as kp
        >>> async def newest(connection):
        ...     async with connection.client() as client:
        ...         return (await client.get_fills(limit=1))["fills"][0]
        >>> with asyncio.Runner() as runner:
        ...     fill = runner.run(newest(kp.demo_connection()))
        >>> fill["ticker"], fill["outcome_side"], fill["count_fp"]
        ('KXNBAGAME-26NOV21SACUTA-SAC', 'yes', '5.50')
    """

    def __init__(
        self,
        *,
        signer: Signer,
        base_url: str = PRODUCTION,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        timeout: httpx.Timeout | float | None = None,
        max_concurrency: int = 4,
        requests_per_second: float | None = 5.0,
        attempts: int = 8,
    ) -> None:
        super().__init__(
            base_url=base_url,
            transport=transport,
            clock=clock,
            timeout=timeout,
            max_concurrency=max_concurrency,
            requests_per_second=requests_per_second,
            attempts=attempts,
            _signer=signer,
        )
        self._key_id = signer.key_id

    def is_own_key(self, key_id: str) -> bool:
        """Say whether a key id is the one that this client signs with. The id itself is never given out."""
        return key_id == self._key_id

    async def pace_to_account_limits(self, share: float = 0.5) -> float | None:
        """Read the account's read limit and pace signed requests to a share of it.

        The limit is shared by all keys and programs of the account, so a trading bot must have its part.

        Args:
            share: The part of the limit to use, above 0 and at most 1.

        Returns:
            The pace in requests a second (10 on the basic tier); None where it is unlimited. Where the exchange
            gives no usable limit, the pace stays as it was.
        """
        limits = (await self.get_account_limits())["read"]
        try:
            bucket = msgspec.convert(limits, _Bucket, strict=False)
            self.set_read_limit(bucket.refill_rate, bucket.bucket_capacity, share=share)
        except msgspec.ValidationError:
            pass
        pace = self._session.signed_pace
        return None if pace is None else pace.requests_per_second

    def set_read_limit(self, refill_rate: float, bucket_capacity: float, *, share: float = 0.5) -> None:
        """Pace signed requests to a share of a known read limit. An unlimited client stays unlimited.

        Args:
            refill_rate: Tokens a second; a request takes 10.
            bucket_capacity: The most tokens that can be saved up.
            share: The part of the limit to use, above 0 and at most 1.

        Raises:
            ArgumentError: A number is out of bounds.
        """
        if not (0 < share <= 1 and refill_rate > 0 and bucket_capacity > 0):
            raise ArgumentError(
                f"The read limit is {refill_rate} tokens a second of at most {bucket_capacity}, the share {share}. "
                "Expected numbers above 0, and a share of at most 1."
            )
        if self._session.signed_pace is not None:
            per_request = share / _TOKENS_PER_REQUEST
            self._session.signed_pace = Pace(refill_rate * per_request, bucket_capacity * per_request)

    async def get_fills(
        self,
        ticker: str | None = None,
        min_ts: int | None = None,
        max_ts: int | None = None,
        limit: int = 100,
        cursor: str | None = None,
        *,
        subaccount: int | None = None,
        exchange_index: int | None = None,
        order_id: str | None = None,
    ) -> dict[str, Any]:
        """Fetch one page of fills (matched trades) of the live tier.

        Args:
            ticker: Of one market, or up to 100 as a comma list.
            min_ts: Not before, in seconds since 1970.
            max_ts: Not after, in seconds since 1970; whether inclusive is not documented.
            limit: The size of the page, 1 to 1000.
            cursor: Of the page before. Filters must be sent again with it.
            subaccount: 0 to 63; all where None.
            exchange_index: One shard; all where None.
            order_id: Of one order.

        Returns:
            ``{"fills": [...], "cursor": ...}``.
        """
        return await self.get(
            "fills",
            ticker=ticker,
            min_ts=min_ts,
            max_ts=max_ts,
            limit=limit,
            cursor=cursor,
            subaccount=subaccount,
            exchange_index=exchange_index,
            order_id=order_id,
        )

    async def get_historical_fills(
        self,
        ticker: str | None = None,
        min_ts: int | None = None,
        max_ts: int | None = None,
        limit: int = 100,
        cursor: str | None = None,
        *,
        subaccount: int | None = None,
    ) -> dict[str, Any]:
        """Fetch one page of archived fills; arguments as for :meth:`get_fills`, one ticker."""
        return await self.get(
            "historical_fills",
            ticker=ticker,
            min_ts=min_ts,
            max_ts=max_ts,
            limit=limit,
            cursor=cursor,
            subaccount=subaccount,
        )

    async def get_positions(
        self,
        ticker: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
        *,
        event_ticker: str | None = None,
        settlement_status: str | None = None,
        count_filter: str | None = None,
        subaccount: int | None = None,
        exchange_index: int | None = None,
    ) -> dict[str, Any]:
        """Fetch one page of positions.

        Args:
            ticker: Of one market.
            limit: The size of the page, 1 to 1000.
            cursor: Of the page before, with the same ``settlement_status``.
            event_ticker: Of one event.
            settlement_status: ``unsettled`` (the exchange's default), ``settled`` or ``all``.
            count_filter: ``position`` or ``total_traded``: keeps rows where that is not 0.
            subaccount: 0 to 63; **None means 0**, not all.
            exchange_index: One shard; all where None.

        Returns:
            ``{"market_positions": [...], "event_positions": [...], "cursor": ...}``.
        """
        return await self.get(
            "positions",
            ticker=ticker,
            limit=limit,
            cursor=cursor,
            event_ticker=event_ticker,
            settlement_status=settlement_status,
            count_filter=count_filter,
            subaccount=subaccount,
            exchange_index=exchange_index,
        )

    async def get_historical_positions(
        self,
        ticker: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
        *,
        event_ticker: str | None = None,
        subaccount: int | None = None,
    ) -> dict[str, Any]:
        """Fetch one page of archived positions; ``subaccount`` None means 0."""
        return await self.get(
            "historical_positions",
            ticker=ticker,
            limit=limit,
            cursor=cursor,
            event_ticker=event_ticker,
            subaccount=subaccount,
        )

    async def get_settlements(
        self,
        ticker: str | None = None,
        min_ts: int | None = None,
        max_ts: int | None = None,
        limit: int = 100,
        cursor: str | None = None,
        *,
        event_ticker: str | None = None,
        subaccount: int | None = None,
    ) -> dict[str, Any]:
        """Fetch one page of settlements by settlement time; they vanish when their market is archived."""
        return await self.get(
            "settlements",
            ticker=ticker,
            min_ts=min_ts,
            max_ts=max_ts,
            limit=limit,
            cursor=cursor,
            event_ticker=event_ticker,
            subaccount=subaccount,
        )

    async def get_orders(
        self,
        ticker: str | None = None,
        min_ts: int | None = None,
        max_ts: int | None = None,
        limit: int = 100,
        cursor: str | None = None,
        *,
        event_ticker: str | None = None,
        status: str | None = None,
        subaccount: int | None = None,
        exchange_index: int | None = None,
    ) -> dict[str, Any]:
        """Fetch one page of orders; ``status`` is ``resting``, ``canceled`` or ``executed``."""
        return await self.get(
            "orders",
            ticker=ticker,
            min_ts=min_ts,
            max_ts=max_ts,
            limit=limit,
            cursor=cursor,
            event_ticker=event_ticker,
            status=status,
            subaccount=subaccount,
            exchange_index=exchange_index,
        )

    async def get_balance(self, *, subaccount: int | None = None, exchange_index: int | None = None) -> dict[str, Any]:
        """Fetch the cash of one subaccount (None means 0), on one shard or all."""
        return await self.get("balance", subaccount=subaccount, exchange_index=exchange_index)

    async def get_deposits(self, limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
        """Fetch one page of deposits. ``limit`` is 1 to 500."""
        return await self.get("deposits", limit=limit, cursor=cursor)

    async def get_withdrawals(self, limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
        """Fetch one page of withdrawals. ``limit`` is 1 to 500."""
        return await self.get("withdrawals", limit=limit, cursor=cursor)

    async def get_subaccount_balances(self) -> dict[str, Any]:
        """Fetch the cash of every subaccount and shard: the way to find out which there are."""
        return await self.get("subaccount_balances")

    async def get_subaccount_transfers(self, limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
        """Fetch one page of transfers between subaccounts. ``limit`` is 1 to 1000."""
        return await self.get("subaccount_transfers", limit=limit, cursor=cursor)

    async def get_intra_exchange_transfers(self, limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
        """Fetch one page of transfers between shards and to the margined exchange. ``limit`` is 1 to 500."""
        return await self.get("intra_exchange_transfers", limit=limit, cursor=cursor)

    async def get_netting(self) -> dict[str, Any]:
        """Fetch for which subaccounts collateral is returned across markets."""
        return await self.get("netting")

    async def get_api_keys(self) -> dict[str, Any]:
        """Fetch the account's keys with their scopes. It holds ids: show and store none of them."""
        return await self.get("api_keys")

    async def get_account_limits(self) -> dict[str, Any]:
        """Fetch the account's rate limits."""
        return await self.get("account_limits")
