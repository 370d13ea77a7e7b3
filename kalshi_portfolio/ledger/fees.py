"""The fee of every fill: its own, or its part of the settlement's."""

from __future__ import annotations

import polars as pl

from kalshi_portfolio import money

_SOURCE = pl.Enum(["fill", "settlement"])


def fill_in_fees(fills: pl.DataFrame, groups: pl.DataFrame, sequence: pl.DataFrame) -> pl.DataFrame:
    """Give every fill a fee and say where it comes from.

    Fills before 2026-01-28 carry no fee, the settlement carries that of the whole market. So what the
    settlement says less the known fees is split over the fills without one, by cumulative floors weighted by
    quantity, in sequence. It is split only where the settlement was reported and counts the same contracts as
    we do: else part of it belongs to fills that we do not have. A negative rest proves a contradiction, so
    the fee stays unknown.

    Args:
        fills: Fills in sequence with ``amount``, ``fee`` (units, null if the fill had none).
        groups: The groups of the axis, with ``group``, ``amount``, ``net`` and the settlement's figures.
        sequence: The group of every row of ``fills``.

    Returns:
        The fills with ``fee`` filled in where it can be known, and ``fee_source``: `fill`, `settlement`, or null.
    """
    if not fills["fee"].null_count():
        return fills.with_columns(pl.lit("fill", _SOURCE).alias("fee_source"))
    own = pl.when(pl.col("fee").is_not_null()).then(pl.lit("fill", _SOURCE))
    rows = sequence.select("group", "row").sort("row").with_columns(fills["amount"], fills["fee"])
    rests = settlement_rests(rows, groups)
    end = pl.col("amount").cum_sum().over("group")
    parts = (
        rows.filter(pl.col("fee").is_null())
        .join(rests, on="group", how="inner", maintain_order="left")
        .with_columns(end.alias("end"))
        .select(
            "row",
            money.share(pl.col("rest"), pl.col("end") - pl.col("amount"), pl.col("end"), pl.col("weight")).cast(
                pl.Int64
            ),
        )
    )
    split = pl.Series("fee", [None], dtype=pl.Int64).new_from_index(0, fills.height)
    split = split.scatter(parts["row"], parts["rest"])
    return fills.with_columns(
        pl.coalesce("fee", split).alias("fee"),
        pl.coalesce(own, pl.when(split.is_not_null()).then(pl.lit("settlement", _SOURCE))).alias("fee_source"),
    )


def settlement_rests(fills: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Give what the settlement's fee leaves for the fills without one, and their quantity, per market.

    Only markets where it can be told: ``group``, ``rest`` (at least 0), ``weight``.
    """
    bought, sold = (pl.col("amount") + pl.col("net")) // 2, (pl.col("amount") - pl.col("net")) // 2
    told = groups.filter(
        (pl.col("source") == "exchange") & (pl.col("yes_gross") == bought) & (pl.col("no_gross") == sold)
    ).select("group", "settlement_fee")
    missing = pl.col("fee").is_null()
    money.refuse_overflow(fills["fee"].drop_nulls(), "fills.fee_cents")
    return (
        fills.lazy()
        .group_by("group")
        .agg(pl.col("fee").sum().alias("known"), pl.col("amount").filter(missing).sum().alias("weight"))
        .filter(pl.col("weight") > 0)
        .join(told.lazy(), on="group")
        .select("group", (pl.col("settlement_fee") - pl.col("known")).alias("rest"), "weight")
        .filter(pl.col("rest") >= 0)
        .collect()
    )
