"""Fills: API rows of every shape since 2025 become the ``fills`` dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.parse.batch import Batch, Parsed, Source
from kalshi_portfolio.schema import FILLS

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Fill(msgspec.Struct):
    fill_id: Any = None
    trade_id: Any = None
    order_id: Any = None
    ticker: Any = None
    market_ticker: Any = None
    exchange_index: Any = msgspec.UNSET
    outcome_side: Any = None
    book_side: Any = None
    side: Any = None
    action: Any = None
    count_fp: Any = None
    count: Any = None
    yes_price_dollars: Any = None
    yes_price_fixed: Any = None
    yes_price: Any = None
    no_price_dollars: Any = None
    no_price_fixed: Any = None
    no_price: Any = None
    is_taker: Any = None
    fee_cost: Any = None
    created_time: Any = None
    ts: Any = None
    subaccount_number: Any = None


def parse_fills(pages: Sequence[bytes], source: Source) -> Parsed:
    """Turn pages of ``/portfolio/fills`` or ``/historical/fills`` into fills.

    The direction is ``outcome_side``, else ``book_side`` (bid is yes), else the legacy ``side`` alone: on
    fills that field is the outcome gained, whatever ``action`` says. Cents and dollars are told apart by
    the name of the field. A fill whose fields contradict each other is set aside.

    Args:
        pages: Whole JSON bodies.
        source: Where they came from; its time becomes ``synced_at``.

    Returns:
        One row per fill in the order received (duplicates included), conforming to ``schema.FILLS``, and the
        rows that did not fit.

    Examples:
        >>> from datetime import datetime, timezone
        >>> page = (b'{"fills": [{"fill_id": "f1", "ticker": "KXA", "side": "no", "action": "sell", "count_fp": "2.50",'
        ...         b' "yes_price_dollars": "0.6520", "created_time": "2026-11-15T09:00:00Z"}]}')
        >>> fill = parse_fills([page], Source(datetime(2026, 11, 16, tzinfo=timezone.utc))).frame.row(0, named=True)
        >>> fill["side"], str(fill["price_cents"]), str(fill["quantity"]), fill["fee_cents"]
        ('no', '34.8000', '2.50', None)
    """
    batch = Batch(list(pages), "fills", _Fill, source)
    ticker = batch.text("ticker", "market_ticker", required=True)
    side = _side(batch)
    yes_price = _yes_price(batch)
    quantity = batch.number(("count_fp", "contracts"), ("count", "contracts"), dtype=money.QUANTITY, required=True)
    batch.refuse(quantity <= 0, "the number of contracts is not above 0", shown=quantity)
    columns = {
        "kalshi_trade_id": batch.text("fill_id", "trade_id", required=True),
        "order_id": batch.text("order_id"),
        "ticker": ticker,
        "subaccount": batch.subaccount("subaccount_number"),
        "exchange_index": batch.shard(),
        "side": side,
        "quantity": quantity,
        "yes_price": yes_price,
        "fee": batch.number(("fee_cost", "dollars"), dtype=money.MONEY),
        "is_taker": batch.flag("is_taker"),
        "executed_at": batch.time("created_time", "ts", required=True),
        "reported_side": batch.text("side"),
        "reported_action": batch.text("action"),
    }
    frame = pl.DataFrame([series.alias(name) for name, series in columns.items()])
    priced = frame.with_columns(_price_of_side().alias("price")).with_columns(
        money.product(pl.col("price"), pl.col("quantity")).alias("cost")
    )
    batch.refuse(priced["cost"] >= 10**money.MONEY.precision, "price times quantity is beyond what a file can hold")
    parsed = batch.finish("fills", priced, ticker)
    return Parsed(_dressed(parsed.frame, source), parsed.set_aside)


def _side(batch: Batch[_Fill]) -> pl.Series:
    outcome = batch.text("outcome_side").str.to_lowercase()
    book = batch.text("book_side").str.to_lowercase()
    legacy = batch.text("side").str.to_lowercase()
    unknown = (outcome.is_not_null() & ~outcome.is_in(["yes", "no"])) | (
        book.is_not_null() & ~book.is_in(["bid", "ask"])
    )
    batch.refuse(unknown, "outcome_side or book_side has an unknown value", shown=outcome)
    book_side = book.replace_strict({"bid": "yes", "ask": "no"}, default=None, return_dtype=pl.String)
    batch.refuse((outcome != book_side).fill_null(value=False), "outcome_side and book_side contradict each other")
    side = outcome.zip_with(outcome.is_not_null(), book_side)
    side = side.zip_with(side.is_not_null(), legacy)
    batch.refuse(~side.is_in(["yes", "no"]).fill_null(value=False), "the direction is unknown", shown=legacy)
    return side


def _yes_price(batch: Batch[_Fill]) -> pl.Series:
    yes = batch.number(
        ("yes_price_dollars", "dollars"),
        ("yes_price_fixed", "dollars"),
        ("yes_price", "cents"),
        dtype=money.PRICE,
    )
    no = batch.number(
        ("no_price_dollars", "dollars"),
        ("no_price_fixed", "dollars"),
        ("no_price", "cents"),
        dtype=money.PRICE,
    )
    batch.refuse((yes + no != money.ONE_DOLLAR).fill_null(value=False), "the YES and NO prices do not add up to $1")
    price = yes.zip_with(yes.is_not_null(), money.ONE_DOLLAR - no)
    batch.refuse(price.is_null(), "the price is missing")
    batch.refuse((price < 0) | (price > money.ONE_DOLLAR), "the price is not between 0 and 100 cents", shown=price)
    return price


def _price_of_side() -> pl.Expr:
    return pl.when(pl.col("side") == "yes").then("yes_price").otherwise(money.ONE_DOLLAR - pl.col("yes_price"))


def _dressed(frame: pl.DataFrame, source: Source) -> pl.DataFrame:
    return FILLS.conform(
        frame.with_columns(
            money.quantity(pl.col("quantity")).alias("quantity"),
            money.price(pl.col("price")).alias("price_cents"),
            money.price(pl.col("yes_price")).alias("yes_price_cents"),
            money.money(pl.col("cost")).alias("total_cost_cents"),
            money.money(pl.col("fee")).alias("fee_cents"),
            pl.lit(source.seen_at).alias("synced_at"),
        )
    )
