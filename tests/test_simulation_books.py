"""Scripted accounts whose figures were computed by hand, many of them in the API's own documents."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from simulated_api import everything, get

from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.simulation import NOW, ScriptedExchange, SimulatedExchange

T = "KXCPI-26DEC-T0.3"


@pytest.fixture
def exchange() -> ScriptedExchange:
    exchange = SimulatedExchange.empty(subaccounts=2)
    exchange.deposit("1000")
    exchange.add_market(T)
    return exchange


def test_the_worked_example_of_the_cash_rule(exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 10, "0.42")
    exchange.trade(T, "no", 4, "0.55")
    books = exchange.books.position(0, T)
    assert [f.fee for f in exchange.fills] == [170_600, 69_300]
    assert [f.cash for f in exchange.fills] == [-4_370_600, 2_130_700]
    assert (books.net, books.realized, books.cost, books.traded) == (600, 520_000, 2_520_000, 6_000_000)


@pytest.mark.parametrize(
    ("count", "price", "fee"),
    [(1, "0.50", 17_500), (10, "0.10", 63_000), ("25.50", "0.69", 381_900), (5, "0.40", 84_000), (20, "0.40", 336_000)],
)
def test_taker_fees_are_those_of_the_examples(
    exchange: ScriptedExchange, count: int | str, price: str, fee: int
) -> None:
    exchange.trade(T, "no" if price == "0.69" else "yes", count, price)
    assert exchange.fills[0].fee == fee


def test_maker_fees_follow_the_series() -> None:
    exchange = SimulatedExchange.empty()
    for ticker, fee_type in (
        ("A-1-X", "quadratic"),
        ("B-1-X", "quadratic_with_maker_fees"),
        ("C-1-X", "quadratic_with_combo_maker_fees"),
    ):
        exchange.add_market(ticker, fee_type=fee_type)
        exchange.trade(ticker, "yes", 100, "0.50", taker=False)
    assert [f.fee for f in exchange.fills] == [0, 437_500, 875_000]


def test_a_multiplier_scales_the_fee() -> None:
    exchange = SimulatedExchange.empty()
    exchange.add_market("KXINX-1-B1", multiplier="1/2")
    exchange.trade("KXINX-1-B1", "yes", 100, "0.50")
    assert exchange.fills[0].fee == 875_000


def test_rounding_is_rebated_within_an_order_and_every_balance_is_on_the_grid(exchange: ScriptedExchange) -> None:
    order = exchange.trade(T, "yes", "0.01", "0.57")
    for _ in range(19):
        exchange.trade(T, "yes", "0.01", "0.57", order=order)
    fees = [f.fee for f in exchange.fills]
    exact = Fraction(7 * 57 * 43, 100**3 * 100) * 1_000_000
    assert all((-5_700 - fee) % 100 == 0 for fee in fees)
    assert sum(fees) - 20 * exact < 200
    assert len(set(fees)) > 1
    assert order.filled == order.count == 20
    assert order.taker_fees == sum(fees)


def test_a_fill_through_zero_closes_and_reopens(exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 10, "0.40")
    exchange.trade(T, "no", 25, "0.60")
    books = exchange.books.position(0, T)
    assert (books.net, books.realized, books.cost, books.flips) == (-1500, 2_000_000, 6_000_000, 1)


def test_average_cost_stays_exact_where_decimals_end(exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 1, "0.10")
    exchange.trade(T, "yes", 2, "0.11")
    exchange.trade(T, "no", 1, "0.20")
    books = exchange.books.position(0, T)
    assert books.realized == Fraction(200_000) - Fraction(320_000, 3)
    row = everything(exchange, "/portfolio/positions", "market_positions")[0]
    assert row["realized_pnl_dollars"] == "0.093333"
    assert row["market_exposure_dollars"] == "0.213333"


def test_the_settlement_row_of_a_partly_closed_market(exchange: ScriptedExchange) -> None:
    exchange.trade(T, "no", "25.50", "0.69")
    exchange.trade(T, "yes", 10, "0.10")
    exchange.settle(T, "no")
    exchange.verify()
    row = get(exchange, "/portfolio/settlements")["settlements"][0]
    assert row["revenue"] == 1550
    assert (row["yes_count_fp"], row["no_count_fp"]) == ("10.00", "25.50")
    assert (row["yes_total_cost_dollars"], row["no_total_cost_dollars"]) == ("1.000000", "7.905000")
    assert (row["fee_cost"], row["value"], row["market_result"]) == ("0.444900", 0, "no")
    assert exchange.books.position(0, T).net_pnl == 16_150_100


def test_a_market_left_before_settlement_has_a_row_without_revenue(exchange: ScriptedExchange) -> None:
    exchange.trade(T, "no", 5, "0.40")
    exchange.trade(T, "yes", 5, "0.25", action="sell")
    exchange.settle(T, "yes")
    row = get(exchange, "/portfolio/settlements")["settlements"][0]
    assert (row["revenue"], row["value"]) == (0, 100)
    assert exchange.books.position(0, T).realized == 750_000


def test_a_scalar_payout_is_rounded_down_to_a_hundredth_of_a_cent(exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", "100.01", "0.50")
    exchange.settle(T, "scalar", value="0.3060")
    books = exchange.books.position(0, T)
    assert (books.payout, books.residue, books.revenue_cents) == (30_603_000, 60, 3060)
    assert get(exchange, "/portfolio/settlements")["settlements"][0]["value"] == 30
    exchange.verify()


def test_no_gets_the_rest_of_the_dollar(exchange: ScriptedExchange) -> None:
    exchange.trade(T, "no", 10, "0.50")
    exchange.settle(T, "scalar", value="0.37")
    assert exchange.books.position(0, T).payout == 6_300_000


def test_subaccounts_do_not_mix(exchange: ScriptedExchange) -> None:
    exchange.transfer(0, 1, "100")
    exchange.trade(T, "yes", 10, "0.50", subaccount=0)
    exchange.trade(T, "no", 10, "0.50", subaccount=1)
    assert [p.net for p in exchange.books.positions()] == [1000, -1000]
    exchange.settle(T, "yes")
    assert exchange.books.cash(1) == 100_000_000 - 5_000_000 - 175_000
    assert exchange.books.cash(0) == 900_000_000 - 5_000_000 - 175_000 + 10_000_000
    exchange.verify()


def test_cash_follows_deposits_withdrawals_and_the_margined_exchange() -> None:
    exchange = SimulatedExchange.empty()
    exchange.deposit("102.04", fee="2.04", method="debit")
    exchange.deposit("50", status="pending")
    exchange.deposit("60", status="failed")
    exchange.deposit("70", status="returned")
    exchange.withdraw("20")
    exchange.move_margined("30")
    exchange.move_margined("-10")
    exchange.move_shards(0, 2, "5")
    assert exchange.books.cash() == 60_000_000
    assert exchange.books.cash(0, 2) == 5_000_000
    exchange.verify()


def test_what_is_scripted_for_the_future_waits_for_the_clock(exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW + timedelta(hours=1))
    exchange.settle(T, "yes", at=NOW + timedelta(days=2))
    assert not exchange.fills
    exchange.advance(NOW + timedelta(days=1))
    assert exchange.books.position(0, T).net == 1000
    assert exchange.world.markets[T].status(exchange.clock) == "active"
    exchange.advance(NOW + timedelta(days=3))
    assert exchange.books.position(0, T).held == 1000
    assert exchange.world.markets[T].status(exchange.clock) == "finalized"


def test_an_audit_finds_a_wrong_figure(exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 10, "0.40")
    exchange.books.position(0, T).fees += 1
    with pytest.raises(AssertionError, match="fees"):
        exchange.verify()


def test_an_audit_finds_wrong_cash(exchange: ScriptedExchange) -> None:
    exchange.books.credit(0, 0, 1)
    with pytest.raises(AssertionError, match="cash"):
        exchange.verify()


def test_a_corrected_fee_is_served_in_place_of_the_first(exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 10, "0.40")
    exchange.amend(T, 0, fee="0.10")
    assert everything(exchange, "/portfolio/fills", "fills")[0]["fee_cost"] == "0.100000"


def test_the_tiny_account_has_ten_fills_and_every_ending() -> None:
    exchange = SimulatedExchange.tiny()
    exchange.verify()
    assert len(exchange.fills) == 10
    assert [p.settled for p in exchange.books.positions()] == [False, True, True, False]
    assert [p.flips for p in exchange.books.positions()] == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((T, "maybe", 1, "0.5"), "side"),
        ((T, "yes", 0, "0.5"), "count"),
        ((T, "yes", 1, "1.5"), "yes_price"),
        ((T, "yes", 0.5, "0.5"), "count"),
        ((T, "yes", "0.001", "0.5"), "count"),
        ((T, "yes", "x", "0.5"), "not a number"),
        (("NONE", "yes", 1, "0.5"), "no market"),
    ],
)
def test_a_trade_that_cannot_be_is_refused(exchange: ScriptedExchange, arguments: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        exchange.trade(*arguments)


def test_the_books_are_kept_in_order_of_time(exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 1, "0.50")
    with pytest.raises(ArgumentError, match="order of time"):
        exchange.trade(T, "yes", 1, "0.50", at=NOW - timedelta(days=1))
    exchange.settle(T, "yes")
    with pytest.raises(ArgumentError, match="paid out"):
        exchange.trade(T, "yes", 1, "0.50")
    with pytest.raises(ArgumentError, match="already"):
        exchange.settle(T, "no")


def test_other_things_that_cannot_be_are_refused(exchange: ScriptedExchange) -> None:
    with pytest.raises(ArgumentError, match="already"):
        exchange.add_market(T)
    with pytest.raises(ArgumentError, match="ticks"):
        exchange.add_market("X-1-Y", ticks="inches")
    with pytest.raises(ArgumentError, match="scalar"):
        exchange.settle(T, "yes", value="0.5")
    with pytest.raises(ArgumentError, match="there are 2"):
        exchange.trade(T, "yes", 1, "0.5", subaccount=2)
    order = exchange.trade(T, "yes", 1, "0.5")
    with pytest.raises(ArgumentError, match="The order is for"):
        exchange.trade(T, "no", 1, "0.5", order=order)


def test_fills_scripted_out_of_order_are_served_in_order(exchange: ScriptedExchange) -> None:
    exchange.add_market("B-1-X")
    exchange.trade(T, "yes", 1, "0.50", at=NOW - timedelta(days=1))
    exchange.trade("B-1-X", "yes", 1, "0.50", at=NOW - timedelta(days=2))
    assert [f.ticker for f in exchange.fills] == ["B-1-X", T]
    assert [f["ticker"] for f in everything(exchange, "/portfolio/fills", "fills")] == [T, "B-1-X"]


def test_fills_of_one_microsecond_have_ids_in_the_order_of_booking(exchange: ScriptedExchange) -> None:
    for _ in range(30):
        exchange.trade(T, "yes", 1, "0.50")
    ids = [f.fill_id for f in exchange.account.fills_of[T]]
    assert ids == sorted(set(ids))
