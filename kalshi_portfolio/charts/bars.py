"""P&L by group: one bar each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from kalshi_portfolio.charts.canvas import Layered, dressed
from kalshi_portfolio.charts.parts import MONEY, inline, money_axis, nothing, tip, zero
from kalshi_portfolio.charts.style import GAIN, INK, LOSS, REST, WIDTH
from kalshi_portfolio.charts.words import NOTHING, group_name, left_out, spoken
from kalshi_portfolio.display import counted
from kalshi_portfolio.display import dollars as words
from kalshi_portfolio.money import dollars

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

_BAR = 22
_NAMED = 3
_FIGURE: dict[str, Any] = {"color": INK, "fontSize": 11, "aria": False}
_ROOM = 0.16
"""How much wider than the bars the axis is at either end, so that figures have room."""


def bars(frame: pl.DataFrame, *, by: str | Sequence[str], unknown: int = 0, hint: str = NOTHING) -> Layered:
    """Draw the net P&L of groups.

    Args:
        frame: From :func:`kalshi_portfolio.pnl.ranked`; with a column ``title``, tooltips show it.
        by: The columns that it was grouped by.
        unknown: Lots that are left out.
        hint: What an empty chart says.

    Returns:
        A horizontal bar for each row, in its order, blue for a gain, orange for a loss, grey for the rest.

    Examples:
        >>> from kalshi_portfolio import pnl
        >>> from kalshi_portfolio.schema import LOTS, MARKETS
        >>> table = pnl.pnl(LOTS.empty(), MARKETS.empty(), by="category")
        >>> bars(pnl.ranked(table, "category"), by="category").to_dict()["title"]["text"]
        'Net P&L by category'
    """
    title = f"Net P&L by {spoken(by)}"
    if frame.is_empty():
        return nothing(title, hint, left_out(unknown))
    rows = _rows(frame, by)
    data = inline(rows)
    y = alt.Y("label:N", sort=None, axis=alt.Axis(title=None, domain=False, ticks=False, labelPadding=8))
    x = alt.X("net_pnl_dollars:Q", axis=money_axis(), scale=alt.Scale(padding=WIDTH * _ROOM / 2))
    base = alt.Chart(data).encode(y=y, x=x)
    colour = alt.Color(
        "sign:N", scale=alt.Scale(domain=["gain", "loss", "rest"], range=[GAIN, LOSS, REST]), legend=None
    )
    right = base.transform_filter("datum.net_pnl_dollars >= 0").mark_text(align="left", dx=5, **_FIGURE)
    left = base.transform_filter("datum.net_pnl_dollars < 0").mark_text(align="right", dx=-5, **_FIGURE)
    return Layered(
        layer=[
            base.mark_bar(cornerRadius=1).encode(color=colour, tooltip=_tips(frame, by)),
            zero("x"),
            right.encode(text=alt.Text("text:N")),
            left.encode(text=alt.Text("text:N")),
        ],
        width=WIDTH - 120,
        height=alt.Step(_BAR),
        **dressed(title, [_said(frame), left_out(unknown)], _described(title, rows, unknown)),
    )


def _rows(frame: pl.DataFrame, by: str | Sequence[str]) -> list[dict[str, Any]]:
    """Give the rows with their names, exact figures in words, and what they are."""
    return [
        {
            **row,
            "label": group_name(row, by),
            "text": words(exact),
            "sign": "rest" if row["groups"] > 1 else "loss" if exact < 0 else "gain",
            "quantity": float(row["quantity"]),
        }
        for row, exact in zip(dollars(frame).to_dicts(), frame["net_pnl_cents"], strict=True)
    ]


def _tips(frame: pl.DataFrame, by: str | Sequence[str]) -> list[alt.Tooltip]:
    return [
        tip("label", spoken(by).capitalize()),
        *([tip("title", "Market")] if "title" in frame.columns else []),
        tip("net_pnl_dollars", "Net P&L", MONEY),
        tip("realized_pnl_dollars", "Realised, before fees", MONEY),
        tip("fee_dollars", "Fees", MONEY),
        tip("quantity", "Contracts closed", ",.2~f"),
        tip("lots", "Lots closed", ","),
        tip("unknown_lots", "Lots left out", ","),
    ]


def _said(frame: pl.DataFrame) -> str:
    rest = frame.filter(frame["groups"] > 1)
    if rest.is_empty():
        return "After fees"
    shown = counted(frame.height - 1, "group")
    return f"After fees; the best and the worst, {shown}, and {rest['groups'][0]:,} others summed up"


def _described(title: str, rows: list[dict[str, object]], unknown: int) -> str:
    named = [row for row in rows if row["sign"] != "rest"]
    best = ", ".join(f"{row['label']} {row['text']}" for row in named[:_NAMED])
    worst = ", ".join(f"{row['label']} {row['text']}" for row in named[_NAMED:][-_NAMED:])
    parts = [f"Bar chart: {title}, {counted(len(rows), 'bar')}. First: {best}.", f"Last: {worst}." if worst else ""]
    return " ".join(part for part in (*parts, left_out(unknown)) if part)
