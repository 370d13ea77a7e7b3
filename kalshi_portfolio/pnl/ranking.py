"""Which groups are shown by name, and which are added up as the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import money

if TYPE_CHECKING:
    from collections.abc import Sequence

_SUMS = ("realized_pnl_cents", "fee_cents", "net_pnl_cents")
_IN_ORDER = {"hour", "weekday", "price_bucket"}


def ranked(
    table: pl.DataFrame, by: str | Sequence[str], *, best: int = 12, worst: int = 12, value: str = "net_pnl_cents"
) -> pl.DataFrame:
    """Give the best and the worst groups, and one row for all between them.

    Args:
        table: From :func:`~kalshi_portfolio.pnl.pnl` without ``freq``.
        by: The columns that it was grouped by.
        best: How many of the best to show.
        worst: How many of the worst.
        value: What groups are ranked by, highest first. Hours, weekdays and price buckets keep their own order.

    Returns:
        ``by``, ``realized_pnl_cents, fee_cents, net_pnl_cents, quantity, lots, unknown_lots`` and ``groups``: how many
        groups the row stands for. It is 1, except in the row that sums up the rest, where ``by`` is null. Groups of
        which nothing is known are left out.

    Examples:
        >>> from kalshi_portfolio.pnl import pnl
        >>> from kalshi_portfolio.schema import LOTS, MARKETS
        >>> ranked(pnl(LOTS.empty(), MARKETS.empty(), by="ticker"), "ticker").columns[-2:]
        ['unknown_lots', 'groups']
    """
    columns = _listed(by)
    known = table.drop_nulls(value).select(
        *columns, *_SUMS, "quantity", "lots", "unknown_lots", groups=pl.lit(1, pl.Int64)
    )
    if columns and set(columns) <= _IN_ORDER:
        return known
    known = known.sort(value, *columns, descending=[True, *(False for _ in columns)], nulls_last=True)
    if known.height <= best + worst + 1:
        return known
    rest = known.slice(best, known.height - best - worst).select(
        *(pl.lit(None, known.schema[name]).alias(name) for name in columns), *_totals(groups=pl.len().cast(pl.Int64))
    )
    return pl.concat([known.head(best), rest, known.tail(worst)])


def stacked(
    table: pl.DataFrame, by: str | Sequence[str], freq: str, *, most: int = 5, value: str = "net_pnl_cents"
) -> pl.DataFrame:
    """Give P&L by period, with the groups that moved most by name and all others as one.

    Args:
        table: From :func:`~kalshi_portfolio.pnl.pnl` with this ``by`` and ``freq``.
        by: The columns that it was grouped by, none for the whole account.
        freq: The length of a period.
        most: How many groups have a name.
        value: What decides: the sum over the periods of its magnitudes.

    Returns:
        One row per period and group, the largest group first: ``period``, ``period_end`` (exclusive), ``by``,
        ``rank`` (1 for the group that moved most), then as :func:`ranked`. Rows of which nothing is known are left out.

    Examples:
        >>> from kalshi_portfolio.pnl import pnl
        >>> from kalshi_portfolio.schema import LOTS, MARKETS
        >>> stacked(pnl(LOTS.empty(), MARKETS.empty(), freq="1mo"), (), "1mo").columns[:2]
        ['period', 'period_end']
    """
    columns = _listed(by)
    known = table.drop_nulls(value)
    size = money.wide_units(pl.col(value)).abs().sum()
    ranks = top_groups(known.group_by(columns).agg(size=size) if columns else pl.DataFrame(), columns, most=most)
    known = with_rank(known, ranks, columns)
    merged = known.group_by("period", *columns, "rank", "groups").agg(_totals())
    return merged.sort("period", "rank").select(
        "period",
        pl.col("period").dt.offset_by(freq).alias("period_end"),
        *columns,
        "rank",
        *_SUMS,
        "quantity",
        "lots",
        "unknown_lots",
        "groups",
    )


def top_groups(sizes: pl.DataFrame, columns: list[str], *, most: int) -> pl.DataFrame:
    """Rank groups by ``size``: the largest have numbers of their own, all others share the last.

    Args:
        sizes: One row per group: ``columns`` and ``size``.
        columns: What tells groups apart.
        most: How many get a number of their own; one more if that spares a rest of one.

    Returns:
        ``columns``, ``rank`` from 1, and ``groups``, how many groups share the rank.
    """
    if not columns:
        return sizes
    ordered = sizes.sort("size", *columns, descending=[True, *(False for _ in columns)], nulls_last=True)
    named = most if ordered.height > most + 1 else ordered.height
    rank = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).clip(upper_bound=named + 1)
    return ordered.with_columns(rank=rank).select(*columns, "rank", groups=pl.len().over("rank").cast(pl.Int64))


def with_rank(frame: pl.DataFrame, ranks: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Put ``rank`` and ``groups`` beside rows, and blank the name of those that are the rest."""
    if not columns:
        return frame.with_columns(rank=pl.lit(1, pl.Int64), groups=pl.lit(1, pl.Int64))
    joined = frame.join(ranks, on=columns, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(pl.when(pl.col("groups") == 1).then(name).alias(name) for name in columns)


def _listed(by: str | Sequence[str]) -> list[str]:
    return [by] if isinstance(by, str) else list(by)


def _totals(**more: pl.Expr) -> list[pl.Expr]:
    return [
        *(money.money(money.wide_units(pl.col(name)).sum()).alias(name) for name in _SUMS),
        money.quantity(money.wide_units(pl.col("quantity")).sum()).alias("quantity"),
        pl.col("lots").sum(),
        pl.col("unknown_lots").sum(),
        *(expression.alias(name) for name, expression in more.items()),
    ]
