"""The portfolio: opens a data folder, reads its datasets, and gives the frames that are computed from them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Literal, Unpack, overload

import polars as pl

from kalshi_portfolio import ledger
from kalshi_portfolio import pnl as profit
from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.portfolio.coverage import coverage_frame, known_from
from kalshi_portfolio.portfolio.filters import Filters, Tickers, When, bounds, condition, dates
from kalshi_portfolio.schema import (
    BALANCES,
    FILLS,
    LOTS,
    MARKETS,
    POSITIONS,
    SETTLED,
    SETTLEMENTS,
    SNAPSHOTS,
    SYNC_LOG,
    TRADES,
    TRANSFERS,
    Table,
)
from kalshi_portfolio.settings import load_settings
from kalshi_portfolio.store import Store, find_root, state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_LINKED_FROM = (FILLS, SETTLEMENTS, MARKETS, SNAPSHOTS, SYNC_LOG)

STATUSES = ("open", "closed", "settled")

Lazy = Literal[True]
Eager = Literal[False]


class Portfolio:
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
        configured = load_settings().data if root is None else None
        self._store = Store.open(find_root(root, configured))
        self._linked_at: tuple[object, ledger.Linked] | None = None

    @property
    def root(self) -> Path:
        """The data folder."""
        return self._store.root

    @property
    def environment(self) -> str:
        """Where the data come from: ``prod``, ``demo``, ``simulated`` or ``custom``."""
        return self._store.mark.environment

    @overload
    def fills(self, *, lazy: Lazy, **filters: Unpack[Filters]) -> pl.LazyFrame: ...
    @overload
    def fills(self, *, lazy: Eager = ..., **filters: Unpack[Filters]) -> pl.DataFrame: ...
    def fills(
        self, *, tickers: Tickers = None, since: When = None, until: When = None, lazy: bool = False
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give the fills as the exchange reported them.

        Args:
            tickers: Only these markets.
            since: Executed at or after this.
            until: Executed before this.
            lazy: Give a LazyFrame that reads when it is collected.

        Returns:
            One row per fill, ``schema.FILLS``, by ``executed_at, kalshi_trade_id``.

        Raises:
            ArgumentError: A bound is no time.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().fills(since="2026-11-01")["executed_at"].is_sorted()
            True
        """
        return self._dataset(FILLS, tickers, since, until, lazy=lazy)

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
        return self._computed(SETTLED, self._settled, tickers, since, until, "settled_at", lazy=lazy)

    @overload
    def snapshots(self, *, lazy: Lazy, **filters: Unpack[Filters]) -> pl.LazyFrame: ...
    @overload
    def snapshots(self, *, lazy: Eager = ..., **filters: Unpack[Filters]) -> pl.DataFrame: ...
    def snapshots(
        self, *, tickers: Tickers = None, since: When = None, until: When = None, lazy: bool = False
    ) -> pl.DataFrame | pl.LazyFrame:
        """Give the exchange's own positions, as each day's last sync found them.

        Args:
            tickers: Only these markets.
            since: Read at or after this.
            until: Read before this.
            lazy: Give a LazyFrame that reads when it is collected.

        Returns:
            One row per market, subaccount and day, ``schema.SNAPSHOTS`` (the dataset ``positions``), by
            ``ticker, subaccount, exchange_index``, then date.

        Raises:
            ArgumentError: A bound is no time.
            DamagedFileError: A file cannot be read; it is named.
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
        """
        return self._dataset(BALANCES, None, since, until, lazy=lazy)

    @overload
    def markets(self, *, tickers: Tickers = ..., lazy: Lazy) -> pl.LazyFrame: ...
    @overload
    def markets(self, *, tickers: Tickers = ..., lazy: Eager = ...) -> pl.DataFrame: ...
    def markets(self, *, tickers: Tickers = None, lazy: bool = False) -> pl.DataFrame | pl.LazyFrame:
        """Give the markets that the account ever traded: titles, results, payouts, last quotes.

        Args:
            tickers: Only these markets.
            lazy: Give a LazyFrame that reads when it is collected.

        Returns:
            One row per market, ``schema.MARKETS``, by ``ticker``.

        Raises:
            DamagedFileError: The file cannot be read.
        """
        return self._dataset(MARKETS, tickers, None, None, lazy=lazy)

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

        def compute() -> pl.DataFrame:
            linked = self._linked()
            marked = profit.mark(linked.positions, self._store.read(MARKETS), mark)
            return marked if status is None else marked.filter(pl.col("status") == status)

        return self._computed(POSITIONS, compute, tickers, since, until, "opened_at", lazy=lazy)

    def pnl(
        self,
        by: str | Sequence[str] = (),
        *,
        freq: str | None = None,
        tz: str = "UTC",
        tickers: Tickers = None,
        since: When = None,
        until: When = None,
    ) -> pl.DataFrame:
        """Give P&L per group and period. P&L falls on the day it is realised, a fee on the day it is paid.

        Args:
            by: One or several of ``ticker, event_ticker, series_ticker, category, side, is_taker, subaccount,
                price_bucket, hour, weekday, result``, or any column of the markets.
            freq: A Polars duration such as ``1d``, ``1w``, ``1mo``; None for no periods.
            tz: The time zone of days and hours. Kalshi's own day is ``America/New_York``.
            tickers: Only these markets.
            since: Realised, or paid, at or after this.
            until: Realised, or paid, before this.

        Returns:
            One row per group and period, in their order: the group columns, ``period`` if ``freq`` is given, and
            ``realized_pnl_cents, fee_cents, net_pnl_cents, quantity, lots, unknown_lots, win_ratio``. Lots without
            a known P&L are counted in ``unknown_lots`` and never summed.

        Raises:
            ArgumentError: A column, ``freq``, ``tz`` or a bound is unknown.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().pnl(by="category").columns[:4]
            ['category', 'realized_pnl_cents', 'fee_cents', 'net_pnl_cents']
        """
        start, end = bounds(since, until)
        lots = self._linked().lots.filter(condition(tickers, None, None, None))
        return profit.pnl(lots, self._store.read(MARKETS), by=by, freq=freq, tz=tz, since=start, until=end)

    def coverage(self) -> pl.DataFrame:
        """Say what is on disk completely, what is missing, and what the exchange no longer lists.

        Returns:
            One row per stretch of time of a dataset and subaccount, ``schema.COVERAGE``, in order.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> "missing" in set(kp.demo().coverage()["status"])
            False
        """
        return coverage_frame(self._store.coverage_log([FILLS, SETTLEMENTS]))

    def __repr__(self) -> str:
        figures = "\n".join(f"  {name:<16}{value}" for name, value in self._figures())
        return f"Portfolio({str(self.root)!r}, {self.environment})\n{figures}"

    def _repr_html_(self) -> str:
        """Give a small card for notebooks, in the notebook's own colours."""
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td style='text-align:right'>{escape(value)}</td></tr>"
            for name, value in self._figures()
        )
        return f"<div><b>Kalshi portfolio</b> ({escape(self.environment)})<table><tbody>{rows}</tbody></table></div>"

    def _figures(self) -> list[tuple[str, str]]:
        coverage = self.coverage()
        fills = coverage.filter(pl.col("dataset") == "fills", pl.col("status") == "complete")
        if fills.is_empty():
            return [("fills", "none yet: run kalshi_portfolio.sync()")]
        positions = self.positions()
        total = next(self.pnl().iter_rows(named=True), {})
        unknown = positions.filter(~pl.col("complete")).height
        figures = [
            ("complete to", f"{fills.select(pl.col('covered_to').max()).item():%Y-%m-%d %H:%M} UTC"),
            ("fills", f"{self._store_height(FILLS):,}"),
            ("positions", f"{positions.height:,}, of them {(positions['status'] == 'open').sum():,} open"),
            ("net P&L", _dollars(total.get("net_pnl_cents"))),
            ("  realised", _dollars(total.get("realized_pnl_cents"))),
            ("  fees", _dollars(total.get("fee_cents"))),
        ]
        if unknown:
            figures.append(("left out", f"{unknown:,} positions whose history is incomplete"))
        return figures

    def _store_height(self, table: Table) -> int:
        return sum(self._store.rows_per_partition(table).values())

    def _dataset(
        self, table: Table, tickers: Tickers, since: When, until: When, *, lazy: bool
    ) -> pl.DataFrame | pl.LazyFrame:
        start, end = bounds(since, until)
        first, last = dates(start, end) if table.partition_by else (None, None)
        wanted = condition(tickers, start, end, table.partition_by)
        if lazy:
            return self._store.scan(table, since=first, until=last).filter(wanted)
        return self._store.read(table, since=first, until=last, predicate=wanted)

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

    def _settled(self) -> pl.DataFrame:
        store = self._store
        return ledger.settle(store.read(FILLS), store.read(SETTLEMENTS), store.read(MARKETS))

    def _linked(self) -> ledger.Linked:
        """Link everything, or give what was linked before if nothing on disk has changed since."""
        current = state(self._store.root, _LINKED_FROM)
        if self._linked_at is None or self._linked_at[0] != current:
            self._linked_at = (current, self._link())
        return self._linked_at[1]

    def _link(self) -> ledger.Linked:
        store = self._store
        fills, markets = store.read(FILLS), store.read(MARKETS)
        settled = ledger.settle(fills, store.read(SETTLEMENTS), markets)
        log = store.coverage_log([FILLS])
        judged = ledger.judge(
            fills,
            settled,
            snapshots=store.latest(SNAPSHOTS),
            markets=markets,
            quarantined=[(row.subaccount, row.ticker) for row in store.quarantined("fills")],
            history_from=known_from(log),
        )
        return ledger.link(fills, settled, judged, markets)


def _dollars(cents: object) -> str:
    """Show an exact amount of cents as dollars."""
    if cents is None:
        return "unknown"
    from decimal import Decimal  # noqa: PLC0415

    amount = Decimal(str(cents)) / 100
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"
