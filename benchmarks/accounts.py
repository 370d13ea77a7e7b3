# ruff: noqa: INP001  (a script's neighbour)
"""Synthetic accounts of any size, the same on every machine: made by Polars from hashes, without a random generator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.ledger import settle
from kalshi_portfolio.schema import FILLS, MARKETS, SETTLEMENTS

_START = datetime(2026, 2, 1, tzinfo=UTC)
_SUBACCOUNTS = 4
_FILLS_PER_TICKER = 50
_ROW = pl.col("row")


@dataclass(frozen=True)
class Account:
    """What linking asks for."""

    fills: pl.DataFrame
    settled: pl.DataFrame
    markets: pl.DataFrame


def account(size: int) -> Account:
    """Make an account of ``size`` fills over ``size / 50`` tickers, half of them settled.

    The k-th ticker is traded in proportion to 1/k, so the first has about a twentieth of all fills and most have a
    handful. Fills come in order of time, on both sides, of four subaccounts of which the first has five in eight.
    """
    fills = _fills(size, max(size // _FILLS_PER_TICKER, 2))
    markets = _markets(fills)
    return Account(fills, settle(fills, SETTLEMENTS.empty(), markets), markets)


def _below(bound: int, seed: int) -> pl.Expr:
    """Give whole numbers from 0 to ``bound - 1``, evenly spread."""
    return (_ROW.hash(seed) % bound).cast(pl.Int64)


def _identifier(seed: int) -> pl.Expr:
    """Give 36 characters in the shape of a UUID."""
    parts = [(8, seed), (4, seed + 1), (4, seed + 2), (4, seed + 3), (12, seed + 4)]
    return pl.concat_str([_below(10**n, s).cast(pl.String).str.zfill(n) for n, s in parts], separator="-")


def _fills(size: int, tickers: int) -> pl.DataFrame:
    even = _below(2**32, 1) / 2**32
    number = (pl.lit(float(tickers)) ** even).cast(pl.Int64)
    yes = _below(2, 2) == 0
    side = pl.when(yes).then(pl.lit("yes")).otherwise(pl.lit("no"))
    amount = pl.when(_below(10, 3) == 0).then(1 + _below(5_000, 4)).otherwise(100 * (1 + _below(100, 5)))
    price = 10_000 * (1 + _below(99, 6)) + pl.when(_below(10, 7) == 0).then(1_000 * _below(10, 8)).otherwise(0)
    numbers = pl.select(row=pl.int_range(size, dtype=pl.Int64)).with_columns(
        number=number, yes=yes, side=side, amount=amount, price=price, gap=1 + _below(12_000_000, 9)
    )
    price, amount = pl.col("price"), pl.col("amount")
    fee = 7 * price * (money.ONE_DOLLAR - price) // (100 * money.ONE_DOLLAR) * amount // 10_000 * 10_000
    taker = _below(3, 10) > 0
    at = (pl.lit(_START).cast(pl.Datetime("us", "UTC")) + pl.duration(microseconds=pl.col("gap").cum_sum())).alias("at")
    return FILLS.conform(
        numbers.select(
            kalshi_trade_id=_identifier(20),
            order_id=_identifier(30),
            ticker=pl.concat_str(pl.lit("KXBENCH-26FEB-M"), pl.col("number").cast(pl.String).str.zfill(6)),
            subaccount=(_below(8, 11) - 4).clip(0, _SUBACCOUNTS - 1).cast(pl.Int32),
            exchange_index=pl.lit(0, pl.Int32),
            side="side",
            quantity=money.quantity(amount),
            price_cents=money.price(price),
            yes_price_cents=money.price(pl.when("yes").then(price).otherwise(money.ONE_DOLLAR - price)),
            total_cost_cents=money.money(price * amount),
            fee_cents=money.money(pl.when(taker).then(fee).otherwise(0)),
            is_taker=taker,
            executed_at=at,
            reported_side="side",
            reported_action=pl.lit("buy"),
            synced_at=at,
        )
    )


def _markets(fills: pl.DataFrame) -> pl.DataFrame:
    """Give every ticker a market; every second one is final."""
    tickers = fills.select(pl.col("ticker").unique(maintain_order=True)).with_row_index("row")
    final, won = _ROW % 2 == 0, _ROW.hash(40) % 2 == 0
    known = tickers.select(
        "ticker",
        event_ticker=pl.lit("KXBENCH-26FEB"),
        series_ticker=pl.lit("KXBENCH"),
        category=pl.lit("Benchmark"),
        exchange_index=pl.lit(0, pl.Int32),
        status=pl.when(final).then(pl.lit("finalized")).otherwise(pl.lit("active")),
        result=pl.when(final).then(pl.when(won).then(pl.lit("yes")).otherwise(pl.lit("no"))),
        yes_payout_cents=money.price(pl.when(final).then(pl.when(won).then(money.ONE_DOLLAR).otherwise(0))),
        settled_at=pl.when(final).then(pl.lit(fills["executed_at"].max())),
    )
    times = fills["synced_at"].max()
    rest = {
        c.name: pl.lit(times if c.dtype == FILLS.schema["synced_at"] and not c.null else None, c.dtype)
        for c in MARKETS.columns
        if c.name not in known.columns
    }
    return MARKETS.conform(known.with_columns(**rest))
