"""Which positions a report names: those that ended in a stretch of time, the best, the worst, the largest held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import money

if TYPE_CHECKING:
    from datetime import datetime

_HELD = pl.col("status") == "open"
_NET = pl.col("net_pnl_cents")


def of_period(positions: pl.DataFrame, *, since: datetime | None = None, until: datetime | None = None) -> pl.DataFrame:
    """Give the positions that ended within the bounds, and all that are held now.

    Args:
        positions: Rows of ``schema.POSITIONS``.
        since: Ended at or after this.
        until: Ended before this.

    Returns:
        Rows of ``schema.POSITIONS``, in their order.

    Examples:
        >>> from kalshi_portfolio.schema import POSITIONS
        >>> of_period(POSITIONS.empty()).height
        0
    """
    ended = pl.col("closed_at")
    after = pl.lit(value=True) if since is None else ended >= since
    before = pl.lit(value=True) if until is None else ended < until
    return positions.filter(_HELD | (after & before))


def best(positions: pl.DataFrame, most: int) -> pl.DataFrame:
    """Give the ended positions that gained most, the best first.

    Args:
        positions: Rows of ``schema.POSITIONS``.
        most: How many.

    Returns:
        Rows of ``schema.POSITIONS`` with a net P&L above 0.

    Examples:
        >>> from kalshi_portfolio.schema import POSITIONS
        >>> best(POSITIONS.empty(), 20).height
        0
    """
    gains = positions.filter(~_HELD, _NET > 0)
    return gains.sort("net_pnl_cents", "position_id", descending=[True, False]).head(most)


def worst(positions: pl.DataFrame, most: int) -> pl.DataFrame:
    """Give the ended positions that lost most, the worst first.

    Args:
        positions: Rows of ``schema.POSITIONS``.
        most: How many.

    Returns:
        Rows of ``schema.POSITIONS`` with a net P&L below 0.

    Examples:
        >>> from kalshi_portfolio.schema import POSITIONS
        >>> worst(POSITIONS.empty(), 20).height
        0
    """
    return positions.filter(~_HELD, _NET < 0).sort("net_pnl_cents", "position_id").head(most)


def largest_held(positions: pl.DataFrame) -> pl.DataFrame:
    """Give the open positions by cost, the largest first, those of unknown cost last.

    Args:
        positions: Rows of ``schema.POSITIONS``.

    Returns:
        Rows of ``schema.POSITIONS``.

    Examples:
        >>> from kalshi_portfolio.schema import POSITIONS
        >>> largest_held(POSITIONS.empty()).height
        0
    """
    return positions.filter(_HELD).sort("cost_cents", "position_id", descending=[True, False], nulls_last=True)


def held_sums(held: pl.DataFrame) -> pl.DataFrame:
    """Add up open positions; what is unknown is left out and counted.

    Args:
        held: Open rows of ``schema.POSITIONS``.

    Returns:
        One row: ``positions``, ``cost_cents`` and ``unrealized_pnl_cents`` (null where none is known),
        ``unknown_marks`` (those with a known history whose unrealised P&L is unknown) and ``incomplete_positions``
        (those whose history is incomplete; they are in no sum).

    Examples:
        >>> from kalshi_portfolio.schema import POSITIONS
        >>> held_sums(POSITIONS.empty())["positions"].item()
        0
    """

    def total(name: str) -> pl.Expr:
        value = pl.col(name).filter("complete")
        known = value.is_not_null().any() | (pl.len() == 0)
        return money.money(pl.when(known).then(money.wide_units(value).sum())).alias(name)

    unmarked = pl.col("complete") & pl.col("unrealized_pnl_cents").is_null()
    return held.select(
        pl.len().cast(pl.Int64).alias("positions"),
        total("cost_cents"),
        total("unrealized_pnl_cents"),
        unmarked.sum().cast(pl.Int64).alias("unknown_marks"),
        (~pl.col("complete")).sum().cast(pl.Int64).alias("incomplete_positions"),
    )
