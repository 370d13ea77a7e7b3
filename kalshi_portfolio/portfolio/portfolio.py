"""The portfolio: opens a data folder, and answers how the account did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack, overload

import polars as pl

from kalshi_portfolio import pnl as profit
from kalshi_portfolio.errors import KalshiPortfolioError
from kalshi_portfolio.loops import run
from kalshi_portfolio.portfolio import clock
from kalshi_portfolio.portfolio.advice import Card
from kalshi_portfolio.portfolio.card import html_card, text_card
from kalshi_portfolio.portfolio.checks import reconciled
from kalshi_portfolio.portfolio.coverage import complete_to, coverage_of
from kalshi_portfolio.portfolio.filters import Filters, Tickers, When, bounds
from kalshi_portfolio.portfolio.kept import Kept
from kalshi_portfolio.portfolio.linked import check_method
from kalshi_portfolio.portfolio.look import Look, look_at
from kalshi_portfolio.portfolio.marks import client_for, read_quotes
from kalshi_portfolio.portfolio.reported import ReportedFrames, Sources
from kalshi_portfolio.portfolio.status import status_of
from kalshi_portfolio.portfolio.unsynced import warn_if_not_synced
from kalshi_portfolio.portfolio.views import Coverage, Reconciliation, Summary
from kalshi_portfolio.schema import (
    FILLS,
    LOTS,
    MARKETS,
    POSITIONS,
    RECONCILIATION,
    SUMMARY,
    TRANSFERS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kalshi_portfolio.client import KalshiPublicClient
    from kalshi_portfolio.ledger import Linked
    from kalshi_portfolio.portfolio.datasets import Eager, Lazy
    from kalshi_portfolio.portfolio.plot import Plot
    from kalshi_portfolio.portfolio.status import Status


class Portfolio(ReportedFrames):
    """An account's data folder, read-only. Fill it with :func:`kalshi_portfolio.sync`.

    Every method reads what is on disk at the time of the call, so that an object made before a sync shows what
    came with it. Money is in cents, quantities are in contracts, both exact decimals; times are UTC. The frame
    methods take ``lazy=True`` for a ``LazyFrame`` that reads when it is collected.

    Args:
        root: The data folder. Without it ``KALSHI_PORTFOLIO_DATA``, else the nearest data folder upwards from
            the working directory.
        client: Makes the client that :meth:`refresh_marks` reads quotes with; None for the exchange that the data
            came from.

    Raises:
        RootNotFoundError: There is no data folder there.

    Examples:
        >>> import kalshi_portfolio as kp
        >>> pf = kp.demo()
        >>> pf.positions(status="open").height > 0
        True
    """

    def __init__(
        self, root: str | Path | None = None, *, client: Callable[[], KalshiPublicClient] | None = None
    ) -> None:
        super().__init__(root)
        self._client = client
        self._look = Kept[Look]()
        self._checks = Kept[pl.DataFrame]()

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

        def compute() -> pl.DataFrame:
            return run_along(_matched(self._linked(), method).filter(wanted), self._transfers_of(tickers))

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
                self._transfers_of(tickers),
                as_of=complete_to(self.coverage()),
            )

        return pl.defer(compute, schema=SUMMARY.schema) if lazy else Summary(compute())

    @overload
    def reconcile(self, *, tickers: Tickers = ..., lazy: Lazy) -> pl.LazyFrame: ...
    @overload
    def reconcile(self, *, tickers: Tickers = ..., lazy: Eager = ...) -> pl.DataFrame: ...
    def reconcile(self, *, tickers: Tickers = None, lazy: bool = False) -> pl.DataFrame | pl.LazyFrame:
        """Compare our figures with the exchange's own: positions, fees, P&L, settlements, cash.

        Args:
            tickers: Only these markets; of one that is nowhere on disk, near ones are named in a warning.
            lazy: Give a LazyFrame that computes when it is collected.

        Returns:
            One row per check, ``schema.RECONCILIATION``, by check, subaccount and ticker, with the cause where a
            figure differs. The frame shows itself as what differs and how many checks agree.

        Raises:
            ArgumentError: A ticker is no text.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> checks = kp.demo().reconcile()
            >>> checks.filter(~checks["ok"], checks["cause"].is_null()).height
            0
        """
        wanted = self._wanted(tickers, None, None, None)
        warn_if_not_synced(self._store(), FILLS)

        def compute() -> pl.DataFrame:
            return self._checks.of(self.root, self._reconciled).filter(wanted)

        return pl.defer(compute, schema=RECONCILIATION.schema) if lazy else Reconciliation(compute())

    def _transfers_of(self, tickers: Tickers) -> pl.DataFrame:
        """Give the account's transfers, and none where only some markets are asked for."""
        return TRANSFERS.empty() if tickers is not None else self._store().read(TRANSFERS)

    def _reconciled(self) -> pl.DataFrame:
        return reconciled(self._store(), self._linked, self.coverage)

    def refresh_marks(self, *, mark: str = "bid") -> pl.DataFrame:
        """Fetch the quotes of what is held, and nothing else: a request per hundred open markets, no key needed.

        The quotes are stored, so that later calls use them, too.

        Args:
            mark: What an open position is worth: ``bid``, ``mid`` or ``last``.

        Returns:
            The open positions at their new marks, as :meth:`positions` gives them.

        Raises:
            ArgumentError: The mark is unknown.
            ConnectionFailedError: The exchange cannot be reached.
            SettingsError: The settings name another exchange than the one that the data came from.
            LockedError: A sync is writing to the folder.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> pf = kp.demo()
            >>> pf.refresh_marks().height == pf.positions(status="open").height
            True
        """
        held = self.positions(status="open", mark=mark)["ticker"].unique().sort().to_list()
        if held:
            store = self._store()
            quotes = run(read_quotes((self._client or client_for(store))(), held))
            store.upsert(MARKETS, quotes)
        return self.positions(status="open", mark=mark)

    def coverage(self) -> pl.DataFrame:
        """Say what is on disk completely, what is missing, and what the exchange no longer lists.

        Returns:
            One row per stretch of time of a dataset and subaccount, ``schema.COVERAGE``, in order. No subaccount (null)
            stands for all of them at once, a start in 1970 for the beginning. The frame shows itself in words.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> "missing" in set(kp.demo().coverage()["status"])
            False
        """
        return Coverage(coverage_of(self._store()))

    def status(self) -> Status:
        """Say what is on disk in words: rows per dataset, what is covered, the last sync, who is syncing now.

        It works on a damaged folder too, and names the files that cannot be read.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().status().in_quarantine
            0
        """
        return status_of(self._store())

    def _sources(self) -> Sources:
        store = self._store()
        look = self._look.of(store.root, lambda: look_at(store, self._linked()))
        return Sources(store, self._linked(), look, self._checks.of(store.root, self._reconciled))

    @property
    def plot(self) -> Plot:
        """Charts of the account, as Altair objects: ``equity``, ``pnl``, ``calendar``, ``position`` and more.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().plot
            Charts: plot.calendar(), plot.distribution(), plot.drawdown(), plot.equity(), ...
        """
        from kalshi_portfolio.portfolio.plot import Plot  # noqa: PLC0415  (Altair takes its time)

        return Plot(self)

    def __repr__(self) -> str:
        return text_card(self._card(), clock.now())

    def _repr_html_(self) -> str:
        """Give a small card for notebooks."""
        return html_card(self._card(), clock.now())

    def _card(self) -> Card:
        """Give what a card is made of. It never raises: what is wrong stands in the card."""
        try:
            store = self._store()
            look = self._look.of(store.root, lambda: look_at(store, self._linked()))
            checks = self._checks.if_current(store.root)
        except (KalshiPortfolioError, OSError) as error:
            return Card(self.root, self.environment, None, sync=self._sync_call, problems=self._problems(error))
        agreed = None if checks is None else (checks.height, checks.height - int(checks["ok"].sum()))
        return Card(store.root, store.mark.environment, look, agreed, self._sync_call)

    def _problems(self, error: Exception) -> tuple[str, ...]:
        """Name all files that cannot be read, not the first alone."""
        try:
            return self.status().problems or (str(error),)
        except (KalshiPortfolioError, OSError):
            return (str(error),)


def _matched(linked: Linked, method: str) -> pl.DataFrame:
    return linked.lots if method == "fifo" else linked.disposals
