"""Two real accounts (never part of the repository): every settlement of the exchange equals our lots."""

from __future__ import annotations

import csv
import json
from decimal import Decimal as Dec
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from ledger_rows import START, frame

from kalshi_portfolio.ledger import Linked, judge, link
from kalshi_portfolio.pnl import pnl
from kalshi_portfolio.schema import FILLS, MARKETS, SETTLED

if TYPE_CHECKING:
    from pathlib import Path


def times(texts: list[str]) -> list[Any]:
    return pl.Series(texts).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC").to_list()


def fill_rows(rows: list[dict[str, Any]], *, cents: Dec) -> pl.DataFrame:
    """Dress fills; ``cents`` is what one of the price's unit is worth."""
    dressed = []
    for row, at in zip(rows, times([row["created_time"] for row in rows]), strict=True):
        side = row.get("outcome_side", row["side"])
        yes = Dec(row["yes_price_dollars" if "yes_price_dollars" in row else "yes_price_fixed"]) * cents
        price, quantity = (yes if side == "yes" else 100 - yes), Dec(row["count_fp" if "count_fp" in row else "count"])
        fee = row.get("fee_cost")
        dressed.append(
            {
                "kalshi_trade_id": row["fill_id"], "ticker": row["ticker"], "subaccount": 0, "exchange_index": 0,
                "side": side, "quantity": quantity, "price_cents": price, "yes_price_cents": yes,
                "total_cost_cents": price * quantity, "fee_cents": None if fee is None else Dec(fee) * 100,
                "executed_at": at, "synced_at": START,
            }
        )  # fmt: skip
    return frame(FILLS, dressed)


def settled_rows(rows: list[dict[str, Any]]) -> pl.DataFrame:
    dressed = []
    for row, at in zip(rows, times([row["settled_time"] for row in rows]), strict=True):
        base = {
            "ticker": row["ticker"], "event_ticker": row["event_ticker"], "subaccount": 0, "exchange_index": 0,
            "market_result": row["market_result"], "yes_payout_cents": Dec(row["value"]), "settled_at": at,
            "revenue_cents": Dec(row["revenue"]), "fee_cents": Dec(row["fee_cost"]) * 100, "synced_at": START,
            "source": "exchange",
        }  # fmt: skip
        for side in ("yes", "no"):
            new = f"{side}_count_fp" in row
            base[f"{side}_quantity"] = Dec(row[f"{side}_count_fp" if new else f"{side}_count"])
            cost = Dec(row[f"{side}_total_cost_dollars"]) * 100 if new else Dec(row[f"{side}_total_cost"])
            base[f"{side}_cost_cents"] = cost
        dressed.append(base)
    return frame(SETTLED, dressed)


def settlement_pnl(rows: pl.DataFrame) -> pl.DataFrame:
    """Give the P&L of each settlement by the exchange's figures alone: a pair returned $1 when it was made."""
    by = {name: rows[name].to_list() for name in rows.columns}
    pairs = [min(y, n) * 100 for y, n in zip(by["yes_quantity"], by["no_quantity"], strict=True)]
    costs = [y + n for y, n in zip(by["yes_cost_cents"], by["no_cost_cents"], strict=True)]
    parts = zip(by["revenue_cents"], pairs, costs, by["fee_cents"], strict=True)
    values = [revenue + pair - cost - fee for revenue, pair, cost, fee in parts]
    return rows.select("ticker").with_columns(theirs=pl.Series(values, dtype=pl.Decimal(18, 6)))


@pytest.fixture(scope="module")
def new(realdata: Path) -> tuple[Linked, pl.DataFrame]:
    folder = realdata / "api_2026-07"
    fills = fill_rows(json.loads((folder / "fills.json").read_text())["fills"], cents=Dec(100))
    settled = settled_rows(json.loads((folder / "settlements.json").read_text())["settlements"])
    return link(fills, settled, judge(fills, settled)), settled


@pytest.fixture(scope="module")
def legacy(realdata: Path) -> tuple[Linked, pl.DataFrame]:
    folder = realdata / "api_legacy_2026-01"
    with (folder / "kalshi_fills.csv").open() as file:
        fills = fill_rows(list(csv.DictReader(file)), cents=Dec(100))
    with (folder / "kalshi_settlements.csv").open() as file:
        settled = settled_rows(list(csv.DictReader(file)))
    return link(fills, settled, judge(fills, settled)), settled


def test_all_25_settlements_of_a_real_account_equal_our_lots(new: tuple[Linked, pl.DataFrame]) -> None:
    linked, settled = new
    assert settled.height == 25
    ours = linked.positions.group_by("ticker").agg(pl.col("net_pnl_cents", "fee_cents").sum(), pl.col("complete").all())
    both = settled.join(ours, on="ticker").join(settlement_pnl(settled), on="ticker")
    assert both.height == 25
    assert both["complete"].all()
    assert both.filter(pl.col("net_pnl_cents") != pl.col("theirs")).height == 0
    assert both.filter(pl.col("fee_cents_right") != pl.col("fee_cents")).height == 0


def test_costs_and_counts_per_side_equal_the_settlements(new: tuple[Linked, pl.DataFrame]) -> None:
    linked, settled = new
    bought = linked.axis.fills.group_by("ticker", "side").agg(pl.col("quantity", "total_cost_cents").sum())
    for side in ("yes", "no"):
        both = settled.join(bought.filter(side=side), on="ticker", how="left")
        assert (both["quantity"].fill_null(0) == both[f"{side}_quantity"]).all()
        assert (both["total_cost_cents"].fill_null(0) == both[f"{side}_cost_cents"]).all()


def test_the_net_pnl_of_the_25_is_8_dollars_62_48(new: tuple[Linked, pl.DataFrame]) -> None:
    linked, settled = new
    lots = linked.lots.join(settled, on="ticker", how="semi")
    assert lots["net_pnl_cents"].sum() == Dec("862.48")
    assert settlement_pnl(settled)["theirs"].sum() == Dec("862.48")
    assert pnl(lots, MARKETS.empty())["net_pnl_cents"].to_list() == [Dec("862.48")]
    days = pnl(lots, MARKETS.empty(), freq="1d", tz="America/New_York")
    assert days["net_pnl_cents"].sum() == Dec("862.48")


def test_51_of_the_52_legacy_settlements_are_complete(legacy: tuple[Linked, pl.DataFrame]) -> None:
    linked, settled = legacy
    assert settled.height == 52
    known = linked.positions.join(settled, on="ticker", how="semi").group_by("ticker").agg(pl.col("complete").all())
    assert known.height == 52
    assert known["complete"].sum() == 51
    gap = linked.positions.filter(~pl.col("complete"))
    assert gap.height == 1
    assert gap["net_pnl_cents"].to_list() == [None]
    assert gap["cause"].str.contains("settle").all()


def test_legacy_pnl_equals_the_settlements_fee_by_fee(legacy: tuple[Linked, pl.DataFrame]) -> None:
    linked, settled = legacy
    theirs = settlement_pnl(settled)
    assert theirs["theirs"].sum() == Dec(-2101)
    ours = linked.positions.filter("complete").group_by("ticker").agg(pl.col("net_pnl_cents").sum())
    both = ours.join(theirs, on="ticker")
    assert both.height == 51
    assert (both["net_pnl_cents"] == both["theirs"]).all()
    assert set(linked.trades.join(settled, on="ticker", how="semi")["fee_source"]) == {"settlement"}
