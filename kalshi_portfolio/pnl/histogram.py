"""How the outcomes of positions are spread."""

from __future__ import annotations

import polars as pl

from kalshi_portfolio import money

_TAIL = 50  # one in fifty at either end goes into an open bin, if it lies far out
_CENT: int = 10**money.MONEY_SCALE


def histogram(positions: pl.DataFrame, *, most: int = 40) -> pl.DataFrame:
    """Count ended positions by their net P&L, in bins of equal, round width.

    Zero is always an edge. Where a few positions lie far out, they are gathered in an open bin at the end, so that
    the many are seen; nothing is left out.

    Args:
        positions: Rows of ``schema.POSITIONS``; those open or without a known net P&L do not count.
        most: About how many bins there may be.

    Returns:
        One row per bin that is not empty, in order: ``lower_cents`` (inclusive, null in an open bin below),
        ``upper_cents`` (exclusive, null in an open bin above), ``start_cents`` and ``end_cents`` (where the bin is
        drawn: as wide as the others), ``positions`` and ``net_pnl_cents``, their sum.

    Examples:
        >>> from kalshi_portfolio.schema import POSITIONS
        >>> histogram(POSITIONS.empty()).height
        0
    """
    ended = positions.filter(pl.col("status") != "open").drop_nulls("net_pnl_cents")
    values = ended.select(net=money.units(pl.col("net_pnl_cents"))).sort("net")
    first, last, width = _frame(values["net"].to_list(), most)
    index = pl.col("net") // width
    slot = index.clip(first - 1, last + 1)
    bins = values.group_by(slot.alias("slot")).agg(
        positions=pl.len().cast(pl.Int64), net=pl.col("net").cast(pl.Int128).sum()
    )
    start, end, place = pl.col("slot") * width, (pl.col("slot") + 1) * width, pl.col("slot")
    return bins.sort("slot").select(
        lower_cents=money.money(pl.when(place >= first).then(start)),
        upper_cents=money.money(pl.when(place <= last).then(end)),
        start_cents=money.money(start),
        end_cents=money.money(end),
        positions="positions",
        net_pnl_cents=money.money(pl.col("net")),
    )


def _frame(ordered: list[int], most: int) -> tuple[int, int, int]:
    """Give the first and last closed bin, counted from zero, and the width of all."""
    if not ordered:
        return 0, 0, _CENT
    cut = len(ordered) // _TAIL
    low, high = min(ordered[cut], 0), max(ordered[-1 - cut], 0)
    width = round_width(high - low, most)
    first, last = low // width, high // width
    lowest, highest = ordered[0] // width, ordered[-1] // width
    near = 2  # an open bin for what one or two more bins would hold says less than these
    return (lowest if first - lowest <= near else first), (highest if highest - last <= near else last), width


def round_width(span: int, most: int) -> int:
    """Give the least of 1, 2, 5, 10, … cents that cuts a span into at most so many parts.

    Args:
        span: In money units.
        most: How many parts there may be.

    Returns:
        The width in money units.

    Examples:
        >>> round_width(95_000_000, 40)
        5000000
    """
    power: int = _CENT
    while span > 5 * power * most:
        power *= 10
    return next(factor * power for factor in (1, 2, 5) if span <= factor * power * most)
