"""The portfolio: opens a data folder and gives the frames that are computed from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack, overload

import polars as pl

from kalshi_portfolio import pnl as profit
from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.portfolio.card import html_card, text_card
from kalshi_portfolio.portfolio.coverage import coverage_frame
from kalshi_portfolio.portfolio.datasets import Datasets, Eager, Lazy
from kalshi_portfolio.portfolio.filters import Filters, Tickers, When, bounds, condition
from kalshi_portfolio.portfolio.links import Links, settled
from kalshi_portfolio.portfolio.status import status_of
from kalshi_portfolio.schema import FILLS, LOTS, MARKETS, POSITIONS, SETTLED, SETTLEMENTS, TRADES, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kalshi_portfolio.ledger import Linked
    from kalshi_portfolio.portfolio.status import Status

STATUSES = ("open", "closed", "settled")


class Portfolio(Datasets):
    """An account's data folder, read-only. Fill it with :func:`kalshi_portfolio.sync`.

    Every method reads what is on disk at the time of the call, so that an object made before a sync shows what
    came with it. Money is in cents, quantities are in contracts, both exact decimals; times are UTC. The frame
    methods take ``lazy=True`` for a ``LazyFrame`` that reads when it is collected.

    Args:
        root: The data folder. Without it ``KALSHI_PORTFOLIO_DATA``, else the nearest data folder upwards from
            the working directory.

    Raises:
        RootNotFoundError: There is no data folder there.

    Examples:
        >>> import kalshi_portfolio as kp
        >>> pf = kp.demo()
        >>> pf.positions(status="open").height > 0
        True
    """

    def __init__(self, root: str | Path | None = None) -> None:
        super().__init__(root)
        self._links = Links()

    @overload
    def settlements(self, *, lazy: Lazy, **filters: Unpack[Filters]) -> pl.LazyFrame: ...
    @overload
    def settlements(self, *, lazy: Eager = ..., **filters: Unpack[Filters]) -> pl.DataFrame: ...
    def settlements(
        self, *, tickers: Tickers = None, since: When = None, until: When = None, lazy: bool = False
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give the settlements: reported ones, and those rebuilt from fills and results.

        The exchange lists a settlement for some weeks only. An older one that no sync has seen is rebuilt from
        its fills and its market's result, at the time of the call (``source = "market"``).

        Args:
            tickers: Only these markets.
            since: Settled at or after this.
            until: Settled before this.
            lazy: Give a LazyFrame that reads when it is collected.

        Returns:
            One row per settled market and subaccount, ``schema.SETTLED``, by ``settled_at, ticker, subaccount``.

        Raises:
            ArgumentError: A bound is no time.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> sorted(kp.demo().settlements()["source"].unique())
            ['exchange', 'market']
        """
        return self._computed(SETTLED, lambda: settled(self._store()), tickers, since, until, "settled_at", lazy=lazy)

    @overload
    def trades(self, *, lazy: Lazy, **filters: Unpack[Filters]) -> pl.LazyFrame: ...
    @overload
    def trades(self, *, lazy: Eager = ..., **filters: Unpack[Filters]) -> pl.DataFrame: ...
    def trades(
        self, *, tickers: Tickers = None, since: When = None, until: When = None, lazy: bool = False
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give every fill, linked to the position that it opened, grew, shrank or closed.

        A fill that closes one position and opens the opposite one is two rows. Realised P&L is first in,
        first out, before fees. The filters apply after linking, so that they cut no position's history.

        Args:
            tickers: Only these markets.
            since: Executed at or after this.
            until: Executed before this.
            lazy: Give a LazyFrame that computes when it is collected.

        Returns:
            One row per trade leg, ``schema.TRADES``, by ``executed_at, kalshi_trade_id, leg``.

        Raises:
            ArgumentError: A bound is no time.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> pf = kp.demo()
            >>> trades = pf.trades()
            >>> set(trades["position_id"]) <= set(pf.positions()["position_id"])
            True
        """
        return self._computed(TRADES, lambda: self._linked().trades, tickers, since, until, "executed_at", lazy=lazy)

    @overload
    def lots(self, *, lazy: Lazy, **filters: Unpack[Filters]) -> pl.LazyFrame: ...
    @overload
    def lots(self, *, lazy: Eager = ..., **filters: Unpack[Filters]) -> pl.DataFrame: ...
    def lots(
        self, *, tickers: Tickers = None, since: When = None, until: When = None, lazy: bool = False
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give the lots: quantities matched from entry to exit, first in, first out.

        Args:
            tickers: Only these markets.
            since: Closed at or after this; leaves out open lots.
            until: Closed before this; leaves out open lots.
            lazy: Give a LazyFrame that computes when it is collected.

        Returns:
            One row per lot, ``schema.LOTS``, by ``opened_at, entry_trade_id``, then in the order of disposal.

        Raises:
            ArgumentError: A bound is no time.
            DamagedFileError: A file cannot be read; it is named.
        """
        return self._computed(LOTS, lambda: self._linked().lots, tickers, since, until, "closed_at", lazy=lazy)

    @overload
    def positions(
        self, *, status: str | None = ..., mark: str = ..., lazy: Lazy, **filters: Unpack[Filters]
    ) -> pl.LazyFrame: ...
    @overload
    def positions(
        self, *, status: str | None = ..., mark: str = ..., lazy: Eager = ..., **filters: Unpack[Filters]
    ) -> pl.DataFrame: ...
    def positions(
        self,
        *,
        status: str | None = None,
        tickers: Tickers = None,
        since: When = None,
        until: When = None,
        mark: str = "bid",
        lazy: bool = False,
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give every position from flat to flat, with its P&L; open ones with their mark.

        Args:
            status: ``open``, ``closed`` (by trades) or ``settled``; None for all.
            tickers: Only these markets.
            since: Opened at or after this.
            until: Opened before this.
            mark: What an open position is worth: ``bid`` (of the held side: what a sale would fetch now), ``mid`` or
                ``last``. A side of the book where nobody quotes is no price: the mark is null then.
            lazy: Give a LazyFrame that computes when it is collected.

        Returns:
            One row per position, ``schema.POSITIONS``, by ``opened_at, position_id``. Where the history of a market
            is not known to be complete, P&L is null and ``cause`` says why.

        Raises:
            ArgumentError: The status or the mark is unknown, or a bound is no time.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().positions(status="open")["quantity"].min() > 0
            True
        """
        if status is not None and status not in STATUSES:
            raise ArgumentError(
                f"status={status!r} is unknown. Expected one of {', '.join(STATUSES)}, or None for all."
            )
        profit.mark(POSITIONS.empty(), MARKETS.empty(), mark)  # refuses an unknown mark now, not at collect

        def compute() -> pl.DataFrame:
            linked = self._linked()
            quotes = MARKETS.empty() if linked.markets is None else linked.markets
            marked = profit.mark(linked.positions, quotes, mark)
            return marked if status is None else marked.filter(pl.col("status") == status)

        return self._computed(POSITIONS, compute, tickers, since, until, "opened_at", lazy=lazy)

    @overload
    def pnl(
        self,
        by: str | Sequence[str] = ...,
        *,
        freq: str | None = ...,
        tz: str = ...,
        lazy: Lazy,
        **filters: Unpack[Filters],
    ) -> pl.LazyFrame: ...
    @overload
    def pnl(
        self,
        by: str | Sequence[str] = ...,
        *,
        freq: str | None = ...,
        tz: str = ...,
        lazy: Eager = ...,
        **filters: Unpack[Filters],
    ) -> pl.DataFrame: ...
    def pnl(
        self,
        by: str | Sequence[str] = (),
        *,
        freq: str | None = None,
        tz: str = "UTC",
        tickers: Tickers = None,
        since: When = None,
        until: When = None,
        lazy: bool = False,
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give P&L per group and period. P&L falls on the day it is realised, a fee on the day it is paid.

        Args:
            by: One or several of ``ticker, event_ticker, series_ticker, category, side, is_taker, subaccount,
                price_bucket, hour, weekday, result``, or any column of the markets.
            freq: The length of a period: ``1h``, ``1d``, ``1w``, ``1mo``, ``1q``, ``1y``; None for no periods.
            tz: The time zone of days and hours. Kalshi's own day is ``America/New_York``.
            tickers: Only these markets.
            since: Realised, or paid, at or after this.
            until: Realised, or paid, before this.
            lazy: Give a LazyFrame that computes when it is collected.

        Returns:
            One row per period and group, in their order: ``period`` if ``freq`` is given, the group columns, and
            ``realized_pnl_cents, fee_cents, net_pnl_cents, quantity, lots, unknown_lots, win_ratio``. Lots without
            a known P&L are counted in ``unknown_lots`` and never summed. No lots, no rows.

        Raises:
            ArgumentError: A column, ``freq``, ``tz`` or a bound is unknown.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().pnl(by="category").columns[:4]
            ['category', 'realized_pnl_cents', 'fee_cents', 'net_pnl_cents']
        """
        start, end = bounds(since, until)
        wanted = condition(tickers, None, None, None)

        def add_up(lots: pl.DataFrame, markets: pl.DataFrame) -> pl.DataFrame:
            return profit.pnl(lots, markets, by=by, freq=freq, tz=tz, since=start, until=end)

        def compute() -> pl.DataFrame:
            linked = self._linked()
            return add_up(linked.lots.filter(wanted), MARKETS.empty() if linked.markets is None else linked.markets)

        if lazy:
            return pl.defer(compute, schema=add_up(LOTS.empty(), MARKETS.empty()).schema)
        return compute()

    def coverage(self) -> pl.DataFrame:
        """Say what is on disk completely, what is missing, and what the exchange no longer lists.

        Returns:
            One row per stretch of time of a dataset and subaccount, ``schema.COVERAGE``, in order. Subaccount -1 stands
            for all of them at once, a start in 1970 for the beginning. :meth:`status` says the same in words.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> "missing" in set(kp.demo().coverage()["status"])
            False
        """
        return coverage_frame(self._store().coverage_log([FILLS, SETTLEMENTS]))

    def status(self) -> Status:
        """Say what is on disk in words: rows per dataset, what is covered, the last sync, who is syncing now.

        It works on a damaged folder too, and names the files that cannot be read.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().status().in_quarantine
            0
        """
        return status_of(self._store())

    def __repr__(self) -> str:
        return text_card(self)

    def _repr_html_(self) -> str:
        """Give a small card for notebooks."""
        return html_card(self)

    def _computed(
        self,
        table: Table,
        compute: Callable[[], pl.DataFrame],
        tickers: Tickers,
        since: When,
        until: When,
        column: str,
        *,
        lazy: bool,
    ) -> pl.DataFrame | pl.LazyFrame:
        wanted = condition(tickers, *bounds(since, until), column)
        if lazy:
            return pl.defer(compute, schema=table.schema).filter(wanted)
        return compute().filter(wanted)

    def _linked(self) -> Linked:
        return self._links.of(self._store())
