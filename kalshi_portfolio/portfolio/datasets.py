"""The datasets on disk, as the exchange reported them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Unpack, overload

from kalshi_portfolio.portfolio.filters import Filters, Tickers, When, bounds, condition, dates, listed
from kalshi_portfolio.portfolio.tickers import KnownTickers
from kalshi_portfolio.portfolio.unsynced import warn_if_not_synced
from kalshi_portfolio.schema import BALANCES, FILLS, MARKETS, SNAPSHOTS, TRANSFERS, Table
from kalshi_portfolio.settings import load_settings
from kalshi_portfolio.store import Store, find_root

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import polars as pl

Lazy = Literal[True]
Eager = Literal[False]


class Datasets:
    """A data folder, read-only: what the exchange reported, row by row."""

    def __init__(self, root: str | Path | None = None) -> None:
        configured = None if root else load_settings().data
        self._opened = Store.open(find_root(root, configured))
        self._sync_call = "kp.sync()" if root is None else "kp.sync(pf.root)"
        self._known = KnownTickers()

    @property
    def root(self) -> Path:
        """The data folder."""
        return self._opened.root

    @property
    def environment(self) -> str:
        """Where the data come from: ``prod``, ``demo``, ``simulated`` or ``custom``."""
        return self._opened.mark.environment

    def _store(self) -> Store:
        """Open the folder anew: one that was moved away since must not read as an account without trades."""
        self._opened = Store.open(self.root)
        return self._opened

    @overload
    def fills(self, *, lazy: Lazy, **filters: Unpack[Filters]) -> pl.LazyFrame: ...
    @overload
    def fills(self, *, lazy: Eager = ..., **filters: Unpack[Filters]) -> pl.DataFrame: ...
    def fills(
        self, *, tickers: Tickers = None, since: When = None, until: When = None, lazy: bool = False
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give the fills as the exchange reported them.

        Args:
            tickers: Only these markets; of one that is nowhere on disk, near ones are named in a warning.
            since: Executed at or after this.
            until: Executed before this.
            lazy: Give a LazyFrame that reads when it is collected.

        Returns:
            One row per fill, ``schema.FILLS``, by ``executed_at, kalshi_trade_id``.

        Raises:
            ArgumentError: A bound is no time, or a ticker is no text.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().fills(since="2026-11-01")["executed_at"].is_sorted()
            True
        """
        return self._dataset(FILLS, tickers, since, until, lazy=lazy)

    @overload
    def snapshots(self, *, lazy: Lazy, **filters: Unpack[Filters]) -> pl.LazyFrame: ...
    @overload
    def snapshots(self, *, lazy: Eager = ..., **filters: Unpack[Filters]) -> pl.DataFrame: ...
    def snapshots(
        self, *, tickers: Tickers = None, since: When = None, until: When = None, lazy: bool = False
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give the exchange's own positions, as each day's last sync found them.

        Args:
            tickers: Only these markets; of one that is nowhere on disk, near ones are named in a warning.
            since: Read at or after this.
            until: Read before this.
            lazy: Give a LazyFrame that reads when it is collected.

        Returns:
            One row per market, subaccount and day, ``schema.SNAPSHOTS`` (the dataset ``positions``), by
            ``ticker, subaccount, exchange_index``, then date.

        Raises:
            ArgumentError: A bound is no time.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import polars as pl, kalshi_portfolio as kp
            >>> held = kp.demo().snapshots(tickers="KXFED-26DEC-T4.50")
            >>> held.select("side", "quantity", pl.col("closed_at").dt.date()).row(-1)  # flat: no side
            (None, Decimal('0.00'), datetime.date(2026, 11, 13))
        """
        return self._dataset(SNAPSHOTS, tickers, since, until, lazy=lazy)

    @overload
    def transfers(self, *, since: When = ..., until: When = ..., lazy: Lazy) -> pl.LazyFrame: ...
    @overload
    def transfers(self, *, since: When = ..., until: When = ..., lazy: Eager = ...) -> pl.DataFrame: ...
    def transfers(self, *, since: When = None, until: When = None, lazy: bool = False) -> pl.DataFrame | pl.LazyFrame:
        """Give deposits, withdrawals and internal transfers.

        Args:
            since: Asked for at or after this.
            until: Asked for before this.
            lazy: Give a LazyFrame that reads when it is collected.

        Returns:
            One row per movement of cash, ``schema.TRANSFERS``, by ``created_at, kind, transfer_id``.

        Raises:
            ArgumentError: A bound is no time.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> applied = kp.demo().transfers().filter(status="applied")
            >>> sorted(applied["kind"].unique())
            ['deposit', 'withdrawal']
        """
        return self._dataset(TRANSFERS, None, since, until, lazy=lazy)

    @overload
    def balances(self, *, since: When = ..., until: When = ..., lazy: Lazy) -> pl.LazyFrame: ...
    @overload
    def balances(self, *, since: When = ..., until: When = ..., lazy: Eager = ...) -> pl.DataFrame: ...
    def balances(self, *, since: When = None, until: When = None, lazy: bool = False) -> pl.DataFrame | pl.LazyFrame:
        """Give the cash of each subaccount and shard, as each day's last sync found it.

        Args:
            since: Read at or after this.
            until: Read before this.
            lazy: Give a LazyFrame that reads when it is collected.

        Returns:
            One row per subaccount, shard and day, ``schema.BALANCES``, by ``subaccount, exchange_index``, then date.

        Raises:
            ArgumentError: A bound is no time.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().balances()["balance_cents"].sum()
            Decimal('1047247.420000')
        """
        return self._dataset(BALANCES, None, since, until, lazy=lazy)

    @overload
    def markets(self, *, tickers: Tickers = ..., lazy: Lazy) -> pl.LazyFrame: ...
    @overload
    def markets(self, *, tickers: Tickers = ..., lazy: Eager = ...) -> pl.DataFrame: ...
    def markets(self, *, tickers: Tickers = None, lazy: bool = False) -> pl.DataFrame | pl.LazyFrame:
        """Give the markets that the account ever traded: titles, results, payouts, last quotes.

        Args:
            tickers: Only these markets; of one that is nowhere on disk, near ones are named in a warning.
            lazy: Give a LazyFrame that reads when it is collected.

        Returns:
            One row per market, ``schema.MARKETS``, by ``ticker``.

        Raises:
            DamagedFileError: The file cannot be read.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> markets = kp.demo().markets(tickers="KXFED-26DEC-T4.50")
            >>> markets.select("series_ticker", "status").row(0)
            ('KXFED', 'active')
        """
        return self._dataset(MARKETS, tickers, None, None, lazy=lazy)

    def _dataset(
        self, table: Table, tickers: Tickers, since: When, until: When, *, lazy: bool
    ) -> pl.DataFrame | pl.LazyFrame:
        store = self._store()
        warn_if_not_synced(store, table)
        start, end = bounds(since, until)
        first, last = dates(start, end) if table.partition_by else (None, None)
        wanted = self._wanted(tickers, start, end, table.partition_by)
        if lazy:
            return store.scan(table, since=first, until=last).filter(wanted)
        return store.read(table, since=first, until=last, predicate=wanted)

    def _wanted(self, tickers: Tickers, start: datetime | None, end: datetime | None, column: str | None) -> pl.Expr:
        """Give the filters as one condition; tickers that nothing on disk has are warned of now, not at collect."""
        names = listed(tickers)
        if names:
            self._known.check(self._store(), names)
        return condition(names, start, end, column)
