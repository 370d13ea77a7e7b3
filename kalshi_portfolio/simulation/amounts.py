"""The simulated exchange's own exact numbers. Nothing here rounds except :func:`to_micros`, which says so.

Inside are integers: a price unit is $0.0001, a count unit is 0.01 contract, so price times count is in
micro-dollars ($0.000001), exactly. Times are microseconds since 1970 in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING

from kalshi_portfolio.errors import ArgumentError

if TYPE_CHECKING:
    from fractions import Fraction

DOLLAR = 10_000
"""One dollar in price units."""

CONTRACT = 100
"""One contract in count units."""

MICROS = 1_000_000
"""One dollar in micro-dollars."""

CENT = 10_000
"""One cent in micro-dollars."""

BALANCE_STEP = 100
"""The precision of a direct member's balance, $0.0001, in micro-dollars."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Number = int | str | Decimal


def exact(value: Number, unit: int, what: str) -> int:
    """Read a number into integer units, exactly.

    Args:
        value: An integer, a decimal or decimal text. Never a float.
        unit: How many units make one.
        what: What it is, for the message.

    Returns:
        ``value * unit``.

    Raises:
        ArgumentError: It is no number, or finer than the unit.

    Examples:
        >>> exact("0.5625", DOLLAR, "price")
        5625
    """
    try:
        scaled = Decimal(value) * unit
        whole = int(scaled)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise ArgumentError(f"{what}: {value!r} is not a number.") from error
    if isinstance(value, float) or whole != scaled:
        raise ArgumentError(f"{what}: {value!r} came; expected an exact multiple of 1/{unit}, as text or Decimal.")
    return whole


def to_micros(value: Fraction | int) -> int:
    """Round an exact amount of micro-dollars half to even, as it is shown with six decimals."""
    return round(value)


def money(micros: int) -> str:
    """Write micro-dollars with six decimals."""
    whole, rest = divmod(abs(micros), MICROS)
    return f"{'-' if micros < 0 else ''}{whole}.{rest:06d}"


def balance(micros: int) -> str:
    """Write micro-dollars with four decimals; they are a multiple of $0.0001."""
    return money(micros)[:-2]


def price(units: int) -> str:
    """Write price units in dollars with four decimals."""
    return f"{units // DOLLAR}.{units % DOLLAR:04d}"


def count(units: int) -> str:
    """Write count units in contracts with two decimals.

    Examples:
        >>> count(-1205)
        '-12.05'
    """
    whole, rest = divmod(abs(units), CONTRACT)
    return f"{'-' if units < 0 else ''}{whole}.{rest:02d}"


def moment(when: datetime) -> int:
    """Give a time as microseconds since 1970.

    Raises:
        ArgumentError: The time has no time zone.
    """
    if when.tzinfo is None:
        raise ArgumentError(f"{when!r} has no time zone. Expected one, such as datetime.UTC.")
    return (when - _EPOCH) // _MICROSECOND


def at_time(micros: int) -> datetime:
    """Give microseconds since 1970 as a time in UTC."""
    return _EPOCH + micros * _MICROSECOND


@lru_cache(maxsize=4096)
def _date(days: int) -> str:
    return (_EPOCH + timedelta(days=days)).date().isoformat()


def stamp(micros: int) -> str:
    """Write a time as the exchange does: RFC 3339, UTC, without trailing zeros in the fraction.

    Examples:
        >>> stamp(1_795_194_000_250_000)
        '2026-11-20T17:00:00.25Z'
    """
    days, rest = divmod(micros, DAY)
    seconds, fraction = divmod(rest, SECOND)
    minutes, s = divmod(seconds, 60)
    tail = f".{fraction:06d}".rstrip("0") if fraction else ""
    return f"{_date(days)}T{minutes // 60:02d}:{minutes % 60:02d}:{s:02d}{tail}Z"
