"""Fills market by market, in sequence within each."""

from __future__ import annotations

import polars as pl

_SEEDS = range(3)


def by_market(fills: pl.DataFrame) -> pl.DataFrame:
    """Sort by market and subaccount, in sequence within each.

    Comparing tickers millions of times is what takes long. So a hash of ticker and subaccount is sorted, with the
    number of the row in its lowest bits, and then each row is compared with its neighbour, once. Where two markets
    share a hash, another seed is tried; where no seed parts them, the tickers themselves are sorted.

    Args:
        fills: Fills in sequence.

    Returns:
        One row per fill: ``group`` (0, 1, …; which market has which number means nothing), ``row`` (of ``fills``).
    """
    for seed in _SEEDS:
        sequence = _by_hash(fills, seed)
        if _told_apart(fills, sequence):
            return sequence
    key = ("ticker", "subaccount")
    ordered = fills.select(*key, pl.int_range(pl.len(), dtype=pl.UInt32).alias("row")).sort(key, maintain_order=True)
    return ordered.select(pl.struct(key).rle_id().alias("group"), "row")


def _by_hash(fills: pl.DataFrame, seed: int) -> pl.DataFrame:
    size = 2 ** max(fills.height - 1, 0).bit_length()
    market = pl.col("ticker").hash(seed) + pl.col("subaccount").hash(seed)
    keys = fills.select((market // size * size + pl.int_range(pl.len(), dtype=pl.UInt64)).alias("key"))["key"].sort()
    key = pl.col("key")
    return keys.to_frame().select((key // size).rle_id().alias("group"), (key % size).cast(pl.UInt32).alias("row"))


def _told_apart(fills: pl.DataFrame, sequence: pl.DataFrame) -> bool:
    """Tell whether each group is one market and subaccount."""
    group, ticker, subaccount = pl.col("group"), pl.col("ticker"), pl.col("subaccount")
    rows = pl.col("row")
    apart = sequence.select(
        "group", *(pl.lit(fills[name]).gather(rows).alias(name) for name in ("ticker", "subaccount"))
    ).select(((group == group.shift(1)) & ((ticker != ticker.shift(1)) | (subaccount != subaccount.shift(1)))).any())
    return not apart.item()
