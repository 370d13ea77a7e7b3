"""Rows for the ledger's tests, written the short way: ``"T yes 10 42 1.5"`` is a fill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from kalshi_portfolio.money import MONEY, PRICE, QUANTITY
from kalshi_portfolio.schema import FILLS, MARKETS, SETTLED, SETTLEMENTS, SNAPSHOTS, Table

START = datetime(2026, 1, 1, tzinfo=UTC)


def t(minutes: float) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minutes)


def frame(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Dress rows of text, ints and times as a table; what a row leaves out is null."""
    columns = {}
    for name, dtype in table.schema.items():
        values = [row.get(name) for row in rows]
        if dtype in (MONEY, PRICE, QUANTITY):
            texts = [None if v is None else str(v) for v in values]
            columns[name] = pl.Series(name, texts, dtype=pl.String).cast(dtype)
        else:
            columns[name] = pl.Series(name, values, dtype=dtype)
    return table.conform(pl.DataFrame(columns))


def fills(*rows: str) -> pl.DataFrame:
    """Give fills ``ticker side quantity price [fee]``, one a minute, f1, f2, ...; the fee is 1 cent, `-` is none."""
    dressed = []
    for number, row in enumerate(rows, 1):
        ticker, side, quantity, price, *rest = row.split()
        fee = rest[0] if rest else "1"
        dressed.append(
            {
                "kalshi_trade_id": f"f{number}",
                "order_id": f"o{number}",
                "ticker": ticker,
                "subaccount": 0,
                "exchange_index": 0,
                "side": side,
                "quantity": quantity,
                "price_cents": price,
                "yes_price_cents": price,
                "total_cost_cents": "0",
                "fee_cents": None if fee == "-" else fee,
                "is_taker": number % 2 == 1,
                "executed_at": t(number),
                "synced_at": START,
            }
        )
    yes = pl.col("side") == "yes"
    cents = pl.col("price_cents")
    built = frame(FILLS, dressed)
    return built.with_columns(
        yes_price_cents=pl.when(yes).then(cents).otherwise((100 - cents).cast(PRICE)),
        total_cost_cents=(cents.cast(pl.Decimal(38, 6)) * pl.col("quantity").cast(pl.Decimal(38, 6))).cast(MONEY),
    )


def settlements(*rows: str, **more: Any) -> pl.DataFrame:
    """Give settlements ``ticker result [payout]``; further columns by name, the same for all rows."""
    dressed = []
    for row in rows:
        ticker, result, *rest = row.split()
        known = {"yes": "100", "no": "0"}.get(result)
        base = {
            "ticker": ticker,
            "subaccount": 0,
            "exchange_index": 0,
            "market_result": result,
            "yes_payout_cents": rest[0] if rest else known,
            "settled_at": START + timedelta(days=30),
            "synced_at": START,
        }
        zero = ("yes_quantity", "no_quantity", "yes_cost_cents", "no_cost_cents", "revenue_cents", "fee_cents")
        dressed.append(base | dict.fromkeys(zero, "0") | more)
    return frame(SETTLEMENTS, dressed)


def settled(*rows: str, source: str = "exchange", **more: Any) -> pl.DataFrame:
    """Give settlements with their source."""
    return SETTLED.conform(settlements(*rows, **more).with_columns(source=pl.lit(source)))


def market(ticker: str, **facts: Any) -> dict[str, Any]:
    """Give one row of markets."""
    return {"ticker": ticker, "exchange_index": 0, "synced_at": START, **facts}


def markets(*rows: dict[str, Any]) -> pl.DataFrame:
    """Give markets."""
    return frame(MARKETS, list(rows))


def snapshot(ticker: str, net: str, **facts: Any) -> pl.DataFrame:
    """Give one snapshot of the exchange's own position, updated after an hour and read after two."""
    base = {
        "ticker": ticker,
        "subaccount": 0,
        "exchange_index": 0,
        "quantity": net.lstrip("-"),
        "net_quantity": net,
        "last_updated_at": t(60),
        "last_synced": t(120),
    }
    return frame(SNAPSHOTS, [base | facts])
