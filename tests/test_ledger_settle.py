"""Settlements: reported ones come through exactly, lost ones are rebuilt, provisional ones are not used."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as Dec
from typing import Any

import polars as pl
import pytest
from ledger_rows import START, fills, market, markets, settlements, t

from kalshi_portfolio.ledger import link, settle
from kalshi_portfolio.schema import FILLS, MARKETS, SETTLED, SETTLEMENTS

NONE = SETTLEMENTS.empty()


def final(ticker: str = "T", **facts: Any) -> pl.DataFrame:
    base = {"status": "finalized", "result": "yes", "yes_payout_cents": "100", "settled_at": t(500)}
    return markets(market(ticker, **(base | facts)))


@pytest.mark.parametrize(("result", "payout"), [("yes", Dec(100)), ("no", Dec(0)), ("void", None)])
def test_the_result_fixes_the_payout_of_a_reported_row(result: str, payout: Dec | None) -> None:
    rows = settle(FILLS.empty(), settlements(f"T {result} 37"), MARKETS.empty())
    assert rows.select("yes_payout_cents", "source").rows() == [(payout, "exchange")]


@pytest.mark.parametrize(
    ("row", "exact", "want"),
    [
        ("T scalar 30", "30.6", "30.6"),
        ("T scalar", "30.6", "30.6"),
        ("T scalar 30", "37", "30"),
        ("T scalar 30", None, "30"),
        ("T scalar", None, None),
    ],
)
def test_a_scalar_row_takes_the_markets_exact_payout_where_they_agree(
    row: str, exact: str | None, want: str | None
) -> None:
    rows = settle(FILLS.empty(), settlements(row), final(result="scalar", yes_payout_cents=exact))
    assert rows["yes_payout_cents"].to_list() == [None if want is None else Dec(want)]


@pytest.mark.parametrize(("side", "revenue"), [("yes", "74"), ("no", "126")])
def test_a_wrong_value_of_0_gives_way_where_the_revenue_proves_the_markets_payout(side: str, revenue: str) -> None:
    row = settlements("T scalar 0", revenue_cents=revenue, **{f"{side}_quantity": "2"})
    rows = settle(FILLS.empty(), row, final(result="scalar", yes_payout_cents="37"))
    assert rows["yes_payout_cents"].to_list() == [Dec(37)]


def test_a_payout_that_is_not_final_is_not_used_for_a_reported_row() -> None:
    rows = settle(FILLS.empty(), settlements("T scalar 30"), final(status="amended", yes_payout_cents="30.6"))
    assert rows["yes_payout_cents"].to_list() == [Dec(30)]


def test_a_market_without_a_row_is_rebuilt_from_fills_and_result() -> None:
    own = fills("T yes 10 42", "T no 4 45 2.5")
    row = settle(own, NONE, final(event_ticker="E")).row(0, named=True)
    assert (row["source"], row["market_result"], row["event_ticker"]) == ("market", "yes", "E")
    assert (row["yes_quantity"], row["no_quantity"]) == (Dec(10), Dec(4))
    assert (row["yes_cost_cents"], row["no_cost_cents"]) == (Dec(420), Dec(180))
    assert (row["revenue_cents"], row["fee_cents"], row["settled_at"]) == (Dec(600), Dec("3.5"), t(500))


@pytest.mark.parametrize(
    ("fill", "facts", "revenue"),
    [
        ("T no 4 45", {"result": "scalar", "yes_payout_cents": "30.6"}, "277.6"),
        ("T no 4 45", {"result": "no", "yes_payout_cents": None}, "400"),
        ("T no 4 45", {"result": "void", "yes_payout_cents": None}, "180"),
    ],
)
def test_a_rebuilt_row_pays_by_the_held_side(fill: str, facts: dict[str, Any], revenue: str) -> None:
    rows = settle(fills(fill), NONE, final(**facts))
    assert rows["revenue_cents"].to_list() == [Dec(revenue)]


@pytest.mark.parametrize(
    "facts",
    [
        {"status": "determined"},
        {"status": "active", "result": None, "yes_payout_cents": None},
        {"result": "scalar", "yes_payout_cents": None},
        {"result": None, "yes_payout_cents": None},
    ],
)
def test_nothing_provisional_or_unknown_settles_a_market(facts: dict[str, Any]) -> None:
    own = fills("T yes 10 42")
    rows = settle(own, NONE, final(**facts))
    assert rows.height == 0
    assert link(own, rows).positions["status"].to_list() == ["open"]


def test_a_payout_without_a_result_is_how_old_scalars_were_reported() -> None:
    rows = settle(fills("T yes 10 42"), NONE, final(result=None, yes_payout_cents="37"))
    assert rows.select("market_result", "yes_payout_cents", "revenue_cents").rows() == [("scalar", Dec(37), Dec(370))]


def test_a_reported_row_takes_over_from_a_rebuilt_one() -> None:
    own = fills("T yes 10 42")
    assert settle(own, settlements("T no"), final())["source"].to_list() == ["exchange"]


def test_each_subaccount_is_settled_on_its_own() -> None:
    own = fills("T yes 10 42", "T yes 5 42").with_columns(subaccount=pl.Series([0, 7], dtype=pl.Int32))
    rows = settle(own, settlements("T yes"), final())
    assert sorted(rows.select("subaccount", "source").rows()) == [(0, "exchange"), (7, "market")]


@pytest.mark.parametrize(("close", "want"), [(t(400), t(400)), (None, t(1))])
def test_a_market_without_a_time_of_payment_is_settled_when_it_closed(close: Any, want: Any) -> None:
    rows = settle(fills("T yes 1 42"), NONE, final(settled_at=None, close_time=close))
    assert rows["settled_at"].to_list() == [want]


def test_a_market_closed_by_trades_is_settled_with_no_revenue_and_its_position_stays_closed() -> None:
    own = fills("T yes 1 42", "T no 1 40")
    rows = settle(own, NONE, final())
    assert rows["revenue_cents"].to_list() == [Dec(0)]
    position = link(own, rows).positions.row(0, named=True)
    assert (position["status"], position["settlement_source"], position["closed_at"]) == ("closed", None, t(2))


def test_a_rebuilt_settlement_settles_lots_and_says_so() -> None:
    own = fills("T yes 1 42")
    linked = link(own, settle(own, NONE, final()))
    assert linked.lots.select("exit_kind", "realized_pnl_cents", "closed_at").rows() == [
        ("settlement", Dec(58), t(500))
    ]
    assert linked.positions["settlement_source"].to_list() == ["market"]


def test_a_fee_that_one_fill_lacks_makes_the_rebuilt_fee_unknown() -> None:
    assert settle(fills("T yes 1 42", "T yes 1 42 -"), NONE, final())["fee_cents"].to_list() == [None]


def test_rows_have_the_schema_and_are_sorted_by_time() -> None:
    own = fills("U yes 1 42", "T yes 1 42")
    later = settlements("U yes").with_columns(settled_at=START + timedelta(days=90))
    rows = settle(own, later, final())
    assert rows.equals(SETTLED.conform(rows.sort(SETTLED.order)))
    assert rows["ticker"].to_list() == ["T", "U"]


def test_quantities_that_64_bits_cannot_add_up_raise_instead_of_wrapping() -> None:
    huge = pl.lit("9999999999999999.99").cast(pl.Decimal(18, 2))
    own = pl.concat(fills("T yes 1 40").with_columns(kalshi_trade_id=pl.lit(f"f{i}"), quantity=huge) for i in range(20))
    with pytest.raises(pl.exceptions.PolarsError):
        settle(own, NONE, final())
