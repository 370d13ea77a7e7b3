"""What one sees of a portfolio at a look: the figures of its card, read and computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from kalshi_portfolio import pnl as profit
from kalshi_portfolio.portfolio.coverage import complete_to, coverage_of, latest
from kalshi_portfolio.schema import DATASETS, FILLS, MARKETS, SYNC_LOG, TRANSFERS

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

    from kalshi_portfolio.ledger import Linked
    from kalshi_portfolio.store import Store

_LARGEST = 5
_OPEN = pl.col("status") == "open"


@dataclass(frozen=True, slots=True)
class Look:
    """The figures of a portfolio's card.

    Attributes:
        as_of: Up to when the fills of every subaccount are complete; None where some are missing.
        last_sync: When the last sync ended, by the exchange's clock; None before the first.
        quoted_at: When the oldest quote of what is held was read; None if nothing is held or quoted.
        fills: How many fills.
        summary: The row of ``schema.SUMMARY``.
        ended: How many ended positions the win ratio is of.
        days: The days of the equity line.
        curve: Net P&L since the account began at the end of each of these days, in cents.
        largest: The largest open positions by cost.
        never_quoted: How many open positions have no mark because no quote of their market was ever read.
        unknown_lots: Lots left out of the sums.
        waiting: Datasets that no sync has read.
        missing: Datasets of which a stretch of time is missing.
        quarantined: How many rows lie in quarantine.
    """

    as_of: datetime | None
    last_sync: datetime | None
    quoted_at: datetime | None
    fills: int
    summary: dict[str, Any]
    ended: int
    days: tuple[date, ...]
    curve: tuple[Decimal, ...]
    largest: pl.DataFrame
    never_quoted: int
    unknown_lots: int
    waiting: tuple[str, ...]
    missing: tuple[str, ...]
    quarantined: int

    @property
    def never_synced(self) -> bool:
        """Whether there is nothing to show yet."""
        return self.last_sync is None and not self.fills


def look_at(store: Store, linked: Linked) -> Look:
    """Read and compute what a card shows.

    Args:
        store: The data folder.
        linked: Its trades, linked.

    Raises:
        StoreError: A file cannot be read; it is named.
    """
    coverage = coverage_of(store)
    as_of = complete_to(coverage)
    transfers = store.read(TRANSFERS)
    markets = MARKETS.empty() if linked.markets is None else linked.markets
    positions = profit.mark(linked.positions, markets)
    curve = profit.equity(linked.lots, transfers)
    held = positions.filter(_OPEN)
    quotes = held.select("ticker", "unrealized_pnl_cents", "complete").join(
        markets.select("ticker", "quoted_at"), on="ticker", how="left"
    )
    unmarked = quotes.filter("complete", pl.col("unrealized_pnl_cents").is_null())
    return Look(
        as_of=as_of,
        last_sync=latest(store.read(SYNC_LOG)["finished_at"]),
        quoted_at=latest(quotes["quoted_at"], first=True),
        fills=linked.axis.fills.height,
        summary=profit.summary(positions, curve, transfers, as_of=as_of).row(0, named=True),
        ended=positions.filter(~_OPEN, pl.col("net_pnl_cents").is_not_null()).height,
        days=tuple(curve["period"]),
        curve=tuple(curve["cumulative_net_pnl_cents"]),
        largest=held.sort("cost_cents", descending=True, nulls_last=True).head(_LARGEST),
        never_quoted=unmarked["quoted_at"].null_count(),
        unknown_lots=int(curve["unknown_lots"].sum()),
        waiting=_waiting(store, coverage, markets),
        missing=tuple(coverage.filter(pl.col("status") == "missing")["dataset"].unique().sort()),
        quarantined=sum(len(store.quarantined(name)) for name in DATASETS),
    )


def _waiting(store: Store, coverage: pl.DataFrame, markets: pl.DataFrame) -> tuple[str, ...]:
    """Name the datasets that no sync has read: the log does not know them, and there are no files."""
    logged = set(coverage["dataset"])
    there = {name for name, table in DATASETS.items() if name in logged or store.partitions(table)}
    if not markets.is_empty() or not store.partitions(FILLS):  # without fills there are no markets to read
        there.add(MARKETS.name)
    return tuple(name for name in DATASETS if name not in there and name != SYNC_LOG.name)
