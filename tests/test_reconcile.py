"""Reconciliation: agreement to the last digit, and a cause in words for every difference that was planted."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as Dec
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from ledger_rows import START, fills, frame, snapshot, t
from test_ledger_realdata import legacy, new

from kalshi_portfolio.ledger import Linked, judge, link, settle
from kalshi_portfolio.reconcile import reconcile
from kalshi_portfolio.schema import (
    BALANCES,
    MARKETS,
    RECONCILIATION,
    SETTLED,
    SETTLEMENTS,
    SNAPSHOTS,
    TRANSFERS,
)

__all__ = ["legacy", "new"]  # fixtures of another module

if TYPE_CHECKING:
    from collections.abc import Sequence


def check(
    traded: pl.DataFrame,
    settlements: pl.DataFrame | None = None,
    snapshots: pl.DataFrame | None = None,
    transfers: Sequence[dict[str, Any]] = (),
    balances: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> pl.DataFrame:
    reported = SETTLEMENTS.empty() if settlements is None else settlements
    settled = settle(traded, reported, MARKETS.empty())
    seen = SNAPSHOTS.empty() if snapshots is None else snapshots
    book = link(traded, settled, judge(traded, settled, snapshots=seen))
    return reconcile(
        book,
        settlements=settled,
        snapshots=seen,
        transfers=frame(TRANSFERS, list(transfers)),
        balances=frame(BALANCES, list(balances)),
        **more,
    )


def row(table: pl.DataFrame, name: str) -> dict[str, Any]:
    return table.filter(pl.col("check") == name).row(0, named=True)


def held(net: str, **figures: str) -> pl.DataFrame:
    given = {"market_exposure_cents": "0", "realized_pnl_cents": "0", "fees_paid_cents": "0"} | figures
    return snapshot("T", net, **given)


TRADED = fills("T yes 10 40 2", "T yes 10 50 2", "T no 5 40 1")
HELD = held("15", market_exposure_cents="675", realized_pnl_cents="75", fees_paid_cents="5")


def paid(**changes: str) -> pl.DataFrame:
    base: dict[str, Any] = {
        "ticker": "T", "subaccount": 0, "exchange_index": 0, "market_result": "yes", "yes_payout_cents": "100",
        "yes_quantity": "20", "no_quantity": "5", "yes_cost_cents": "900", "no_cost_cents": "200",
        "revenue_cents": "1500", "fee_cents": "5", "settled_at": START + timedelta(days=3), "synced_at": START,
    }  # fmt: skip
    return frame(SETTLEMENTS, [base | changes])


def test_a_position_that_agrees_is_four_checks_without_a_difference() -> None:
    table = check(TRADED, snapshots=HELD)
    assert table["check"].to_list() == ["position", "position_exposure", "position_fees", "position_realized_pnl"]
    assert table["ok"].all()
    assert table["difference"].to_list() == [0, 0, 0, 0]
    assert table["cause"].null_count() == 4
    assert table.schema == RECONCILIATION.schema


def test_the_position_is_compared_as_of_the_exchanges_last_change_of_it() -> None:
    earlier = held("20", market_exposure_cents="900", fees_paid_cents="4").with_columns(
        last_updated_at=pl.lit(t(2)).dt.cast_time_unit("us")
    )
    table = check(TRADED, snapshots=earlier)
    assert table["ok"].all()
    assert row(table, "position")["ours"] == 20


@pytest.mark.parametrize(
    ("change", "failing", "difference"),
    [
        ({"market_exposure_cents": "676"}, "position_exposure", -1),
        ({"realized_pnl_cents": "74.9"}, "position_realized_pnl", Dec("0.1")),
        ({"fees_paid_cents": "5.000001"}, "position_fees", Dec("-0.000001")),
    ],
)
def test_a_planted_difference_is_found_and_shown_as_it_is(
    change: dict[str, str], failing: str, difference: Dec
) -> None:
    figures = {"market_exposure_cents": "675", "realized_pnl_cents": "75", "fees_paid_cents": "5"} | change
    table = check(TRADED, snapshots=held("15", **figures))
    wrong = table.filter(~pl.col("ok")).row(0, named=True)
    assert (wrong["check"], wrong["difference"]) == (failing, difference)
    assert wrong["cause"]
    assert table["ok"].sum() == 3


def test_a_missing_fill_fails_with_the_history_as_the_cause() -> None:
    table = check(TRADED.tail(2), snapshots=HELD)
    wrong = row(table, "position")
    assert (wrong["ours"], wrong["theirs"], wrong["difference"], wrong["ok"]) == (5, 15, -10, False)
    assert "15.00" in wrong["cause"]
    assert "5.00" in wrong["cause"]


def test_what_the_exchange_did_not_report_is_no_check() -> None:
    bare = snapshot("T", "15")
    assert check(TRADED, snapshots=bare)["check"].to_list() == ["position"]


def test_a_row_by_which_we_closed_a_position_ourselves_is_not_compared() -> None:
    closed = held("0", realized_pnl_cents="9").with_columns(closed_at=pl.lit(t(90)).dt.cast_time_unit("us"))
    assert check(TRADED, snapshots=closed).is_empty()


def test_an_average_that_does_not_terminate_agrees_to_the_last_digit_reported() -> None:
    traded = fills("T yes 1 10 0", "T yes 2 20 0", "T no 1 50 0")
    seen = held("2", market_exposure_cents="33.3333", realized_pnl_cents="33.3333")
    table = check(traded, snapshots=seen)
    assert table["ok"].all()
    assert row(table, "position_exposure")["difference"] == Dec("0.000034")
    assert "steps of 0.0001 cents" in row(table, "position_exposure")["cause"]


def test_a_settlement_that_agrees_is_seven_checks() -> None:
    table = check(TRADED, paid())
    assert table.filter(pl.col("check").str.starts_with("settlement")).height == 7
    assert table["ok"].all()
    assert row(table, "settlement_pnl")["theirs"] == 1500 + 500 - 900 - 200 - 5
    assert row(table, "settlement_pnl")["ours"] == 895


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ({"yes_cost_cents": "901"}, {"settlement_yes_cost", "settlement_pnl"}),
        ({"fee_cents": "7"}, {"settlement_fees", "settlement_pnl"}),
        ({"revenue_cents": "1400"}, {"settlement_revenue", "settlement_pnl"}),
    ],
)
def test_a_settlement_that_differs_names_what(change: dict[str, str], failing: set[str]) -> None:
    table = check(TRADED, paid(**change))
    wrong = table.filter(~pl.col("ok"))
    assert set(wrong["check"]) == failing
    assert wrong["cause"].null_count() == 0


def test_a_settlement_whose_fills_are_missing_fails_with_the_history_as_the_cause() -> None:
    table = check(TRADED.head(1), paid())
    wrong = row(table, "settlement_pnl")
    assert (wrong["ours"], wrong["ok"]) == (None, False)
    assert "20.00 YES and 5.00 NO" in wrong["cause"]


def test_revenue_in_whole_cents_is_tolerated_below_one_and_said() -> None:
    traded = fills("T yes 2.5 40 0")
    scalar = paid(
        market_result="scalar", yes_payout_cents="30.6", yes_quantity="2.5", no_quantity="0", yes_cost_cents="100",
        no_cost_cents="0", revenue_cents="76", fee_cents="0",
    )  # fmt: skip
    wrong = row(check(traded, scalar), "settlement_revenue")
    assert (wrong["ok"], wrong["difference"]) == (True, Dec("0.5"))
    assert "whole cents" in wrong["cause"]


def test_fees_that_nobody_tells_fail_as_unknown_not_as_zero() -> None:
    table = check(fills("T yes 5 40 -"), snapshots=held("5", market_exposure_cents="200", fees_paid_cents="3"))
    wrong = row(table, "position_fees")
    assert (wrong["ours"], wrong["ok"]) == (None, False)
    assert "without fees" in wrong["cause"]


def balance(cents: str, subaccount: int = 0, shard: int = 0) -> dict[str, Any]:
    return {
        "subaccount": subaccount,
        "exchange_index": shard,
        "balance_cents": cents,
        "last_synced": START + timedelta(days=9),
    }


def moved(kind: str, cents: str | None, gross: str, to: int | None = None) -> dict[str, Any]:
    return {
        "kind": kind, "transfer_id": f"{kind}{gross}", "amount_cents": cents, "gross_cents": gross, "subaccount": 0,
        "to_subaccount": to, "exchange_index": 0, "created_at": START, "synced_at": START,
    }  # fmt: skip


def test_cash_adds_up_over_transfers_fills_fees_and_payouts() -> None:
    flows = [moved("deposit", "5000", "5100"), moved("deposit", None, "700"), moved("withdrawal", "-1000", "1000")]
    # 4000 - 400 - 500 + 5 * 60 - 5 + 1500
    table = check(TRADED, paid(), transfers=flows, balances=[balance("4000"), balance("895", shard=2)])
    cash = row(table, "cash")
    assert (cash["ours"], cash["theirs"], cash["ok"], cash["ticker"]) == (4895, 4895, True, None)


def test_cash_moved_between_subaccounts_leaves_one_and_reaches_the_other() -> None:
    flows = [moved("deposit", "1000", "1000"), moved("subaccount", "0", "300", to=2)]
    table = check(TRADED.clear(), transfers=flows, balances=[balance("700"), balance("300", subaccount=2)])
    assert table.select("check", "subaccount", "ours", "ok").rows() == [
        ("cash", 0, Dec(700), True),
        ("cash", 2, Dec(300), True),
    ]


def test_unexplained_cash_is_shown_and_never_made_to_fit() -> None:
    table = check(TRADED.clear(), transfers=[moved("deposit", "1000", "1000")], balances=[balance("1012.5")])
    cash = row(table, "cash")
    assert (cash["difference"], cash["ok"]) == (Dec("-12.5"), False)
    assert "interest" in cash["cause"]


def test_cash_names_what_is_known_to_be_missing() -> None:
    table = check(fills("T yes 5 40 -"), balances=[balance("0")], transfers_complete=False)
    cause = row(table, "cash")["cause"]
    assert "fees of 1 trade are unknown" in cause
    assert "Not every kind of transfer" in cause


def test_nothing_gives_no_checks() -> None:
    assert check(TRADED.clear()).equals(RECONCILIATION.empty())


def only_settlements(book: Linked, settled: pl.DataFrame) -> pl.DataFrame:
    return reconcile(
        book,
        settlements=settled,
        snapshots=SNAPSHOTS.empty(),
        transfers=TRANSFERS.empty(),
        balances=BALANCES.empty(),
    )


def test_all_25_settlements_of_a_real_account_reconcile(new: tuple[Linked, pl.DataFrame]) -> None:
    book, settled = new
    table = only_settlements(book, settled)
    assert table.height == 25 * 7
    assert table["ok"].all()
    net = table.filter(pl.col("check") == "settlement_pnl")
    assert (net["ours"].sum(), net["theirs"].sum()) == (Dec("862.48"), Dec("862.48"))


def test_51_of_52_legacy_settlements_reconcile_and_the_other_is_a_truncated_history(
    legacy: tuple[Linked, pl.DataFrame],
) -> None:
    book, settled = legacy
    net = only_settlements(book, settled).filter(pl.col("check") == "settlement_pnl")
    assert (net["ok"].sum(), net.height, net["theirs"].sum()) == (51, 52, -2101)
    wrong = net.filter(~pl.col("ok")).row(0, named=True)
    assert wrong["ours"] is None
    assert "fills" in wrong["cause"]


def test_rebuilt_settlements_are_not_compared_with_themselves() -> None:
    settled = settle(TRADED, paid(), MARKETS.empty()).with_columns(source=pl.lit("market"))
    assert only_settlements(link(TRADED, settled), SETTLED.conform(settled)).is_empty()
