"""The days of the account as a calendar, one row of weeks a year."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from kalshi_portfolio.charts.canvas import Faceted, Layered, dressed
from kalshi_portfolio.charts.parts import MONEY, inline, nothing, tip
from kalshi_portfolio.charts.style import GAIN, INK, LOSS
from kalshi_portfolio.charts.words import NOTHING, day, from_to, left_out, safe
from kalshi_portfolio.display import counted
from kalshi_portfolio.display import dollars as words
from kalshi_portfolio.money import dollars

_CELL = 12.5
_WEEKS = 54
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_STRENGTH = {1: 0.3, 2: 0.5, 3: 0.75, 4: 1.0}
"""How opaque the four shades are: from a hint to the full colour, on any ground."""


def calendar(frame: pl.DataFrame, *, unknown: int = 0, hint: str = NOTHING) -> Faceted | Layered:
    """Draw the net P&L of each day.

    Args:
        frame: From :func:`kalshi_portfolio.pnl.calendar`.
        unknown: Lots that are left out.
        hint: What an empty chart says.

    Returns:
        A square for each day, a row for each year: blue for a gain, orange for a loss, the stronger the more it was;
        an outline where nothing happened, a question mark where nothing is known.

    Examples:
        >>> from kalshi_portfolio import pnl
        >>> from kalshi_portfolio.schema import LOTS, MARKETS
        >>> days = pnl.calendar(pnl.pnl(LOTS.empty(), MARKETS.empty(), freq="1d"))
        >>> calendar(days).to_dict()["title"]["text"]
        'Net P&L by day'
    """
    title = "Net P&L by day"
    if frame.is_empty():
        return nothing(title, hint, left_out(unknown))
    shades = _shades(frame)
    rows = dollars(frame.drop("level_to_cents")).with_columns(
        pl.when(pl.col("unknown_lots") > 0).then("unknown_lots"),
        when=pl.col("period").dt.strftime("%a %-d %b %Y"),
        shade=pl.col("level").replace_strict(dict(shades), default=None, return_dtype=pl.String),
        month=pl.when(pl.col("period").dt.day() == 1).then(pl.col("period").dt.strftime("%b")),
    )
    header = alt.Header(title=None, labelOrient="left", labelPadding=14)
    return Faceted(
        data=inline(rows.drop("period", "level")),
        facet=alt.FacetMapping(row=alt.Row("year:O", header=header)),
        spec=alt.layer(*_layers(shades), width=_CELL * _WEEKS, height=_CELL * len(_DAYS)),
        spacing=22,
        **dressed(title, [f"{from_to(frame)}, after fees", left_out(unknown)], _described(frame, unknown)),
    )


def _shades(frame: pl.DataFrame) -> list[tuple[int, str]]:
    """Give the levels that occur, with the amounts that they stand for: gains, then losses, the palest first."""
    levels = frame.drop_nulls("level").select("level", "level_to_cents").unique().rows()
    return [_shade(level, most) for level, most in sorted(levels, key=lambda row: (row[0] < 0, abs(row[0])))]


def _shade(level: int, most: Any) -> tuple[int, str]:
    return level, f"{'loss' if level < 0 else 'gain'} to {words(most)}" if level else "nothing gained or lost"


def _layers(shades: list[tuple[int, str]]) -> list[alt.Chart]:
    week = alt.X("week:O", scale=alt.Scale(domain=list(range(_WEEKS)), paddingInner=0.16), axis=None)
    weekday = alt.Y(
        "weekday:O",
        scale=alt.Scale(domain=list(range(1, 8)), paddingInner=0.16),
        axis=alt.Axis(
            title=None, domain=False, ticks=False, values=[1, 3, 5], labelExpr=f"{list(_DAYS)}[datum.value - 1]"
        ),
    )
    base = alt.Chart().encode(x=week, y=weekday)
    colour = alt.Color(
        "shade:N",
        scale=alt.Scale(domain=[name for _, name in shades], range=[_colour(level) for level, _ in shades]),
        legend=alt.Legend(title=None, columns=4, values=[name for level, name in shades if level]),
    )
    tips = [
        tip("when", "Day"),
        tip("net_pnl_dollars", "Net P&L", MONEY),
        tip("realized_pnl_dollars", "Realised, before fees", MONEY),
        tip("fee_dollars", "Fees", MONEY),
        tip("lots", "Lots closed", ","),
        tip("unknown_lots", "Lots left out", ","),
    ]
    empty: dict[str, Any] = {"fill": None, "stroke": INK, "strokeOpacity": 0.14, "cornerRadius": 2, "aria": False}
    quiet = base.transform_filter("!isValid(datum.shade)").mark_rect(**empty)
    unknown = base.transform_filter("!isValid(datum.shade) && isValid(datum.unknown_lots)").mark_text(
        text="?", color=INK, fontSize=10, aria=False
    )
    known = base.transform_filter("isValid(datum.shade)").mark_rect(cornerRadius=2, aria=False)
    months = (
        base.transform_filter("isValid(datum.month)")
        .mark_text(align="left", dx=-5, color=INK, fontSize=10.5, aria=False)
        .encode(text=alt.Text("month:N"), y=alt.value(-8))
    )
    return [quiet, unknown.encode(tooltip=tips), known.encode(color=colour, tooltip=tips), months]


def _colour(level: int) -> str:
    """Give a shade: a colour with its opacity, so that it fades into the ground, whatever that is."""
    if not level:
        return "#8080804d"
    return f"{LOSS if level < 0 else GAIN}{round(255 * _STRENGTH[abs(level)]):02x}"


def _described(frame: pl.DataFrame, unknown: int) -> str:
    known = frame.drop_nulls("level").sort("net_pnl_cents", maintain_order=True).select("period", "net_pnl_cents")
    said = f"Calendar of the net P&L of each day, {from_to(frame)}: {counted(known.height, 'day')} with a known P&L."
    if known.height:
        (worst_on, worst), (best_on, best) = known.row(0), known.row(-1)
        said += f" The best is {words(best)} ({day(best_on)}), the worst {words(worst)} ({day(worst_on)})."
    return safe(f"{said} {left_out(unknown)}".strip())
