"""One market: at which prices it was traded, and what was held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl

from kalshi_portfolio.charts.canvas import Layered, Stacked, dressed
from kalshi_portfolio.charts.parts import colours, inline, nothing, time_x, tip, zero
from kalshi_portfolio.charts.style import HEIGHT, INK, SIDES, WIDTH
from kalshi_portfolio.charts.words import NOTHING, by_period, group_name, left_out, safe
from kalshi_portfolio.display import counted
from kalshi_portfolio.display import dollars as words

if TYPE_CHECKING:
    from kalshi_portfolio.pnl import Path

_FEW = 80
_SHAPES = {"buy": "triangle-up", "sell": "triangle-down", "settlement": "diamond"}


def position(
    path: Path,
    *,
    ticker: str,
    title: str | None = None,
    net_cents: object = None,
    tz: str = "UTC",
    unknown: int = 0,
    hint: str = NOTHING,
) -> Stacked | Layered:
    """Draw what happened in one market.

    Args:
        path: From :func:`kalshi_portfolio.pnl.path`.
        ticker: The market.
        title: Its question.
        net_cents: Its net P&L so far, exact; None if unknown.
        tz: The time zone of the axis.
        unknown: Lots without a known P&L.
        hint: What an empty chart says.

    Returns:
        Above the prices of buys, sells and settlement, below what was held after each.

    Examples:
        >>> from kalshi_portfolio import pnl
        >>> from kalshi_portfolio.schema import LOTS, TRADES
        >>> position(pnl.path(TRADES.empty(), LOTS.empty()), ticker="KXFED").to_dict()["title"]["text"]
        'KXFED'
    """
    heading = safe(title or ticker)
    if path.points.is_empty():
        return nothing(heading, hint)
    points, running = _local(path.points, tz), _local(path.running, tz)
    x = time_x(points, "at", padding=14)
    said = [
        f"{safe(ticker)} · net P&L {words(net_cents)} · {counted(path.fills, 'trade')}{_held_still(path)}",
        _together(path),
        left_out(unknown),
    ]
    return Stacked(
        vconcat=[_prices(points, x, heading, path.side), _held(running, x)],
        spacing=18,
        resolve=alt.Resolve(scale=alt.ScaleResolveMap(x="shared", color="independent", shape="independent")),
        **dressed(heading, said, _described(path, heading, said, tz)),
    )


def _local(frame: pl.DataFrame, tz: str) -> pl.DataFrame:
    """Give times as the clocks of a zone show them, with words for tooltips."""
    local = pl.col("at").dt.convert_time_zone(tz).dt.replace_time_zone(None)
    return frame.with_columns(local).with_columns(when=pl.col("at").dt.strftime(f"%a %-d %b %Y %H:%M:%S {tz}"))


def _held_still(path: Path) -> str:
    """Say what is held after the last trade, of each subaccount that holds any."""
    last = path.running.group_by("rank", maintain_order=True).agg(pl.col("position").last())["position"]
    return "".join(f" · {abs(held.normalize()):,f} {'YES' if held > 0 else 'NO'} held" for held in last if held)


def _together(path: Path) -> str:
    """Say what stands for several things."""
    said = []
    if path.step is not None:
        said.append(f"each point is the average {by_period(path.step).replace('by ', 'of one ')}, buys and sells apart")
    if len(path.subaccounts) > 1:
        said.append(f"{len(path.subaccounts)} subaccounts, held apart; subaccount= shows one")
    return "; ".join(said).capitalize() if said else ""


def _prices(points: pl.DataFrame, x: alt.X, heading: str, side: str) -> alt.LayerChart | alt.FacetChart:
    """Draw the prices of trades and settlements; the larger, the more contracts."""
    rows = _price_rows(points, heading)
    axis = alt.Axis(
        title=f"price of {side.upper()}", labelExpr="datum.label + '¢'", tickCount=5, domain=False, ticks=False
    )
    base = alt.Chart(inline(rows)).encode(x=x, y=alt.Y("shown:Q", scale=alt.Scale(domain=[0, 100]), axis=axis))
    kinds = [kind for kind in SIDES if any(row["kind"] == kind for row in rows)]
    legend = alt.Legend(title=None, orient="top", offset=4, symbolSize=80)
    marks = base.mark_point(filled=True, opacity=0.8, aria=False).encode(
        color=alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[SIDES[kind] for kind in kinds]), legend=legend),
        shape=alt.Shape(
            "kind:N", scale=alt.Scale(domain=kinds, range=[_SHAPES[kind] for kind in kinds]), legend=legend
        ),
        size=alt.Size("contracts:Q", scale=alt.Scale(type="sqrt", range=[40, 320]), legend=None),
        tooltip=[
            tip("when", "Time"),
            tip("market", "Market"),
            tip("what", "What"),
            tip("contracts", "Contracts", ",.2~f"),
            tip("price", "Price"),
            tip("gain", "Realised P&L, before fees"),
            tip("fees", "Fees"),
            tip("trades", "Trades", ","),
            tip("who", "Subaccount"),
        ],
    )
    trail = base.mark_line(color=INK, opacity=0.3, strokeWidth=1, interpolate="step-after", aria=False)
    return alt.layer(trail, marks, width=WIDTH, height=HEIGHT * 3 // 4)


def _price_rows(points: pl.DataFrame, heading: str) -> list[dict[str, Any]]:
    """Give points as a chart and its tooltips need them."""
    return [
        {
            "at": row["at"],
            "when": row["when"],
            "market": heading,
            "kind": row["kind"],
            "what": f"{row['kind']} {row['side'].upper()}",
            "price": _cents(row["price_cents"]),
            "shown": None if row["shown_cents"] is None else float(row["shown_cents"]),
            "contracts": float(row["quantity"]),
            "trades": row["fills"],
            "who": "several" if row["subaccount"] is None else str(row["subaccount"]),
            "fees": words(row["fee_cents"]),
            "gain": "–" if row["kind"] == "buy" else words(row["realized_pnl_cents"]),  # noqa: RUF001  (as in print)
        }
        for row in points.to_dicts()
    ]


def _cents(price: Any) -> str:
    return "unknown" if price is None else f"{price.normalize():f}¢"


def _held(running: pl.DataFrame, x: alt.X) -> alt.LayerChart | alt.FacetChart:
    """Draw what was held, a line for each subaccount."""
    rows = [
        {
            "at": row["at"],
            "when": row["when"],
            "who": group_name(row, "subaccount"),
            "held": float(row["position"]),
            "words": _holding(row["position"]),
        }
        for row in running.to_dicts()
    ]
    ranks = running.select("rank", "subaccount", "groups").unique().sort("rank").to_dicts()
    names = [(group_name(row, "subaccount"), row["groups"]) for row in ranks]
    legend = alt.Legend(title=None, symbolType="square") if len(names) > 1 else None
    axis = alt.Axis(title="held: + YES, − NO", tickCount=4, domain=False, ticks=False, format=",~f")  # noqa: RUF001
    base = alt.Chart(inline(rows)).encode(
        x=x,
        y=alt.Y("held:Q", axis=axis, stack=None),
        color=alt.Color("who:N", scale=colours(names), legend=legend, sort=None),
        tooltip=[tip("when", "Time"), tip("words", "Held afterwards"), tip("who", "Whose")],
    )
    area = base.mark_area(interpolate="step-after", opacity=0.18 if len(names) == 1 else 0, aria=False)
    line = base.mark_line(interpolate="step-after", strokeWidth=2, aria=False)
    dots = base.mark_circle(size=26, opacity=1, aria=False)
    return alt.layer(area, zero(), line, *([dots] if running.height <= _FEW else []), width=WIDTH, height=HEIGHT // 3)


def _holding(held: Any) -> str:
    if not held:
        return "nothing"
    return f"{abs(held).normalize():,f} {'YES' if held > 0 else 'NO'}"


def _described(path: Path, heading: str, said: list[str], tz: str) -> str:
    days = path.points["at"].dt.convert_time_zone(tz).dt.strftime("%-d %b %Y").to_list()
    last = path.running.group_by("rank").agg(pl.col("position").last())["position"]
    held = "Something is held now." if (last != 0).any() else "Nothing is held now."
    settled = path.points.filter(pl.col("kind") == "settlement")
    how = [f"Settled at {_cents(row['price_cents'])} for {row['side'].upper()}." for row in settled.to_dicts()]
    parts = [f"Prices and holdings of {heading}, {days[0]} to {days[-1]}.", *said, *how[:1], held]
    return " ".join(part if part.endswith(".") else f"{part}." for part in parts if part)
