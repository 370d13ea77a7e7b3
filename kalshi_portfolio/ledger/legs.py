"""Trades as users see them: every fill, as one leg or two, and the position that it acted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.ledger.axis import at
from kalshi_portfolio.ledger.blocks import in_blocks
from kalshi_portfolio.ledger.lots import side_name
from kalshi_portfolio.schema import TRADES

if TYPE_CHECKING:
    from kalshi_portfolio.ledger.axis import Axis


def make_legs(axis: Axis) -> pl.DataFrame:
    """Cut every fill at zero: the part that closes a position, and the part that opens or grows one.

    Args:
        axis: The axis.

    Returns:
        One row per leg, by fill, then leg. Integer units: ``row`` (of ``axis.fills``), ``step``, ``group``,
        ``leg``, ``position``, ``yes`` (side of the position), ``buys``, ``amount``, ``fee``, ``after``.
    """
    delta, before = pl.col("delta"), pl.col("after") - pl.col("delta")
    against = (before != 0) & ((before > 0) != (delta > 0))
    size = delta.abs()
    steps = axis.steps.with_row_index("step").filter(pl.col("row").is_not_null())
    steps = steps.with_columns(
        pl.when(against).then(pl.min_horizontal(before.abs(), size)).otherwise(0).alias("closing"),
        size.alias("size"),
        at(axis.fills["fee"], "row").alias("whole"),
    )
    closing, size = pl.col("closing"), pl.col("size")
    fee_end = money.share(pl.col("whole"), pl.lit(0), closing, size).cast(pl.Int64)
    sells = steps.filter(closing > 0).select(
        "row", "step", "group",
        pl.lit(1, pl.Int8).alias("leg"),
        (pl.col("position") - pl.col("opens").cast(pl.UInt32)).alias("position"),
        (delta < 0).alias("yes"),
        pl.lit(value=False).alias("buys"),
        closing.alias("amount"),
        fee_end.alias("fee"),
        pl.when("opens").then(0).otherwise("after").alias("after"),
    )  # fmt: skip
    buys = steps.filter(closing < size).select(
        "row", "step", "group",
        pl.when(closing > 0).then(2).otherwise(1).cast(pl.Int8).alias("leg"),
        "position",
        (delta > 0).alias("yes"),
        pl.lit(value=True).alias("buys"),
        (size - closing).alias("amount"),
        (pl.col("whole") - fee_end).alias("fee"),
        "after",
    )  # fmt: skip
    # One key in place of two; no two legs share it.
    return pl.concat([sells, buys]).sort(pl.col("row").cast(pl.Int64) * 2 + pl.col("leg"))


def dress_trades(axis: Axis, legs: pl.DataFrame, matched: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """Dress legs as ``schema.TRADES``.

    Args:
        axis: The axis that they were cut on.
        legs: From :func:`make_legs`.
        matched: The lots: what a sale realised is the sum over the lots that it closed.
        ids: The positions' ids.

    Returns:
        One row per leg, by ``executed_at, kalshi_trade_id, leg``.
    """
    realized = matched.filter(pl.col("kind") == 0).group_by("exit").agg(pl.col("realized").sum())
    legs = legs.join(realized, left_on="row", right_on="exit", how="left", maintain_order="left")
    return in_blocks(legs, lambda block: _dress(axis, block, ids))


def _dress(axis: Axis, legs: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    fills, groups = axis.fills, axis.groups
    price = at(fills["yes_price"], "row")
    side_price = pl.when("yes").then(price).otherwise(money.ONE_DOLLAR - price)
    complete = at(groups["complete"], "group")
    frame = legs.select(
        at(fills["kalshi_trade_id"], "row"),
        "leg",
        at(ids, "position"),
        at(groups["ticker"], "group"),
        at(groups["subaccount"], "group"),
        at(groups["exchange_index"], "group"),
        side_name(pl.col("yes")).alias("side"),
        pl.when("buys").then(pl.lit("buy")).otherwise(pl.lit("sell")).alias("action"),
        money.quantity(pl.col("amount")).alias("quantity"),
        money.price(side_price).alias("price_cents"),
        money.money(money.product(side_price, pl.col("amount"))).alias("total_cost_cents"),
        money.money(pl.col("fee")).alias("fee_cents"),
        at(fills["fee_source"], "row"),
        at(fills["is_taker"], "row"),
        at(fills["order_id"], "row"),
        at(fills["executed_at"], "row"),
        money.quantity(pl.col("after")).alias("position_after"),
        complete.alias("complete"),
        money.money(pl.when(~pl.col("buys") & complete).then("realized")).alias("realized_pnl_cents"),
    )
    return TRADES.conform(frame)
