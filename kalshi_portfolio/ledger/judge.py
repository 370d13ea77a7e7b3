"""Is a market's history complete? A truncated one invents profit, so the exchange's own counts are the judge.

Drop the first buy of a sold position, and a loss of 100 becomes a profit of 300. So a market whose counts
contradict the exchange's has no P&L here: it is counted and listed, with the cause, never summed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio.ledger.axis import KEY, newest
from kalshi_portfolio.schema import JUDGED, MARKETS, SNAPSHOTS, TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
_MINUTE = "%Y-%m-%d %H:%M UTC"


def judge(
    fills: pl.DataFrame,
    settled: pl.DataFrame,
    *,
    snapshots: pl.DataFrame | None = None,
    markets: pl.DataFrame | None = None,
    quarantined: Iterable[tuple[int | None, str | None]] = (),
    unread: Mapping[int, Sequence[tuple[datetime, datetime]]] | None = None,
    positions_read: Mapping[int, datetime] | None = None,
) -> pl.DataFrame:
    """Say of each market and subaccount whether all of its fills are known.

    It is incomplete where

    * a fill of the ticker lies in quarantine;
    * a settlement or a held position was reported and none of its fills is known;
    * the settlement's gross counts differ from ours (reported settlements only);
    * the exchange's own net position differs from ours, counted up to when the exchange last changed it and up
      to when it was read (the two clocks may differ: one agreement is enough; a settled market may show 0);
    * nothing is known of the market itself, nor of a position in it, so that it may long have been settled;
    * the exchange lists no position where our fills leave one, and no settlement or result explains it;
    * fills of a time in which the market was open have not been read, and no reported settlement counts the same
      gross contracts as we do. (An equal net position proves nothing: what was bought and sold again in a gap
      leaves no trace in it.)

    A complete market may still have a cause: why a fee, or a payout, is unknown.

    Args:
        fills: Rows of ``schema.FILLS``.
        settled: Rows of ``schema.SETTLED``.
        snapshots: Rows of ``schema.SNAPSHOTS``; of several the one read last counts.
        markets: Rows of ``schema.MARKETS``, for when each market opened.
        quarantined: (subaccount, ticker) of every fill set aside. Without a subaccount it concerns all of them.
            Without a ticker it cannot be attributed, so it is not held against any market; report it elsewhere.
        unread: The stretches of time (start inclusive, end exclusive) whose fills have not been read, per subaccount.
            Where a market's opening or end is unknown, it counts as open all the time. None: all fills are known.
        positions_read: When the positions of a subaccount were last read whole; none of those not listed then was
            held. None: nobody knows.

    Returns:
        Rows of ``schema.JUDGED``, by ``ticker, subaccount``.

    Examples:
        >>> from kalshi_portfolio.schema import FILLS, SETTLED
        >>> judge(FILLS.empty(), SETTLED.empty()).height
        0
    """
    listed = None if markets is None else markets["ticker"].implode()
    markets = MARKETS.empty() if markets is None else markets
    shown = SNAPSHOTS.empty() if snapshots is None else snapshots
    seen = _seen(fills, pl.concat([shown, _unlisted(fills, shown, positions_read or {})]))
    frame = (
        _ours(fills)
        .join(_theirs(settled), on=KEY, how="full", coalesce=True)
        .join(seen, on=KEY, how="full", coalesce=True)
        .join(_set_aside(quarantined), on="ticker", how="left")
    )
    frame = frame.join(_gaps(frame, settled, markets, unread or {}), on=KEY, how="left")
    frame = frame.with_columns(nameless=pl.lit(value=False) if listed is None else ~pl.col("ticker").is_in(listed))
    bad, odd = _contradictions(), _unknowns()
    judged = frame.select(
        *KEY,
        pl.all_horizontal(cause.is_null() for cause in bad).alias("complete"),
        pl.concat_str(*bad, *odd, separator=" ", ignore_nulls=True).alias("cause"),
    )
    cause = pl.when(pl.col("cause") != "").then("cause").alias("cause")
    return JUDGED.conform(judged.with_columns(cause).sort(JUDGED.order))


def _ours(fills: pl.DataFrame) -> pl.DataFrame:
    """Add our fills up per market and subaccount."""
    quantity, fee = pl.col("quantity"), pl.col("fee_cents")
    sums = (
        fills.lazy()
        .group_by(KEY)
        .agg(
            quantity.filter(pl.col("side") == "yes").sum().alias("our_yes"),
            quantity.filter(pl.col("side") == "no").sum().alias("our_no"),
            pl.col("executed_at").min().alias("first_at"),
            fee.null_count().alias("no_fee"),
            fee.sum().alias("our_fee"),
            pl.len().alias("fills"),
        )
    )
    return sums.with_columns((pl.col("our_yes") - pl.col("our_no")).alias("our_net")).collect()


def _theirs(settled: pl.DataFrame) -> pl.DataFrame:
    """Give what the settlements say."""
    reported = pl.col("source") == "exchange"
    return newest(settled).select(
        *KEY,
        "market_result",
        "yes_payout_cents",
        pl.col("source").alias("settlement"),
        *(pl.when(reported).then(f"{side}_quantity").alias(f"their_{side}") for side in ("yes", "no")),
        pl.when(reported).then("fee_cents").alias("their_fee"),
    )


def _seen(fills: pl.DataFrame, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Put our net position beside the exchange's, counted up to the snapshot's two instants."""
    latest = (
        # A position that moved to another shard was closed there and is open here, both at once.
        snapshots.sort("last_synced", "last_updated_at", pl.col("net_quantity") != 0, maintain_order=True)
        .unique(KEY, keep="last", maintain_order=True)
        .select(
            *KEY,
            pl.col("net_quantity").alias("seen_net"),
            pl.coalesce("closed_at", "last_updated_at", "last_synced").alias("seen_at"),
            pl.coalesce("closed_at", "last_synced").alias("read_at"),
        )
    )
    signed = pl.when(pl.col("side") == "yes").then("quantity").otherwise(-pl.col("quantity"))
    counted = (
        fills.lazy()
        .select(*KEY, "executed_at", signed.alias("signed"))
        .join(latest.lazy(), on=KEY)
        .group_by(KEY)
        .agg(
            pl.col("signed").filter(pl.col("executed_at") <= pl.col(until)).sum().alias(name)
            for name, until in (("net_then", "seen_at"), ("net_read", "read_at"))
        )
        .collect()
    )
    seen = latest.join(counted, on=KEY, how="left")
    return seen.filter(pl.col("net_then").is_not_null() | (pl.col("seen_net") != 0))


