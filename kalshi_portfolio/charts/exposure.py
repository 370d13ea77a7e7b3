"""How much money was at work over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import polars as pl

from kalshi_portfolio.charts.canvas import Layered, dressed
from kalshi_portfolio.charts.parts import MONEY, colours, inline, money_axis, nothing, time_x, tip
from kalshi_portfolio.charts.style import GAIN, HEIGHT, WIDTH
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
from kalshi_portfolio.display import counted
from kalshi_portfolio.display import dollars as words
from kalshi_portfolio.money import dollars

if TYPE_CHECKING:
    from collections.abc import Sequence


def exposure(
    frame: pl.DataFrame, *, freq: str, by: str | Sequence[str] = (), unknown: int = 0, hint: str = NOTHING
) -> Layered:
    """Draw the cost of what was held at the end of each period.

    Args:
        frame: From :func:`kalshi_portfolio.pnl.exposure`.
        freq: The length of its periods.
        by: The columns that it was grouped by.
        unknown: Lots held now that are left out.
        hint: What an empty chart says.

    Returns:
        Areas in steps, one upon the other.

    Examples:
        >>> from kalshi_portfolio import pnl
        >>> from kalshi_portfolio.schema import LOTS, MARKETS
        >>> exposure(pnl.exposure(LOTS.empty(), MARKETS.empty()), freq="1d").to_dict()["title"]["text"]
        'Exposure'
    """
    title = f"Exposure by {spoken(by)}" if columns_of(by) else "Exposure"
    if frame.is_empty():
        return nothing(title, hint, left_out(unknown))
    named = frame.with_columns(
        pl.Series("label", [group_name(row, by) for row in frame.to_dicts()]), when=period_words(freq)
    )
    rows = dollars(named.select("period", "when", "label", "rank", "cost_cents"))
    ranks = named.select("rank", "label", "groups").unique().sort("rank").select("label", "groups").rows()
    colour = (
        alt.Color("label:N", scale=colours(ranks), legend=alt.Legend(title=None, symbolType="square"), sort=None)
        if columns_of(by)
        else alt.value(GAIN)
    )
    end = rows.filter(pl.col("period") == pl.col("period").max()).with_columns(pl.col("period").dt.offset_by(freq))
    base = alt.Chart(inline(pl.concat([rows, end]))).encode(
        x=time_x(rows),
        y=alt.Y("cost_dollars:Q", axis=money_axis(), stack="zero"),
        color=colour,
        order=alt.Order("rank:Q"),
        tooltip=[
            tip("when", "At the end of"),
            *([tip("label", spoken(by).capitalize())] if columns_of(by) else []),
            tip("cost_dollars", "Cost of what was held", MONEY),
        ],
    )
    areas = base.mark_area(interpolate="step-after", opacity=1, aria=False)
    said = f"Cost of what was held, before fees, at the end of each period, {by_period(freq)}, {from_to(frame)}"
    short = f"{counted(unknown, 'lot')} held now, of markets with incomplete history, left out" if unknown else ""
    return Layered(
        layer=[areas],
        width=WIDTH,
        height=HEIGHT,
        **dressed(title, [said, short], _described(frame, title, said, short)),
    )


def _described(frame: pl.DataFrame, title: str, said: str, short: str) -> str:
    top = frame.sort("cost_cents", descending=True, maintain_order=True).row(0, named=True)
    parts = [f"Area chart: {title}. {said}.", f"The highest value of a group is {words(top['cost_cents'])}.", short]
    return " ".join(part for part in parts if part)
