"""Bounds in time and lists of tickers, as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias, TypedDict

import polars as pl

from kalshi_portfolio.errors import ArgumentError

When: TypeAlias = date | datetime | str | None
"""A bound in time: a date or a text such as ``2026-11-01`` (midnight UTC), or a datetime with a time zone."""

Tickers: TypeAlias = Sequence[str] | str | None


class Filters(TypedDict, total=False):
    """The filters that all frame methods take."""

    tickers: Tickers
    since: When
    until: When


def instant(bound: When, name: str) -> datetime | None:
    """Read a bound as a point in time.

    Raises:
        ArgumentError: It is no date, or a datetime without a time zone.

    Examples:
        >>> instant("2026-11-01", "since")
        datetime.datetime(2026, 11, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    if bound is None:
        return None
    if isinstance(bound, str):
        try:
            read = datetime.fromisoformat(bound)
        except ValueError:
            raise ArgumentError(f"{name}={bound!r} is no date. Expected one such as '2026-01-31'.") from None
        return read if read.tzinfo else read.replace(tzinfo=UTC)
    if isinstance(bound, datetime):
        if bound.tzinfo is None:
            raise ArgumentError(
                f"{name}={bound} has no time zone. Expected one such as datetime(2026, 1, 31, tzinfo=timezone.utc)."
            )
        return bound
    if isinstance(bound, date):
        return datetime.combine(bound, time(), UTC)
    raise ArgumentError(f"{name}={bound!r} is no date. Expected one such as '2026-01-31'.")


def bounds(since: When, until: When) -> tuple[datetime | None, datetime | None]:
    """Read both ends of a stretch of time; the end is exclusive.

    Raises:
        ArgumentError: A bound is no time, or the end lies before the start.
    """
    start, end = instant(since, "since"), instant(until, "until")
    if start is not None and end is not None and end < start:
        raise ArgumentError(f"until={until} lies before since={since}.")
    return start, end


def dates(start: datetime | None, end: datetime | None) -> tuple[date | None, date | None]:
    """Give the UTC dates whose partitions a stretch of time touches; the second is exclusive."""
    first = start.astimezone(UTC).date() if start else None
    last = (end.astimezone(UTC) - timedelta(microseconds=1)).date() + timedelta(days=1) if end else None
    if first is not None and last is not None:
        last = max(first, last)
    return first, last


def condition(tickers: Tickers, start: datetime | None, end: datetime | None, column: str | None) -> pl.Expr:
    """Give the filters as one Polars condition on ``ticker`` and on a time column (None: no bounds in time)."""
    conditions = [pl.lit(value=True)]
    if tickers is not None:
        wanted = [tickers] if isinstance(tickers, str) else list(tickers)
        conditions.append(pl.col("ticker").is_in(wanted))
    if column is not None and start is not None:
        conditions.append(pl.col(column) >= start)
    if column is not None and end is not None:
        conditions.append(pl.col(column) < end)
    return pl.all_horizontal(conditions)
