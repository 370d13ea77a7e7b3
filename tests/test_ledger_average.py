"""Average cost: by hand, against exact fractions, and equal to first in, first out over whatever went flat."""

from __future__ import annotations

from decimal import Decimal as Dec
from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl
from hypothesis import given, settings
from ledger_rows import fills, settled
from oracle import average
from test_ledger_oracle import accounts, fill_rows, linked, settled_rows

from kalshi_portfolio.ledger import link
from kalshi_portfolio.pnl import pnl
from kalshi_portfolio.schema import DISPOSALS, FILLS, MARKETS

if TYPE_CHECKING:
    from oracle import Fill, Settlement

MICRO = Fraction(1, 1_000_000)


def held(*rows: str) -> dict[str, object]:
    return link(fills(*rows)).average_positions.row(0, named=True)


def test_a_partial_sale_realises_against_the_average_not_the_first_lot() -> None:
    rows = "T yes 10 40", "T yes 10 50", "T no 5 40"  # the sale is 5 YES at 60
    by_average, by_fifo = held(*rows), link(fills(*rows)).positions.row(0, named=True)
    assert (by_average["realized_pnl_cents"], by_fifo["realized_pnl_cents"]) == (75, 100)
    assert (by_average["cost_cents"], by_average["avg_price_cents"]) == (675, 45)
    assert (by_fifo["cost_cents"], by_fifo["avg_price_cents"]) == (700, Dec("46.6667"))


def test_the_net_of_an_open_position_follows_its_method() -> None:
    row = held("T yes 10 40 2", "T yes 10 50 2", "T no 5 40 1")
    assert (row["fee_cents"], row["net_pnl_cents"]) == (5, 70)


def test_the_average_starts_anew_at_zero() -> None:
    row = link(fills("T yes 10 40", "T no 10 50", "T yes 4 70", "T no 1 20")).average_positions.row(1, named=True)
    assert (row["realized_pnl_cents"], row["cost_cents"], row["quantity"]) == (10, 210, 3)


def test_a_flip_realises_the_closed_part_and_opens_the_other_side() -> None:
    events = link(fills("T yes 4 40", "T yes 4 50", "T no 10 30")).disposals
    assert events.select("side", "action", "quantity", "entry_price_cents", "realized_pnl_cents").rows() == [
        ("yes", "buy", Dec(4), Dec(40), None),
        ("yes", "buy", Dec(4), Dec(50), None),
        ("yes", "sell", Dec(8), Dec(45), Dec(200)),
        ("no", "buy", Dec(2), Dec(30), None),
    ]


def test_a_settlement_realises_what_is_left_at_the_payout() -> None:
    events = link(fills("T no 10 30", "T yes 4 60"), settled("T scalar 25")).disposals
    assert events.select("action", "realized_pnl_cents", "held_cost_cents").rows() == [
        ("buy", None, Dec(300)),
        ("sell", Dec(40), Dec(180)),
        ("settlement", Dec(270), Dec(0)),
    ]


def test_a_void_settlement_realises_nothing() -> None:
    events = link(fills("T yes 3 33", "T yes 4 40"), settled("T void")).disposals
    assert events["realized_pnl_cents"].to_list() == [None, None, Dec(0)]


def test_an_average_that_does_not_terminate_is_cut_at_a_millionth_of_a_cent_and_nothing_is_lost() -> None:
    rows = "T yes 1 10", "T yes 2 20", "T no 1 50", "T no 1 50", "T no 1 50"
    events = link(fills(*rows)).disposals.filter(pl.col("action") == "sell")
    assert events["realized_pnl_cents"].to_list() == [Dec("33.333334"), Dec("33.333333"), Dec("33.333333")]
    assert events["realized_pnl_cents"].sum() == 100


def test_entry_fees_are_pooled_and_released_with_the_contracts() -> None:
    events = link(fills("T yes 1 10 1", "T yes 2 20 4", "T no 1 50 2", "T no 2 50 1")).disposals
    sales = events.filter(pl.col("action") == "sell")
    assert sales["entry_fee_cents"].to_list() == [Dec("1.666666"), Dec("3.333334")]
    assert sales["net_pnl_cents"].sum() == 100 - 8


