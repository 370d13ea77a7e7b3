"""What linking asks of its fills, checked at the door: order, sides, quantities, prices, ids."""

from __future__ import annotations

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.errors import SchemaError
from kalshi_portfolio.schema import FILLS

_SHOWN = 5


def in_sequence(fills: pl.DataFrame) -> pl.DataFrame:
    """Give the fills by (executed_at, kalshi_trade_id), sorting only what is not yet in that order."""
    time = fills["executed_at"]
    if time.is_sorted():
        tied = (time == time.shift(1)).fill_null(value=False)
        if not tied.any():
            return fills
        ids = fills["kalshi_trade_id"]
        if (ids.filter(tied) >= ids.shift(1).filter(tied)).all():
            return fills
    return fills.sort(FILLS.order, maintain_order=True)


def refuse_bad_fills(fills: pl.DataFrame) -> None:
    """Raise if a fill cannot be linked.

    Args:
        fills: Rows of ``schema.FILLS``.

    Raises:
        SchemaError: It names the rule, how many rows break it, and the first of them.
    """
    required = ["kalshi_trade_id", "ticker", "subaccount", "side", "quantity", "price_cents", "executed_at"]
    price = pl.col("price_cents")
    rules = {
        f"a null in one of {required}": pl.any_horizontal(pl.col(required).is_null()),
        "a side other than `yes` or `no`": ~pl.col("side").is_in(["yes", "no"]),
        "a quantity that is not above 0": pl.col("quantity") <= 0,
        "a price outside 0 to 100 cents": ~price.is_between(0, 100),
    }
    broken = fills.lazy().select(rule.sum().alias(what) for what, rule in rules.items()).collect()
    for what, rule in rules.items():
        if broken[what].item():
            _refuse(what, fills.filter(rule))
    ids = fills["kalshi_trade_id"]
    # Ids whose hashes all differ all differ; the ids themselves, three times as slow, decide only where a hash repeats.
    if ids.hash().n_unique() != fills.height and ids.n_unique() != fills.height:
        _refuse("a kalshi_trade_id that came before", fills.filter(pl.col("kalshi_trade_id").is_duplicated()))


def refuse_absurd_totals(fills: pl.DataFrame) -> None:
    """Refuse a market whose contracts, at a dollar each, are worth more than a column of money holds.

    Args:
        fills: Rows whose quantities 64 bits can add up.

    Raises:
        SchemaError: It names the market.
    """
    most = 10 ** (money.MONEY.precision - money.MONEY.scale) // 100
    if (fills["quantity"].sum() or 0) < most:  # of all markets together, which is quick to tell
        return
    totals = fills.group_by("subaccount", "exchange_index", "ticker").agg(pl.col("quantity").sum())
    absurd = totals.filter(pl.col("quantity") >= most)
    if absurd.height:
        _, _, ticker, quantity = absurd.row(0)
        raise SchemaError(
            f"fills: {quantity:,} contracts of {ticker} in all. Expected fewer than {most:,} of one market, so that "
            "every amount can be held exactly: look for a fill with an absurd quantity."
        )


def _refuse(what: str, rows: pl.DataFrame) -> None:
    shown = rows.select("kalshi_trade_id", "ticker", "side", "quantity", "price_cents").head(_SHOWN).rows()
    raise SchemaError(
        f"fills: {rows.height} rows have {what}. Each fill must have its own id, a side, a quantity above 0 and "
        f"a price from 0 to 100 cents. The first (kalshi_trade_id, ticker, side, quantity, price_cents): {shown}."
    )
