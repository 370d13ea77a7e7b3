"""Amounts and times as a report writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from kalshi_portfolio.display import Html, dollars, element, percent, tone

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta
    from decimal import Decimal

    from kalshi_portfolio.report.contents import Facts

NOT_KNOWN = "–"  # noqa: RUF001  (as in print)
MARKS = {
    "bid": "the bid of the side that is held: what a sale would fetch",
    "mid": "halfway between bid and offer",
    "last": "the last trade",
}
METHODS = {"fifo": "first in, first out", "average": "at average cost, as the exchange counts"}
_ACCOUNTS = {
    "prod": "Kalshi",
    "demo": "Kalshi's test exchange: no real money",
    "simulated": "simulated exchange: an invented account",
}


def account(environment: str) -> str:
    """Say where the data come from.

    Examples:
        >>> account("simulated"), account("custom")
        ('simulated exchange: an invented account', 'custom')
    """
    return _ACCOUNTS.get(environment, environment)


def amount(cents: Decimal | None) -> str:
    """Write an amount that is neither a gain nor a loss, such as a fee.

    Examples:
        >>> from decimal import Decimal
        >>> amount(Decimal("123456.70")), amount(None) == NOT_KNOWN
        ('$1,234.57', True)
    """
    return NOT_KNOWN if cents is None else dollars(cents)


def gain(cents: Decimal | None) -> Html:
    """Write a gain or a loss: with its sign, and in its colour.

    Examples:
        >>> from decimal import Decimal
        >>> gain(Decimal("-250"))
        '<span class="loss">-$2.50</span>'
    """
    if cents is None:
        return element("span", NOT_KNOWN)
    return element("span", dollars(cents, signed=True), cls=tone(cents) or None)


def price(cents: Decimal | None) -> str:
    """Write a price with two decimals of a cent at most.

    Examples:
        >>> from decimal import Decimal
        >>> price(Decimal("42.5000")), price(Decimal("7"))
        ('42.5¢', '7¢')
    """
    return NOT_KNOWN if cents is None else f"{cents:,.2f}".rstrip("0").rstrip(".") + "¢"


def contracts(quantity: Decimal | None) -> str:
    """Write a number of contracts.

    Examples:
        >>> from decimal import Decimal
        >>> contracts(Decimal("1200.00")), contracts(Decimal("5.50"))
        ('1,200', '5.50')
    """
    if quantity is None:
        return NOT_KNOWN
    return f"{quantity:,.2f}" if quantity % 1 else f"{quantity:,.0f}"


def share(ratio: float | None) -> str:
    """Write a ratio as a percentage."""
    return NOT_KNOWN if ratio is None else percent(ratio)


def factor(ratio: float | None) -> str:
    """Write a ratio as a number."""
    return NOT_KNOWN if ratio is None else f"{ratio:.2f}"


def length(duration: timedelta | None) -> str:
    """Write how long something took, in its largest unit.

    Examples:
        >>> from datetime import timedelta
        >>> length(timedelta(days=2)), length(timedelta(minutes=90))
        ('2.0 days', '1.5 hours')
    """
    if duration is None:
        return NOT_KNOWN
    if duration.days:
        return f"{duration.total_seconds() / 86_400:.1f} days"
    return f"{duration.total_seconds() / 3_600:.1f} hours"


def day(at: date | None) -> str:
    """Write a date.

    Examples:
        >>> from datetime import date
        >>> day(date(2026, 11, 2))
        '2 Nov 2026'
    """
    return NOT_KNOWN if at is None else f"{at.day} {at:%b %Y}"


def local_day(at: datetime | None, tz: str) -> str:
    """Write the date of a time in a zone."""
    return NOT_KNOWN if at is None else day(at.astimezone(ZoneInfo(tz)).date())


def moment(at: datetime, tz: str) -> str:
    """Write a time in a zone.

    Examples:
        >>> from datetime import UTC, datetime
        >>> moment(datetime(2026, 11, 20, 16, 59, tzinfo=UTC), "America/New_York")
        '20 Nov 2026, 11:59 (America/New_York)'
        >>> moment(datetime(2026, 11, 20, 16, 59, tzinfo=UTC), "UTC")
        '20 Nov 2026, 16:59 UTC'
    """
    local = at.astimezone(ZoneInfo(tz))
    return f"{day(local.date())}, {local:%H:%M} {tz if tz == 'UTC' else f'({tz})'}"


def span(facts: Facts) -> str:
    """Say which time the report is of."""
    if facts.whole:
        return "the account's whole life"
    start = "from the beginning" if facts.since is None else f"from {day(facts.since)}"
    return start if facts.until is None else f"{start} to before {day(facts.until)}"


def row_of(frame: Any) -> dict[str, Any]:
    """Give the one row of a frame; an empty one where it has none."""
    rows: list[dict[str, Any]] = frame.to_dicts()
    return rows[0] if rows else {}
