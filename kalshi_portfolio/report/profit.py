"""The sections on what was gained: summary, course, calendar, months, categories, series, positions, fees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kalshi_portfolio import pnl
from kalshi_portfolio.display import Html, counted, element, figures, left_out_of_held
from kalshi_portfolio.display.html import joined
from kalshi_portfolio.report.sheets import (
    Shown,
    counts,
    folded,
    gains,
    market,
    money,
    month_column,
    prices,
    quantities,
    shares,
    sheet,
    side,
)
from kalshi_portfolio.report.words import amount, day, factor, gain, length, local_day, row_of, share

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from kalshi_portfolio.report.contents import Contents
    from kalshi_portfolio.report.pictures import Easel

_LAST_DAYS = 366
_NO_MATCH = "Nothing to show: no trades in this time."
_NONE = "None in this time."


def hint(contents: Contents) -> dict[str, str]:
    """Say what an empty chart says, where it is not the package's own advice."""
    return {"hint": _NO_MATCH} if contents.facts.fills else {}


def summary(contents: Contents) -> Html:
    """Give the figures that one looks at first."""
    row = contents.course.summary.row(0, named=True)
    lines: list[tuple[str, object, str]] = [
        ("Realised P&L", gain(row["realized_pnl_cents"]), "before fees"),
        ("Fees", amount(row["fee_cents"]), "paid"),
        ("Unrealised P&L", gain(row["unrealized_pnl_cents"]), _unmarked(row)),
        ("Cost of what is held", amount(row["open_exposure_cents"]), counted(row["open_positions"], "open position")),
        ("Worth of what is held", amount(row["market_value_cents"]), "at the marks, else at cost"),
        ("Positions ended", f"{contents.ended.count:,}", f"{counted(contents.facts.fills, 'fill')} in all"),
        ("Positions won", share(row["win_ratio"]), "of those ended, after fees"),
        ("Profit factor", factor(row["profit_factor"]), "net gains over net losses"),
        ("Mean result", gain(row["expectancy_cents"]), "of an ended position"),
        ("Mean holding", length(row["average_holding"]), "from opening to end"),
        ("Deepest drawdown", amount(row["max_drawdown_cents"]), "below the best, by day"),
        ("Paid in, net", amount(row["transfers_cents"]), "deposits less withdrawals"),
    ]
    if contents.facts.whole:
        lines.append(("Return", share(row["return_on_capital"]), "money-weighted"))
    net = element(
        "p", element("span", "Net P&L"), element("b", gain(row["net_pnl_cents"])), _after(contents), cls="net"
    )
    return joined((net, figures(lines)))


def _after(contents: Contents) -> Html:
    total = row_of(contents.profit.total)
    lots = f", {counted(total['lots'], 'lot')} closed" if total else ""
    return element("small", f"realised, after fees{lots}")


def _unmarked(row: Mapping[str, Any]) -> str:
    return ", ".join(left_out_of_held(row)) or "at the marks, before fees"


def course(contents: Contents, easel: Easel) -> Html:
    """Draw equity and drawdown."""
    from kalshi_portfolio import charts  # noqa: PLC0415  (loads Altair)

    frame, freq = contents.course.line, contents.course.freq
    said: dict[str, Any] = {"unknown": pnl.unknown_lots(frame), **hint(contents)}
    by_month = sheet(
        [
            month_column(),
            gains("net P&L", "net_pnl_cents"),
            gains("net P&L so far", "cumulative_net_pnl_cents"),
            money("below the best", "drawdown_cents"),
            gains("paid in, net", "transfers_cents"),
            *_left_out(contents.course.by_month),
        ],
        contents.course.by_month,
        caption="The course of the account, at each month's end",
    )
    return joined(
        (
            easel.draw(charts.equity(frame, freq=freq, **said)).figure(),
            easel.draw(charts.drawdown(frame, freq=freq, **said)).figure(),
            folded("Figures by month", by_month) if contents.course.by_month.height else "",
        )
    )


def calendar(contents: Contents, easel: Easel) -> Html:
    """Draw the days."""
    from kalshi_portfolio import charts  # noqa: PLC0415  (loads Altair)

    days = contents.profit.days
    chart = charts.calendar(contents.profit.calendar, unknown=pnl.unknown_lots(days), **hint(contents))
    picture = easel.draw(chart, slides=True).figure()
    if days.is_empty():
        return picture
    shown = days.tail(_LAST_DAYS).reverse()
    cut = "" if shown.height == days.height else f", the last {shown.height:,} of {days.height:,}"
    caption = f"Days on which something was realised or paid, newest first{cut}"
    table = sheet(
        [Shown("day", lambda row: day(row["period"]), number=False, whole=True), *_values(days)], shown, caption=caption
    )
    return joined((picture, element("div", folded("Figures by day", table), cls="screen")))


