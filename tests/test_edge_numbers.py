"""Numbers at the edge go all the way, from the exchange's text to P&L, exactly; or their row is set aside."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from store_rows import frame

import kalshi_portfolio as kp
from kalshi_portfolio.parse import Source, parse_fills
from kalshi_portfolio.schema import FILLS, SYNC_LOG
from kalshi_portfolio.store import Identity, Store

if TYPE_CHECKING:
    from pathlib import Path

    from kalshi_portfolio.parse import Parsed

NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
T = "KXEDGE-26DEC-T1"


def account(root: Path, bought: dict[str, Any], sold: dict[str, Any]) -> tuple[kp.Portfolio, Parsed]:
    """Store an account that bought 10 YES at 42 cents and sold them at 45, with fields of the two fills replaced."""
    buy = {"fill_id": "f1", "outcome_side": "yes", "created_time": "2026-11-15T09:00:00Z", **prices("0.42", "0.58")}
    sell = {"fill_id": "f2", "outcome_side": "no", "created_time": "2026-11-16T09:00:00Z", **prices("0.45", "0.55")}
    rows = [{"ticker": T, "count_fp": "10.00", **row} for row in (buy | bought, sell | sold)]
    parsed = parse_fills([json.dumps({"fills": rows}).encode()], Source(NOW))
    store = Store.open_for_sync(root, Identity("example.com", "custom"))
    store.quarantine("fills", parsed.set_aside)
    store.upsert(FILLS, parsed.frame)
    window = {"window_from": datetime(1970, 1, 1, tzinfo=UTC), "window_to": NOW, "finished_at": NOW}
    log = {"run_id": "r", "dataset": "fills", "tier": "live", "subaccount": 0, "exchange_index": -1}
    store.log(frame(SYNC_LOG, log | window))
    return kp.Portfolio(root), parsed


def prices(yes: str, no: str) -> dict[str, str]:
    return {"yes_price_dollars": yes, "no_price_dollars": no}


SAME = {"fee_cost": "0"}


@pytest.mark.parametrize(
    ("both", "bought", "sold", "quantity", "cost", "pnl"),
    [
        # 10 contracts, bought at 42 cents and sold at 45: 10 x 3 cents.
        ({}, {}, {}, "10.00", "420.000000", "30.000000"),
        # A thousand million contracts: 10^9 x 42 cents, 10^9 x 3 cents.
        ({"count_fp": "1000000000.00"}, {}, {}, "1000000000.00", "42000000000.000000", "3000000000.000000"),
        ({"count_fp": 10**9}, {}, {}, "1000000000.00", "42000000000.000000", "3000000000.000000"),
        ({"count_fp": "1e9"}, {}, {}, "1000000000.00", "42000000000.000000", "3000000000.000000"),
        # The least that can be traded: 0.01 x 42, 0.01 x 3.
        ({"count_fp": "0.01"}, {}, {}, "0.01", "0.420000", "0.030000"),
        # Six decimals of a dollar: bought at 42.0001 cents, sold at 45.0002, so 10 x 3.0001.
        ({}, prices("0.420001", "0.579999"), prices("0.450002", "0.549998"), "10.00", "420.001000", "30.001000"),
        ({"count_fp": "0.01"}, prices("0.420001", "0.579999"), prices("0.420002", "0.579998"), "0.01", "0.420001",
         "0.000001"),
        # The same number in other words.
        ({"count_fp": " 10 "}, prices("4.2e-1", "58E-2"), prices(".45", "00.55"), "10.00", "420.000000", "30.000000"),
        ({"count_fp": "10." + "0" * 60}, {}, {}, "10.00", "420.000000", "30.000000"),
        ({}, prices("0.42" + "0" * 38, "+0.58"), {}, "10.00", "420.000000", "30.000000"),
        # Minus nothing is nothing: bought at 0, sold at 45.
        ({}, prices("-0.00", "1.0000"), {}, "10.00", "0.000000", "450.000000"),
        # An empty text is no value, so the older name, in cents, has its say.
        ({}, {**prices("", ""), "yes_price": 42}, {}, "10.00", "420.000000", "30.000000"),
    ],
)  # fmt: skip
def test_a_number_that_can_be_held_is_held_exactly(
    tmp_path: Path, both: dict[str, Any], bought: dict[str, Any], sold: dict[str, Any],
    quantity: str, cost: str, pnl: str,
) -> None:  # fmt: skip
    pf, parsed = account(tmp_path / "data", SAME | both | bought, SAME | both | sold)
    assert parsed.set_aside == []
    first = pf.fills().row(0, named=True)
    assert (str(first["quantity"]), str(first["total_cost_cents"])) == (quantity, cost)
    assert pf.trades()["realized_pnl_cents"].to_list() == [None, Decimal(pnl)]
    assert pf.lots()["quantity"].to_list() == [Decimal(quantity)]
    (held,) = pf.positions(status="all").to_dicts()
    assert (str(held["realized_pnl_cents"]), str(held["fee_cents"])) == (pnl, "0.000000")
    assert str(pf.pnl(by="ticker")["net_pnl_cents"].item()) == pnl


@pytest.mark.parametrize(
    "odd",
    [
        {"count_fp": "1e-7"}, {"count_fp": "0.001"}, {"count_fp": "-0.00"}, {"count_fp": "0"}, {"count_fp": "NaN"},
        {"count_fp": "Infinity"}, {"count_fp": ""}, {"count_fp": "1" * 40}, {"count_fp": "-10"}, {"count_fp": "1e4000"},
        {"count_fp": "10,00"}, {"count_fp": "1_0"}, {"count_fp": "\u0661\u0660"}, {"count_fp": "0x10"},
        {"count_fp": "99999999999999.99"},  # at 42 cents more than a file's column holds
        prices("0.4200001", "0.5799999"), prices("1e-7", "1"), prices("NaN", "NaN"), prices("", ""),
        prices("0." + "4" * 40, "0.58"), prices("1.01", "-0.01"), prices("-0.01", "1.01"), prices("0.42", "0.57"),
        {"fee_cost": "0.000000001"}, {"fee_cost": "NaN"}, {"fee_cost": "9" * 40},
    ],
    ids=lambda odd: str(odd)[:50],
)  # fmt: skip
def test_a_number_that_cannot_be_held_sets_its_row_aside_and_leaves_no_profit_behind(
    tmp_path: Path, odd: dict[str, Any]
) -> None:
    """The purchase is set aside, so the sale would be all profit: the market has none, and that is counted."""
    pf, parsed = account(tmp_path / "data", SAME | odd, SAME)
    assert (len(parsed.set_aside), parsed.frame.height) == (1, 1)
    assert pf.pnl()["net_pnl_cents"].to_list() in ([], [None])
    assert not pf.positions(status="all")["complete"].any()
    assert pf.status().in_quarantine == 1


def test_a_fee_that_is_an_empty_text_is_unknown_and_not_nothing(tmp_path: Path) -> None:
    pf, _ = account(tmp_path / "data", {"fee_cost": ""}, {"fee_cost": "-0.00"})
    assert pf.fills()["fee_cents"].to_list() == [None, Decimal(0)]


@pytest.mark.parametrize("call", ["trades", "lots", "positions", "pnl", "equity", "summary", "reconcile"])
def test_a_market_of_which_no_column_can_hold_the_total_is_refused_and_nothing_wraps(tmp_path: Path, call: str) -> None:
    """Each fill fits its file; two of them, 10^10 contracts, are worth more than a column of money can say."""
    pf, _ = account(tmp_path / "data", SAME | {"count_fp": "5000000000.00"}, SAME | {"count_fp": "5000000000.00"})
    with pytest.raises(kp.errors.SchemaError, match=rf"10,000,000,000\.00 contracts of {T} .* absurd quantity"):
        getattr(pf, call)()
    assert pf.fills().height == 2
