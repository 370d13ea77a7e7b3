"""The days of a calendar: where each lies in its year, and how much it moved beside the others."""

from __future__ import annotations

import polars as pl

from kalshi_portfolio import money

LEVELS = 4
"""How many shades of gain, and of loss, a calendar has."""

_DAY = pl.col("period")
_NET = pl.col("net")


def calendar(days: pl.DataFrame) -> pl.DataFrame:
    """Lay days out as a calendar, and sort them into shades.

    Shades are quarters of the days by the magnitude of their P&L, so that one great day does not make all
    others pale.

    Args:
        days: From :func:`~kalshi_portfolio.pnl.pnl` with ``freq="1d"`` and no groups.

    Returns:
        One row per day from the first to the last, quiet ones included: ``period, year, week`` (rows of seven days
        from Monday, 0 holds 1 January), ``weekday`` (1 is Monday), ``realized_pnl_cents, fee_cents, net_pnl_cents``
        (null where nothing happened or nothing is known), ``lots, unknown_lots``, ``level`` (-4 to 4; 0 is a P&L of 0,
        null no P&L), ``level_to_cents`` (the greatest magnitude in that shade).

    Examples:
        >>> from kalshi_portfolio.pnl import pnl
        >>> from kalshi_portfolio.schema import LOTS, MARKETS
        >>> calendar(pnl(LOTS.empty(), MARKETS.empty(), freq="1d")).height
        0
    """
    if days.is_empty():
        every = days.select("period")
    else:
        every = days.select(pl.date_range(_DAY.min(), _DAY.max(), "1d").alias("period"))
    monday = pl.date(_DAY.dt.year(), 1, 1).dt.weekday() - 1  # days of the first row before 1 January
    placed = every.join(
        days.drop("quantity", "win_ratio"), on="period", how="left", maintain_order="left"
    ).with_columns(
        pl.col("lots", "unknown_lots").fill_null(0),
        year=_DAY.dt.year(),
        week=((_DAY.dt.ordinal_day() - 1 + monday) // 7).cast(pl.Int32),
        weekday=_DAY.dt.weekday(),
        net=money.units(pl.col("net_pnl_cents")),
    )
    size = _NET.abs()
    moved = pl.when(_NET != 0)
    rank, count = moved.then(size).rank("max").cast(pl.Int64), moved.then(size).count().cast(pl.Int64)
    quarter = (rank * LEVELS + count - 1) // count
    level = pl.when(_NET == 0).then(0).otherwise(quarter * _NET.sign())
    shaded = placed.with_columns(level=level.cast(pl.Int64)).with_columns(
        level_to_cents=money.money(size.max().over("level")),
    )
    return shaded.select(
        "period",
        "year",
        "week",
        "weekday",
        "realized_pnl_cents",
        "fee_cents",
        "net_pnl_cents",
        "lots",
        "unknown_lots",
        "level",
        "level_to_cents",
    )
