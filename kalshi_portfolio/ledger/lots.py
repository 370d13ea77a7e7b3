"""Lots as users see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.ledger.axis import at
from kalshi_portfolio.ledger.blocks import in_blocks
from kalshi_portfolio.schema import LOTS

if TYPE_CHECKING:
    from kalshi_portfolio.ledger.axis import Axis

DRESSING = ("kalshi_trade_id", "ticker", "subaccount", "is_taker", "executed_at")
"""What of a fill a lot shows."""

_SHIFT = 2**32
_KINDS = pl.Series(["trade", "settlement", "open"], dtype=pl.String)


def position_ids(axis: Axis) -> pl.Series:
    """Give the id of every position, by its number: ``{ticker}/{subaccount}/{opening kalshi_trade_id}``."""
    opening, columns = axis.steps.filter("opens").select("row"), ("ticker", "subaccount", "kalshi_trade_id")
    parts = [at(axis.fills[name], "row") for name in columns]
    named = in_blocks(opening, lambda rows: rows.select(pl.concat_str(parts, separator="/").alias("position_id")))
    return named["position_id"].rechunk()


def dress_lots(axis: Axis, matched: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """Dress matched lots as ``schema.LOTS``.

    Args:
        axis: The axis that they were matched on.
        matched: From :func:`~kalshi_portfolio.ledger.match.match`.
        ids: From :func:`position_ids`.

    Returns:
        One row per lot, by opening fill (``opened_at, entry_trade_id``), then by sequence of disposal.
    """
    first = pl.col("entry").cast(pl.UInt64) * _SHIFT + pl.int_range(pl.len(), dtype=pl.UInt64)
    order = matched.select(first.alias("lot").sort() % _SHIFT).cast(pl.UInt32)
    return in_blocks(order, lambda rows: _dress(axis, matched[rows["lot"]], ids))


def _dress(axis: Axis, matched: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    fills, groups = axis.fills, axis.groups
    net = pl.col("realized") - pl.col("entry_fee") - pl.col("exit_fee")
    closed_at = pl.when(pl.col("kind") == 0).then(at(fills["executed_at"], "exit"))
    settled_at = pl.when(pl.col("kind") == 1).then(at(groups["settled_at"], "group"))
    frame = matched.select(
        at(ids, "position"),
        at(fills["ticker"], "entry"),
        at(fills["subaccount"], "entry"),
        at(groups["exchange_index"], "group"),
        side_name(pl.col("yes")).alias("side"),
        at(fills["kalshi_trade_id"], "entry").alias("entry_trade_id"),
        at(fills["kalshi_trade_id"], "exit").alias("exit_trade_id"),
        pl.lit(_KINDS).gather(pl.col("kind").cast(pl.UInt32)).alias("exit_kind"),
        money.quantity(pl.col("amount")).alias("quantity"),
        money.price(pl.col("entry_price")).alias("entry_price_cents"),
        money.price(pl.col("exit_price")).alias("exit_price_cents"),
        money.money(pl.col("entry_fee")).alias("entry_fee_cents"),
        money.money(pl.col("exit_fee")).alias("exit_fee_cents"),
        money.money(pl.col("realized")).alias("realized_pnl_cents"),
        money.money(net).alias("net_pnl_cents"),
        at(fills["is_taker"], "entry"),
        "complete",
        at(fills["executed_at"], "entry").alias("opened_at"),
        pl.coalesce(closed_at, settled_at).alias("closed_at"),
    )
    return LOTS.conform(frame)


def side_name(yes: pl.Expr) -> pl.Expr:
    """Give `yes` or `no`."""
    return pl.when(yes).then(pl.lit("yes")).otherwise(pl.lit("no"))
