"""What charts say in words: periods, groups, spans of time, what is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio.display import clean, counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

NOTHING = "Nothing to show yet: kp.sync() fetches what you traded."

_HOW_OFTEN = {"1h": "hour", "1d": "day", "1w": "week", "1mo": "month", "1q": "quarter", "1y": "year"}
_PERIODS = {
    "1d": "%a %-d %b %Y",
    "1w": "week from %-d %b %Y",
    "1mo": "%B %Y",
    "1q": "quarter from %B %Y",
    "1y": "%Y",
}
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_JOINER = "\u2060"
_FLAGS = {"is_taker": {True: "taker", False: "maker"}}


def by_period(freq: str) -> str:
    """Say how long the periods are.

    Examples:
        >>> by_period("1w"), by_period("2w")
        ('by week', 'by 2w')
    """
    return f"by {_HOW_OFTEN.get(freq, freq)}"


def period_words(freq: str) -> pl.Expr:
    """Give the column ``period`` as people write it."""
    pattern = _PERIODS.get(freq)
    if pattern is not None:
        return pl.col("period").dt.strftime(pattern)
    return pl.col("period").dt.strftime("from %-d %b %Y" if freq[-1] in "dwoqy" else "%-d %b %Y %H:%M")


def day(at: date) -> str:
    """Write a date.

    Examples:
        >>> from datetime import date
        >>> day(date(2026, 11, 2))
        '2 Nov 2026'
    """
    return f"{at.day} {at:%b %Y}"


def from_to(frame: pl.DataFrame) -> str:
    """Say from which period to which a frame goes."""
    return f"{day(frame['period'].min())} to {day(frame['period'].max())}"  # type: ignore[arg-type]


def left_out(unknown: int, what: str = "lot") -> str:
    """Say how much is missing from a chart because nobody knows it; nothing if nothing is.

    Examples:
        >>> left_out(0), left_out(12), left_out(1, "position")
        ('', '12 lots without a known P&L are left out', '1 position without a known P&L is left out')
    """
    if not unknown:
        return ""
    return f"{counted(unknown, what)} without a known P&L {'is' if unknown == 1 else 'are'} left out"


def columns_of(by: str | Sequence[str]) -> list[str]:
    """Give the columns to group by as a list."""
    return [by] if isinstance(by, str) else list(by)


def spoken(by: str | Sequence[str]) -> str:
    """Name the columns to group by.

    Examples:
        >>> spoken("series_ticker"), spoken(["category", "is_taker"])
        ('series', 'category and maker or taker at entry')
    """
    plain = {"is_taker": "maker or taker at entry", "price_bucket": "entry price", "hour": "hour of entry"}
    plain |= {"ticker": "market", "weekday": "weekday of entry"}
    return " and ".join(plain.get(c, c.removesuffix("_ticker").replace("_", " ")) for c in columns_of(by))


def group_name(row: Mapping[str, object], by: str | Sequence[str]) -> str:
    """Name a group of a frame from :mod:`kalshi_portfolio.pnl`.

    Examples:
        >>> group_name({"category": "Sports", "groups": 1}, "category"), group_name({"hour": 9, "groups": 1}, "hour")
        ('Sports', '09:00')
        >>> group_name({"category": None, "groups": 4980}, "category")
        'other (4,980)'
    """
    count = row["groups"]
    if isinstance(count, int) and count > 1:
        return f"other ({count:,})"
    return " · ".join(_value(name, row[name]) for name in columns_of(by)) or "all"


def _value(column: str, value: object) -> str:
    if value is None:
        return "not known"
    if column == "weekday" and isinstance(value, int):
        return _WEEKDAYS[value - 1]
    if column == "hour" and isinstance(value, int):
        return f"{value:02}:00"
    if column == "subaccount":
        return f"subaccount {value}"
    known: dict[object, str] = _FLAGS.get(column, {})  # type: ignore[assignment]
    return known.get(value, safe(str(value)))


def safe(text: str) -> str:
    r"""Give text from outside so that it stays text, also where a page holds the chart's data inside a script.

    The only two sequences that end or open something there get an invisible joiner; everything else stays. Twice is
    the same as once.

    Examples:
        >>> safe("<b>Up or\ndown?</b>") == "<b>Up or down?<\u2060/b>"
        True
    """
    return clean(text.replace(_JOINER, "")).replace("</", f"<{_JOINER}/").replace("<!--", f"<{_JOINER}!--")