def test_an_unknown_fee_makes_net_figures_unknown_and_no_others() -> None:
    events = link(fills("T yes 2 20 -", "T no 1 50 2")).disposals
    assert events.select("realized_pnl_cents", "net_pnl_cents").row(1) == (Dec(30), None)


def test_nothing_gives_empty_frames() -> None:
    nothing = link(FILLS.empty())
    assert nothing.disposals.equals(DISPOSALS.empty())
    assert nothing.average_positions.is_empty()


@settings(max_examples=40)
@given(accounts())
def test_disposals_equal_exact_fractions_to_a_millionth_of_a_cent_a_sale(
    account: tuple[list[Fill], list[Settlement]],
) -> None:
    all_fills, settlements = account
    events = link(fill_rows(all_fills), settled_rows(settlements)).disposals
    for ticker, subaccount in {(f.ticker, f.subaccount) for f in all_fills}:
        mine = [f for f in all_fills if (f.ticker, f.subaccount) == (ticker, subaccount)]
        paid = [s for s in settlements if (s.ticker, s.subaccount) == (ticker, subaccount)]
        expected = average(mine, paid[0] if paid else None)
        rows = events.filter(pl.col("ticker") == ticker, pl.col("subaccount") == subaccount)
        realized = rows.filter(pl.col("action") != "buy")["realized_pnl_cents"].to_list()
        assert len(realized) == len(expected["realized"])
        for ours, theirs in zip(realized, expected["realized"], strict=True):
            assert abs(Fraction(ours) - theirs) <= MICRO * len(mine)
        assert abs(Fraction(rows["held_cost_cents"].to_list()[-1]) - expected["cost"]) <= MICRO * len(mine)


@settings(max_examples=40)
@given(accounts())
def test_both_methods_agree_exactly_over_every_position_that_went_flat(
    account: tuple[list[Fill], list[Settlement]],
) -> None:
    all_fills, settlements = account
    # A void gives contracts back at cost, and what they cost depends on the method.
    book, _ = linked((all_fills, [s for s in settlements if s.payout is not None]))
    flat = pl.col("status") != "open"
    columns = ["position_id", "realized_pnl_cents", "net_pnl_cents", "fee_cents"]
    fifo, averaged = book.positions.filter(flat), book.average_positions.filter(flat)
    assert averaged.equals(fifo)
    summed = book.disposals.group_by("position_id").agg(pl.col("realized_pnl_cents").sum().cast(pl.Decimal(18, 6)))
    both = fifo.select(columns).join(summed, on="position_id", suffix="_average")
    assert both.filter(pl.col("realized_pnl_cents") != pl.col("realized_pnl_cents_average")).is_empty()
    assert both.height == fifo.height


@settings(max_examples=40)
@given(accounts())
def test_open_positions_hold_what_their_last_disposal_left(account: tuple[list[Fill], list[Settlement]]) -> None:
    book, _ = linked(account)
    last = book.disposals.group_by("position_id", maintain_order=True).agg(pl.col("held_cost_cents").last())
    held_now = book.average_positions.filter(pl.col("status") == "open").join(last, on="position_id")
    assert held_now.filter(pl.col("cost_cents") != pl.col("held_cost_cents")).is_empty()


def test_a_position_sold_in_part_and_then_void_realises_the_same_whoever_is_asked() -> None:
    """Bought at 40 and 60, so at 50 on average; a quarter is sold at 70, and the rest given back at what it cost."""
    book = link(fills("T yes 10 40 1", "T yes 10 60 1", "T no 5 30 1"), settled("T void"))
    averaged = book.average_positions.row(0, named=True)
    assert (averaged["realized_pnl_cents"], averaged["net_pnl_cents"]) == (100, 97)
    assert averaged["exit_price_cents"] == 55  # 5 at 70 and 15 at 50
    assert pnl(book.disposals, MARKETS.empty())["realized_pnl_cents"].item() == 100
    fifo = book.positions.row(0, named=True)
    assert (fifo["realized_pnl_cents"], fifo["exit_price_cents"]) == (150, Dec("57.5"))
    assert pnl(book.lots, MARKETS.empty())["realized_pnl_cents"].item() == 150