def _set_aside(quarantined: Iterable[tuple[int | None, str | None]]) -> pl.DataFrame:
    """Give the subaccounts that have a fill in quarantine, per ticker; null among them stands for all."""
    rows = [(ticker, subaccount) for subaccount, ticker in quarantined if ticker is not None]
    schema = {"ticker": pl.String, "aside": pl.Int32}
    return pl.DataFrame(rows, schema=schema, orient="row").group_by("ticker").agg("aside")


def _unlisted(fills: pl.DataFrame, snapshots: pl.DataFrame, read: Mapping[int, datetime]) -> pl.DataFrame:
    """Say of every market that a whole list of positions lacks that nothing was held in it then."""
    times = pl.DataFrame(
        {"subaccount": list(read), "at": list(read.values())}, schema={"subaccount": pl.Int32, "at": TIME}
    )
    lacking = fills.select(KEY).unique().join(snapshots, on=KEY, how="anti").join(times, on="subaccount")
    none = pl.lit(0).cast(SNAPSHOTS.schema["quantity"])
    known = lacking.select(
        *KEY,
        exchange_index=pl.lit(0, pl.Int32),
        quantity=none,
        net_quantity=none,
        last_updated_at=pl.col("at"),
        last_synced=pl.col("at"),
    )
    return SNAPSHOTS.conform(
        known.with_columns(
            pl.lit(None, dtype).alias(n) for n, dtype in SNAPSHOTS.schema.items() if n not in known.columns
        )
    )


