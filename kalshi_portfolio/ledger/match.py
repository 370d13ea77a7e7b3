"""First in, first out: which contracts opened are closed by which, exactly, for all markets at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.ledger.axis import at

if TYPE_CHECKING:
    from kalshi_portfolio.ledger.axis import Axis

_INT64_MAX = 2**63 - 1


def match(axis: Axis) -> pl.DataFrame:
    """Match bought with sold contracts.

    Lots are the common refinement of the two running sums of quantity: a new lot begins wherever the next
    fill begins on either side. The entry of a lot is the step that comes earlier in sequence.

    Args:
        axis: From :func:`~kalshi_portfolio.ledger.axis.line_up`.

    Returns:
        One row per lot, by opening fill, then by sequence of disposal. Integer units: ``group``, ``position``,
        ``entry`` (row of ``axis.fills``), ``exit`` (the same, null if settled or open), ``exit_step``,
        ``yes`` (side), ``amount``, ``kind`` (0 trade, 1 settlement, 2 open), ``entry_price``, ``exit_price`` (of
        the side; null while open or unknown), ``entry_fee``, ``exit_fee``, ``realized``, ``complete``.
    """
    pairs = _pairs(axis.steps).sort("entry", maintain_order=True)
    return _value(_with_fees(pairs, axis), axis)


def _pairs(steps: pl.DataFrame) -> pl.DataFrame:
    """Merge the two sequences of boundaries; each piece between two of them is a lot."""
    step = pl.int_range(pl.len(), dtype=pl.UInt32)
    numbered = steps.select("delta", "bought", "sold", step.alias("step"))
    nothing = pl.lit(None, dtype=pl.UInt32)
    ups = numbered.filter(pl.col("delta") > 0).select(
        pl.col("bought").alias("end"), pl.col("step").alias("up"), nothing.alias("down")
    )
    downs = numbered.filter(pl.col("delta") < 0).select(
        pl.col("sold").alias("end"), nothing.alias("up"), pl.col("step").alias("down")
    )
    merged = ups.merge_sorted(downs, key="end").with_columns(pl.col("up", "down").fill_null(strategy="backward"))
    end = pl.col("end")
    lots = merged.filter((end != end.shift(1)).fill_null(value=True))
    lots = lots.select(
        end,
        (end - end.shift(1, fill_value=0)).alias("amount"),
        (pl.col("up") < pl.col("down")).alias("yes"),
        pl.min_horizontal("up", "down").alias("entry_step"),
        pl.max_horizontal("up", "down").alias("exit_step"),
    )
    # Where a step of the YES axis began is known from the running sum of its own side.
    begin = pl.when(steps["delta"] > 0).then(steps["bought"]).otherwise(steps["sold"]) - steps["delta"].abs()
    starts = steps.select(begin.alias("begin"))["begin"]
    return lots.select(
        "amount",
        "yes",
        "exit_step",
        at(steps["group"], "entry_step"),
        at(steps["position"], "entry_step"),
        at(steps["row"], "entry_step").alias("entry"),
        at(steps["row"], "exit_step").alias("exit"),
        (end - at(starts, "entry_step")).alias("entry_end"),
        (end - at(starts, "exit_step")).alias("exit_end"),
    )


def _with_fees(lots: pl.DataFrame, axis: Axis) -> pl.DataFrame:
    """Split the fees of the fills over their lots; a settlement and an open lot cost none."""
    fills, amount = axis.fills, pl.col("amount")
    fee, total = fills["fee"], fills["amount"]
    settled = at(axis.groups["settled"], "group")
    lots = lots.with_columns(
        at(fee, "entry").alias("entry_whole"),
        at(total, "entry").alias("entry_total"),
        at(fee, "exit").alias("exit_whole"),
        at(total, "exit").alias("exit_total"),
        pl.when(pl.col("exit").is_not_null()).then(0).when(settled).then(1).otherwise(2).cast(pl.Int8).alias("kind"),
    )
    narrow = _bound(fee) * _bound(total) <= _INT64_MAX
    parts = {
        side: _part(
            pl.col(f"{side}_whole"),
            pl.col(f"{side}_end") - amount,
            pl.col(f"{side}_end"),
            pl.col(f"{side}_total"),
            narrow=narrow,
        )
        for side in ("entry", "exit")
    }
    return lots.with_columns(
        parts["entry"].alias("entry_fee"),
        pl.when(pl.col("kind") == 0).then(parts["exit"]).otherwise(0).alias("exit_fee"),
    ).drop("entry_whole", "entry_total", "exit_whole", "exit_total", "entry_end", "exit_end")


def _part(whole: pl.Expr, start: pl.Expr, end: pl.Expr, total: pl.Expr, *, narrow: bool) -> pl.Expr:
    """Give ``money.share``, in 64 bits where no product of these columns can leave them."""
    if narrow:
        return whole * end // total - whole * start // total
    return money.share(whole, start, end, total).cast(pl.Int64)


def _bound(values: pl.Series) -> int:
    """Give the largest magnitude of a column of integers, 0 for none."""
    if values.len() == values.null_count():
        return 0
    return max(abs(cast("int", values.min())), abs(cast("int", values.max())))


def _value(lots: pl.DataFrame, axis: Axis) -> pl.DataFrame:
    """Price entry and exit of every lot on the held side, and realise what is closed and known."""
    prices, groups = axis.fills["yes_price"], axis.groups
    entry = at(prices, "entry")
    payout = at(groups["payout"], "group")
    void = at(groups["void"], "group")
    exit_ = (
        pl.when(pl.col("kind") == 0)
        .then(at(prices, "exit"))
        .when(pl.col("kind") == 1)
        .then(pl.when(void).then(entry).otherwise(payout))
    )
    yes = pl.col("yes")
    lots = lots.with_columns(
        pl.when(yes).then(entry).otherwise(money.ONE_DOLLAR - entry).alias("entry_price"),
        pl.when(yes).then(exit_).otherwise(money.ONE_DOLLAR - exit_).alias("exit_price"),
        at(groups["complete"], "group").alias("complete"),
    )
    gain = money.product(pl.col("exit_price") - pl.col("entry_price"), pl.col("amount"))
    return lots.with_columns(pl.when("complete").then(gain).alias("realized"))
