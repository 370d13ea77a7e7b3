"""The portfolio: opens a data folder, and answers how the account did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack, overload

import polars as pl

from kalshi_portfolio import pnl as profit
from kalshi_portfolio.portfolio.card import html_card, text_card
from kalshi_portfolio.portfolio.coverage import coverage_frame
from kalshi_portfolio.portfolio.filters import Filters, Tickers, When, bounds, condition
from kalshi_portfolio.portfolio.linked import LinkedFrames, check_method
from kalshi_portfolio.portfolio.status import complete_to, status_of
from kalshi_portfolio.reconcile import reconcile
from kalshi_portfolio.schema import (
    BALANCES,
    FILLS,
    LOTS,
    MARKETS,
    RECONCILIATION,
    SETTLED,
    SETTLEMENTS,
    SNAPSHOTS,
    TRANSFERS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kalshi_portfolio.ledger import Linked
    from kalshi_portfolio.portfolio.datasets import Eager, Lazy
    from kalshi_portfolio.portfolio.status import Status


class Portfolio(LinkedFrames):
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
                price_bucket, hour, weekday, result``, or any column of the markets.
            freq: The length of a period: ``1h``, ``1d``, ``1w``, ``1mo``, ``1q``, ``1y``; None for no periods.
            tz: The time zone of days and hours. Kalshi's own day is ``America/New_York``.
            tickers: Only these markets.
            since: Realised, or paid, at or after this.
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
        start, end = bounds(since, until)
        wanted = condition(tickers, None, None, None)
        check_method(method)

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

    def equity(
        self,
        *,
        freq: str = "1d",
        tz: str = "UTC",
        since: When = None,
        until: When = None,
        method: str = "fifo",
    ) -> pl.DataFrame:
        """Give the account's course: P&L, fees, transfers and the running total per period.

        Args:
            freq: The length of a period: ``1h``, ``1d``, ``1w``, ``1mo``, ``1q``, ``1y``.
            tz: The time zone in which periods begin. Kalshi's own day is ``America/New_York``.
            since: Only periods that begin at or after this; the running total starts with the account all the same.
            until: Only periods that begin before this.
            method: ``fifo``: first in, first out; ``average``: average cost, as the exchange counts.

        Returns:
            One row per period from the first event to the last, quiet ones included: ``period``, then
            ``schema.EQUITY_VALUES``.

        Raises:
            ArgumentError: ``freq``, ``tz``, the method or a bound is unknown.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> pf = kp.demo()
            >>> pf.equity(freq="1mo")["cumulative_net_pnl_cents"][-1] == pf.pnl()["net_pnl_cents"].item()
            True
        """
        start, end = bounds(since, until)
        check_method(method)
        matched, transfers = _matched(self._linked(), method), self._store().read(TRANSFERS)
        return profit.equity(matched, transfers, freq=str(freq), tz=tz, since=start, until=end)

    def summary(self, *, mark: str = "bid") -> pl.DataFrame:
        """Give the figures that one looks at first: P&L, fees, capital, return, best and worst, what is unknown.

        Args:
            mark: What an open position is worth: ``bid``, ``mid`` or ``last``.

        Returns:
            One row, ``schema.SUMMARY``.

        Raises:
            ArgumentError: The mark is unknown.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().summary()["positions"].item() > 1000
            True
        """
        as_of = complete_to(self.coverage())
        return profit.summary(self.positions(mark=mark), self.equity(), self.transfers(), as_of=as_of)

    def reconcile(self, *, tickers: Tickers = None) -> pl.DataFrame:
        """Compare our figures with the exchange's own: positions, fees, P&L, settlements, cash.

        Args:
            tickers: Only these markets.

        Returns:
            One row per check, ``schema.RECONCILIATION``, by check, subaccount and ticker, with the cause where a
            figure differs.

        Raises:
            ArgumentError: A ticker is no text.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> checks = kp.demo().reconcile()
            >>> checks.filter(~checks["ok"], checks["cause"].is_null()).height
            0
        """
        wanted = condition(tickers, None, None, None)
        store, linked = self._store(), self._linked()
        checks = reconcile(
            linked,
            settlements=SETTLED.empty() if linked.settled is None else linked.settled,
            snapshots=store.latest(SNAPSHOTS),
            transfers=store.read(TRANSFERS),
            balances=store.latest(BALANCES),
            transfers_complete=not self.coverage().filter(pl.col("dataset") == TRANSFERS.name).is_empty(),
        )
        return RECONCILIATION.conform(checks.filter(wanted))

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


def _matched(linked: Linked, method: str) -> pl.DataFrame:
    return linked.lots if method == "fifo" else linked.disposals
