"""Bounds in time and lists of tickers, as people write them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import TypeAlias, TypedDict

import polars as pl

from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.pnl import zone

When: TypeAlias = date | datetime | str | None
"""A bound in time: a date, a text such as ``2026-11-01``, or a datetime with a zone.

What names no zone is meant in the method's ``tz``, in UTC where it has none.
"""

Tickers: TypeAlias = Iterable[str] | str | None


class Filters(TypedDict, total=False):
    """The filters that all frame methods take."""

    tickers: Tickers
    since: When
    until: When


def instant(bound: When, name: str, tz: str = "UTC") -> datetime | None:
    """Read a bound as a point in time.

    Args:
        bound: A date (its first instant in ``tz``), an ISO 8601 text (in ``tz`` if it names no zone), or a datetime
            with a zone.
        name: What the bound is called, for the message.
        tz: The time zone in which days begin.

    Returns:
        The point in time, in UTC.

    Raises:
        ArgumentError: It is no date, or a datetime without a time zone; or ``tz`` is no time zone.

    Examples:
        >>> instant("2026-11-01", "since")
        datetime.datetime(2026, 11, 1, 0, 0, tzinfo=datetime.timezone.utc)
        >>> instant("2026-11-02", "since", "America/New_York")
        datetime.datetime(2026, 11, 2, 5, 0, tzinfo=datetime.timezone.utc)
    """
    if bound is None:
        return None
    if isinstance(bound, str):
        try:
            read = datetime.fromisoformat(bound.strip())
        except ValueError:
            raise _no_date(bound, name) from None
        bound = read if read.tzinfo else read.replace(tzinfo=zone(tz))
    if isinstance(bound, datetime):
        if bound.utcoffset() is None:
            raise ArgumentError(
                f"{name}={bound} has no time zone. Expected one such as datetime(2026, 1, 31, tzinfo=timezone.utc)."
            )
        return _in_utc(bound)
    if isinstance(bound, date):
        return _in_utc(datetime.combine(bound, time(), zone(tz)))
    raise _no_date(bound, name)


def _no_date(bound: object, name: str) -> ArgumentError:
    return ArgumentError(
        f"{name}={bound!r} is no date. Expected one such as '2026-01-31', a datetime.date, or a datetime with a time "
        "zone."
    )


def _in_utc(bound: datetime) -> datetime:
    """Give the same instant in UTC."""
    try:
        return bound.astimezone(UTC)
    except OverflowError:
        return bound.replace(tzinfo=UTC)  # in the first or last hours of the calendar no trade can be


def bounds(since: When, until: When, tz: str = "UTC") -> tuple[datetime | None, datetime | None]:
    """Read both ends of a stretch of time, of which days begin in ``tz``; the end is exclusive.

    Raises:
        ArgumentError: A bound is no time, or the end lies before the start; or ``tz`` is no time zone.
    """
    start, end = instant(since, "since", tz), instant(until, "until", tz)
    if start is not None and end is not None and end < start:
        raise ArgumentError(f"until={until} lies before since={since}.")
    return start, end


def dates(start: datetime | None, end: datetime | None) -> tuple[date | None, date | None]:
    """Give the UTC dates whose partitions a stretch of time touches; the second is exclusive, None is no bound.

    Examples:
        >>> dates(instant("2026-11-01T12:00", "since"), instant("2026-11-03", "until"))
        (datetime.date(2026, 11, 1), datetime.date(2026, 11, 3))
    """
    first = start.date() if start else None
    last = end.date() if end else None
    if end is not None and last is not None and end.time() > time():  # part of that day is wanted
        last = None if last == date.max else date.fromordinal(last.toordinal() + 1)
    return first, last


def condition(tickers: list[str] | None, start: datetime | None, end: datetime | None, column: str | None) -> pl.Expr:
    """Give the filters as one Polars condition on ``ticker`` and on a time column (None: no bounds in time)."""
    conditions = [pl.lit(value=True)]
    if tickers is not None:
        conditions.append(pl.col("ticker").is_in(pl.Series(tickers, dtype=pl.String).implode()))
    if column is not None and start is not None:
        conditions.append(pl.col(column) >= start)
    if column is not None and end is not None:
        conditions.append(pl.col(column) < end)
    return pl.all_horizontal(conditions)


def listed(tickers: object) -> list[str] | None:
    """Give tickers as a list; None for no filter.

    Raises:
        ArgumentError: A ticker is no text.
    """
    if tickers is None:
        return None
    found = [tickers] if isinstance(tickers, str) or not isinstance(tickers, Iterable) else list(tickers)
    texts = [ticker for ticker in found if isinstance(ticker, str)]
    if len(texts) < len(found):
        raise ArgumentError(
            f"tickers={tickers!r} are no tickers. Expected one, or several, such as 'KXFED-26DEC-T3.75'."
        )
    return texts
