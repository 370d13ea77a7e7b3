"""Equity and summary: every period is there, running totals run, unknown is counted and never summed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as Dec
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_rows import START, fills, frame, market, markets, settled
from test_ledger_oracle import accounts, linked

from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.ledger import judge, link
from kalshi_portfolio.pnl import equity, mark, summary
from kalshi_portfolio.schema import EQUITY_VALUES, LOTS, POSITIONS, SETTLED, SUMMARY, TRANSFERS

NO_TRANSFERS = TRANSFERS.empty()


def transfer(number: int, cents: str | None, day: float, **more: Any) -> dict[str, Any]:
    at = START + timedelta(days=day)
    base = {
        "kind": "deposit", "transfer_id": f"d{number}", "amount_cents": cents, "gross_cents": "1", "subaccount": 0,
        "exchange_index": 0, "created_at": at, "synced_at": START,
    }  # fmt: skip
    return base | more


def transfers(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(TRANSFERS, list(rows))


def on(frame_: pl.DataFrame, *days: int) -> pl.DataFrame:
    times = pl.Series("executed_at", [START + timedelta(days=day) for day in days]).dt.cast_time_unit("us")
    return frame_.with_columns(times)


def test_quiet_days_are_rows_and_running_totals_run_through_them() -> None:
    lots = link(on(fills("T yes 10 40 2", "T no 10 50 1", "U yes 10 60 0", "U no 10 60 3"), 0, 1, 1, 4)).lots
    table = equity(lots, transfers(transfer(1, "5000", 2.5)))
    assert table["period"].to_list() == [date(2026, 1, d) for d in (1, 2, 3, 4, 5)]
    assert table["net_pnl_cents"].to_list() == [-2, 99, 0, 0, -203]
    assert table["cumulative_net_pnl_cents"].to_list() == [-2, 97, 97, 97, -106]
    assert table["drawdown_cents"].to_list() == [-2, 0, 0, 0, -203]
    assert table["transfers_cents"].to_list() == [0, 0, 5000, 0, 0]


def test_a_transfer_counts_when_it_was_applied() -> None:
    done = transfer(1, "100", 0, finalized_at=START + timedelta(days=3))
    waiting = transfer(2, None, 1)
    table = equity(LOTS.empty(), transfers(done, waiting))
    assert table.select("period", "transfers_cents").rows() == [(date(2026, 1, 4), Dec(100))]


def test_running_totals_start_with_the_account_whatever_the_bounds() -> None:
    lots = link(on(fills("T yes 10 40 0", "T no 10 50 0", "U yes 1 60 0", "U no 1 60 0"), 0, 1, 3, 4)).lots
    table = equity(lots, NO_TRANSFERS, since=START + timedelta(days=4))
    assert table.select("period", "cumulative_net_pnl_cents").rows() == [(date(2026, 1, 5), Dec(80))]
    until = equity(lots, NO_TRANSFERS, until=START + timedelta(days=4))
    assert until["period"].max() == date(2026, 1, 4)


def test_unknown_lots_are_counted_in_their_period() -> None:
    traded = on(fills("T yes 10 40 -", "T no 10 50 1"), 0, 2)
    table = equity(link(traded).lots, NO_TRANSFERS)
    assert table.select("period", "net_pnl_cents", "unknown_lots").rows() == [(date(2026, 1, 3), Dec(0), 1)]


def test_an_empty_account_gives_no_rows_of_the_right_schema() -> None:
    table = equity(LOTS.empty(), NO_TRANSFERS)
    assert table.is_empty()
    assert dict(table.schema) == {"period": pl.Date} | {c.name: c.dtype for c in EQUITY_VALUES}


def test_a_nonsense_frequency_or_zone_is_refused() -> None:
    with pytest.raises(ArgumentError, match="is not a period"):
        equity(LOTS.empty(), NO_TRANSFERS, freq="soon")
    with pytest.raises(ArgumentError, match="is no time zone"):
        equity(LOTS.empty(), NO_TRANSFERS, tz="Mars/Olympus")


@settings(max_examples=40)
@given(
    accounts(),
    st.sampled_from(["1h", "1d", "1w", "1mo"]),
    st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.booleans(),
)
def test_the_periods_add_up_to_the_total_in_every_zone_and_by_both_methods(
    account: Any, freq: str, tz: str, averaged: bool
) -> None:
    book, _ = linked(account)
    matched = book.disposals if averaged else book.lots
    table, whole = equity(matched, NO_TRANSFERS, freq=freq, tz=tz), equity(matched, NO_TRANSFERS, freq="10y")
    for name in ("realized_pnl_cents", "fee_cents", "net_pnl_cents", "unknown_lots"):
        assert table[name].sum() == whole[name].sum()
    assert table["period"].is_unique().all()
    assert table["period"].is_sorted()
    if table.height:
        assert table["cumulative_net_pnl_cents"].to_list()[-1] == table["net_pnl_cents"].sum()
        assert table["drawdown_cents"].max() <= 0  # type: ignore[operator]


def row(positions: pl.DataFrame, lots: pl.DataFrame, flows: pl.DataFrame, days: float) -> dict[str, Any]:
    as_of = START + timedelta(days=days)
    return summary(positions, equity(lots, flows), flows, as_of=as_of).row(0, named=True)


def test_the_summary_by_hand() -> None:
    traded = on(
        fills("A yes 10 40 1", "A no 10 40 1", "B yes 10 60 1", "B no 10 60 1", "C yes 10 50 3", "D yes 1 5 0"),
        0, 2, 2, 3, 4, 4,
    )  # fmt: skip
    book = link(traded, SETTLED.empty())
    positions = mark(book.positions, markets(market("C", yes_bid_cents="53")))
    flows = transfers(transfer(1, "10000", 0), transfer(2, "-5000", 5), transfer(3, None, 6))
    got = row(positions, book.lots, flows, 10)
    assert (got["realized_pnl_cents"], got["fee_cents"], got["net_pnl_cents"]) == (0, 7, -7)
    assert (got["unrealized_pnl_cents"], got["open_exposure_cents"], got["market_value_cents"]) == (30, 505, 535)
    assert (got["positions"], got["open_positions"], got["unknown_marks"]) == (4, 2, 1)
    assert (got["win_ratio"], got["expectancy_cents"], got["average_holding"]) == (0.5, -2, timedelta(days=1.5))
    assert got["profit_factor"] == pytest.approx(198 / 202)
    assert (got["best_position_id"], got["best_net_pnl_cents"]) == ("A/0/f1", 198)
    assert (got["worst_position_id"], got["worst_net_pnl_cents"]) == ("B/0/f3", -202)
    assert (got["max_drawdown_cents"], got["transfers_cents"]) == (-204, 5000)
    # 10,000 cents for ten days, less 5,000 for the last five: 7,500 on average.
    assert got["return_on_capital"] == pytest.approx((-7 + 30) / 7500)


def test_what_is_unknown_is_counted_in_the_summary_and_not_summed() -> None:
    traded = fills("A yes 10 40 -", "A no 10 40 1", "B yes 5 10 1")
    none_settled = SETTLED.empty()
    judged = judge(traded, none_settled, quarantined=[(0, "B")])
    book = link(traded, none_settled, judged)
    got = row(book.positions, book.lots, NO_TRANSFERS, 1)
    assert (got["incomplete_positions"], got["unknown_fees"], got["unknown_marks"]) == (1, 1, 0)
    assert (got["net_pnl_cents"], got["win_ratio"], got["return_on_capital"]) == (None, None, None)
    assert (got["realized_pnl_cents"], got["fee_cents"], got["max_drawdown_cents"]) == (200, None, None)
    assert (got["unrealized_pnl_cents"], got["open_exposure_cents"], got["market_value_cents"]) == (None, None, None)


def test_an_empty_account_has_a_summary_of_zeros_and_nulls() -> None:
    nothing = equity(LOTS.empty(), NO_TRANSFERS)
    got = summary(POSITIONS.empty(), nothing, NO_TRANSFERS, as_of=None)
    assert got.schema == SUMMARY.schema
    assert got.row(0, named=True)["net_pnl_cents"] == 0
    assert got.row(0, named=True)["win_ratio"] is None


def test_the_best_position_of_a_settled_market_counts() -> None:
    book = link(fills("A yes 10 40 0"), settled("A yes"))
    got = row(book.positions, book.lots, NO_TRANSFERS, 40)
    assert (got["best_net_pnl_cents"], got["win_ratio"], got["profit_factor"]) == (600, 1.0, None)
    assert datetime(2026, 1, 1, tzinfo=UTC) == START


def test_an_account_without_a_past_has_no_return() -> None:
    book = link(fills("A yes 10 40 0"), settled("A yes"))
    assert row(book.positions, book.lots, transfers(transfer(1, "1000", 5)), 5)["return_on_capital"] is None
    assert row(book.positions, book.lots, transfers(transfer(1, "-1000", 1)), 5)["return_on_capital"] is None
