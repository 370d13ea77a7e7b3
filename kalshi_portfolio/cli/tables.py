"""Frames as text: tables that fit the terminal, JSON and CSV with every digit."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from kalshi_portfolio.display import dollars
from kalshi_portfolio.money import MONEY, PRICE, QUANTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal
    from typing import TextIO

_NOTHING = "-"
_GAP = "  "
_PIPED_WIDTH = 240
_LEAST_NOTE = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of a table.

    Attributes:
        name: Its name in the frame.
        heading: What stands above it.
        least: To how many characters its text may be cut where the terminal is narrow; 0: never.
        leave_out: Above 0, it may be left out where the terminal is too narrow, the highest number first.
        right: Whether it is aligned to the right though it is text; numbers always are.
        ends: Whether a text is cut in its middle, because its end tells it from others, as a ticker's does.
    """

    name: str
    heading: str
    least: int = 0
    leave_out: int = 0
    right: bool = False
    ends: bool = False


class _Console(Console):
    """A console that says by an exception that its reader has gone, as other writing does."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Make a console: colours on a terminal only; as wide as the terminal or ``COLUMNS``, and wide if piped."""
    stream = sys.stderr if stderr else sys.stdout
    return _Console(stderr=stderr, width=_width(stream), highlight=False, emoji=False, markup=False)


def _width(stream: TextIO) -> int | None:
    """Give the width to print in; None for what Rich finds. ``COLUMNS=0``, as some editors set it, asks for none."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return None
    if not stream.isatty():
        return _PIPED_WIDTH
    return shutil.get_terminal_size().columns if asked.isdecimal() else None


def say(text: str = "", *, stderr: bool = False, style: str | None = None) -> None:
    """Print text as it is: not cut, not coloured by its content; a message on a terminal is wrapped between words."""
    out = console(stderr=stderr)
    lines = clean(text, keep="\n").split("\n")
    if stderr and out.is_terminal:
        width = max(out.width, _LEAST_NOTE)
        lines = [
            "\n".join(textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)) for line in lines
        ]
    out.print("\n".join(lines), style=style, soft_wrap=True)


def limited(frame: pl.DataFrame, limit: int | None, *, last: bool = False) -> pl.DataFrame:
    """Give at most so many rows of a frame, the first or the last ones; None for all."""
    if limit is None:
        return frame
    return frame.tail(limit) if last else frame.head(limit)


def print_frame(
    frame: pl.DataFrame,
    *,
    columns: Sequence[Shown],
    title: str = "",
    limit: int | None = None,
    last: bool = False,
) -> None:
    """Print some columns of a frame as a table, one line a row.

    Args:
        frame: What to print.
        columns: The columns to show, in order.
        title: What stands above.
        limit: At most so many rows; how many are left out is said.
        last: Whether those are the last rows, not the first.
    """
    out = console()
    shown = limited(frame, limit, last=last)
    cells = {c.name: [as_text(value, frame.schema[c.name]) for value in shown[c.name]] for c in columns}
    widths = {c.name: max(map(cell_len, [c.heading, *cells[c.name]])) for c in columns}
    fitting = _fit(columns, widths, out.width)
    if title:
        out.print(title, style="bold", soft_wrap=True)
    right = {c.name for c in fitting if c.right or frame.schema[c.name].is_numeric()}
    head = _GAP.join(_padded(c.heading, widths[c.name], right=c.name in right) for c in fitting)
    out.print(head.rstrip(), style="bold", soft_wrap=True)
    for row in range(shown.height):
        out.print(_line(fitting, widths, right, {n: texts[row] for n, texts in cells.items()}), soft_wrap=True)
    _print_footer(out, shown.height, frame.height, [c.heading for c in columns if c not in fitting])


def _print_footer(out: Console, shown: int, there: int, left_out: list[str]) -> None:
    notes = []
    if not there:
        notes.append("nothing here")
    if shown < there:
        notes.append(f"{there - shown:,} more rows: --limit 0 shows all")
    if left_out:
        notes.append(f"too narrow for: {', '.join(left_out)}")
    if notes:
        for line in textwrap.wrap(f"({'; '.join(notes)})", max(out.width, _LEAST_NOTE)):
            out.print(line, style="dim", soft_wrap=True)


def _fit(columns: Sequence[Shown], widths: dict[str, int], available: int) -> list[Shown]:
    """Leave out columns, then cut texts, until the table fits; ``widths`` is changed to what is left."""
    fitting = list(columns)
    gaps = len(_GAP)

    def least(column: Shown) -> int:
        return min(widths[column.name], column.least) if column.least else widths[column.name]

    def needed() -> int:
        return sum(map(least, fitting)) + gaps * (len(fitting) - 1)

    while needed() > available and any(c.leave_out for c in fitting):
        fitting.remove(max(fitting, key=lambda c: c.leave_out))
    over = sum(widths[c.name] for c in fitting) + gaps * (len(fitting) - 1) - available
    for column in sorted(fitting, key=lambda c: widths[c.name] - least(c), reverse=True):
        cut = max(min(over, widths[column.name] - least(column)), 0)
        widths[column.name] -= cut
        over -= cut
    return fitting


def _line(columns: Sequence[Shown], widths: dict[str, int], right: set[str], texts: dict[str, str]) -> Text:
    line = Text()
    for number, column in enumerate(columns):
        text = texts[column.name]
        last = number == len(columns) - 1 and column.name not in right
        cut = _cut(text, widths[column.name], ends=column.ends)
        padded = cut if last else _padded(cut, widths[column.name], right=column.name in right)
        line.append(_GAP if number else "").append(padded, style=_colour(column.name, text))
    return line


def _colour(name: str, text: str) -> str:
    if not name.endswith("pnl_cents") or text in {_NOTHING, "$0.00"}:
        return ""
    return "red" if text.startswith("-") else "green"


def _cut(text: str, width: int, *, ends: bool) -> str:
    if cell_len(text) <= width:
        return text
    kept = (width - 1) // 2 if ends and text.isascii() else 0
    return set_cell_size(text, width - 1 - kept) + "…" + (text[-kept:] if kept else "")


def _padded(text: str, width: int, *, right: bool) -> str:
    blank = " " * (width - cell_len(text))
    return blank + text if right else text + blank


def as_text(value: Any, dtype: pl.DataType) -> str:
    """Show one value: money in dollars, prices in cents, unknown as a dash.

    Examples:
        >>> from decimal import Decimal
        >>> as_text(Decimal("-123.456700"), MONEY), as_text(Decimal("42.5000"), PRICE), as_text(None, MONEY)
        ('-$1.23', '42.5¢', '-')
    """
    if value is None:
        return _NOTHING
    if dtype in _SHOWN_AS:
        return _SHOWN_AS[dtype](value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, timedelta):
        return f"{value.days} d {value.seconds // 3600} h"
    return f"{value:,}" if dtype.is_integer() else clean(str(value))


def clean(text: str, *, keep: str = "") -> str:
    r"""Replace what could move the cursor or turn the direction of writing; a title comes from outside.

    Examples:
        >>> clean("Up\x1b[2J or\nnot")
        'Up [2J or not'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() or c in keep else " " for c in text)


def _short(value: Decimal) -> str:
    """Show a price with two decimals of a cent at most, for reading."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


_SHOWN_AS: dict[pl.DataType, Callable[[Any], str]] = {
    MONEY: dollars,
    PRICE: lambda value: f"{_short(value)}¢",
    QUANTITY: lambda value: f"{value:,.2f}" if value % 1 else f"{value:,.0f}",
    pl.Float64(): lambda value: f"{value:.1%}",
}
