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
from kalshi_portfolio.ledger.blocks import blocks_of_groups
from kalshi_portfolio.ledger.fees import fill_in_fees
from kalshi_portfolio.ledger.sequence import by_market
from kalshi_portfolio.ledger.validate import in_sequence, refuse_absurd_totals, refuse_bad_fills
from kalshi_portfolio.schema import JUDGED, SETTLED

KEY = ("ticker", "subaccount")
_USED = (
    *("kalshi_trade_id", "order_id", "ticker", "subaccount", "exchange_index", "side"),
    *("quantity", "price_cents", "total_cost_cents", "fee_cents", "is_taker", "executed_at"),
)
_U32_MAX = 2**32 - 1
_SHIFT = 2**32


@dataclass(frozen=True)
class Axis:
    """Fills and settlements, numbered and lined up. Money and quantities are integer units (see ``money``).

    Attributes:
        fills: One row per fill by ``executed_at, kalshi_trade_id``. Those columns of FILLS that linking and what
            follows it use, and ``delta`` (signed quantity), ``yes_price``, ``fee``, ``fee_source``.
        groups: One row per market and subaccount; ``steps.group`` is its row number.
        steps: One row per fill and balancing step, by group and sequence: ``group``, ``row`` (of ``fills``, null
            for a balancing step), ``delta``, ``after`` (net position after it), ``opens`` (whether a position starts
            here), ``position`` (its number).
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
    # In one piece: rows are looked up in any order, which costs twice as much in a frame of many files.
    fills = in_sequence(fills).select(_USED).rechunk()
    refuse_bad_fills(fills)
    yes = pl.col("side") == "yes"
    amount, price = money.units(pl.col("quantity")), money.units(pl.col("price_cents"))
    fills = fills.with_columns(
        amount.alias("amount"),
        pl.when(yes).then(amount).otherwise(-amount).alias("delta"),
        pl.when(yes).then(price).otherwise(money.ONE_DOLLAR - price).cast(pl.Int32).alias("yes_price"),
        money.units(pl.col("fee_cents")).alias("fee"),
    )
    money.refuse_overflow(fills["amount"], "fills.quantity")
    refuse_absurd_totals(fills)
    sequence = by_market(fills)
    sequence = sequence.with_columns(at(fills["delta"], "row"))
    groups = _groups(_totals(fills, sequence), settled, judged)
    return Axis(fill_in_fees(fills, groups, sequence).drop("amount"), groups, _steps(sequence, groups))


def at(values: pl.Series, rows: str) -> pl.Expr:
    """Look the rows that a column names up in a column of another frame.

    As an expression, so that all columns of a frame are looked up in parallel, which ``Series.gather`` is not.
    """
    return pl.lit(values).gather(pl.col(rows)).alias(values.name)


def _totals(fills: pl.DataFrame, sequence: pl.DataFrame) -> pl.DataFrame:
    """Give one row per market and subaccount: what our fills add up to, from the running sums at its last fill."""
    delta, group = pl.col("delta"), pl.col("group")
    last = (group != group.shift(-1)).fill_null(value=True)
    ends = sequence.select("group", "row", delta.cum_sum().alias("net"), delta.abs().cum_sum().alias("amount")).filter(
        last
    )
    totals = ends.select(
        "group",
        at(fills["ticker"], "row"),
        at(fills["subaccount"], "row"),
        pl.col("net", "amount") - pl.col("net", "amount").shift(1, fill_value=0),
    )
    shards = fills["exchange_index"]
    if not shards.null_count() and shards.min() == shards.max():
        return totals.with_columns(pl.lit(shards.min(), shards.dtype).alias("exchange_index"))
    numbered = sequence.select("group", at(shards, "row"))
    return totals.with_columns(
        numbered.group_by("group").agg(pl.col("exchange_index").max()).sort("group")["exchange_index"]
    )


def _groups(ours: pl.DataFrame, settled: pl.DataFrame | None, judged: pl.DataFrame | None) -> pl.DataFrame:
    """Add to each market and subaccount how it was settled and what is known."""
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


def _steps(sequence: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Add the balancing steps, each after its market's last fill, and run the sums over all markets at once."""
    key = pl.col("group").cast(pl.UInt64) * _SHIFT
    balancing = groups.filter(pl.col("net") != 0).select(
        (key + _U32_MAX).alias("key"), (0 - pl.col("net")).alias("delta")
    )
    parts, positions = [], 0
    for block in blocks_of_groups(sequence["group"]):
        fills = sequence.slice(*block).select((key + pl.col("row")).alias("key"), "delta")
        first, last = (fills["key"][0], fills["key"][-1] | _U32_MAX) if fills.height else (0, 0)
        balance = balancing.filter(pl.col("key").is_between(first, last))
        part = _run(fills.merge_sorted(balance, key="key"), positions)
        positions += int(part["opens"].sum())
        parts.append(part)
    return pl.concat(parts, rechunk=True)


def _run(steps: pl.DataFrame, positions: int) -> pl.DataFrame:
    """Run the net position along whole groups, and number the positions from ``positions`` on."""
    key, delta = pl.col("key"), pl.col("delta")
    row = (key % _SHIFT).cast(pl.UInt32)
    steps = steps.select(
        (key // _SHIFT).cast(pl.UInt32).alias("group"),
        pl.when(row != _U32_MAX).then(row).alias("row"),
        delta,
        delta.cum_sum().alias("after"),
    )
    after, before = pl.col("after"), pl.col("after") - delta
    steps = steps.with_columns(((after != 0) & ((before == 0) | ((before > 0) != (after > 0)))).alias("opens"))
    return steps.with_columns(
        (pl.col("opens").cum_sum().cast(pl.Int64) + (positions - 1)).cast(pl.UInt32).alias("position")
    )
