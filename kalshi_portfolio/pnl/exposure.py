"""How much money was at work over time: the cost of what was held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.pnl.equity import between, every_period
from kalshi_portfolio.pnl.events import ATTRIBUTES
from kalshi_portfolio.pnl.group import check_period, checked_columns, period_of, with_groups
from kalshi_portfolio.pnl.ranking import top_groups, with_rank

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


def exposure(
    lots: pl.DataFrame,
    markets: pl.DataFrame,
    *,
    by: str | Sequence[str] = (),
    freq: str = "1d",
    tz: str = "UTC",
    since: datetime | None = None,
    until: datetime | None = None,
    most: int = 5,
) -> pl.DataFrame:
    """Give the cost of what was held at the end of each period, before fees, first in, first out.

    Args:
        lots: Rows of ``schema.LOTS``.
        markets: Rows of ``schema.MARKETS``, for the columns of markets.
        by: As in :func:`~kalshi_portfolio.pnl.pnl`.
        freq: The length of a period.
        tz: The time zone in which periods begin.
        since: Only periods that begin at or after this; what was bought before is in them all the same.
        until: Only periods that begin before this.
        most: How many groups have a name, those with the most money at work over time; all others are one.

    Returns:
        One row per period and group, from the first purchase to the last event, in order: ``period``, ``by``, ``rank``,
        ``cost_cents``, ``unknown_lots`` (held, but left out: the market's history is incomplete) and ``groups``, how
        many groups the row stands for.

    Raises:
        ArgumentError: An unknown column, frequency or time zone.

    Examples:
        >>> from kalshi_portfolio.schema import LOTS, MARKETS
        >>> exposure(LOTS.empty(), MARKETS.empty(), by="category").columns[:2]
        ['period', 'category']
    """
    columns = checked_columns(by, markets)
    days = check_period(freq, tz)
    moves = with_groups(_moves(lots), markets, columns, tz, keep=("at", "cost", "unknown_lots"))
    moves = moves.group_by(period_of(pl.col("at"), freq, tz, days=days).alias("period"), *columns).agg(
        pl.col("cost", "unknown_lots").sum()
    )
    ranks = top_groups(_sizes(moves, columns), columns, most=most)
    merged = (
        with_rank(moves, ranks, columns)
        .group_by("period", *columns, "rank", "groups")
        .agg(pl.col("cost", "unknown_lots").sum())
    )
    names = merged.select(*columns, "rank", "groups").unique().sort("rank")
    grid = every_period(merged["period"], freq, tz, days=days).join(names, how="cross", maintain_order="left_right")
    filled = grid.join(merged.drop(*columns, "groups"), on=["period", "rank"], how="left", maintain_order="left")
    running = filled.with_columns(pl.col("cost", "unknown_lots").fill_null(0).cum_sum().over("rank"))
    dressed = running.select(
        "period", *columns, "rank", money.money(pl.col("cost")).alias("cost_cents"), "unknown_lots", "groups"
    )
    return between(dressed, since, until, tz)


def _moves(lots: pl.DataFrame) -> pl.DataFrame:
    """Give a row for each time that a lot was acquired (+) or disposed of (-), in money units."""
    cost = money.units(pl.col("entry_price_cents")) * money.units(pl.col("quantity"))  # within 64 bits, as MONEY is
    known, unknown = pl.col("complete"), (~pl.col("complete")).cast(pl.Int64)
    closed = lots.filter(pl.col("exit_kind") != "open")

    def moved(rows: pl.DataFrame, at: str, sign: int) -> pl.DataFrame:
        return rows.select(
            *ATTRIBUTES,
            pl.col("opened_at").alias("entered_at"),
            pl.col(at).alias("at"),
            (pl.when(known).then(cost).otherwise(0) * sign).alias("cost"),
            (unknown * sign).alias("unknown_lots"),
        )

    return pl.concat([moved(lots, "opened_at", 1), moved(closed, "closed_at", -1)])


def _sizes(moves: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Give what each group held, times how long it held it: money units times seconds."""
    if not columns:
        return moves
    left = (pl.col("period").max() - pl.col("period")).dt.total_seconds() + 1  # what came last counts, too
    return moves.with_columns(size=money.product(pl.col("cost"), left)).group_by(columns).agg(pl.col("size").sum())
