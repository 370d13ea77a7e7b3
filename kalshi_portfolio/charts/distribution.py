"""How the outcomes of positions are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl

from kalshi_portfolio.charts.canvas import Layered, dressed
from kalshi_portfolio.charts.parts import MONEY, inline, nothing, tip, zero
from kalshi_portfolio.charts.style import GAIN, HEIGHT, LOSS, WIDTH
from kalshi_portfolio.charts.words import NOTHING, left_out
from kalshi_portfolio.display import counted
from kalshi_portfolio.display import dollars as words
from kalshi_portfolio.money import dollars

if TYPE_CHECKING:
    from collections.abc import Mapping


def distribution(frame: pl.DataFrame, *, unknown: int = 0, hint: str = NOTHING) -> Layered:
    """Draw how many positions ended with which net P&L.

    Args:
        frame: From :func:`kalshi_portfolio.pnl.histogram`.
        unknown: Positions that are left out.
        hint: What an empty chart says.

    Returns:
        A column for each bin, orange below zero, blue from there on; open bins are hatched by their outline.

    Examples:
        >>> from kalshi_portfolio import pnl
        >>> from kalshi_portfolio.schema import POSITIONS
        >>> distribution(pnl.histogram(POSITIONS.empty())).to_dict()["title"]["text"]
        'Outcomes of positions'
    """
    title = "Outcomes of positions"
    if frame.is_empty():
        return nothing(title, hint, left_out(unknown, "position"))
    rows = [
        {**row, "range": name, "open": name.startswith("beyond"), "sign": sign}
        for row, (name, sign) in zip(dollars(frame).to_dicts(), map(_named, frame.to_dicts()), strict=True)
    ]
    colour = alt.Color("sign:N", scale=alt.Scale(domain=["gain", "loss"], range=[GAIN, LOSS]), legend=None)
    axis = alt.Axis(title="net P&L of a position, after fees", format="$,.2~f", grid=False, tickCount=10)
    opaque = alt.Opacity("open:N", scale=alt.Scale(domain=[False, True], range=[1, 0.55]), legend=None)
    columns = (
        alt.Chart(inline(rows))
        .mark_rect(xOffset=0.5, x2Offset=-0.5, aria=False)
        .encode(
            x=alt.X("start_dollars:Q", axis=axis, scale=alt.Scale(nice=False)),
            x2=alt.X2("end_dollars:Q"),
            y=alt.Y(
                "positions:Q", axis=alt.Axis(title="positions", domain=False, ticks=False, tickCount=5, tickMinStep=1)
            ),
            y2=alt.datum(0),
            color=colour,
            opacity=opaque,
            tooltip=[
                tip("range", "Net P&L"),
                tip("positions", "Positions", ","),
                tip("net_pnl_dollars", "Sum of their net P&L", MONEY),
            ],
        )
    )
    return Layered(
        layer=[columns, zero("x")],
        width=WIDTH,
        height=HEIGHT,
        **dressed(title, [*_ends(frame), left_out(unknown, "position")], _described(frame, unknown)),
    )


def _named(row: Mapping[str, Any]) -> tuple[str, str]:
    """Give the words for a bin, and whether it is of gains or of losses."""
    lower, upper = row["lower_cents"], row["upper_cents"]
    if lower is None:
        return f"beyond: below {words(upper)}", "loss"
    sign = "loss" if lower < 0 else "gain"
    return (f"beyond: {words(lower)} and above" if upper is None else f"{words(lower)} to {words(upper)}"), sign


def _ends(frame: pl.DataFrame) -> list[str]:
    """Say what the open bins at the ends hold."""
    below, above = frame.filter(pl.col("lower_cents").is_null()), frame.filter(pl.col("upper_cents").is_null())
    said = [
        *(f"{counted(row['positions'], 'position')} below {words(row['upper_cents'])}" for row in below.to_dicts()),
        *(f"{counted(row['positions'], 'position')} from {words(row['lower_cents'])} up" for row in above.to_dicts()),
    ]
    return [f"The pale columns at the ends are open: {', '.join(said)}"] if said else []


def _described(frame: pl.DataFrame, unknown: int) -> str:
    most = frame.sort("positions", descending=True, maintain_order=True).row(0, named=True)
    said = (
        f"Histogram of the net P&L of ended positions, in {counted(frame.height, 'bin')}. The fullest bin is "
        f"{_named(most)[0]}, with {counted(most['positions'], 'position')}."
    )
    return " ".join(part for part in (said, *_ends(frame), left_out(unknown, "position")) if part)
