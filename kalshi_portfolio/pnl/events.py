"""What happened to the money: fees paid on entry, P&L realised and fees paid on exit, in the order of time."""

from __future__ import annotations

import polars as pl

from kalshi_portfolio import money

ATTRIBUTES = ("ticker", "side", "is_taker", "subaccount", "exchange_index", "position_id", "entry_price_cents")
"""The columns of an event that say what it was about; ``entered_at`` says when the position, or lot, was entered."""


def events_of(matched: pl.DataFrame) -> pl.DataFrame:
    """Turn lots, or disposals at average cost, into events.

    Args:
        matched: Rows of ``schema.LOTS`` or ``schema.DISPOSALS``.

    Returns:
        One row per event: ``at``, :data:`ATTRIBUTES`, ``entered_at``, and in integer units ``realized``, ``fee``,
        ``quantity`` (closed); ``lots`` and ``wins`` (0 or 1 each), ``unknown_lots`` (1 where history or fee is
        unknown: such an event carries no money).
    """
    return _events_of_lots(matched) if "exit_kind" in matched.columns else _events_of_disposals(matched)


def _events_of_lots(lots: pl.DataFrame) -> pl.DataFrame:
    closed = pl.col("exit_kind") != "open"
    fee_known = (
        pl.when(closed).then(pl.col("net_pnl_cents").is_not_null()).otherwise(pl.col("entry_fee_cents").is_not_null())
    )
    known = pl.col("complete") & fee_known
    entered = pl.col("opened_at")
    return pl.concat(
        [
            lots.filter(known).select(_event(entered, entered, fee="entry_fee_cents")),
            lots.filter(known & closed).select(_event(pl.col("closed_at"), entered, fee="exit_fee_cents", closes=True)),
            lots.filter(~known).select(_event(pl.coalesce("closed_at", "opened_at"), entered, unknown=True)),
        ]
    )


def _events_of_disposals(disposals: pl.DataFrame) -> pl.DataFrame:
    buys, at, opened = pl.col("action") == "buy", pl.col("at"), pl.col("opened_at")
    fee_known = pl.when(buys).then(pl.col("fee_cents").is_not_null()).otherwise(pl.col("net_pnl_cents").is_not_null())
    known = pl.col("complete") & fee_known
    return pl.concat(
        [
            disposals.filter(known & buys).select(_event(at, at, fee="fee_cents")),
            disposals.filter(known & ~buys).select(_event(at, opened, fee="fee_cents", closes=True)),
            disposals.filter(~known).select(_event(at, pl.when(buys).then(at).otherwise(opened), unknown=True)),
        ]
    )


def _event(
    at: pl.Expr, entered: pl.Expr, *, fee: str | None = None, closes: bool = False, unknown: bool = False
) -> list[pl.Expr]:
    none = pl.lit(0, pl.Int128)
    count = pl.lit(1, pl.Int64)
    nothing = pl.lit(0, pl.Int64)
    won = (pl.col("net_pnl_cents") > 0).cast(pl.Int64)
    return [
        at.alias("at"),
        *map(pl.col, ATTRIBUTES),
        entered.alias("entered_at"),
        (money.wide_units(pl.col("realized_pnl_cents")) if closes else none).alias("realized"),
        (money.wide_units(pl.col(fee)) if fee else none).alias("fee"),
        (money.wide_units(pl.col("quantity")) if closes else none).alias("quantity"),
        (count if closes else nothing).alias("lots"),
        (won if closes else nothing).alias("wins"),
        (count if unknown else nothing).alias("unknown_lots"),
    ]
