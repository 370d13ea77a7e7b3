"""Linking by hand-computed numbers: every kind of account that one can draw on paper."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as Dec

import polars as pl
import pytest
from ledger_rows import START, fills, market, markets, settled, t

from kalshi_portfolio.errors import SchemaError
from kalshi_portfolio.ledger import link, match_lots, settle
from kalshi_portfolio.schema import FILLS, LOTS, MARKETS, POSITIONS, SETTLEMENTS, TRADES


def lots_of(frame: pl.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return frame.select(columns).rows()


def test_a_buy_is_one_open_lot_without_pnl() -> None:
    linked = link(fills("T yes 10 42"))
    lot = linked.lots.row(0, named=True)
    assert (lot["position_id"], lot["side"], lot["exit_kind"]) == ("T/0/f1", "yes", "open")
    assert (lot["quantity"], lot["entry_price_cents"], lot["exit_fee_cents"]) == (Dec(10), Dec(42), Dec(0))
    assert lot["exit_price_cents"] is lot["realized_pnl_cents"] is lot["net_pnl_cents"] is lot["closed_at"] is None
    position = linked.positions.row(0, named=True)
    assert (position["status"], position["quantity"], position["cost_cents"]) == ("open", Dec(10), Dec(420))
    assert (position["realized_pnl_cents"], position["fee_cents"], position["net_pnl_cents"]) == (
        Dec(0),
        Dec(1),
        Dec(-1),
    )
    assert position["exit_price_cents"] is position["closed_at"] is position["settlement_source"] is None


def test_the_worked_example_of_the_api_reference() -> None:
    linked = link(fills("T yes 10 42", "T no 4 45"))
    assert lots_of(linked.lots, "quantity", "exit_kind", "exit_price_cents", "realized_pnl_cents") == [
        (Dec(4), "trade", Dec(55), Dec(52)),
        (Dec(6), "open", None, None),
    ]
    assert lots_of(
        linked.trades, "side", "action", "quantity", "price_cents", "total_cost_cents", "position_after"
    ) == [
        ("yes", "buy", Dec(10), Dec(42), Dec(420), Dec(10)),
        ("yes", "sell", Dec(4), Dec(55), Dec(220), Dec(6)),
    ]
    assert linked.trades["realized_pnl_cents"].to_list() == [None, Dec(52)]


def test_a_partial_sale_takes_the_oldest_contracts_first() -> None:
    linked = link(fills("T yes 5 40", "T yes 5 60", "T no 7 30"))
    assert lots_of(linked.lots, "entry_trade_id", "exit_trade_id", "quantity", "realized_pnl_cents") == [
        ("f1", "f3", Dec(5), Dec(150)),
        ("f2", "f3", Dec(2), Dec(20)),
        ("f2", None, Dec(3), None),
    ]
    position = linked.positions.row(0, named=True)
    assert (position["avg_price_cents"], position["cost_cents"]) == (Dec(60), Dec(180))
    assert (position["exit_price_cents"], position["realized_pnl_cents"]) == (Dec(70), Dec(170))
    assert (position["bought_quantity"], position["quantity"], position["trades"]) == (Dec(10), Dec(3), 3)


def test_a_fill_that_crosses_zero_becomes_two_legs_and_its_fee_is_split_closing_part_first() -> None:
    linked = link(fills("T yes 3 40", "T no 10 55 0.000010"))
    assert lots_of(
        linked.trades, "kalshi_trade_id", "leg", "position_id", "side", "action", "quantity", "price_cents", "fee_cents"
    ) == [
        ("f1", 1, "T/0/f1", "yes", "buy", Dec(3), Dec(40), Dec(1)),
        ("f2", 1, "T/0/f1", "yes", "sell", Dec(3), Dec(45), Dec("0.000003")),
        ("f2", 2, "T/0/f2", "no", "buy", Dec(7), Dec(55), Dec("0.000007")),
    ]
    assert linked.trades["position_after"].to_list() == [Dec(3), Dec(0), Dec(-7)]
    assert lots_of(linked.positions, "position_id", "sequence", "status", "side", "realized_pnl_cents") == [
        ("T/0/f1", 1, "closed", "yes", Dec(15)),
        ("T/0/f2", 2, "open", "no", Dec(0)),
    ]
    assert linked.positions["closed_at"].to_list() == [t(2), None]


def test_several_positions_in_turn_are_numbered_and_keep_their_own_sums() -> None:
    linked = link(fills("T yes 1 10", "T no 1 80", "T no 2 30", "T yes 2 60", "T yes 4 50"))
    assert lots_of(
        linked.positions, "position_id", "sequence", "side", "status", "realized_pnl_cents", "fee_cents"
    ) == [
        ("T/0/f1", 1, "yes", "closed", Dec(10), Dec(2)),
        ("T/0/f3", 2, "no", "closed", Dec(20), Dec(2)),
        ("T/0/f5", 3, "yes", "open", Dec(0), Dec(1)),
    ]


@pytest.mark.parametrize(
    ("side", "result", "exit_price", "gain"),
    [("yes", "yes", 100, 580), ("yes", "no", 0, -420), ("no", "yes", 0, -420), ("no", "no", 100, 580)],
)
def test_a_settlement_pays_100_or_nothing(side: str, result: str, exit_price: int, gain: int) -> None:
    linked = link(fills(f"T {side} 10 42"), settled(f"T {result}"))
    lot = linked.lots.row(0, named=True)
    assert (lot["exit_kind"], lot["exit_trade_id"]) == ("settlement", None)
    assert (lot["exit_price_cents"], lot["realized_pnl_cents"], lot["net_pnl_cents"]) == (
        Dec(exit_price),
        Dec(gain),
        Dec(gain - 1),
    )
    position = linked.positions.row(0, named=True)
    assert (position["status"], position["settlement_source"], position["quantity"]) == ("settled", "exchange", Dec(0))
    assert position["closed_at"] == lot["closed_at"] == START + timedelta(days=30)


def test_a_scalar_pays_its_value_and_its_complement() -> None:
    both = link(fills("T yes 2 42", "U no 2 42"), settled("T scalar 30.6", "U scalar 30.6"))
    assert both.lots["exit_price_cents"].to_list() == [Dec("30.6"), Dec("69.4")]
    assert both.lots["realized_pnl_cents"].to_list() == [Dec("-22.8"), Dec("54.8")]


def test_void_gives_every_lot_its_own_price_back() -> None:
    linked = link(fills("T no 2 42", "T no 2 50"), settled("T void"))
    assert linked.lots["exit_price_cents"].to_list() == [Dec(42), Dec(50)]
    assert linked.positions.select("realized_pnl_cents", "net_pnl_cents").row(0) == (Dec(0), Dec(-2))


def test_an_unknown_payout_leaves_the_remainder_unknown_not_zero() -> None:
    linked = link(fills("T yes 2 42", "T no 1 50"), settled("T scalar"))
    assert linked.lots["realized_pnl_cents"].to_list() == [Dec(8), None]
    assert linked.positions["realized_pnl_cents"].to_list() == [None]


def test_fractions_and_prices_below_a_cent_stay_exact() -> None:
    linked = link(fills("T yes 0.01 0.0001 0", "T yes 1.5 17.0625 0", "T no 1.51 99.9999 0"))
    assert linked.lots["realized_pnl_cents"].to_list() == [Dec(0), Dec("-25.5936")]
    assert linked.lots["realized_pnl_cents"].dtype == LOTS.schema["realized_pnl_cents"]


def test_subaccounts_do_not_net_against_each_other() -> None:
    frame = fills("T yes 5 40", "T no 5 40").with_columns(subaccount=pl.Series([0, 1], dtype=pl.Int32))
    linked = link(frame)
    assert sorted(linked.positions["position_id"]) == ["T/0/f1", "T/1/f2"]
    assert linked.lots["exit_kind"].to_list() == ["open", "open"]


def test_a_ticker_is_one_market_whatever_the_shard_of_its_rows() -> None:
    frame = fills("T yes 5 40", "T no 5 40").with_columns(exchange_index=pl.Series([0, 3], dtype=pl.Int32))
    assert link(frame).lots.select("exit_kind", "exchange_index").rows() == [("trade", 3)]


def test_the_order_of_equal_times_is_that_of_ids() -> None:
    frame = fills("T yes 1 40", "T yes 1 50", "T no 1 30").with_columns(
        executed_at=pl.lit(START).cast(pl.Datetime("us", "UTC"))
    )
    assert link(frame).lots["entry_trade_id"].to_list() == ["f1", "f2"]
    assert link(frame.reverse()).lots.equals(link(frame).lots)


def test_a_settlement_comes_last_whatever_the_clocks_say() -> None:
    paid = settled("T yes").with_columns(settled_at=pl.lit(START).cast(pl.Datetime("us", "UTC")))
    linked = link(fills("T yes 2 40", "T no 1 30"), paid)
    assert linked.lots["exit_kind"].to_list() == ["trade", "settlement"]
    assert linked.positions["closed_at"].to_list() == [START]


def test_of_two_settlements_the_newest_counts_and_nothing_doubles() -> None:
    paid = settled("T no", "T yes").with_columns(
        exchange_index=pl.Series([0, 1], dtype=pl.Int32), settled_at=pl.Series([t(50), t(60)])
    )
    assert link(fills("T yes 1 40"), paid).lots["realized_pnl_cents"].to_list() == [Dec(60)]


def test_a_settlement_without_fills_is_shown_and_never_summed() -> None:
    linked = link(fills("T yes 1 40"), settled("GONE yes"))
    assert linked.lots.height == 1
    row = linked.positions.filter(ticker="GONE").row(0, named=True)
    assert (row["position_id"], row["complete"], row["status"], row["trades"]) == (
        "GONE/0/settlement",
        False,
        "settled",
        0,
    )
    assert row["side"] is row["realized_pnl_cents"] is row["net_pnl_cents"] is row["opened_at"] is None
    assert "none of its fills" in row["cause"]


def test_positions_carry_the_facts_of_their_market_or_null() -> None:
    known = markets(market("T", title="Rain?", series_ticker="S", category="Weather", event_ticker="E"))
    linked = link(fills("T yes 1 40", "U yes 1 40"), markets=known)
    assert linked.positions.select("title", "event_ticker", "series_ticker", "category").rows() == [
        ("Rain?", "E", "S", "Weather"),
        (None, None, None, None),
    ]


def test_averages_round_half_to_even_at_four_decimals() -> None:
    linked = link(fills("T yes 1 40", "T yes 1 40.0001", "U yes 1 40.0001", "U yes 1 40.0002"))
    assert linked.positions["avg_price_cents"].to_list() == [Dec("40.0000"), Dec("40.0002")]


def test_no_fills_give_empty_frames_of_the_right_schema() -> None:
    linked = link(FILLS.empty(), settle(FILLS.empty(), SETTLEMENTS.empty(), MARKETS.empty()))
    for frame, table in ((linked.trades, TRADES), (linked.lots, LOTS), (linked.positions, POSITIONS)):
        assert frame.height == 0
        assert frame.schema == table.schema


def test_every_frame_has_exactly_its_schema_and_order() -> None:
    linked = link(fills("T yes 3 40", "U no 2 50", "T no 5 50", "U yes 2 10"), settled("T yes"))
    for frame, table in ((linked.trades, TRADES), (linked.lots, LOTS), (linked.positions, POSITIONS)):
        assert frame.equals(table.conform(frame))
        assert frame.equals(frame.sort(table.order, nulls_last=True))
        table.refuse_duplicates(frame)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"side": pl.lit("maybe")}, "side other than"),
        ({"quantity": pl.lit(0).cast(pl.Decimal(18, 2))}, "quantity that is not above 0"),
        ({"quantity": pl.lit(-1).cast(pl.Decimal(18, 2))}, "quantity that is not above 0"),
        ({"price_cents": pl.lit(101).cast(pl.Decimal(9, 4))}, "price outside"),
        ({"price_cents": pl.lit(-1).cast(pl.Decimal(9, 4))}, "price outside"),
        ({"ticker": pl.lit(None, dtype=pl.String)}, "null"),
        ({"kalshi_trade_id": pl.lit("same")}, "came before"),
    ],
)
def test_fills_that_cannot_be_linked_are_refused_by_name(change: dict[str, pl.Expr], words: str) -> None:
    with pytest.raises(SchemaError, match=words) as error:
        match_lots(fills("T yes 1 40", "T yes 1 50").with_columns(**change))
    assert "('f1'" in str(error.value) or "'same'" in str(error.value)


def test_quantities_that_64_bits_cannot_add_up_are_refused_not_wrapped() -> None:
    huge = pl.lit("9999999999999999.99").cast(pl.Decimal(18, 2))
    frame = pl.concat(
        fills("T yes 1 40").with_columns(kalshi_trade_id=pl.lit(f"f{i}"), quantity=huge) for i in range(20)
    )
    with pytest.raises(SchemaError, match="64 bits"):
        match_lots(frame)


def test_fees_too_large_for_64_bit_products_are_split_in_128() -> None:
    linked = link(fills("T yes 3000000 1 999999999999", "T no 1000000 1 0"))
    assert linked.lots["entry_fee_cents"].to_list() == [Dec(333333333333), Dec(666666666666)]


def test_a_value_that_its_column_cannot_hold_raises() -> None:
    with pytest.raises(pl.exceptions.PolarsError):
        _ = link(fills("T yes 9000000000000 90", "T no 9000000000000 90")).lots


def test_the_zone_of_times_is_kept() -> None:
    assert link(fills("T yes 1 40")).lots["opened_at"].to_list() == [datetime(2026, 1, 1, 0, 1, tzinfo=UTC)]
