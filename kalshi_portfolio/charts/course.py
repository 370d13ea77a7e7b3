"""The course of an account: its running P&L, and how far it lies below its best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl

from kalshi_portfolio.charts.canvas import Layered, dressed
from kalshi_portfolio.charts.parts import MONEY, inline, money_axis, nothing, time_x, tip, zero
from kalshi_portfolio.charts.style import GAIN, HEIGHT, INK, LOSS, WIDTH
from kalshi_portfolio.charts.words import NOTHING, by_period, day, from_to, left_out, period_words
from kalshi_portfolio.display import dollars as words
from kalshi_portfolio.money import dollars

if TYPE_CHECKING:
    from datetime import date

_FEW = 45
"""Up to so many periods each has a dot of its own."""

_TIPS = [
    tip("when", "Period"),
    tip("cumulative_net_pnl_dollars", "Net P&L so far", MONEY),
    tip("net_pnl_dollars", "Net P&L", MONEY),
    tip("realized_pnl_dollars", "Realised, before fees", MONEY),
    tip("fee_dollars", "Fees", MONEY),
    tip("drawdown_dollars", "Below the best so far", MONEY),
]


def equity(frame: pl.DataFrame, *, freq: str, unknown: int = 0, hint: str = NOTHING) -> Layered:
    """Draw the running net P&L.

    Args:
        frame: From :func:`kalshi_portfolio.pnl.equity`.
        freq: The length of its periods.
        unknown: Lots that are left out.
        hint: What an empty chart says.

    Returns:
        A line with the latest figure at its end.

    Examples:
        >>> from kalshi_portfolio import pnl
        >>> from kalshi_portfolio.schema import LOTS, TRANSFERS
        >>> equity(pnl.equity(LOTS.empty(), TRANSFERS.empty()), freq="1d", hint="No data.").to_dict()["description"]
        'Net P&L: an empty chart. No data.'
    """
    title, value = "Net P&L", "cumulative_net_pnl"
    if frame.is_empty():
        return nothing(title, hint, left_out(unknown))
    last, top, low = (_at(frame, f"{value}_cents", pick) for pick in ("last", "max", "min"))
    before = (frame["cumulative_net_pnl_cents"] - frame["net_pnl_cents"])[0]
    since = " since the account began; shown" if before else ""
    said = f"{words(last[1])} after fees{since}, {by_period(freq)}, {from_to(frame)}"
    described = (
        f"Line chart of the running net P&L, {by_period(freq)}, {from_to(frame)}. It ends at {words(last[1])}; the "
        f"highest is {words(top[1])} ({day(top[0])}), the lowest {words(low[1])} ({day(low[0])}). {left_out(unknown)}"
    )
    return _line(frame, value, freq, GAIN, last, dressed(title, [said, left_out(unknown)], described.strip()))


def drawdown(frame: pl.DataFrame, *, freq: str, unknown: int = 0, hint: str = NOTHING) -> Layered:
    """Draw how far the running net P&L lies below its highest so far.

    Args:
        frame: From :func:`kalshi_portfolio.pnl.equity`.
        freq: The length of its periods.
        unknown: Lots that are left out.
        hint: What an empty chart says.

    Returns:
        An area below zero with the deepest figure at its place.

    Examples:
        >>> from kalshi_portfolio import pnl
        >>> from kalshi_portfolio.schema import LOTS, TRANSFERS
        >>> drawdown(pnl.equity(LOTS.empty(), TRANSFERS.empty()), freq="1d").to_dict()["title"]["text"]
        'Drawdown'
    """
    title, value = "Drawdown", "drawdown"
    if frame.is_empty():
        return nothing(title, hint, left_out(unknown))
    deepest, last = _at(frame, f"{value}_cents", "min"), _at(frame, f"{value}_cents", "last")
    said = f"At worst {words(deepest[1])} below the best so far, {by_period(freq)}, {from_to(frame)}"
    described = (
        f"Area chart of the drawdown of net P&L, {by_period(freq)}, {from_to(frame)}. The deepest is "
        f"{words(deepest[1])} ({day(deepest[0])}); it ends at {words(last[1])}. {left_out(unknown)}"
    )
    return _line(frame, value, freq, LOSS, deepest, dressed(title, [said, left_out(unknown)], described.strip()))


def _at(frame: pl.DataFrame, column: str, pick: str) -> tuple[date, Any]:
    """Give period and value of the last, the highest or the lowest row; the earliest where several are."""
    rows = frame if pick == "last" else frame.sort(column, descending=pick == "max", maintain_order=True)
    row = rows.select("period", column).row(-1 if pick == "last" else 0)
    return row[0], row[1]


def _line(
    frame: pl.DataFrame, value: str, freq: str, colour: str, marked: tuple[date, Any], top: dict[str, Any]
) -> Layered:
    rows = dollars(frame.drop("transfers_cents", "unknown_lots")).with_columns(
        when=period_words(freq), until=pl.col("period").dt.offset_by(freq)
    )
    last = marked[0] == frame["period"][-1]
    place = {"align": "left", "dx": 8} if last else {"align": "center", "dy": 16}
    x = time_x(rows)
    y = alt.Y(f"{value}_dollars:Q", axis=money_axis())
    data = inline(rows)
    base = alt.Chart(data).encode(x=x, y=y)
    line = base.mark_line(color=colour, strokeWidth=2, strokeJoin="round", aria=False)
    dots = base.mark_circle(color=colour, size=34, opacity=1, aria=False)
    return Layered(
        layer=[
            base.mark_area(color=colour, opacity=0.14, aria=False),
            zero(),
            line,
            *([dots] if rows.height <= _FEW else []),
            *_label(marked, value, x, y, colour, **place),
            _hover(data, x, value),
        ],
        width=WIDTH,
        height=HEIGHT,
        **top,
    )


def _label(at: tuple[date, Any], value: str, x: alt.X, y: alt.Y, colour: str, **place: Any) -> list[alt.Chart]:
    """Mark a point and write its figure beside it."""
    column = f"{value}_cents"
    point = dollars(pl.DataFrame({"period": [at[0]], column: [at[1]], "text": [words(at[1])]}))
    base = alt.Chart(inline(point)).encode(x=x, y=y)
    text = base.mark_text(fontSize=12, fontWeight=600, color=INK, aria=False, **place)
    return [base.mark_circle(color=colour, size=60, opacity=1, aria=False), text.encode(text=alt.Text("text:N"))]


def _hover(data: alt.InlineData, x: alt.X, value: str) -> alt.Chart:
    """Give the columns that are seen only under the pointer, with the figures of their period."""
    over = alt.selection_point(name=f"{value}_over", on="pointerover", clear="pointerout", empty=False)
    shade = alt.when(over).then(alt.value(0.12)).otherwise(alt.value(0))
    columns: alt.Chart = alt.Chart(data, name=f"{value}_view").mark_rect(fill=INK, aria=False)
    return columns.encode(x=x, x2=alt.X2("until:T"), opacity=shade, tooltip=_TIPS).add_params(over)
