"""Figures and times in words, as people read them."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

UNKNOWN = "unknown"

_CENT = Decimal("0.01")
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def dollars(cents: object, *, signed: bool = False) -> str:
    """Show an exact amount of cents as dollars, rounded half-even to the cent for reading.

    Args:
        cents: The amount; None is shown as unknown.
        signed: Whether a gain gets its plus sign.

    Examples:
        >>> dollars(Decimal("-123456.700000")), dollars(Decimal("-0.4")), dollars(None), dollars(5, signed=True)
        ('-$1,234.57', '$0.00', 'unknown', '+$0.05')
    """
    if cents is None:
        return UNKNOWN
    amount = (Decimal(str(cents)) / 100).quantize(_CENT, rounding=ROUND_HALF_EVEN)
    sign = "-" if amount < 0 else "+" if signed and amount > 0 else ""
    return f"{sign}${abs(amount):,.2f}"


def percent(ratio: float | None) -> str:
    """Show a ratio with one decimal.

    Examples:
        >>> percent(0.50382), percent(None)
        ('50.4%', 'unknown')
    """
    return UNKNOWN if ratio is None else f"{ratio:.1%}"


def tone(cents: object) -> str:
    """Say whether an amount, as :func:`dollars` shows it, is a ``gain``, a ``loss`` or neither.

    Examples:
        >>> tone(5), tone(Decimal("-0.4")), tone(None)
        ('gain', '', '')
    """
    shown = dollars(cents, signed=True)
    return {"+": "gain", "-": "loss"}.get(shown[0], "")


def counted(number: int, one: str, many: str | None = None) -> str:
    """Count things, with the noun and, if it comes along, the verb that fit the number.

    Examples:
        >>> counted(1, "market is", "markets are"), counted(1200, "check")
        ('1 market is', '1,200 checks')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def left_out_of_held(summary: Mapping[str, Any]) -> list[str]:
    """Count the open positions that a sum over what is held leaves out.

    Args:
        summary: A row of ``schema.SUMMARY``.

    Examples:
        >>> left_out_of_held({"open_positions": 36, "incomplete_open_positions": 11, "unknown_marks": 7})
        ['7 of 25 unmarked', '11 of unknown history left out']
    """
    without, unknown = summary["unknown_marks"], summary["incomplete_open_positions"]
    found = [f"{without:,} of {summary['open_positions'] - unknown:,} unmarked"] if without else []
    return [*found, f"{unknown:,} of unknown history left out"] if unknown else found


def moment(at: datetime) -> str:
    """Write a time as people read it.

    Examples:
        >>> from datetime import UTC, datetime
        >>> moment(datetime(2026, 11, 20, 16, 59, tzinfo=UTC))
        '2026-11-20 16:59 UTC'
    """
    return f"{at:%Y-%m-%d %H:%M} UTC"


def ago(age: timedelta) -> str:
    """Say how long ago something was, in its largest unit.

    Examples:
        >>> from datetime import timedelta
        >>> ago(timedelta(days=3, hours=5)), ago(timedelta(minutes=61)), ago(timedelta(seconds=9))
        ('3 days ago', '1 hour ago', 'just now')
    """
    seconds = age.total_seconds()
    for name, length in _UNITS:
        if seconds >= length:
            return f"{counted(int(seconds // length), name)} ago"
    return "just now"


def clean(text: str) -> str:
    r"""Replace what could move the cursor or turn the direction of writing: titles and tickers come from outside.

    Examples:
        >>> clean("Up\x1b[2J or\nnot")
        'Up [2J or not'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def aligned(rows: Iterable[Sequence[str]], *, right: Iterable[int] = (), indent: str = "  ") -> list[str]:
    """Lay rows of text out in columns.

    Args:
        rows: The cells; all rows have the same number.
        right: The columns that are aligned to the right, from 0.
        indent: What stands before each row.

    Examples:
        >>> aligned([("fees", "$9.00"), ("net", "-$12.00")], right=[1])
        ['  fees    $9.00', '  net   -$12.00']
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numbers = set(right)
    return [
        indent
        + "  ".join(
            f"{cell:>{widths[i]}}" if i in numbers else f"{cell:<{widths[i]}}" for i, cell in enumerate(row)
        ).rstrip()
        for row in cells
    ]
