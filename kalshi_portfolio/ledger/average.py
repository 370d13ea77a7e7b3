"""Average cost: what a sale realises against the average price of what is held, as the exchange counts it.

The running cost of the held side grows with each purchase. A sale of ``d`` of ``n`` contracts takes
``floor(cost * d / n)`` of it, in units of 0.000001 cent: the one rounding here, below a hundred-millionth of a
dollar a sale, and nothing is lost by it, since the last sale takes what is left. So over every position that
went flat, average cost and first in, first out realise the same, exactly. (The old ``void`` result is the exception:
it gives back what the contracts cost, and that depends on the method.)

The cost after a sale depends on the whole past of a position, so this is a loop. It runs over the positions
that need it: for totals only those that were sold in part and then are open, or void.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.ledger.axis import at
from kalshi_portfolio.ledger.lots import side_name
from kalshi_portfolio.schema import DISPOSALS

if TYPE_CHECKING:
    from kalshi_portfolio.ledger.axis import Axis

_EVENT = ("position", "buys", "amount", "value", "fee")


def disposals(axis: Axis, legs: pl.DataFrame, *, positions: pl.Series | None = None) -> pl.DataFrame:
    """Realise every sale and settlement against the average cost of what was held.

    Args:
        axis: From :func:`~kalshi_portfolio.ledger.axis.line_up`.
        legs: From :func:`~kalshi_portfolio.ledger.legs.make_legs`.
        positions: Numbers of the positions that matter; None for all.

    Returns:
        One row per purchase, sale and settlement, by market and sequence. Integer units: ``position``, ``group``,
        ``row`` (of ``axis.fills``, null for a settlement), ``yes``, ``buys``, ``amount``, ``price`` (of the side),
        ``fee`` (of this leg), ``released`` (cost of what was sold), ``entry_fee`` (fees of what was sold),
        ``cost`` (of what is held afterwards), ``realized`` (null on a purchase, or if unknown), ``complete``.
    """
    events = _events(axis, legs)
    if positions is not None:
        events = events.filter(pl.col("position").is_in(positions.implode()))
    released, entry_fees, costs = _run(events)
    gain = pl.when(pl.col("void")).then(0).otherwise(pl.col("value") - pl.col("released"))
    return events.with_columns(
        pl.Series("released", released, dtype=pl.Int64),
        pl.Series("entry_fee", entry_fees, dtype=pl.Int64),
        pl.Series("cost", costs, dtype=pl.Int64),
    ).with_columns(pl.when("complete", ~pl.col("buys")).then(gain).alias("realized"))


def _events(axis: Axis, legs: pl.DataFrame) -> pl.DataFrame:
    """Give legs and settlements in sequence, priced on the held side."""
    fills, groups = axis.fills, axis.groups
    yes_price = fills["yes_price"].gather(legs["row"])
    traded = legs.select(
        "step", "leg", "position", "group", "row", "yes", "buys", "amount", "fee",
        pl.when("yes").then(yes_price).otherwise(money.ONE_DOLLAR - yes_price).alias("price"),
        pl.lit(value=False).alias("void"),
    )  # fmt: skip
    steps = axis.steps.with_row_index("step").filter(pl.col("row").is_null())
    group = steps["group"]
    payout = groups["payout"].gather(group)
    yes = pl.col("delta") < 0
    settled = steps.filter(groups["settled"].gather(group)).select("step")
    paid = steps.select(
        "step",
        pl.lit(1, pl.Int8).alias("leg"),
        "position",
        "group",
        "row",
        yes.alias("yes"),
        pl.lit(value=False).alias("buys"),
        pl.col("delta").abs().alias("amount"),
        pl.lit(0, pl.Int64).alias("fee"),
        pl.when(yes).then(payout).otherwise(money.ONE_DOLLAR - payout).cast(pl.Int32).alias("price"),
        groups["void"].gather(group).alias("void"),
    ).join(settled, on="step", how="semi")
    events = pl.concat([traded, paid]).sort("step", "leg")
    value = money.product(pl.col("price"), pl.col("amount")).cast(pl.Int64)
    return events.with_columns(value.alias("value"), groups["complete"].gather(events["group"]).alias("complete"))


def _run(events: pl.DataFrame) -> tuple[list[int | None], list[int | None], list[int]]:
    """Carry cost and entry fees through each position, in whole numbers without bounds."""
    released: list[int | None] = []
    entry_fees: list[int | None] = []
    costs: list[int] = []
    current, held, cost = -1, 0, 0
    fees: int | None = 0
    for position, buys, amount, value, fee in zip(*(events[name].to_list() for name in _EVENT), strict=True):
        if position != current:
            current, held, cost, fees = position, 0, 0, 0
        if buys:
            held += amount
            cost += value
            fees = None if fees is None or fee is None else fees + fee
            released.append(None)
            entry_fees.append(None)
        else:
            part = cost * amount // held
            fee_part = None if fees is None else fees * amount // held
            held -= amount
            cost -= part
            fees = None if fees is None or fee_part is None else fees - fee_part
            released.append(part)
            entry_fees.append(fee_part)
        costs.append(cost)
    return released, entry_fees, costs


def other_than_fifo(axis: Axis, legs: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    """Give what average cost makes of the positions where it differs from FIFO: sold in part, then open or void.

    Args:
        axis: The axis.
        legs: From :func:`~kalshi_portfolio.ledger.legs.make_legs`.
        matched: From :func:`~kalshi_portfolio.ledger.match.match`.

    Returns:
        One row per such position: ``position``, ``average_cost`` (of what is held), ``average_sold`` (what came in),
        ``average_realized``; the latter two are null where a part is unknown.
    """
    kind, void = pl.col("kind"), at(axis.groups["void"], "group")
    kinds = matched.group_by("position").agg(kind.min().alias("least"), kind.max(), pl.first("group"))
    mixed = kinds.filter(pl.col("least") == 0, (kind == 2) | ((kind == 1) & void))  # noqa: PLR2004  (as in match)
    events = disposals(axis, legs, positions=mixed["position"])
    gone = ~pl.col("buys")
    unknown = (pl.col("realized").is_null() & gone).any()
    came_in = pl.when("void").then("released").otherwise("value")
    return events.group_by("position").agg(
        pl.col("cost").last().cast(pl.Int128).alias("average_cost"),
        pl.when(~unknown).then(came_in.filter(gone).cast(pl.Int128).sum()).alias("average_sold"),
        pl.when(~unknown).then(pl.col("realized").cast(pl.Int128).sum()).alias("average_realized"),
    )


def dress_disposals(axis: Axis, events: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """Dress purchases, sales and settlements as ``schema.DISPOSALS``.

    Args:
        axis: The axis.
        events: From :func:`disposals`.
        ids: The positions' ids.

    Returns:
        One row per purchase, sale and settlement, by time; settlements after the fills of their time.
    """
    fills, groups = axis.fills, axis.groups
    row, group = events["row"], events["group"]
    buys, realized = pl.col("buys"), pl.col("realized")
    entry = money.divide_half_even(pl.col("released"), pl.when(~buys).then("amount"))
    net = realized - pl.col("entry_fee") - pl.col("fee")
    opened = fills["executed_at"].gather(axis.steps.filter("opens")["row"])
    dressed = DISPOSALS.conform(
        events.select(
            ids.gather(events["position"]).alias("position_id"),
            groups["ticker"].gather(group),
            groups["subaccount"].gather(group),
            groups["exchange_index"].gather(group),
            side_name(pl.col("yes")).alias("side"),
            fills["kalshi_trade_id"].gather(row),
            pl.when(buys)
            .then(pl.lit("buy"))
            .when(pl.col("row").is_null())
            .then(pl.lit("settlement"))
            .otherwise(pl.lit("sell"))
            .alias("action"),
            money.quantity(pl.col("amount")).alias("quantity"),
            money.price(pl.when(buys).then("price").otherwise(entry)).alias("entry_price_cents"),
            money.price(pl.when(~buys).then("price")).alias("exit_price_cents"),
            money.money(pl.when(~buys).then("entry_fee")).alias("entry_fee_cents"),
            money.money(pl.col("fee")).alias("fee_cents"),
            money.money(pl.col("cost")).alias("held_cost_cents"),
            money.money(realized).alias("realized_pnl_cents"),
            money.money(net).alias("net_pnl_cents"),
            fills["is_taker"].gather(row),
            "complete",
            opened.gather(events["position"]).alias("opened_at"),
            pl.coalesce(fills["executed_at"].gather(row), groups["settled_at"].gather(group)).alias("at"),
        )
    )
    return dressed.sort(DISPOSALS.order, maintain_order=True, nulls_last=True)
