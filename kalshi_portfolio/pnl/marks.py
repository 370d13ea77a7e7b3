"""What open positions are worth."""

from __future__ import annotations

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.schema import POSITIONS

MARKS = ("bid", "mid", "last")


def mark(positions: pl.DataFrame, markets: pl.DataFrame, mark: str = "bid") -> pl.DataFrame:
    """Value open positions at their markets' quotes.

    Args:
        positions: Rows of ``schema.POSITIONS``.
        markets: Rows of ``schema.MARKETS``. A null quote is an empty side of the book: no price. A quote missing
            on the held side is taken from the other: a bid for NO is an offer of YES at 100 minus it.
        mark: ``"bid"``: what a sale of the held side would fetch, as Kalshi's app shows it; ``"mid"``: halfway
            to the offer, half-even at 4 decimals of a cent; ``"last"``: the last trade.

    Returns:
        The same rows with ``current_price_cents`` and ``unrealized_pnl_cents`` (quantity times mark, less the
        cost of what is held, before fees). Both are null where a position is closed or has no quote; the latter
        also where the history is incomplete.

    Raises:
        ArgumentError: The mark is none of the three.

    Examples:
        >>> from kalshi_portfolio.schema import MARKETS, POSITIONS
        >>> mark(POSITIONS.empty(), MARKETS.empty(), "mid").height
        0
    """
    if mark not in MARKS:
        raise ArgumentError(f"mark={mark!r} is not known. Expected one of {', '.join(MARKS)}.")
    names = [f"{side}_{quote}_cents" for side in ("yes", "no") for quote in ("bid", "ask")]
    quotes = markets.select("ticker", *(money.units(pl.col(name)) for name in (*names, "last_price_cents")))
    quotes = quotes.unique("ticker", keep="last", maintain_order=True)
    held = pl.when((pl.col("status") == "open") & (pl.col("quantity") > 0))
    price = pl.when(pl.col("side") == "yes").then(_quote("yes", mark)).otherwise(_quote("no", mark))
    now = pl.col("_mark")
    gain = money.product(now, money.units(pl.col("quantity"))) - money.wide_units(pl.col("cost_cents"))
    marked = positions.join(quotes, on="ticker", how="left", maintain_order="left")
    marked = marked.with_columns(held.then(price).cast(pl.Int64).alias("_mark")).with_columns(
        money.price(now).alias("current_price_cents"),
        money.money(pl.when("complete").then(gain)).alias("unrealized_pnl_cents"),
    )
    return POSITIONS.conform(marked)


def _quote(side: str, mark: str) -> pl.Expr:
    """Give the quote of one side, in price units, through the other side where it has none."""
    other = "no" if side == "yes" else "yes"
    bid = pl.coalesce(f"{side}_bid_cents", money.ONE_DOLLAR - pl.col(f"{other}_ask_cents"))
    ask = pl.coalesce(f"{side}_ask_cents", money.ONE_DOLLAR - pl.col(f"{other}_bid_cents"))
    if mark == "bid":
        return bid
    if mark == "mid":
        return money.divide_half_even(bid + ask, pl.lit(2))
    last = pl.col("last_price_cents")
    return last if side == "yes" else money.ONE_DOLLAR - last
