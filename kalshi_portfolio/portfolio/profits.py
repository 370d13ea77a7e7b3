"""The frames that add up: P&L by group, the course of the account, the account in one row; and what they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack, overload

import polars as pl

from kalshi_portfolio import pnl as profit
from kalshi_portfolio.portfolio.coverage import complete_to, coverage_of
from kalshi_portfolio.portfolio.filters import Filters, Tickers, When, bounds
from kalshi_portfolio.portfolio.linked import LinkedFrames, check_method
from kalshi_portfolio.portfolio.unsynced import warn_if_not_synced
from kalshi_portfolio.portfolio.views import Coverage, Summary
from kalshi_portfolio.schema import COVERAGE, FILLS, LOTS, MARKETS, POSITIONS, SUMMARY, TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kalshi_portfolio.ledger import Linked
    from kalshi_portfolio.portfolio.datasets import Eager, Lazy


class ProfitFrames(LinkedFrames):
    """A data folder whose linked trades are added up."""

    @overload
    def pnl(
        self,
        by: str | Sequence[str] = ...,
        *,
        freq: str | None = ...,
        tz: str = ...,
        method: str = ...,
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
        method: str = ...,
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
        method: str = "fifo",
        lazy: bool = False,
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give P&L per group and period. P&L falls on the day it is realised, a fee on the day it is paid.

        Args:
            by: One or several of ``ticker, event_ticker, series_ticker, category, side, is_taker, subaccount,
                price_bucket, hour, weekday, result``, or any column of the markets. ``is_taker``, ``price_bucket``,
                ``hour`` and ``weekday`` are those of a lot's entry, for all of its P&L and fees; by average cost,
                which has no lots, ``is_taker`` is that of each fill, and null for settlements.
            freq: The length of a period: ``1h``, ``1d``, ``1w``, ``1mo``, ``1q``, ``1y``; None for no periods.
            tz: The time zone of days and hours. Kalshi's own day is ``America/New_York``.
            tickers: Only these markets; of one that is nowhere on disk, near ones are named in a warning.
            since: Realised, or paid, at or after this; a day is one of ``tz``.
            until: Realised, or paid, before this.
            method: ``fifo``: first in, first out; ``average``: average cost, as the exchange counts.
            lazy: Give a LazyFrame that computes when it is collected.

        Returns:
            One row per period and group, in their order: ``period`` if ``freq`` is given, the group columns, and
            ``realized_pnl_cents, fee_cents, net_pnl_cents, quantity, lots, unknown_lots, win_ratio``. Lots without
            a known P&L are counted in ``unknown_lots`` and never summed. No lots, no rows.

        Raises:
            ArgumentError: A column, ``freq``, ``tz``, the method or a bound is unknown.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().pnl(by="category").columns[:4]
            ['category', 'realized_pnl_cents', 'fee_cents', 'net_pnl_cents']
        """
        start, end = bounds(since, until, tz)
        wanted = self._wanted(tickers, None, None, None)
        check_method(method)
        warn_if_not_synced(self._store(), FILLS)

        def add_up(lots: pl.DataFrame, markets: pl.DataFrame) -> pl.DataFrame:
            return profit.pnl(lots, markets, by=by, freq=freq, tz=tz, since=start, until=end)

        def compute() -> pl.DataFrame:
            linked = self._linked()
            return add_up(
                _matched(linked, method).filter(wanted), MARKETS.empty() if linked.markets is None else linked.markets
            )

        if lazy:
            return pl.defer(compute, schema=add_up(LOTS.empty(), MARKETS.empty()).schema)
        return compute()

    @overload
    def equity(
        self,
        *,
        freq: str = ...,
        tz: str = ...,
        tickers: Tickers = ...,
        since: When = ...,
        until: When = ...,
        method: str = ...,
        lazy: Lazy,
    ) -> pl.LazyFrame: ...
    @overload
    def equity(
        self,
        *,
        freq: str = ...,
        tz: str = ...,
        tickers: Tickers = ...,
        since: When = ...,
        until: When = ...,
        method: str = ...,
        lazy: Eager = ...,
    ) -> pl.DataFrame: ...
    def equity(
        self,
        *,
        freq: str = "1d",
        tz: str = "UTC",
        tickers: Tickers = None,
        since: When = None,
        until: When = None,
        method: str = "fifo",
        lazy: bool = False,
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give the account's course: P&L, fees, transfers and the running total per period.

        Args:
            freq: The length of a period: ``1h``, ``1d``, ``1w``, ``1mo``, ``1q``, ``1y``.
            tz: The time zone in which periods begin. Kalshi's own day is ``America/New_York``.
            tickers: Only these markets (near ones of an unknown one are named in a warning), and then no transfers.
            since: Only what happened at or after this; a day is one of ``tz``. The running total starts with the
                account all the same.
            until: Only what happened before this.
            method: ``fifo``: first in, first out; ``average``: average cost, as the exchange counts.
            lazy: Give a LazyFrame that computes when it is collected.

        Returns:
            One row per period from the first event to the last, quiet ones included: ``period``, then
            ``schema.EQUITY_VALUES``. A period that a bound cuts has what lies within the bounds.

        Raises:
            ArgumentError: ``freq``, ``tz``, the method or a bound is unknown.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> pf = kp.demo()
            >>> pf.equity(freq="1mo")["cumulative_net_pnl_cents"][-1] == pf.pnl()["net_pnl_cents"].item()
            True
        """
        start, end = bounds(since, until, tz)
        wanted = self._wanted(tickers, None, None, None)
        check_method(method)
        warn_if_not_synced(self._store(), FILLS)

        def run_along(matched: pl.DataFrame, transfers: pl.DataFrame) -> pl.DataFrame:
            return profit.equity(matched, transfers, freq=str(freq), tz=tz, since=start, until=end)

        def transfers() -> pl.DataFrame:
            return self._store().read(TRANSFERS) if tickers is None else TRANSFERS.empty()

        def compute() -> pl.DataFrame:
            return run_along(_matched(self._linked(), method).filter(wanted), transfers())

        if lazy:
            return pl.defer(compute, schema=run_along(LOTS.empty(), TRANSFERS.empty()).schema)
        return compute()

    @overload
    def summary(self, *, tickers: Tickers = ..., mark: str = ..., method: str = ..., lazy: Lazy) -> pl.LazyFrame: ...
    @overload
    def summary(
        self, *, tickers: Tickers = ..., mark: str = ..., method: str = ..., lazy: Eager = ...
    ) -> pl.DataFrame: ...
    def summary(
        self, *, tickers: Tickers = None, mark: str = "bid", method: str = "fifo", lazy: bool = False
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give the figures that one looks at first: P&L, fees, capital, return, best and worst, what is unknown.

        Args:
            tickers: Only these markets, and then no transfers, and no return on capital.
            mark: What an open position is worth: ``bid``, ``mid`` or ``last``.
            method: ``fifo``: first in, first out; ``average``: average cost, as the exchange counts.
            lazy: Give a LazyFrame that computes when it is collected.

        Returns:
            One row, ``schema.SUMMARY``; it shows itself in dollars, with what is unknown.

        Raises:
            ArgumentError: The mark or the method is unknown.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().summary()["positions"].item() > 1000
            True
        """
        self._wanted(tickers, None, None, None)  # warns of an unknown ticker now
        check_method(method)
        profit.mark(POSITIONS.empty(), MARKETS.empty(), mark)  # refuses an unknown mark now, not when collected

        def compute() -> pl.DataFrame:
            return profit.summary(
                self.positions(tickers=tickers, mark=mark, method=method),
                self.equity(tickers=tickers, method=method),
                self.transfers() if tickers is None else TRANSFERS.empty(),
                as_of=complete_to(self.coverage()),
            )

        return pl.defer(compute, schema=SUMMARY.schema) if lazy else Summary(compute())

    @overload
    def coverage(self, *, lazy: Lazy) -> pl.LazyFrame: ...
    @overload
    def coverage(self, *, lazy: Eager = ...) -> pl.DataFrame: ...
    def coverage(self, *, lazy: bool = False) -> pl.DataFrame | pl.LazyFrame:
        """Say what is on disk completely, what is missing, and what the exchange no longer lists.

        Args:
            lazy: Give a LazyFrame that reads when it is collected.

        Returns:
            One row per stretch of time of a dataset and subaccount, ``schema.COVERAGE``, in order. No subaccount (null)
            stands for all of them at once, a start in 1970 for the beginning. The frame shows itself in words.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> "missing" in set(kp.demo().coverage()["status"])
            False
        """
        if lazy:
            return pl.defer(lambda: coverage_of(self._store()), schema=COVERAGE.schema)
        return Coverage(coverage_of(self._store()))


def _matched(linked: Linked, method: str) -> pl.DataFrame:
    return linked.lots if method == "fifo" else linked.disposals
