"""The course of one market: at which prices it was traded, and what was held."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.pnl.ranking import top_groups, with_rank

_STEPS = ("1s", "10s", "1m", "5m", "15m", "1h", "3h", "6h", "12h", "1d", "1w", "1mo", "1q", "1y")
_KINDS = ("buy", "sell", "settlement")


@dataclass(frozen=True, slots=True)
class Path:
    """What happened in one market.

    Attributes:
        points: One row per trade leg or settlement, or per step of time where there are too many, in order: ``at``,
            ``kind`` (``buy``, ``sell``, ``settlement``), ``side`` (of the position), ``subaccount`` (null for several),
            ``fills`` (legs in the row), ``quantity``, ``price_cents`` (of ``side``; averages weigh by quantity,
            half-even at 4 decimals; null if unknown), ``shown_cents`` (the same seen from :attr:`side`), ``fee_cents``
            and ``realized_pnl_cents`` (null on a buy or if any is unknown).
        running: What was held after each time, per subaccount: ``at``, ``subaccount``, ``rank``, ``groups``,
            ``position`` (+ YES, - NO). Many subaccounts are summed up where ``groups`` is above 1.
        side: The side whose price is shown: the one that was held, YES if both were.
        step: The length of a step where rows were put together, such as ``1h``; None where each leg is a row.
        fills: How many trade legs there are.
        subaccounts: The subaccounts that traded.
    """

    points: pl.DataFrame
    running: pl.DataFrame
    side: str
    step: str | None
    fills: int
    subaccounts: tuple[int, ...]


def path(trades: pl.DataFrame, lots: pl.DataFrame, *, most: int = 500, named: int = 5) -> Path:
    """Give the course of one market.

    Args:
        trades: Rows of ``schema.TRADES`` of one market.
        lots: Its rows of ``schema.LOTS``; they say what was settled, and how.
        most: How many points there may be; more are put together by steps of time.
        named: How many subaccounts have a line of their own, those that traded most; all others are one.

    Returns:
        The points and the running position.

    Examples:
        >>> from kalshi_portfolio.schema import LOTS, TRADES
        >>> path(TRADES.empty(), LOTS.empty()).fills
        0
    """
    moves = pl.concat([_traded(trades), _settled(lots)]).sort("at", "order", maintain_order=True)
    sides = moves["side"].unique().to_list()
    side = "no" if sides == ["no"] else "yes"
    step = _step(moves, most)
    return Path(
        points=_points(moves, step, side),
        running=_running(moves, step, named),
        side=side,
        step=step,
        fills=trades.height,
        subaccounts=tuple(moves["subaccount"].unique().sort().to_list()),
    )


def _traded(trades: pl.DataFrame) -> pl.DataFrame:
    return trades.select(
        pl.col("executed_at").alias("at"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("order"),
        pl.col("action").alias("kind"),
        *_amounts("price_cents"),
        money.wide_units(pl.col("fee_cents")).alias("fee"),
        pl.when(pl.col("action") == "sell").then(money.wide_units(pl.col("realized_pnl_cents"))).alias("realized"),
    )


def _settled(lots: pl.DataFrame) -> pl.DataFrame:
    """Give the lots that were settled; they come after every trade of the same time."""
    return lots.filter(pl.col("exit_kind") == "settlement").select(
        pl.col("closed_at").alias("at"),
        pl.lit(2**62, pl.Int64).alias("order"),
        pl.lit("settlement").alias("kind"),
        *_amounts("exit_price_cents"),
        pl.lit(0, pl.Int128).alias("fee"),
        money.wide_units(pl.col("realized_pnl_cents")).alias("realized"),
    )


def _amounts(price: str) -> list[pl.Expr]:
    return [
        pl.col("side"),
        pl.col("subaccount"),
        money.units(pl.col("quantity")).alias("quantity"),
        money.units(pl.col(price)).alias("price"),
    ]


def _step(moves: pl.DataFrame, most: int) -> str | None:
    """Give the shortest step of time that leaves at most so many points."""
    if moves.filter(pl.col("kind") != "settlement").height <= most:
        return None
    for step in _STEPS[:-1]:
        if moves.select(pl.struct(_time(step), "kind", "side").n_unique()).item() <= most:
            return step
    return _STEPS[-1]


def _time(step: str | None) -> pl.Expr:
    """Give the time of a point: a step's first instant. A settlement keeps its own."""
    if step is None:
        return pl.col("at")
    return pl.when(pl.col("kind") == "settlement").then("at").otherwise(pl.col("at").dt.truncate(step)).alias("at")


def _points(moves: pl.DataFrame, step: str | None, side: str) -> pl.DataFrame:
    apart = pl.when(pl.col("kind") == "settlement").then(None).otherwise("order") if step is None else pl.lit(0)
    many = pl.col("subaccount").n_unique() > 1
    whole = pl.col("quantity").sum()
    summed = (
        moves.with_columns(_time(step), apart.cast(pl.Int64).alias("apart"))
        .group_by("at", "apart", "kind", "side", maintain_order=True)
        .agg(
            pl.when(~many).then(pl.col("subaccount").first()).alias("subaccount"),
            fills=pl.len().cast(pl.Int64),
            amount=whole,
            cost=_known(money.product(pl.col("price"), pl.col("quantity"))),
            fee=_known(pl.col("fee")),
            realized=_known(pl.col("realized")),
        )
        .with_columns(price=money.divide_half_even(pl.col("cost"), pl.col("amount")))
    )
    price = pl.col("price")
    seen = pl.when(pl.col("side") == side).then(price).otherwise(money.ONE_DOLLAR - price)
    kind = pl.col("kind").replace_strict({kind: order for order, kind in enumerate(_KINDS)})
    return summed.sort("at", "apart", kind, nulls_last=True, maintain_order=True).select(
        "at",
        "kind",
        "side",
        "subaccount",
        "fills",
        money.quantity(pl.col("amount")).alias("quantity"),
        money.price(price).alias("price_cents"),
        money.price(seen).alias("shown_cents"),
        money.money(pl.col("fee")).alias("fee_cents"),
        money.money(pl.col("realized")).alias("realized_pnl_cents"),
    )


def _known(values: pl.Expr) -> pl.Expr:
    """Sum values of which every one is known."""
    return pl.when(values.is_not_null().all()).then(values.sum())


def _running(moves: pl.DataFrame, step: str | None, named: int) -> pl.DataFrame:
    """Give what was held at the end of each step, per subaccount."""
    grows, yes = pl.col("kind") == "buy", pl.col("side") == "yes"
    change = pl.when(grows == yes).then(pl.col("quantity")).otherwise(0 - pl.col("quantity"))
    sizes = moves.group_by("subaccount").agg(size=pl.col("quantity").sum())
    ranked = with_rank(moves, top_groups(sizes, ["subaccount"], most=named), ["subaccount"])
    held = ranked.with_columns(_time(step), change.cum_sum().over("rank").alias("held"))
    return (
        held.group_by("rank", "at", maintain_order=True)
        .agg(pl.col("subaccount", "groups", "held").last())
        .sort("rank", "at")
        .select("at", "subaccount", "rank", "groups", money.quantity(pl.col("held")).alias("position"))
    )
