"""How a portfolio shows itself: the figures of a terminal, the card of a notebook."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from kalshi_portfolio.errors import KalshiPortfolioError
from kalshi_portfolio.portfolio.status import moment

if TYPE_CHECKING:
    from kalshi_portfolio.portfolio.portfolio import Portfolio
    from kalshi_portfolio.portfolio.status import Status

_CENT = Decimal("0.01")
_HELD_SHOWN = 5
_RIGHT = "style='text-align:right'"

_NOT_WHOLE = "some of the history is missing: kp.sync() or `kalshi-portfolio sync` fetches it"


def text_card(pf: Portfolio) -> str:
    """Give the figures of a portfolio as lines of text. It never raises: what is wrong stands in the card."""
    lines = [f"  {name:<13} {value}" for name, value in _figures_or_trouble(pf)]
    return "\n".join([f"Portfolio({str(pf.root)!r}, {pf.environment})", *lines])


def html_card(pf: Portfolio) -> str:
    """Give the figures and the largest open positions as HTML, in the notebook's own colours."""
    rows = "".join(
        f"<tr><td style='text-align:left'>{escape(name)}</td><td {_RIGHT}>{escape(value)}</td></tr>"
        for name, value in _figures_or_trouble(pf)
    )
    head = f"<b>Kalshi portfolio</b> ({escape(pf.environment)}) <code>{escape(str(pf.root))}</code>"
    return f"<div>{head}<table><tbody>{rows}</tbody></table>{_held_or_nothing(pf)}</div>"


def figures(pf: Portfolio) -> list[tuple[str, str]]:
    """Give label and words of what one wants to know first, and of everything that the figures leave out."""
    status = pf.status()
    fills = next(dataset.rows for dataset in status.datasets if dataset.name == "fills")
    if status.complete_to is None and not fills:
        return [("fills", "none yet: kp.sync() or `kalshi-portfolio sync` fetches them"), *_warnings(status)]
    positions = pf.positions()
    held = positions.filter(pl.col("status") == "open")
    return [
        ("complete to", _NOT_WHOLE if status.complete_to is None else moment(status.complete_to)),
        ("fills", f"{fills or 0:,}"),
        ("positions", f"{positions.height:,}, of them {held.height:,} open"),
        *_profit(pf),
        *_open_profit(held),
        *_left_out(pf, positions),
        *_warnings(status),
    ]


def dollars(cents: object) -> str:
    """Show an exact amount of cents as dollars, rounded half-even to the cent for reading.

    Examples:
        >>> dollars(Decimal("-123456.700000")), dollars(Decimal("-0.4")), dollars(None)
        ('-$1,234.57', '$0.00', 'unknown')
    """
    if cents is None:
        return "unknown"
    amount = (Decimal(str(cents)) / 100).quantize(_CENT, rounding=ROUND_HALF_EVEN)
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def _profit(pf: Portfolio) -> list[tuple[str, str]]:
    total = next(pf.pnl().iter_rows(named=True), None)
    if total is None:
        return [("net P&L", "nothing traded yet")]
    labels = {"net P&L": "net_pnl_cents", "  realised": "realized_pnl_cents", "  fees": "fee_cents"}
    return [(label, dollars(total[column])) for label, column in labels.items()]


def _open_profit(held: pl.DataFrame) -> list[tuple[str, str]]:
    if held.is_empty():
        return []
    gains = held["unrealized_pnl_cents"].drop_nulls()
    without = held.height - gains.len()
    note = f" ({without:,} of {held.height:,} open positions have no mark)" if without else ""
    return [("unrealised", f"{dollars(gains.sum() if gains.len() else None)}{note}")]


def _left_out(pf: Portfolio, positions: pl.DataFrame) -> list[tuple[str, str]]:
    """Count what the sums do not hold, so that nobody takes a part for the whole."""
    lots = pf.pnl()["unknown_lots"].sum()
    incomplete = positions.filter(~pl.col("complete")).height
    return [
        *([("left out", f"{lots:,} lots without a known fee or history")] if lots else []),
        *(
            [("left out", f"{incomplete:,} positions whose history is incomplete; `cause` says why")]
            if incomplete
            else []
        ),
    ]


def _warnings(status: Status) -> list[tuple[str, str]]:
    waiting = [dataset.name for dataset in status.datasets if not dataset.synced]
    partly = [d.name for d in status.datasets if any("missing" in words for words in d.coverage)]
    found = []
    if waiting and len(waiting) < len(status.datasets):
        found.append(("not synced", f"{', '.join(waiting)}: kp.sync() fetches {'it' if len(waiting) == 1 else 'them'}"))
    if partly:
        found.append(("missing", f"part of the {', '.join(partly)}: the next sync fetches it; see coverage()"))
    if status.in_quarantine:
        found.append(
            ("quarantine", f"{status.in_quarantine:,} rows that did not fit; they are tried again at each sync")
        )
    return [*found, *(("problem", problem) for problem in status.problems)]


def _figures_or_trouble(pf: Portfolio) -> list[tuple[str, str]]:
    try:
        return figures(pf)
    except KalshiPortfolioError as error:
        return [("problem", str(error))]


def _held_or_nothing(pf: Portfolio) -> str:
    try:
        held = pf.positions(status="open")
    except KalshiPortfolioError:  # the figures say it already
        return ""
    largest = held.sort("cost_cents", descending=True, nulls_last=True).head(_HELD_SHOWN)
    if largest.is_empty():
        return ""
    rows = "".join(_held(row) for row in largest.iter_rows(named=True))
    left = "style='text-align:left'"
    head = f"<th {left}>largest open positions</th><th {left}>side</th>" + "".join(
        f"<th>{name}</th>" for name in ("held", "entry", "mark", "unrealised")
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _held(row: dict[str, Any]) -> str:
    mark, gain = row["current_price_cents"], row["unrealized_pnl_cents"]
    numbers = (
        f"{row['quantity'].normalize():,f}",
        f"{row['avg_price_cents'].normalize():f}¢",
        "no quote" if mark is None else f"{mark.normalize():f}¢",
        "" if gain is None else dollars(gain),
    )
    title = escape(row["title"] or row["ticker"])
    left = "style='text-align:left'"
    cells = "".join(f"<td {_RIGHT}>{number}</td>" for number in numbers)
    return (
        f"<tr><td {left} title='{escape(row['ticker'])}'>{title}</td><td {left}>{escape(row['side'])}</td>{cells}</tr>"
    )
