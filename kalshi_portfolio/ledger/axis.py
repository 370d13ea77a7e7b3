"""All markets laid end to end on one axis of contracts: what lots, legs and positions are read from.

Within a market and subaccount the k-th contract bought on the YES axis is matched with the k-th sold,
whatever the sign of the position in between. One balancing step per market (its settlement, or a marker
for what is still open) makes bought equal sold. So after a stable sort by market alone, *one* running sum
per side lines all markets up, the running net of every market starts at zero, and no window function or
loop is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.ledger.fees import fill_in_fees
from kalshi_portfolio.ledger.validate import in_sequence, refuse_bad_fills
from kalshi_portfolio.schema import JUDGED, SETTLED

KEY = ("ticker", "subaccount")
_U32_MAX = 2**32 - 1


@dataclass(frozen=True)
class Axis:
    """Fills and settlements, numbered and lined up. Money and quantities are integer units (see ``money``).

    Attributes:
        fills: One row per fill by ``executed_at, kalshi_trade_id``. Columns of FILLS, and ``delta`` (signed
            quantity), ``amount`` (quantity), ``yes_price``, ``fee``, ``fee_source``.
        groups: One row per market and subaccount; ``steps.group`` is its row number.
        steps: One row per fill and balancing step, by group and sequence: ``group``, ``row`` (of ``fills``, null
            for a balancing step), ``delta``, ``after`` (net position after it), ``bought`` and ``sold`` (running
            sums over all groups), ``opens`` (whether a position starts here), ``position`` (its number).
    """

    fills: pl.DataFrame
    groups: pl.DataFrame
    steps: pl.DataFrame


def line_up(fills: pl.DataFrame, settled: pl.DataFrame | None = None, judged: pl.DataFrame | None = None) -> Axis:
    """Number fills and settlements and lay all markets end to end.

    Args:
        fills: Rows of ``schema.FILLS`` in any order; rows in (executed_at, kalshi_trade_id) order are not sorted again.
        settled: Rows of ``schema.SETTLED``; of several rows for a market and subaccount the newest counts.
        judged: Rows of ``schema.JUDGED``. Without it every history counts as complete.

    Returns:
        The axis.

    Raises:
        SchemaError: A fill has an unknown side, a quantity not above 0, a price outside 0 to 100 cents, or an id
            that came twice; or quantities so large that 64 bits cannot add them up.
    """
    fills = in_sequence(fills)
    refuse_bad_fills(fills)
    yes = pl.col("side") == "yes"
    amount, price = money.units(pl.col("quantity")), money.units(pl.col("price_cents"))
    fills = fills.with_columns(
        amount.alias("amount"),
        pl.when(yes).then(amount).otherwise(-amount).alias("delta"),
        pl.when(yes).then(price).otherwise(money.ONE_DOLLAR - price).alias("yes_price"),
        money.units(pl.col("fee_cents")).alias("fee"),
        _codes(fills).alias("code"),
    )
    money.checked_sum(fills["amount"], "fills.quantity")
    groups = _groups(fills, settled, judged)
    return Axis(fill_in_fees(fills, groups), groups, _steps(fills, groups))


def _codes(fills: pl.DataFrame) -> pl.Series:
    """Give each (ticker, subaccount) a number. The categories live as long as this call only."""
    tickers = fills["ticker"].cast(pl.Categorical(pl.Categories.random())).to_physical()
    least, most = fills["subaccount"].min(), fills["subaccount"].max()
    if least == most:
        return tickers.cast(pl.UInt32)
    subaccounts = fills["subaccount"].rank("dense").cast(pl.UInt64) - 1
    codes = tickers.cast(pl.UInt64) * (subaccounts.max() + 1) + subaccounts  # type: ignore[operator]
    return codes if codes.max() > _U32_MAX else codes.cast(pl.UInt32)  # type: ignore[operator]


def _groups(fills: pl.DataFrame, settled: pl.DataFrame | None, judged: pl.DataFrame | None) -> pl.DataFrame:
    """Give one row per market and subaccount: what our fills add up to, how it was settled, what is known."""
    ours = (
        fills.lazy()
        .group_by("code")
        .agg(
            pl.first("ticker", "subaccount"),
            pl.col("exchange_index").max(),
            pl.col("delta").sum().alias("net"),
            pl.col("amount").sum(),
        )
        .sort("code")
        .collect()
    )
    theirs = (SETTLED.empty() if settled is None else newest(settled)).select(
        *KEY,
        pl.lit(value=True).alias("settled"),
        "settled_at",
        "source",
        (pl.col("market_result") == "void").alias("void"),
        money.units(pl.col("yes_payout_cents")).alias("payout"),
        money.units(pl.col("yes_quantity")).alias("yes_gross"),
        money.units(pl.col("no_quantity")).alias("no_gross"),
        money.units(pl.col("fee_cents")).alias("settlement_fee"),
    )
    known = JUDGED.empty() if judged is None else judged.select(*KEY, "complete", "cause")
    return (
        ours.join(theirs, on=KEY, how="left", maintain_order="left")
        .join(known, on=KEY, how="left", maintain_order="left")
        .with_columns(
            pl.col("settled", "void").fill_null(value=False),
            pl.col("complete").fill_null(value=judged is None),
        )
    )


def newest(settled: pl.DataFrame) -> pl.DataFrame:
    """Give one settlement per market and subaccount: the newest, whatever its shard."""
    ordered = settled.sort("settled_at", "exchange_index", "synced_at", maintain_order=True)
    return ordered.unique(KEY, keep="last", maintain_order=True)


def _steps(fills: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Add the balancing steps, sort by market alone, and run the sums over all markets at once."""
    each = fills.select("code", pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"), "delta")
    balancing = groups.filter(pl.col("net") != 0).select(
        "code", pl.lit(None, dtype=pl.UInt32).alias("row"), -pl.col("net").alias("delta")
    )
    steps = pl.concat([each, balancing]).sort("code", maintain_order=True)
    delta = pl.col("delta")
    steps = steps.select(
        (pl.col("code").rle_id()).alias("group"),
        "row",
        delta,
        delta.cum_sum().alias("after"),
        delta.clip(lower_bound=0).cum_sum().alias("bought"),
        (-delta).clip(lower_bound=0).cum_sum().alias("sold"),
    )
    after, before = pl.col("after"), pl.col("after") - delta
    steps = steps.with_columns(((after != 0) & ((before == 0) | ((before > 0) != (after > 0)))).alias("opens"))
    return steps.with_columns((pl.col("opens").cum_sum().cast(pl.Int64) - 1).cast(pl.UInt32).alias("position"))
