"""Frames as text: tables that fit the terminal, JSON and CSV with every digit."""

from __future__ import annotations

import sys
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from kalshi_portfolio.money import MONEY, PRICE, QUANTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CENT = Decimal("0.01")
_NOTHING = "-"


def console(*, stderr: bool = False) -> Console:
    """Make a console: colours on a terminal only, and no wrapping of tables when piped."""
    wide = None if sys.stdout.isatty() else 160
    return Console(stderr=stderr, width=wide, highlight=False)


def print_frame(
    frame: pl.DataFrame,
    *,
    headers: Mapping[str, str],
    title: str = "",
    limit: int | None = None,
) -> None:
    """Print some columns of a frame as a table.

    Args:
        frame: What to print.
        headers: The columns to show, in order, with their headings.
        title: What stands above.
        limit: At most so many rows; how many are left out is said.
    """
    out = console()
    table = RichTable(title=title or None, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    for name, heading in headers.items():
        number = frame.schema[name].is_numeric() or frame.schema[name].is_decimal()
        table.add_column(heading, justify="right" if number else "left", no_wrap=number, overflow="ellipsis")
    shown = frame if limit is None else frame.head(limit)
    dtypes = [frame.schema[name] for name in headers]
    for row in shown.select(headers.keys()).iter_rows():
        cells = zip(row, dtypes, headers, strict=True)
        table.add_row(*(_coloured(value, as_text(value, dtype), name) for value, dtype, name in cells))
    out.print(table)
    if shown.height < frame.height:
        out.print(f"[dim]... and {frame.height - shown.height:,} more (--limit 0 shows all)[/dim]")


def as_text(value: Any, dtype: pl.DataType) -> str:
    """Show one value: money in dollars, prices in cents, unknown as a dash.

    Examples:
        >>> as_text(Decimal("-123.456700"), MONEY), as_text(Decimal("42.5000"), PRICE), as_text(None, MONEY)
        ('-$1.23', '42.5¢', '-')
    """
    if value is None:
        return _NOTHING
    if dtype in _SHOWN_AS:
        return _SHOWN_AS[dtype](value)
    if isinstance(dtype, pl.Datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:,}" if dtype.is_integer() else str(value)


def dollars(cents: Decimal) -> str:
    """Show cents as dollars, rounded half-even to the cent for reading."""
    amount = (cents / 100).quantize(_CENT, rounding=ROUND_HALF_EVEN)
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def _short(value: Decimal) -> str:
    return f"{value:,f}".rstrip("0").rstrip(".")


_SHOWN_AS: dict[pl.DataType, Callable[[Any], str]] = {
    MONEY: dollars,
    PRICE: lambda value: f"{_short(value)}¢",
    QUANTITY: _short,
    pl.Float64(): lambda value: f"{value:.1%}",
}


def _coloured(value: Any, text: str, name: str) -> str:
    text = escape(text)
    if not name.endswith("pnl_cents") or value is None or value == 0:
        return text
    return f"[green]{text}[/green]" if value > 0 else f"[red]{text}[/red]"


def print_data(frame: pl.DataFrame, *, as_json: bool) -> None:
    """Print a frame for other programs, exact to the last digit: decimals as text, times in ISO 8601.

    A cell of CSV that a spreadsheet would run as a formula is quoted with an apostrophe.
    """
    plain = frame.with_columns(
        *(pl.col(n).cast(pl.String) for n, t in frame.schema.items() if t.is_decimal()),
        *(pl.col(n).dt.to_string("iso:strict") for n, t in frame.schema.items() if isinstance(t, pl.Datetime)),
    )
    if as_json:
        sys.stdout.write(plain.write_json() + "\n")
        return
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    risky = pl.col(texts).str.contains(r"^[=+\-@\t\r]")
    guarded = plain.with_columns(pl.when(risky).then("'" + pl.col(texts)).otherwise(pl.col(texts)).name.keep())
    sys.stdout.write((guarded if texts else plain).write_csv())
