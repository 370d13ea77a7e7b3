"""Tables of frames: which columns a table has, and how each is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kalshi_portfolio.display import Heading, Html, element, table
from kalshi_portfolio.display.html import joined
from kalshi_portfolio.report.words import amount, contracts, gain, price, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import polars as pl


@dataclass(frozen=True, slots=True)
class Shown:
    """One column of a table.

    Attributes:
        heading: What stands above.
        cell: Writes the cell of a row.
        number: Whether it holds figures: they are aligned to the right.
        whole: Whether what stands in it is never broken.
    """

    heading: str
    cell: Callable[[Mapping[str, Any]], object]
    number: bool = True
    whole: bool = False


def month_column() -> Shown:
    """Give the column of months."""
    return Shown("month", lambda row: f"{row['period']:%b %Y}", number=False, whole=True)


def money(heading: str, name: str) -> Shown:
    """Give a column of amounts, such as fees."""
    return Shown(heading, lambda row: amount(row[name]))


def gains(heading: str, name: str) -> Shown:
    """Give a column of gains and losses."""
    return Shown(heading, lambda row: gain(row[name]))


def prices(heading: str, name: str) -> Shown:
    """Give a column of prices."""
    return Shown(heading, lambda row: price(row[name]))


def quantities(heading: str, name: str) -> Shown:
    """Give a column of contracts."""
    return Shown(heading, lambda row: contracts(row[name]))


def counts(heading: str, name: str) -> Shown:
    """Give a column of whole numbers."""
    return Shown(heading, lambda row: f"{row[name]:,}")


def shares(heading: str, name: str) -> Shown:
    """Give a column of percentages."""
    return Shown(heading, lambda row: share(row[name]))


def sheet(
    columns: Sequence[Shown],
    rows: pl.DataFrame,
    *,
    caption: str,
    last: Iterable[Sequence[object]] = (),
    nothing: str = "There are none.",
) -> Html:
    """Make a table of a frame.

    Args:
        columns: Its columns; the first names the row.
        rows: A row each.
        caption: What the table is.
        last: Further rows below, such as a total, written already.
        nothing: What stands there in place of an empty table.

    Examples:
        >>> import polars as pl
        >>> shown = sheet([counts("lots", "lots")], pl.DataFrame({"lots": [1200]}), caption="All lots")
        >>> "1,200" in shown, "<caption>All lots</caption>" in shown
        (True, True)
    """
    if rows.is_empty():
        return element("p", element("strong", caption), f": {nothing[0].lower()}{nothing[1:]}", cls="nothing")
    headings = [Heading(column.heading, number=column.number, whole=column.whole) for column in columns]
    written = [[column.cell(row) for column in columns] for row in rows.iter_rows(named=True)]
    totals = [[element("b", cell) for cell in row] for row in last]
    return table(headings, [*written, *totals], caption=caption)


def folded(label: str, *parts: object, opened: bool = False) -> Html:
    """Fold something up under a label; paper shows it unfolded."""
    inner = joined((element("summary", label), *parts))
    return Html(f"<details{' open' if opened else ''}>{inner}</details>")


def market(row: Mapping[str, Any]) -> Html:
    """Name a market by its title, and below it by its ticker."""
    title, ticker = row["title"], row["ticker"]
    if not title or title == ticker:
        return element("span", ticker, cls="market")
    return element("span", title, element("small", ticker), cls="market")


def side(row: Mapping[str, Any]) -> str:
    """Say which side was held."""
    return "–" if row["side"] is None else str(row["side"]).upper()  # noqa: RUF001  (as in print)
