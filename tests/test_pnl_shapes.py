"""The frames of charts: days, bins, ranks, exposure and the path of a market, each exact and each adding up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as Dec
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_rows import START, fills, market, markets, settled
from test_ledger_oracle import accounts, linked

from kalshi_portfolio import pnl as profit
from kalshi_portfolio.ledger import link
from kalshi_portfolio.money import MONEY
from kalshi_portfolio.pnl.histogram import round_width
from kalshi_portfolio.schema import LOTS, MARKETS, POSITIONS, TRADES

NOBODY = MARKETS.empty()


def on(frame_: pl.DataFrame, *days: float) -> pl.DataFrame:
    times = pl.Series("executed_at", [START + timedelta(days=day) for day in days]).dt.cast_time_unit("us")
    return frame_.with_columns(times)


def total(rows: pl.DataFrame, column: str) -> Any:
    return rows.select(pl.col(column).sum()).item()


def outcomes(*cents: str | None) -> pl.DataFrame:
    """Give settled positions with these net P&Ls."""
    empty = POSITIONS.empty()
    rows = pl.DataFrame({"net_pnl_cents": pl.Series(values=cents, dtype=pl.String).cast(MONEY)})
    rows = rows.with_columns(status=pl.lit("settled"))
    return rows.with_columns(pl.lit(None, t).alias(n) for n, t in empty.schema.items() if n not in rows.columns)


@pytest.mark.parametrize(
    ("first", "last", "most", "freq"),
    [
        (date(2026, 1, 1), date(2026, 1, 1), 400, "1d"),
        (date(2026, 1, 1), date(2026, 4, 1), 400, "1d"),
        (date(2021, 1, 1), date(2025, 12, 31), 400, "1w"),
        (date(2015, 1, 1), date(2025, 12, 31), 400, "1mo"),
        (date(2021, 1, 1), date(2025, 12, 31), 62, "1mo"),
        (date(2015, 1, 1), date(2025, 12, 31), 62, "1q"),
        (date(1900, 1, 1), date(2025, 12, 31), 62, "1y"),
        (None, None, 62, "1d"),
    ],
)
def test_the_period_fits_the_span(first: date | None, last: date | None, most: int, freq: str) -> None:
    assert profit.fitting_freq(first, last, most=most) == freq


def test_the_best_and_the_worst_have_names_and_the_rest_is_one_row() -> None:
    # T1 to T6 gain 1 to 6 cents a contract on 10 contracts, less a fee of 1 cent each way.
    rows = [row for n in range(1, 7) for row in (f"T{n} yes 10 40", f"T{n} no 10 {60 - n}")]
    table = profit.pnl(link(fills(*rows)).lots, NOBODY, by="ticker")
    frame = profit.ranked(table, "ticker", best=2, worst=1)
    assert frame.select("ticker", "net_pnl_cents", "groups").rows() == [
        ("T6", Dec(58), 1), ("T5", Dec(48), 1), (None, Dec(28 + 38 + 18), 3), ("T1", Dec(8), 1),
    ]  # fmt: skip
    assert frame["lots"].to_list() == [1, 1, 3, 1]
    assert frame["quantity"].sum() == Dec(60)


def test_a_rest_of_one_keeps_its_name() -> None:
    rows = [row for n in range(1, 5) for row in (f"T{n} yes 10 40", f"T{n} no 10 {60 - n}")]
    table = profit.pnl(link(fills(*rows)).lots, NOBODY, by="ticker")
    assert profit.ranked(table, "ticker", best=2, worst=1)["groups"].to_list() == [1, 1, 1, 1]


def test_a_group_of_which_nothing_is_known_has_no_bar() -> None:
    table = profit.pnl(link(fills("T yes 10 40 -", "T no 10 50 1", "U yes 1 40")).lots, NOBODY, by="ticker")
    assert profit.ranked(table, "ticker")["ticker"].to_list() == ["U"]
    assert profit.unknown_lots(table) == 1


def test_hours_and_weekdays_keep_their_own_order() -> None:
    traded = on(fills("T yes 10 40", "T no 10 70", "U yes 10 40", "U no 10 50"), 0, 0.1, 1, 1.1)
    table = profit.pnl(link(traded).lots, NOBODY, by="weekday")
    assert profit.ranked(table, "weekday")["weekday"].to_list() == [4, 5]  # Thursday lost, Friday gained


def test_stacked_periods_have_ends_and_the_largest_groups_first() -> None:
    rows = [row for n in range(1, 5) for row in (f"T{n} yes 10 40", f"T{n} no 10 {60 - n}")]
    table = profit.pnl(link(fills(*rows)).lots, NOBODY, by="ticker", freq="1mo")
    frame = profit.stacked(table, "ticker", "1mo", most=2)
    assert frame.select("period", "period_end", "ticker", "rank", "net_pnl_cents", "groups").rows() == [
        (date(2026, 1, 1), date(2026, 2, 1), "T4", 1, Dec(38), 1),
        (date(2026, 1, 1), date(2026, 2, 1), "T3", 2, Dec(28), 1),
        (date(2026, 1, 1), date(2026, 2, 1), None, 3, Dec(18 + 8), 2),
    ]


@given(accounts(), st.integers(0, 3), st.integers(0, 3))
def test_whatever_is_summed_up_adds_up_to_the_whole(account: Any, best: int, worst: int) -> None:
    lots = linked(account)[0].lots
    whole = profit.pnl(lots, NOBODY)
    table = profit.pnl(lots, NOBODY, by=["ticker", "subaccount"])
    ranked = profit.ranked(table, ["ticker", "subaccount"], best=best, worst=worst)
    for column in ("net_pnl_cents", "fee_cents"):
        assert total(ranked, column) == total(whole, column)
    for column in ("quantity", "lots"):  # of groups that have a bar
        assert total(ranked, column) == total(table.drop_nulls("net_pnl_cents"), column)
    assert total(ranked, "groups") == table.drop_nulls("net_pnl_cents").height
    monthly = profit.pnl(lots, NOBODY, by="ticker", freq="1d")
    stacked = profit.stacked(monthly, "ticker", "1d", most=1)
    days = stacked.group_by("period").agg(pl.col("net_pnl_cents").sum()).sort("period")
    known = profit.pnl(lots, NOBODY, freq="1d").drop_nulls("net_pnl_cents")
    assert days.rows() == known.select("period", "net_pnl_cents").rows()


def test_days_lie_in_the_weeks_of_their_year() -> None:
    traded = on(fills("T yes 10 40 0", "T no 10 70 0", "U yes 10 40 0", "U no 10 50 0"), -1, 0, 4, 5)
    days = profit.calendar(profit.pnl(link(traded).lots, NOBODY, freq="1d"))
    assert days.select("period", "year", "week", "weekday").rows() == [
        (date(2025, 12, 31), 2025, 52, 3),
        (date(2026, 1, 1), 2026, 0, 4),
        (date(2026, 1, 2), 2026, 0, 5),
        (date(2026, 1, 3), 2026, 0, 6),
        (date(2026, 1, 4), 2026, 0, 7),
        (date(2026, 1, 5), 2026, 1, 1),
        (date(2026, 1, 6), 2026, 1, 2),
    ]
    # A purchase without a fee is a day with a P&L of 0; a day without anything has none.
    assert days["net_pnl_cents"].to_list() == [0, -100, None, None, None, 0, 100]
    assert days["level"].to_list() == [0, -4, None, None, None, 0, 4]


def test_shades_are_quarters_of_the_days_by_magnitude() -> None:
    gains = [1, -2, 3, -4, 5, -6, 700, -800]
    rows = [row for n, gain in enumerate(gains) for row in (f"T{n} yes 1 1 0", f"T{n} no 1 99 0")]
    moments = [day for n in range(len(gains)) for day in (n, n + 0.5)]
    lots = link(on(fills(*rows), *moments)).lots
    days = profit.pnl(lots, NOBODY, freq="1d").with_columns(net_pnl_cents=pl.Series(gains).cast(MONEY))
    frame = profit.calendar(days)
    assert frame["level"].to_list() == [1, -1, 2, -2, 3, -3, 4, -4]
    assert frame["level_to_cents"].to_list() == [1, 2, 3, 4, 5, 6, 700, 800]


def test_a_day_of_which_nothing_is_known_has_no_shade_and_is_counted() -> None:
    days = profit.calendar(profit.pnl(link(fills("T yes 10 40 -", "T no 10 50 1")).lots, NOBODY, freq="1d"))
    assert days.select("net_pnl_cents", "level", "unknown_lots").rows() == [(None, None, 1)]


def test_bins_are_round_zero_is_an_edge_and_far_outcomes_share_an_open_bin() -> None:
    near = [str(cents) for cents in range(-1000, 1000, 20)]
    frame = profit.histogram(outcomes(*near, "-90000", "90000", None), most=10)
    assert frame["lower_cents"].to_list() == [None, *range(-1000, 1001, 200)][: frame.height]
    assert frame["positions"].to_list() == [1, *[10] * 10, 1]
    assert frame.row(0, named=True)["upper_cents"] == -1000
    assert frame.row(-1, named=True)["upper_cents"] is None
    assert frame["net_pnl_cents"][0] == -90000
    assert frame["end_cents"].to_list() == list(range(-1000, 1201, 200))


def test_an_outcome_at_an_edge_is_in_the_bin_above() -> None:
    frame = profit.histogram(outcomes("0", "-0.000001", "100"), most=10)
    assert frame.select("lower_cents", "upper_cents", "positions").rows() == [
        (Dec(-20), Dec(0), 1), (Dec(0), Dec(20), 1), (Dec(100), Dec(120), 1),
    ]  # fmt: skip


@given(st.lists(st.integers(-(10**9), 10**9).map(lambda n: str(Dec(n) / 1000)), max_size=150), st.integers(2, 60))
def test_no_position_is_left_out_of_the_bins(cents: list[str], most: int) -> None:
    frame = profit.histogram(outcomes(*cents), most=most)
    assert total(frame, "positions") == len(cents)
    assert total(frame, "net_pnl_cents") == sum(map(Dec, cents))
    assert frame.height <= most + 8  # a bin more at zero and at either end, and two or an open one beyond


@pytest.mark.parametrize(("span", "width"), [(0, 1), (40, 1), (41, 2), (100, 5), (200, 5), (201, 10), (1900, 50)])
def test_a_width_is_one_two_or_five(span: int, width: int) -> None:
    assert round_width(span * 10**6, 40) == width * 10**6


def test_exposure_is_the_cost_of_what_is_held_at_each_periods_end() -> None:
    lots = link(on(fills("T yes 10 40", "T yes 5 20", "T no 12 50", "U no 1 30"), 0, 1, 2, 2)).lots
    frame = profit.exposure(lots, NOBODY)
    # 10 at 40; and 5 at 20; 12 sold, first in, first out, leaves 3 at 20, and U's 30.
    assert frame.select("period", "cost_cents").rows() == [
        (date(2026, 1, 1), Dec(400)), (date(2026, 1, 2), Dec(500)), (date(2026, 1, 3), Dec(60 + 30)),
    ]  # fmt: skip
    assert profit.exposure(lots, NOBODY, since=datetime(2026, 1, 3, tzinfo=UTC))["cost_cents"].to_list() == [90]
    assert profit.exposure(lots, NOBODY, until=datetime(2026, 1, 2, tzinfo=UTC))["cost_cents"].to_list() == [400]


def test_exposure_by_group_runs_through_quiet_periods_and_names_the_largest() -> None:
    lots = link(on(fills("T yes 10 40", "U yes 1 10", "V yes 1 20", "W yes 1 30", "T no 10 50"), 0, 0, 0, 0, 3)).lots
    known = markets(market("T", category="Sports"))
    frame = profit.exposure(lots, known, by=["category", "ticker"], most=1)
    assert frame.select("ticker", "rank", "cost_cents", "groups").rows()[:2] == [
        ("T", 1, Dec(400), 1), (None, 2, Dec(60), 3),
    ]  # fmt: skip
    assert frame.filter(pl.col("rank") == 1)["cost_cents"].to_list() == [400, 400, 400, 0]
    assert frame.filter(pl.col("rank") == 2)["cost_cents"].to_list() == [60, 60, 60, 60]


def test_lots_of_incomplete_markets_are_counted_while_they_are_held() -> None:
    traded = on(fills("T yes 10 40", "T no 10 50", "U yes 1 50"), 0, 1, 1)
    gap = link(traded).lots.with_columns(complete=pl.col("ticker") != "T")
    frame = profit.exposure(gap, NOBODY)
    assert frame.select("cost_cents", "unknown_lots").rows() == [(Dec(0), 1), (Dec(50), 0)]


@given(accounts())
def test_exposure_ends_at_the_cost_of_the_open_positions(account: Any) -> None:
    result = linked(account)[0]
    frame = profit.exposure(result.lots, NOBODY, by="ticker", most=1)
    held = result.positions.filter(pl.col("status") == "open", "complete")
    last = frame.filter(pl.col("period") == pl.col("period").max())
    assert (total(last, "cost_cents") or 0) == (total(held, "cost_cents") or 0)
    assert frame.filter(pl.col("cost_cents") < 0).is_empty()


def test_a_path_has_every_trade_the_settlement_and_what_was_held() -> None:
    traded = on(fills("T yes 10 40", "T yes 5 20", "T no 12 50"), 0, 1, 2)
    result = link(traded, settled("T yes"))
    path = profit.path(result.trades, result.lots)
    assert (path.side, path.step, path.fills, path.subaccounts) == ("yes", None, 3, (0,))
    assert path.points.select("kind", "quantity", "price_cents", "shown_cents", "realized_pnl_cents").rows() == [
        ("buy", Dec(10), Dec(40), Dec(40), None),
        ("buy", Dec(5), Dec(20), Dec(20), None),
        ("sell", Dec(12), Dec(50), Dec(50), Dec(100 + 60)),
        ("settlement", Dec(3), Dec(100), Dec(100), Dec(240)),
    ]
    assert path.running["position"].to_list() == [10, 15, 3, 0]


def test_a_market_held_on_both_sides_is_shown_at_the_price_of_yes() -> None:
    result = link(on(fills("T yes 10 40", "T no 15 55"), 0, 1))
    path = profit.path(result.trades, result.lots)
    assert path.side == "yes"
    assert path.points.select("kind", "side", "price_cents", "shown_cents").rows() == [
        ("buy", "yes", Dec(40), Dec(40)), ("sell", "yes", Dec(45), Dec(45)), ("buy", "no", Dec(55), Dec(45)),
    ]  # fmt: skip
    assert path.running["position"].to_list() == [10, -5]


def test_a_market_held_on_the_no_side_alone_is_shown_at_its_price() -> None:
    result = link(fills("T no 10 70"))
    path = profit.path(result.trades, result.lots)
    assert (path.side, path.points["shown_cents"].item(), path.running["position"].item()) == ("no", 70, -10)


def test_thousands_of_trades_are_averaged_by_steps_of_time() -> None:
    # Two buys in one hour at 40 and 46, of 1 and 2 contracts: 44 on average. Then one sale in the next.
    result = link(on(fills("T yes 1 40", "T yes 2 46", "T no 3 50 -"), 0, 0.02, 0.05))
    path = profit.path(result.trades, result.lots, most=2)
    assert path.step == "1h"
    assert path.points.select("kind", "fills", "quantity", "price_cents", "fee_cents").rows() == [
        ("buy", 2, Dec(3), Dec(44), Dec(2)), ("sell", 1, Dec(3), Dec(50), None),
    ]  # fmt: skip
    assert path.running["position"].to_list() == [3, 0]


def test_many_trades_at_once_are_one_point_in_the_longest_step() -> None:
    result = link(fills("T yes 1 40", "T no 1 46", "T no 1 50"))
    path = profit.path(result.trades, result.lots, most=1)
    assert path.step == "1y"
    assert path.points["fills"].sum() == 3


def test_subaccounts_are_held_apart_and_beyond_some_summed_up() -> None:
    traded = fills("T yes 3 40", "T no 2 60", "T yes 1 40").with_columns(
        subaccount=pl.Series([0, 1, 2], dtype=pl.Int32)
    )
    result = link(traded)
    path = profit.path(result.trades, result.lots, named=1)
    assert path.running.select("subaccount", "groups", "position").rows() == [(0, 1, 3), (None, 2, -2), (None, 2, -1)]
    assert path.subaccounts == (0, 1, 2)


@given(accounts(), st.integers(1, 20))
def test_a_path_loses_nothing_by_being_put_together(account: Any, most: int) -> None:
    result = linked(account)[0]
    trades, lots = result.trades.filter(pl.col("ticker") == "A"), result.lots.filter(pl.col("ticker") == "A")
    path = profit.path(trades, lots, most=most)
    traded = path.points.filter(pl.col("kind") != "settlement")
    assert total(traded, "quantity") == total(trades, "quantity")
    assert total(traded, "fills") == trades.height == path.fills
    held = path.running.group_by("rank").agg(pl.col("position").last())
    still = lots.filter(pl.col("exit_kind") == "open")
    net = still.select(pl.when(pl.col("side") == "yes").then("quantity").otherwise(-pl.col("quantity")).sum()).item()
    assert total(held, "position") == net


def test_an_empty_account_gives_empty_frames() -> None:
    lots = LOTS.empty()
    assert profit.calendar(profit.pnl(lots, NOBODY, freq="1d")).is_empty()
    assert profit.ranked(profit.pnl(lots, NOBODY, by="ticker"), "ticker").is_empty()
    assert profit.stacked(profit.pnl(lots, NOBODY, by="side", freq="1d"), "side", "1d").is_empty()
    assert profit.histogram(POSITIONS.empty()).is_empty()
    assert profit.exposure(lots, NOBODY, by="ticker").is_empty()
    assert profit.path(TRADES.empty(), lots).points.is_empty()


def test_positions_without_a_known_outcome_are_counted() -> None:
    traded = fills("T yes 10 40 -", "T no 10 50 1", "U yes 1 1 -", "V yes 1 40", "V no 1 60")
    assert profit.unknown_positions(link(traded).positions) == 1
