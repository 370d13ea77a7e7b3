"""The frames that come out of linking: settlements, trades, lots, positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack, overload

import polars as pl

from kalshi_portfolio import pnl as profit
from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.portfolio.datasets import Datasets, Eager, Lazy
from kalshi_portfolio.portfolio.filters import Filters, Tickers, When, bounds
from kalshi_portfolio.portfolio.links import Links, settled
from kalshi_portfolio.portfolio.unsynced import warn_if_not_synced
from kalshi_portfolio.schema import FILLS, LOTS, MARKETS, POSITIONS, SETTLED, SETTLEMENTS, TRADES, Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kalshi_portfolio.ledger import Linked

STATUSES = ("open", "closed", "settled")
ALL = "all"
METHODS = ("fifo", "average")


class LinkedFrames(Datasets):
    """A data folder whose fills are linked to positions."""

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
            tickers: Only these markets; of one that is nowhere on disk, near ones are named in a warning.
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
            tickers: Only these markets; of one that is nowhere on disk, near ones are named in a warning.
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
            tickers: Only these markets; of one that is nowhere on disk, near ones are named in a warning.
            since: Closed at or after this; leaves out open lots.
            until: Closed before this; leaves out open lots.
            lazy: Give a LazyFrame that computes when it is collected.

        Returns:
            One row per lot, ``schema.LOTS``, by ``opened_at, entry_trade_id``, then in the order of disposal.

        Raises:
            ArgumentError: A bound is no time.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> lots = kp.demo().lots()
            >>> sorted(lots["exit_kind"].unique())
            ['open', 'settlement', 'trade']
            >>> lots["quantity"].sum() == kp.demo().positions()["bought_quantity"].sum()
            True
        """
        return self._computed(LOTS, lambda: self._linked().lots, tickers, since, until, "closed_at", lazy=lazy)

    @overload
    def positions(
        self, *, status: str | None = ..., mark: str = ..., method: str = ..., lazy: Lazy, **filters: Unpack[Filters]
    ) -> pl.LazyFrame: ...
    @overload
    def positions(
        self,
        *,
        status: str | None = ...,
        mark: str = ...,
        method: str = ...,
        lazy: Eager = ...,
        **filters: Unpack[Filters],
    ) -> pl.DataFrame: ...
    def positions(
        self,
        *,
        status: str | None = None,
        tickers: Tickers = None,
        since: When = None,
        until: When = None,
        mark: str = "bid",
        method: str = "fifo",
        lazy: bool = False,
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give every position from flat to flat, with its P&L; open ones with their mark.

        Args:
            status: ``open``, ``closed`` (by trades) or ``settled``; None or ``all`` for all.
            tickers: Only these markets; of one that is nowhere on disk, near ones are named in a warning.
            since: Opened at or after this.
            until: Opened before this.
            mark: What an open position is worth: ``bid`` (of the held side: what a sale would fetch now), ``mid`` or
                ``last``. A side of the book where nobody quotes is no price: the mark is null then.
            method: ``fifo``: first in, first out; ``average``: average cost, as the exchange counts. They differ in
                positions that are open and were sold in part.
            lazy: Give a LazyFrame that computes when it is collected.

        Returns:
            One row per position, ``schema.POSITIONS``, by ``opened_at, position_id``. Where the history of a market
            is not known to be complete, P&L is null and ``cause`` says why.

        Raises:
            ArgumentError: The status, the mark or the method is unknown, or a bound is no time.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().positions(status="open")["quantity"].min() > 0
            True
        """
        if status not in (*STATUSES, ALL, None):
            raise ArgumentError(
                f"status={status!r} is unknown. Expected one of {', '.join(STATUSES)}, or None or {ALL!r} for all."
            )
        check_method(method)
        profit.mark(POSITIONS.empty(), MARKETS.empty(), mark)  # refuses an unknown mark now, not at collect

        def compute() -> pl.DataFrame:
            linked = self._linked()
            quotes = MARKETS.empty() if linked.markets is None else linked.markets
            unmarked = linked.positions if method == "fifo" else linked.average_positions
            marked = profit.mark(unmarked, quotes, mark)
            return marked if status in (None, ALL) else marked.filter(pl.col("status") == status)

        return self._computed(POSITIONS, compute, tickers, since, until, "opened_at", lazy=lazy)

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
        wanted = self._wanted(tickers, *bounds(since, until), column)
        warn_if_not_synced(self._store(), SETTLEMENTS if table is SETTLED else FILLS)
        if lazy:
            return pl.defer(compute, schema=table.schema).filter(wanted)
        return compute().filter(wanted)

    def _linked(self) -> Linked:
        return self._links.of(self._store())


def check_method(method: str) -> None:
    """Refuse a method of matching that there is not.

    Raises:
        ArgumentError: It names those that there are.
    """
    if method not in METHODS:
        raise ArgumentError(f"method={method!r} is unknown. Expected one of {', '.join(METHODS)}.")
