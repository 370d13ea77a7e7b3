"""Periods that suit a stretch of time, and counts of what is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from datetime import date

_DAYS = {"1d": 1, "1w": 7, "1mo": 30, "1q": 91, "1y": 365}


def fitting_freq(first: date | None, last: date | None, *, most: int = 400) -> str:
    """Give the shortest period that cuts a stretch of time into at most so many parts.

    Args:
        first: The first day; None if there is none.
        last: The last day, inclusive.
        most: How many periods there may be, give or take one at the ends.

    Returns:
        ``"1d"``, ``"1w"``, ``"1mo"``, ``"1q"`` or ``"1y"``; the last also where even years are too many.

    Examples:
        >>> from datetime import date
        >>> fitting_freq(date(2026, 1, 1), date(2026, 3, 31)), fitting_freq(date(2021, 1, 1), date(2025, 12, 31))
        ('1d', '1w')
    """
    days = 0 if first is None or last is None else (last - first).days + 1
    return next((freq for freq, length in _DAYS.items() if days <= most * length), "1y")


def unknown_lots(frame: pl.DataFrame) -> int:
    """Count the lots that a frame of P&L leaves out of its sums.

    Examples:
        >>> import polars as pl
        >>> unknown_lots(pl.DataFrame({"unknown_lots": [2, 0, 1]}))
        3
    """
    return int(frame["unknown_lots"].sum())


def unknown_positions(positions: pl.DataFrame) -> int:
    """Count the ended positions whose net P&L is unknown.

    Args:
        positions: Rows of ``schema.POSITIONS``.

    Examples:
        >>> from kalshi_portfolio.schema import POSITIONS
        >>> unknown_positions(POSITIONS.empty())
        0
    """
    return positions.filter(pl.col("status") != "open", pl.col("net_pnl_cents").is_null()).height
