"""Every settlement that there is: as the exchange reported it, else rebuilt from fills and the market's result.

The exchange drops settlement rows once their event is archived and has no twin of them (API §0.5), so an
older settlement is rebuilt whenever it is read. Nothing rebuilt is stored; a reported row takes over.
"""

from __future__ import annotations

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.ledger.axis import KEY, newest
from kalshi_portfolio.schema import SETTLED

_CENT = 10_000  # in price units
_CENT_OF_MONEY = 1_000_000  # in money units


def settle(fills: pl.DataFrame, settlements: pl.DataFrame, markets: pl.DataFrame) -> pl.DataFrame:
    """Give one settlement for every traded market that paid out.

    Reported rows come through, one per market and subaccount (the newest, whatever its shard). Their payout is
    100 for `yes`, 0 for `no`, null for `void` (positions went back at cost), and for anything else the
    market's exact one where it agrees with the row, which knows whole cents only.

    A traded market without a row is rebuilt if it is `finalized` and its payout is known; a result that is
    only determined may still change and is not used. A payout without a result counts as `scalar`: so the
    exchange reported scalars until 2026-01-28 (API §5.3).

    Args:
        fills: Rows of ``schema.FILLS``.
        settlements: Rows of ``schema.SETTLEMENTS``.
        markets: Rows of ``schema.MARKETS``.

    Returns:
        Rows of ``schema.SETTLED``, by ``settled_at, ticker, subaccount``. ``source`` is `exchange` or `market`. In
        rebuilt rows ``settled_at`` is the market's, else its ``close_time``, else the last fill's time.

    Raises:
        SchemaError: A rebuilt figure does not fit its column.

    Examples:
        >>> from kalshi_portfolio.schema import FILLS, MARKETS, SETTLEMENTS
        >>> settle(FILLS.empty(), SETTLEMENTS.empty(), MARKETS.empty()).height
        0
    """
    reported = _reported(newest(settlements), markets)
    rebuilt = _rebuilt(fills.join(reported, on=KEY, how="anti"), markets)
    return SETTLED.conform(pl.concat([reported, rebuilt])).sort(SETTLED.order)


def _payout(result: pl.Expr, otherwise: pl.Expr) -> pl.Expr:
    """Give what one YES contract pays, in price units."""
    return (
        pl.when(result == "yes")
        .then(money.ONE_DOLLAR)
        .when(result == "no")
        .then(0)
        .when(result == "void")
        .then(None)
        .otherwise(otherwise)
    )


def _reported(settlements: pl.DataFrame, markets: pl.DataFrame) -> pl.DataFrame:
    """Give the reported rows with the exact payout."""
    exact = markets.filter(pl.col("status") == "finalized").select(
        "ticker", money.units(pl.col("yes_payout_cents")).alias("exact")
    )
    row = money.units(pl.col("yes_payout_cents"))
    agrees = row.is_null() | ((pl.col("exact") - row).abs() < _CENT) | _explains_revenue(pl.col("exact"))
    best = pl.when(pl.col("exact").is_not_null() & agrees).then("exact").otherwise(row)
    return (
        settlements.join(exact, on="ticker", how="left", maintain_order="left")
        .with_columns(
            money.price(_payout(pl.col("market_result"), best)).alias("yes_payout_cents"),
            pl.lit("exchange").alias("source"),
        )
        .select(SETTLED.schema.names())
    )


def _explains_revenue(payout: pl.Expr) -> pl.Expr:
    """Whether the net contracts at this payout give the revenue, whose part below a cent is not reported."""
    held = money.units(pl.col("yes_quantity")) - money.units(pl.col("no_quantity"))
    off = (_revenue(held, payout) - money.wide_units(pl.col("revenue_cents"))).abs()
    return (held != 0) & (off < _CENT_OF_MONEY)


def _revenue(held: pl.Expr, payout: pl.Expr) -> pl.Expr:
    """Give what a net position is paid: the payout per YES held, its complement per NO held."""
    per_contract = pl.when(held > 0).then(payout).otherwise(money.ONE_DOLLAR - payout)
    return money.product(held.abs(), per_contract)


def _rebuilt(fills: pl.DataFrame, markets: pl.DataFrame) -> pl.DataFrame:
    """Settle what the exchange no longer lists."""
    result = pl.col("result")
    payout = _payout(result, money.units(pl.col("yes_payout_cents")))
    final = markets.filter((pl.col("status") == "finalized") & (payout.is_not_null() | (result == "void"))).select(
        "ticker",
        "event_ticker",
        "settled_at",
        "close_time",
        pl.col("result").fill_null("scalar"),
        "synced_at",
        payout.alias("payout"),
    )
    totals = _totals(fills).join(final, on="ticker", maintain_order="left")
    held = pl.col("yes_quantity") - pl.col("no_quantity")
    at_cost = pl.when(held > 0).then("yes_cost").otherwise("no_cost")
    revenue = pl.when(held == 0).then(0).when(result == "void").then(None).otherwise(_revenue(held, pl.col("payout")))
    return totals.select(
        *KEY,
        "event_ticker",
        "exchange_index",
        result.alias("market_result"),
        money.price(pl.col("payout")).alias("yes_payout_cents"),
        *(money.quantity(pl.col(f"{side}_quantity")) for side in ("yes", "no")),
        *(money.money(pl.col(f"{side}_cost")).alias(f"{side}_cost_cents") for side in ("yes", "no")),
        money.money(pl.coalesce(revenue, at_cost)).alias("revenue_cents"),
        money.money(pl.col("fee")).alias("fee_cents"),
        pl.coalesce("settled_at", "close_time", "last_at").alias("settled_at"),
        "synced_at",
        pl.lit("market").alias("source"),
    ).select(SETTLED.schema.names())


def _totals(fills: pl.DataFrame) -> pl.DataFrame:
    """Add the fills of each market and subaccount up, gross per side, as a settlement row does."""
    amount, price = money.wide_units(pl.col("quantity")), money.units(pl.col("price_cents"))
    fee, cost = money.wide_units(pl.col("fee_cents")), money.product(amount, price)
    sides = {side: pl.col("side") == side for side in ("yes", "no")}
    return fills.group_by(KEY, maintain_order=True).agg(
        pl.col("exchange_index").max(),
        *(amount.filter(mine).sum().alias(f"{side}_quantity") for side, mine in sides.items()),
        *(cost.filter(mine).sum().alias(f"{side}_cost") for side, mine in sides.items()),
        pl.when(fee.is_not_null().all()).then(fee.sum()).alias("fee"),
        pl.col("executed_at").max().alias("last_at"),
    )
