"""P&L and fees, period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl

from kalshi_portfolio.charts.canvas import Layered, dressed
from kalshi_portfolio.charts.parts import MONEY, colours, inline, money_axis, nothing, time_x, tip, zero
from kalshi_portfolio.charts.style import GAIN, HEIGHT, LOSS, WIDTH
from kalshi_portfolio.charts.words import (
    NOTHING,
    by_period,
    columns_of,
    from_to,
    group_name,
    left_out,
    period_words,
    spoken,
)
from kalshi_portfolio.display import dollars as words
from kalshi_portfolio.money import dollars

if TYPE_CHECKING:
    from collections.abc import Sequence


def periods(
    frame: pl.DataFrame, *, freq: str, by: str | Sequence[str] = (), unknown: int = 0, hint: str = NOTHING
) -> Layered:
    """Draw the net P&L of each period, stacked by group if there are any.

    Args:
        frame: From :func:`kalshi_portfolio.pnl.stacked`.
        freq: The length of its periods.
        by: The columns that it was grouped by.
        unknown: Lots that are left out.
        hint: What an empty chart says.

    Returns:
        A column for each period: blue for a gain and orange for a loss, or the colours of the groups.

    Examples:
        >>> from kalshi_portfolio import pnl
        >>> from kalshi_portfolio.schema import LOTS, MARKETS
        >>> table = pnl.pnl(LOTS.empty(), MARKETS.empty(), freq="1mo")
        >>> periods(pnl.stacked(table, (), "1mo"), freq="1mo").to_dict()["title"]["text"]
        'Net P&L by month'
    """
    return _columns(frame, "net_pnl", f"Net P&L {by_period(freq)}", freq=freq, by=by, unknown=unknown, hint=hint)


def fees(
    frame: pl.DataFrame, *, freq: str, by: str | Sequence[str] = (), unknown: int = 0, hint: str = NOTHING
) -> Layered:
    """Draw the fees paid in each period, stacked by group if there are any.

    Args:
        frame: From :func:`kalshi_portfolio.pnl.stacked` with ``value="fee_cents"``.
        freq: The length of its periods.
        by: The columns that it was grouped by.
        unknown: Lots that are left out.
        hint: What an empty chart says.

    Returns:
        A column for each period.

    Examples:
        >>> from kalshi_portfolio import pnl
        >>> from kalshi_portfolio.schema import LOTS, MARKETS
        >>> table = pnl.pnl(LOTS.empty(), MARKETS.empty(), freq="1w")
        >>> fees(pnl.stacked(table, (), "1w", value="fee_cents"), freq="1w").to_dict()["title"]["text"]
        'Fees by week'
    """
    return _columns(frame, "fee", f"Fees {by_period(freq)}", freq=freq, by=by, unknown=unknown, hint=hint)


def _columns(
    frame: pl.DataFrame, value: str, title: str, *, freq: str, by: str | Sequence[str], unknown: int, hint: str
) -> Layered:
    title = f"{title}, by {spoken(by)}" if columns_of(by) else title
    if frame.is_empty():
        return nothing(title, hint, left_out(unknown))
    rows = [
        {**row, "label": group_name(row, by), "sign": "loss" if row["net_pnl_dollars"] < 0 else "gain"}
        for row in dollars(frame.with_columns(when=period_words(freq))).drop("quantity").to_dicts()
    ]
    ranks = {(row["label"], row["groups"]): row["rank"] for row in rows}
    tips = [
        tip("when", "Period"),
        *([tip("label", spoken(by).capitalize())] if columns_of(by) else []),
        tip("net_pnl_dollars", "Net P&L", MONEY),
        tip("realized_pnl_dollars", "Realised, before fees", MONEY),
        tip("fee_dollars", "Fees", MONEY),
        tip("lots", "Lots closed", ","),
        tip("unknown_lots", "Lots left out", ","),
    ]
    columns = (
        alt.Chart(inline({k: v for k, v in row.items() if k not in {"groups", *columns_of(by)}} for row in rows))
        .mark_bar(orient="vertical", xOffset=0.5, x2Offset=-0.5, aria=False)
        .encode(
            x=time_x(frame, "period", "period_end"),
            x2=alt.X2("period_end:T"),
            y=alt.Y(f"{value}_dollars:Q", axis=money_axis(), stack="zero"),
            color=_colour(value, sorted(ranks, key=lambda group: ranks[group]), by),
            order=alt.Order("rank:Q"),
            tooltip=tips,
        )
    )
    said = f"{from_to(frame)}{', after fees' if value == 'net_pnl' else ''}"
    return Layered(
        layer=[columns, zero()],
        width=WIDTH,
        height=HEIGHT,
        **dressed(title, [said, left_out(unknown)], _described(frame, value, title, unknown)),
    )


def _colour(value: str, ranks: list[tuple[str, int]], by: str | Sequence[str]) -> Any:
    if columns_of(by):
        return alt.Color("label:N", scale=colours(ranks), legend=alt.Legend(title=None, symbolType="square"), sort=None)
    if value == "fee":
        return alt.value(GAIN)
    return alt.Color("sign:N", scale=alt.Scale(domain=["gain", "loss"], range=[GAIN, LOSS]), legend=None)


def _described(frame: pl.DataFrame, value: str, title: str, unknown: int) -> str:
    column = f"{value}_cents"
    ordered = frame.sort(column, maintain_order=True).select(pl.col("period").dt.strftime("%-d %b %Y"), column).rows()
    (least_at, least), (most_at, most) = ordered[0], ordered[-1]
    return (
        f"Column chart: {title}, {from_to(frame)}. The highest value is {words(most)} (from {most_at}), the lowest "
        f"{words(least)} (from {least_at}). {left_out(unknown)}"
    ).strip()
