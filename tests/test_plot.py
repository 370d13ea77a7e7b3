"""``pf.plot``: the frames that one asks for, drawn; periods that fit; and help where a question means nothing."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from ledger_rows import START, fills, market, markets

import kalshi_portfolio as kp
from kalshi_portfolio import charts
from kalshi_portfolio import pnl as profit
from kalshi_portfolio.display import dollars
from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.ledger import link
from kalshi_portfolio.portfolio.plot import Plot
from kalshi_portfolio.schema import FILLS, MARKETS, TRANSFERS
from kalshi_portfolio.store import Identity, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Folders written by hand hold fills alone, and the frames warn of what was never synced.
pytestmark = pytest.mark.filterwarnings("ignore::kalshi_portfolio.errors.NotSyncedWarning")

TRADED = "KXCPI-25JAN-T0.4"

DRAW: dict[str, Callable[[kp.Portfolio], Any]] = {
    "calendar": lambda pf: pf.plot.calendar(),
    "distribution": lambda pf: pf.plot.distribution(),
    "drawdown": lambda pf: pf.plot.drawdown(),
    "equity": lambda pf: pf.plot.equity(),
    "exposure": lambda pf: pf.plot.exposure(by="category"),
    "fees": lambda pf: pf.plot.fees(by="is_taker"),
    "pnl": lambda pf: pf.plot.pnl(by="ticker"),
    "position": lambda pf: pf.plot.position(TRADED),
}


@pytest.fixture(scope="module")
def pf() -> kp.Portfolio:
    return kp.demo()


@pytest.fixture
def empty(tmp_path: Path) -> kp.Portfolio:
    Store.open_for_sync(tmp_path, Identity("example.com", "custom"))
    return kp.Portfolio(tmp_path)


def written(folder: Path, frame: pl.DataFrame) -> kp.Portfolio:
    Store.open_for_sync(folder, Identity("example.com", "custom")).upsert(FILLS, frame)
    return kp.Portfolio(folder)


def said(chart: Any) -> str:
    title = chart.to_dict()["title"]
    return " | ".join([title["text"], *title["subtitle"]])


def rows_of(chart: Any, field: str) -> list[dict[str, Any]]:
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows if field in row]


def test_every_chart_is_tested_here() -> None:
    assert set(DRAW) == {name for name, _ in inspect.getmembers(Plot, inspect.isfunction) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(DRAW))
def test_each_chart_of_the_demo_is_drawn_and_small(pf: kp.Portfolio, name: str) -> None:
    chart = DRAW[name](pf)
    assert charts.svg(chart).startswith("<svg")
    assert len(chart.to_json(indent=None)) < 300_000


@pytest.mark.parametrize("name", sorted(DRAW))
def test_an_empty_portfolio_gives_a_chart_that_says_what_to_sync(empty: kp.Portfolio, name: str) -> None:
    assert "kp.sync()" in charts.svg(DRAW[name](empty))


@pytest.mark.parametrize("name", sorted(DRAW.keys() - {"position", "equity", "drawdown"}))
def test_filters_that_match_nothing_are_told_from_an_empty_portfolio(pf: kp.Portfolio, name: str) -> None:
    picture = charts.svg(getattr(pf.plot, name)(until="2020-01-01"))
    assert "Widen since, until or tickers" in picture


@pytest.mark.parametrize("name", sorted(DRAW))
def test_what_is_unknown_is_counted_and_never_drawn_as_zero(tmp_path: Path, name: str) -> None:
    # Nothing says that these fills are all there were, so no P&L is known.
    pf = written(tmp_path, fills("T yes 10 40", "T no 5 60", "U yes 1 40", "V yes 1 40", "V no 1 60"))
    arguments = ("T",) if name == "position" else ()
    counted = {"exposure": "2 lots held now", "distribution": "1 position without", "position": "2 lots without"}
    found = said(getattr(pf.plot, name)(*arguments))
    assert counted.get(name, "4 lots without") in found
    assert "left out" in found


def test_figures_are_those_of_the_frames(pf: kp.Portfolio) -> None:
    bars = {row["label"]: row["text"] for row in rows_of(pf.plot.pnl(by="category"), "label")}
    frame = pf.pnl(by="category")
    cents = dict(frame.select("category", "net_pnl_cents").rows())
    assert {label: round(float(text.replace("$", "").replace(",", "")), 2) for label, text in bars.items()} == {
        category: round(float(value) / 100, 2) for category, value in cents.items()
    }


def test_bars_of_markets_carry_their_titles(pf: kp.Portfolio) -> None:
    titles = dict(pf.markets().select("ticker", "title").rows())
    named = [row for row in rows_of(pf.plot.pnl(by="ticker"), "label") if not row["label"].startswith("other")]
    assert len(named) == 24
    assert all(row["title"] == titles[row["label"]] for row in named)


def test_the_period_fits_the_span(pf: kp.Portfolio) -> None:
    assert "by day" in said(pf.plot.equity())
    assert "by week" in said(pf.plot.exposure())
    assert "by day" in said(pf.plot.equity(since="2026-09-01"))
    assert "by month" in said(pf.plot.drawdown(freq="1mo"))
    assert said(pf.plot.pnl()).startswith("Net P&L by month")
    assert said(pf.plot.fees(since="2026-10-15")).startswith("Fees by day")


def test_what_the_course_says_of_itself_is_what_the_summary_says(pf: kp.Portfolio) -> None:
    summary = pf.summary().row(0, named=True)
    assert f"At worst {dollars(summary['max_drawdown_cents'])} below" in said(pf.plot.drawdown())
    assert f"Net P&L | {dollars(summary['net_pnl_cents'])} after fees, by day" in said(pf.plot.equity())
    later = said(pf.plot.equity(since="2026-11-01"))
    assert f"{dollars(summary['net_pnl_cents'])} after fees since the account began; shown, by day, 1 Nov 2026" in later


def test_filters_reach_the_frames(pf: kp.Portfolio) -> None:
    some = rows_of(pf.plot.calendar(since="2026-11-01", tz="America/New_York"), "weekday")
    assert len(some) <= 21
    one = pf.plot.pnl(by="side", tickers=TRADED)
    assert [row["label"] for row in rows_of(one, "label")] == ["no"]
    assert "America/New_York" in rows_of(pf.plot.position(TRADED, tz="America/New_York"), "price")[0]["when"]


def test_the_method_reaches_the_frames(pf: kp.Portfolio) -> None:
    for method in ("fifo", "average"):
        cells = rows_of(pf.plot.calendar(method=method), "net_pnl_dollars")
        days = pf.pnl(freq="1d", method=method).drop_nulls("net_pnl_cents")
        shown = sorted(row["net_pnl_dollars"] for row in cells)
        assert shown == pytest.approx(sorted(float(c) / 100 for c in days["net_pnl_cents"]))


@pytest.mark.parametrize("name", ["pnl", "fees", "exposure"])
def test_nonsense_to_group_by_lists_what_is_allowed(pf: kp.Portfolio, name: str) -> None:
    with pytest.raises(ArgumentError, match=r"nonsense.*cannot be grouped by.*category.*price_bucket.*weekday"):
        getattr(pf.plot, name)(by="nonsense")


def test_an_unknown_ticker_names_near_ones(pf: kp.Portfolio) -> None:
    with pytest.raises(ArgumentError, match=r"none of the 956 markets.*Near ones: KXCPI-25JAN-T0\.4"):
        pf.plot.position("KXCPI-25JAN-T4")
    with pytest.raises(ArgumentError, match="Nothing is near"):
        pf.plot.position("??")
    with pytest.raises(ArgumentError, match="None is none of"):
        pf.plot.position(None)  # type: ignore[arg-type]


def test_a_known_market_that_was_not_traded_says_so(tmp_path: Path) -> None:
    pf = written(tmp_path, fills("T yes 10 40"))
    Store.open(tmp_path).upsert(MARKETS, markets(market("U", title="U?")))
    assert "No trades of this market are on disk." in charts.svg(pf.plot.position("U"))


def test_a_market_of_which_no_profit_is_known_is_drawn_all_the_same(tmp_path: Path) -> None:
    chart = written(tmp_path, fills("T yes 10 40")).plot.position("T")
    assert "net P&L unknown" in said(chart)
    assert [row["what"] for row in rows_of(chart, "price")] == ["buy YES"]


def test_one_of_several_subaccounts_can_be_asked_for(tmp_path: Path) -> None:
    frame = fills("T yes 3 40", "T no 2 60").with_columns(subaccount=pl.Series([0, 7], dtype=pl.Int32))
    pf = written(tmp_path, frame)
    assert "2 subaccounts, held apart" in said(pf.plot.position("T"))
    one = pf.plot.position("T", subaccount=7)
    assert [row["what"] for row in rows_of(one, "price")] == ["buy NO"]
    with pytest.raises(ArgumentError, match=r"subaccount=3 did not trade T\. Expected one of \[0, 7\]"):
        pf.plot.position("T", subaccount=3)


def test_five_thousand_markets_over_five_years_stay_small_and_say_what_is_summed_up() -> None:
    count = 5_000
    base = fills("T yes 1 40", "T no 1 45")
    number = pl.int_range(2 * count)
    many = pl.concat([base] * count).with_columns(
        kalshi_trade_id=pl.concat_str(pl.lit("f"), number),
        ticker=pl.concat_str(pl.lit("T"), number // 2),
        executed_at=pl.lit(START).dt.cast_time_unit("us") + pl.duration(hours=number * 4),
    )
    lots = link(many).lots
    bars = charts.bars(profit.ranked(profit.pnl(lots, MARKETS.empty(), by="ticker"), "ticker"), by="ticker")
    assert "other (4,976)" in json.dumps(bars.to_dict()["datasets"])
    course = profit.equity(lots, TRANSFERS.empty(), freq="1w")
    assert course.height < 270
    days = profit.calendar(profit.pnl(lots, MARKETS.empty(), freq="1d"))
    for chart in (bars, charts.equity(course, freq="1w"), charts.calendar(days)):
        assert len(chart.to_json(indent=None)) < 500_000


@pytest.mark.parametrize("name", ["calendar", "drawdown", "equity", "exposure", "fees", "pnl"])
def test_a_single_day_is_drawn(pf: kp.Portfolio, name: str) -> None:
    chart = getattr(pf.plot, name)(since="2026-11-19", until="2026-11-20")
    assert charts.svg(chart).startswith("<svg")
    assert "an empty chart" not in chart.to_dict()["description"]


def test_plot_says_what_there_is(pf: kp.Portfolio) -> None:
    assert all(f"plot.{name}()" in repr(pf.plot) for name in DRAW)


def test_an_open_position_says_what_is_held_and_on_which_day_it_was_traded(pf: kp.Portfolio) -> None:
    chart = pf.plot.position("KXINX-26NOV23-B6587")
    assert "50.01 YES held" in said(chart)
    assert '"title": "20 Nov 2026"' in chart.to_json(indent=None)
    assert "held" not in said(pf.plot.position("KXFED-26DEC-T4.50"))