def months(contents: Contents, easel: Easel) -> Html:
    """Give P&L by month."""
    from kalshi_portfolio import charts  # noqa: PLC0415  (loads Altair)

    unknown = pnl.unknown_lots(contents.profit.months)
    chart = charts.periods(contents.profit.bars, freq=contents.profit.bars_freq, unknown=unknown, **hint(contents))
    columns = [
        month_column(),
        *_values(contents.profit.months),
        shares("lots won", "win_ratio"),
    ]
    table = sheet(
        columns, contents.profit.months, caption="P&L by month", last=_total(contents, columns), nothing=_NONE
    )
    return joined((easel.draw(chart).figure(), folded("Figures by month", table, opened=True)))


def groups(contents: Contents, easel: Easel, frame: pl.DataFrame, by: str, name: str) -> Html:
    """Give P&L by category or series."""
    from kalshi_portfolio import charts  # noqa: PLC0415  (loads Altair)

    unknown = pnl.unknown_lots(contents.profit.total)
    chart = charts.bars(frame, by=by, unknown=unknown, **hint(contents))
    columns = [Shown(name, lambda row: _group(row, by), number=False), *_values(frame)]
    total = _total(contents, columns)
    table = sheet(columns, frame, caption=f"P&L by {name}, the best first", last=total, nothing=_NONE)
    return joined((easel.draw(chart).figure(), folded(f"Figures by {name}", table)))


def _group(row: Mapping[str, Any], by: str) -> str:
    if row["groups"] > 1:
        return f"{row['groups']:,} others"
    return "not known" if row[by] is None else str(row[by])


def _values(frame: pl.DataFrame) -> list[Shown]:
    """Give the columns of P&L; what is left out only where there is any."""
    return [
        gains("realised", "realized_pnl_cents"),
        money("fees", "fee_cents"),
        gains("net P&L", "net_pnl_cents"),
        quantities("contracts closed", "quantity"),
        counts("lots closed", "lots"),
        *_left_out(frame),
    ]


def _left_out(frame: pl.DataFrame) -> list[Shown]:
    return [counts("lots left out", "unknown_lots")] if pnl.unknown_lots(frame) else []


def _total(contents: Contents, columns: list[Shown]) -> list[list[object]]:
    """Write the row of the total below a table of P&L."""
    total = row_of(contents.profit.total)
    return [["all", *(column.cell(total) for column in columns[1:])]] if total else []


def positions(contents: Contents, easel: Easel) -> Html:
    """List the best and the worst positions, and draw how all are spread."""
    from kalshi_portfolio import charts  # noqa: PLC0415  (loads Altair)

    chart = charts.distribution(contents.ended.outcomes, unknown=contents.ended.unknown, **hint(contents))
    columns = [
        Shown("market", market, number=False),
        Shown("side", side, number=False),
        quantities("bought", "bought_quantity"),
        prices("entry", "avg_price_cents"),
        prices("exit", "exit_price_cents"),
        money("fees", "fee_cents"),
        gains("net P&L", "net_pnl_cents"),
        Shown("ended", lambda row: local_day(row["closed_at"], contents.facts.tz)),
    ]
    best = sheet(columns, contents.ended.best, caption=_ranked("best", contents.ended.best), nothing=_NONE)
    worst = sheet(columns, contents.ended.worst, caption=_ranked("worst", contents.ended.worst), nothing=_NONE)
    return joined((best, worst, easel.draw(chart).figure()))


def _ranked(which: str, rows: pl.DataFrame) -> str:
    return f"The {which} {counted(rows.height, 'position')}" if rows.height > 1 else f"The {which} position"


def fees(contents: Contents, easel: Easel) -> Html:
    """Draw the fees, and compare makers with takers."""
    from kalshi_portfolio import charts  # noqa: PLC0415  (loads Altair)

    unknown = pnl.unknown_lots(contents.profit.months)
    chart = charts.fees(contents.profit.fee_bars, freq=contents.profit.bars_freq, unknown=unknown, **hint(contents))
    names = {True: "taker", False: "maker", None: "not known"}
    columns = [Shown("entry as", lambda row: names[row["is_taker"]], number=False), *_values(contents.profit.makers)]
    total = _total(contents, columns)
    table = sheet(columns, contents.profit.makers, caption="By how the position was entered", last=total, nothing=_NONE)
    return joined((easel.draw(chart).figure(), table))
