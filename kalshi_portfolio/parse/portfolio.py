"""Positions, settlements and balances: API rows become conforming frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.parse.batch import Batch, Parsed, Source
from kalshi_portfolio.schema import BALANCES, SETTLEMENTS, SNAPSHOTS, TIME

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Position(msgspec.Struct):
    ticker: Any = None
    market_ticker: Any = None
    exchange_index: Any = msgspec.UNSET
    position_fp: Any = None
    position: Any = None
    total_traded_dollars: Any = None
    total_traded: Any = None
    market_exposure_dollars: Any = None
    market_exposure: Any = None
    realized_pnl_dollars: Any = None
    realized_pnl: Any = None
    fees_paid_dollars: Any = None
    fees_paid: Any = None
    last_updated_ts: Any = None


class _Settlement(msgspec.Struct):
    ticker: Any = None
    event_ticker: Any = None
    exchange_index: Any = msgspec.UNSET
    market_result: Any = msgspec.UNSET
    yes_count_fp: Any = None
    yes_count: Any = None
    no_count_fp: Any = None
    no_count: Any = None
    yes_total_cost_dollars: Any = None
    yes_total_cost: Any = None
    no_total_cost_dollars: Any = None
    no_total_cost: Any = None
    revenue: Any = None
    value: Any = None
    fee_cost: Any = None
    settled_time: Any = None


class _Balance(msgspec.Struct):
    subaccount_number: Any = None
    exchange_index: Any = msgspec.UNSET
    balance: Any = None
    updated_ts: Any = None


def parse_positions(pages: Sequence[bytes], source: Source) -> Parsed:
    """Turn pages of ``/portfolio/positions`` into snapshots, without marks.

    A row whose ``position_fp`` is null counts as flat if its exposure is null or 0, else it is set aside.

    Args:
        pages: Whole JSON bodies.
        source: Where they came from; its time becomes ``last_synced``.

    Returns:
        One row per market position in the order received, conforming to ``schema.SNAPSHOTS``
        (``current_price_cents`` and ``closed_at`` are null), and the rows that did not fit.
    """
    batch = Batch(list(pages), "market_positions", _Position, source)
    ticker = batch.text("ticker", "market_ticker", required=True)
    net = batch.number(("position_fp", "contracts"), ("position", "contracts"), dtype=money.QUANTITY)
    exposure = _either(batch, "market_exposure")
    batch.refuse(net.is_null() & (exposure.fill_null(0) != 0), "position_fp is missing while the exposure is not 0")
    columns = {
        "ticker": ticker,
        "subaccount": batch.subaccount(),
        "exchange_index": batch.shard(),
        "net": net.fill_null(0),
        "exposure": exposure,
        "traded": _either(batch, "total_traded"),
        "realized": _either(batch, "realized_pnl"),
        "fees": _either(batch, "fees_paid"),
        "last_updated_at": batch.time("last_updated_ts"),
    }
    frame = pl.DataFrame([series.alias(name) for name, series in columns.items()])
    parsed = batch.finish("positions", frame, ticker)
    return Parsed(_snapshots(parsed.frame, source), parsed.set_aside)


def _either(batch: Batch[_Position], name: str) -> pl.Series:
    return batch.number((f"{name}_dollars", "dollars"), (name, "cents"), dtype=money.MONEY)


def _snapshots(frame: pl.DataFrame, source: Source) -> pl.DataFrame:
    held = pl.col("net").abs()
    per_contract = money.divide_half_even(pl.col("exposure"), pl.when(held > 0).then(held))
    return SNAPSHOTS.conform(
        frame.with_columns(
            side=pl.when(pl.col("net") > 0).then(pl.lit("yes")).when(pl.col("net") < 0).then(pl.lit("no")),
            quantity=money.quantity(held),
            net_quantity=money.quantity(pl.col("net")),
            avg_price_cents=money.price(
                pl.when(per_contract.is_between(0, 10**money.PRICE.precision - 1)).then(per_contract)
            ),
            current_price_cents=pl.lit(None, money.PRICE),
            market_exposure_cents=money.money(pl.col("exposure")),
            total_traded_cents=money.money(pl.col("traded")),
            realized_pnl_cents=money.money(pl.col("realized")),
            fees_paid_cents=money.money(pl.col("fees")),
            closed_at=pl.lit(None, TIME),
            last_synced=pl.lit(source.seen_at, TIME),
        )
    )


def parse_settlements(pages: Sequence[bytes], source: Source) -> Parsed:
    """Turn pages of ``/portfolio/settlements`` into settlements.

    A YES contract pays 100 or 0 cents by the result, a scalar one the row's ``value`` (whole cents; the exact
    payout is the market's). Rows with an empty result, as scalar ones had before 2026-01-28, count as scalar; a
    result that is null may be any.

    Args:
        pages: Whole JSON bodies.
        source: Where they came from; its time becomes ``synced_at``.

    Returns:
        One row per settlement in the order received, conforming to ``schema.SETTLEMENTS``, and the rows
        that did not fit.
    """
    batch = Batch(list(pages), "settlements", _Settlement, source)
    ticker = batch.text("ticker", required=True)
    batch.refuse_null("market_result")
    result = batch.text("market_result").str.to_lowercase().fill_null("scalar")
    value = batch.number(("value", "cents"), dtype=money.PRICE)
    odd = ~value.is_between(0, money.ONE_DOLLAR) & (result == "scalar")
    batch.refuse(odd, "the value of a scalar market is not between 0 and 100 cents", shown=value)
    columns = {
        "ticker": ticker,
        "event_ticker": batch.text("event_ticker"),
        "subaccount": batch.subaccount(),
        "exchange_index": batch.shard(),
        "market_result": result,
        "value": value,
        "yes_quantity": _count(batch, "yes"),
        "no_quantity": _count(batch, "no"),
        "yes_cost": _cost(batch, "yes"),
        "no_cost": _cost(batch, "no"),
        "revenue": batch.number(("revenue", "cents"), dtype=money.MONEY, required=True),
        "fee": batch.number(("fee_cost", "dollars"), dtype=money.MONEY),
        "settled_at": batch.time("settled_time", required=True),
    }
    frame = pl.DataFrame([series.alias(name) for name, series in columns.items()])
    parsed = batch.finish("settlements", frame, ticker)
    return Parsed(_settlements(parsed.frame, source), parsed.set_aside)


def _count(batch: Batch[_Settlement], side: str) -> pl.Series:
    names = (f"{side}_count_fp", "contracts"), (f"{side}_count", "contracts")
    count = batch.number(*names, dtype=money.QUANTITY, required=True)
    batch.refuse(count < 0, f"{side}_count_fp is negative", shown=count)
    return count


def _cost(batch: Batch[_Settlement], side: str) -> pl.Series:
    names = (f"{side}_total_cost_dollars", "dollars"), (f"{side}_total_cost", "cents")
    return batch.number(*names, dtype=money.MONEY, required=True)


def _settlements(frame: pl.DataFrame, source: Source) -> pl.DataFrame:
    payout = (
        pl.when(pl.col("market_result") == "yes")
        .then(money.ONE_DOLLAR)
        .when(pl.col("market_result") == "no")
        .then(0)
        .when(pl.col("market_result") == "scalar")
        .then("value")
    )
    return SETTLEMENTS.conform(
        frame.with_columns(
            yes_payout_cents=money.price(payout),
            yes_quantity=money.quantity(pl.col("yes_quantity")),
            no_quantity=money.quantity(pl.col("no_quantity")),
            yes_cost_cents=money.money(pl.col("yes_cost")),
            no_cost_cents=money.money(pl.col("no_cost")),
            revenue_cents=money.money(pl.col("revenue")),
            fee_cents=money.money(pl.col("fee")),
            synced_at=pl.lit(source.seen_at, TIME),
        )
    )


def parse_balances(pages: Sequence[bytes], source: Source) -> Parsed:
    """Turn ``/portfolio/subaccounts/balances`` into balances.

    Args:
        pages: Whole JSON bodies.
        source: Where they came from; its time becomes ``last_synced``.

    Returns:
        One row per subaccount and shard in the order received, conforming to ``schema.BALANCES``
        (``portfolio_value_cents`` is null), and the rows that did not fit.
    """
    batch = Batch(list(pages), "subaccount_balances", _Balance, source)
    if source.subaccount is None and source.key_subaccount is None:
        batch.refuse(batch.integer("subaccount_number").is_null(), "subaccount_number is missing")
    columns = {
        "subaccount": batch.subaccount("subaccount_number"),
        "exchange_index": batch.shard(),
        "balance": batch.number(("balance", "dollars"), dtype=money.MONEY, required=True),
        "updated_at": batch.time("updated_ts"),
    }
    frame = pl.DataFrame([series.alias(name) for name, series in columns.items()])
    parsed = batch.finish("balances", frame)
    dressed = parsed.frame.with_columns(
        balance_cents=money.money(pl.col("balance")),
        portfolio_value_cents=pl.lit(None, money.MONEY),
        last_synced=pl.lit(source.seen_at, TIME),
    )
    return Parsed(BALANCES.conform(dressed), parsed.set_aside)
