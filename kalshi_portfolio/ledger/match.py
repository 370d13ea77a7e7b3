"""First in, first out: which contracts opened are closed by which, exactly, for all markets at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.ledger.axis import at
from kalshi_portfolio.ledger.blocks import blocks_of_groups

if TYPE_CHECKING:
    from kalshi_portfolio.ledger.axis import Axis

_INT64_MAX = 2**63 - 1
_SIDES = ("entry", "exit")
_OF_STEPS = ("price", "fee", "size", "begin")


def match(axis: Axis) -> pl.DataFrame:
    """Match bought with sold contracts.

    Lots are the common refinement of the two running sums of quantity: a new lot begins wherever the next
    fill begins on either side. The entry of a lot is the step that comes earlier in sequence.

    Args:
        axis: From :func:`~kalshi_portfolio.ledger.axis.line_up`.

    Returns:
        One row per lot, by market, then by sequence of disposal. Integer units: ``group``, ``position``,
        ``entry`` (row of ``axis.fills``), ``exit`` (the same, null if settled or open), ``yes`` (side), ``amount``,
        ``kind`` (0 trade, 1 settlement, 2 open), ``entry_price``, ``exit_price`` (of the side; null while open or
        unknown), ``entry_fee``, ``exit_fee``, ``realized``, ``complete``.
    """
    fills = axis.fills
    narrow = _bound(fills["fee"]) * _bound(fills["delta"]) <= _INT64_MAX
    parts = [
        _value(_pairs(_steps(axis, *block), narrow=narrow), axis) for block in blocks_of_groups(axis.steps["group"])
    ]
    return pl.concat(parts, rechunk=True)


def _steps(axis: Axis, offset: int, length: int) -> pl.DataFrame:
    """Give steps of whole markets with the figures of their fills, where each of them begins, and running sums."""
    fills, delta = axis.fills, pl.col("delta")
    steps = axis.steps.slice(offset, length).select(
        "group",
        "position",
        "row",
        delta,
        at(fills["yes_price"], "row").alias("price"),
        at(fills["fee"], "row"),
        delta.abs().alias("size"),
        pl.when(delta > 0).then(delta).otherwise(0).cum_sum().alias("bought"),
        pl.when(delta < 0).then(-delta).otherwise(0).cum_sum().alias("sold"),
    )
    end = pl.when(delta > 0).then("bought").otherwise("sold")
    return steps.select(
        "group",
        "position",
        "row",
        delta,
        "price",
        "fee",
        "size",
        end.alias("end"),
        (end - pl.col("size")).alias("begin"),
    )


def _pairs(steps: pl.DataFrame, *, narrow: bool) -> pl.DataFrame:
    """Merge the two sequences of boundaries; each piece between two of them is a lot, with its parts of the fees."""
    step, nothing, end = pl.int_range(pl.len(), dtype=pl.UInt32), pl.lit(None, dtype=pl.UInt32), pl.col("end")
    numbered = steps.select("delta", "end", step.alias("step"))
    ups = numbered.filter(pl.col("delta") > 0).select("end", pl.col("step").alias("up"), nothing.alias("down"))
    downs = numbered.filter(pl.col("delta") < 0).select("end", nothing.alias("up"), pl.col("step").alias("down"))
    merged = ups.merge_sorted(downs, key="end").with_columns(pl.col("up", "down").fill_null(strategy="backward"))
    lots = merged.filter((end != end.shift(1)).fill_null(value=True)).select(
        end,
        (end - end.shift(1, fill_value=0)).alias("amount"),
        (pl.col("up") < pl.col("down")).alias("yes"),
        pl.min_horizontal("up", "down").alias("entry_step"),
        pl.max_horizontal("up", "down").alias("exit_step"),
    )
    lots = lots.select(
        "amount",
        "yes",
        end,
        at(steps["group"], "entry_step"),
        at(steps["position"], "entry_step"),
        at(steps["row"], "entry_step").alias("entry"),
        at(steps["row"], "exit_step").alias("exit"),
        *(at(steps[name], f"{side}_step").alias(f"{side}_{name}") for side in _SIDES for name in _OF_STEPS),
    )
    parts = {side: _part(side, narrow=narrow) for side in _SIDES}
    return lots.with_columns(
        parts["entry"].alias("entry_fee"),
        pl.when(pl.col("exit").is_not_null()).then(parts["exit"]).otherwise(0).alias("exit_fee"),
    )


def _part(side: str, *, narrow: bool) -> pl.Expr:
    """Give a lot's part of its fill's fee (see ``money.share``), in 64 bits where no product can leave them."""
    whole, total = pl.col(f"{side}_fee"), pl.col(f"{side}_size")
    end = pl.col("end") - pl.col(f"{side}_begin")
    start = end - pl.col("amount")
    if narrow:
        return pl.when(pl.col("amount") == total).then(whole).otherwise(whole * end // total - whole * start // total)
    return money.share(whole, start, end, total).cast(pl.Int64)


def _bound(values: pl.Series) -> int:
    """Give the largest magnitude of a column of integers, 0 for none."""
    if values.len() == values.null_count():
        return 0
    return max(abs(cast("int", values.min())), abs(cast("int", values.max())))


def _value(lots: pl.DataFrame, axis: Axis) -> pl.DataFrame:
    """Price entry and exit of every lot on the held side, and realise what is closed and known."""
    groups, yes, kind = axis.groups, pl.col("yes"), pl.col("kind")
    lots = lots.with_columns(
        pl.when(pl.col("exit").is_not_null())
        .then(0)
        .when(at(groups["settled"], "group"))
        .then(1)
        .otherwise(2)
        .cast(pl.Int8)
        .alias("kind"),
        pl.when(at(groups["void"], "group")).then("entry_price").otherwise(at(groups["payout"], "group")).alias("paid"),
        at(groups["complete"], "group"),
    )
    exit_ = pl.when(kind == 0).then("exit_price").when(kind == 1).then("paid")
    lots = lots.select(
        "group",
        "position",
        "entry",
        "exit",
        "yes",
        "amount",
        "kind",
        pl.when(yes).then("entry_price").otherwise(money.ONE_DOLLAR - pl.col("entry_price")).alias("entry_price"),
        pl.when(yes).then(exit_).otherwise(money.ONE_DOLLAR - exit_).cast(pl.Int32).alias("exit_price"),
        "entry_fee",
        "exit_fee",
        "complete",
    )
    # 64 bits hold it: see ``refuse_absurd_totals``.
    gain = money.product(pl.col("exit_price") - pl.col("entry_price"), pl.col("amount")).cast(pl.Int64)
    return lots.with_columns(pl.when("complete").then(gain).alias("realized"))
