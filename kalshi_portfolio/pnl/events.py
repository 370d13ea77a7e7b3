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
        ``net``, ``quantity`` (closed); ``lots`` (closed, whose realised P&L is known), ``rated`` (those whose net
        P&L is) and ``wins`` (those with a gain), 0 or 1 each; ``unknown_lots`` (1 where history or a fee is unknown:
        of such an event no fee and no net P&L counts, and realised P&L only where the history is complete).
    """
    return _events_of_lots(matched) if "exit_kind" in matched.columns else _events_of_disposals(matched)


def _events_of_lots(lots: pl.DataFrame) -> pl.DataFrame:
    closed, complete = pl.col("exit_kind") != "open", pl.col("complete")
    fee_known = (
        pl.when(closed).then(pl.col("net_pnl_cents").is_not_null()).otherwise(pl.col("entry_fee_cents").is_not_null())
    )
    known, gain_alone = complete & fee_known, complete & closed & ~fee_known
    entered, ended = pl.col("opened_at"), pl.col("closed_at")
    return pl.concat(
        [
            lots.filter(known).select(_event(entered, entered, fee="entry_fee_cents")),
            lots.filter(known & closed).select(_event(ended, entered, fee="exit_fee_cents", closes=True)),
            lots.filter(gain_alone).select(_event(ended, entered, closes=True, unknown=True)),
            lots.filter(~known & ~gain_alone).select(_event(pl.coalesce(ended, entered), entered, unknown=True)),
        ]
    )


def _events_of_disposals(disposals: pl.DataFrame) -> pl.DataFrame:
    buys, at, opened = pl.col("action") == "buy", pl.col("at"), pl.col("opened_at")
    fee_known = pl.when(buys).then(pl.col("fee_cents").is_not_null()).otherwise(pl.col("net_pnl_cents").is_not_null())
    known, gain_alone = pl.col("complete") & fee_known, pl.col("complete") & ~buys & ~fee_known
    entered = pl.when(buys).then(at).otherwise(opened)
    return pl.concat(
        [
            disposals.filter(known & buys).select(_event(at, at, fee="fee_cents")),
            disposals.filter(known & ~buys).select(_event(at, opened, fee="fee_cents", closes=True)),
            disposals.filter(gain_alone).select(_event(at, opened, closes=True, unknown=True)),
            disposals.filter(~known & ~gain_alone).select(_event(at, entered, unknown=True)),
        ]
    )


def _event(
    at: pl.Expr, entered: pl.Expr, *, fee: str | None = None, closes: bool = False, unknown: bool = False
) -> list[pl.Expr]:
    none = pl.lit(0, pl.Int128)
    count = pl.lit(1, pl.Int64)
    nothing = pl.lit(0, pl.Int64)
    gain = money.wide_units(pl.col("realized_pnl_cents")) if closes else none
    paid = money.wide_units(pl.col(fee)) if fee else none
    rated = closes and not unknown
    return [
        at.alias("at"),
        *map(pl.col, ATTRIBUTES),
        entered.alias("entered_at"),
        gain.alias("realized"),
        paid.alias("fee"),
        (none if unknown else gain - paid).alias("net"),
        (money.wide_units(pl.col("quantity")) if closes else none).alias("quantity"),
        (count if closes else nothing).alias("lots"),
        (count if rated else nothing).alias("rated"),
        ((pl.col("net_pnl_cents") > 0).cast(pl.Int64) if rated else nothing).alias("wins"),
        (count if unknown else nothing).alias("unknown_lots"),
    ]