def _gaps(
    frame: pl.DataFrame,
    settled: pl.DataFrame,
    markets: pl.DataFrame,
    unread: Mapping[int, Sequence[tuple[datetime, datetime]]],
) -> pl.DataFrame:
    """Give the first stretch without fills that falls into the life of each market."""
    rows = [(number, start, end) for number, stretches in unread.items() for start, end in stretches]
    gaps = pl.DataFrame(rows, schema={"subaccount": pl.Int32, "gap_from": TIME, "gap_to": TIME}, orient="row")
    ends = newest(settled).select(*KEY, "settled_at")
    lives = markets.select("ticker", "open_time", "close_time").unique("ticker", keep="last", maintain_order=True)
    lived = frame.select(KEY).join(ends, on=KEY, how="left").join(lives, on="ticker", how="left")
    over = pl.coalesce("settled_at", "close_time")
    touched = lived.join(gaps, on="subaccount").filter(
        (pl.col("gap_to") > pl.col("open_time")) | pl.col("open_time").is_null(),
        (pl.col("gap_from") < over) | over.is_null(),
    )
    return touched.sort("gap_from").group_by(KEY, maintain_order=True).agg(pl.first("gap_from", "gap_to"))


def _contradictions() -> list[pl.Expr]:
    """Give one expression per way to be incomplete: the cause in words, else null."""
    none = pl.col("fills").is_null()
    aside = (
        pl.col("aside").list.contains(pl.col("subaccount"))
        | pl.col("aside").list.eval(pl.element().is_null()).list.any()
    )
    counts_differ = (pl.col("our_yes") != pl.col("their_yes")) | (pl.col("our_no") != pl.col("their_no"))
    counts_agree = (pl.col("our_yes") == pl.col("their_yes")) & (pl.col("our_no") == pl.col("their_no"))
    paid_out = pl.col("settlement").is_not_null() & (pl.col("seen_net") == 0)
    seen_agrees = (pl.col("seen_net") == pl.col("net_then")) | (pl.col("seen_net") == pl.col("net_read"))
    proven = counts_agree.fill_null(value=False)
    net_then = pl.col("net_then")
    return [
        _say(aside, "A fill of this market could not be read and lies in quarantine."),
        _say(
            none & pl.col("settlement").is_not_null(),
            "The exchange settled {} YES and {} NO contracts, but none of the fills is known.",
            "their_yes",
            "their_no",
        ),
        _say(
            none & pl.col("settlement").is_null(),
            "The exchange reports a position of {} contracts, but none of the fills is known.",
            "seen_net",
        ),
        _say(
            counts_differ,
            "The settlement counts {} YES and {} NO contracts, the fills {} and {}.",
            "their_yes",
            "their_no",
            "our_yes",
            "our_no",
        ),
        _say(
            ~none & ~(seen_agrees | paid_out),
            "The exchange's position was {} contracts, the fills up to then give {}.",
            "seen_net",
            net_then,
        ),
        _say(
            pl.col("nameless")
            & (pl.col("our_net") != 0)
            & pl.col("settlement").is_null()
            & (pl.col("seen_net").is_null() | ~seen_agrees),
            "Nothing is known of the market, so it may have been settled: sync its markets.",
        ),
        _say(
            ~none & pl.col("gap_from").is_not_null() & ~proven,
            "Fills from {} to {} have not been read, and the market may have been traded then: sync again.",
            pl.when(pl.col("gap_from") <= _BEGINNING)
            .then(pl.lit("the beginning"))
            .otherwise(pl.col("gap_from").dt.strftime(_MINUTE)),
            pl.col("gap_to").dt.strftime(_MINUTE),
        ),
    ]


def _unknowns() -> list[pl.Expr]:
    """Give one expression per figure that stays unknown although the fills are complete."""
    missing, rest = pl.col("no_fee") > 0, pl.col("their_fee") - pl.col("our_fee")
    return [
        _say(
            (pl.col("our_net") != 0)
            & pl.col("settlement").is_not_null()
            & (pl.col("market_result") != "void")
            & pl.col("yes_payout_cents").is_null(),
            "The settlement's payout is unknown.",
        ),
        _say(
            missing & pl.col("their_fee").is_null(),
            "{} of {} fills came without a fee, and no reported settlement tells it.",
            "no_fee",
            "fills",
        ),
        _say(
            missing & (rest < 0),
            "The settlement's fee of {} cents is less than the {} cents of the fills that have one.",
            "their_fee",
            "our_fee",
        ),
    ]


def _say(when: pl.Expr, template: str, *values: str | pl.Expr) -> pl.Expr:
    """Give the words where the condition holds, with the numbers filled in, else null."""
    words = pl.format(template, *values) if values else pl.lit(template)
    return pl.when(when.fill_null(value=False)).then(words)
