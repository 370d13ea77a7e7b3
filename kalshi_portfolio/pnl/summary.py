"""The account in one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.schema import SUMMARY

if TYPE_CHECKING:
    from datetime import datetime

_ENDED = pl.col("status") != "open"
_KNOWN = pl.col("net_pnl_cents").is_not_null()


def summary(
    positions: pl.DataFrame, equity: pl.DataFrame, transfers: pl.DataFrame, *, as_of: datetime | None
) -> pl.DataFrame:
    """Give the figures that one looks at first.

    Money is summed exactly, over what is known; what is not is counted beside it. Ratios are floats.

    The return is money-weighted by the Modified Dietz rule: the gain (net and unrealised P&L) over the capital
    that was at work on average, each transfer weighted by the share of the account's life that it was there.

    Args:
        positions: Rows of ``schema.POSITIONS``, marked.
        equity: From :func:`~kalshi_portfolio.pnl.equity`, by day.
        transfers: Rows of ``schema.TRANSFERS``.
        as_of: Up to when the data are complete; None if nothing was synced.

    Returns:
        One row, ``schema.SUMMARY``.

    Examples:
        >>> from kalshi_portfolio.pnl import equity
        >>> from kalshi_portfolio.schema import LOTS, POSITIONS, TRANSFERS
        >>> nothing = equity(LOTS.empty(), TRANSFERS.empty())
        >>> summary(POSITIONS.empty(), nothing, TRANSFERS.empty(), as_of=None)["positions"].item()
        0
    """
    frame = pl.concat(
        [
            _totals(equity, positions),
            _held(positions),
            _counts(positions),
            _ended(positions),
            _extreme(positions, "best", highest=True),
            _extreme(positions, "worst", highest=False),
            _sum(transfers, "transfers_cents", pl.col("amount_cents")),
            pl.select(as_of=pl.lit(as_of, SUMMARY.schema["as_of"])),
        ],
        how="horizontal",
    )
    gain = frame.select(
        money.wide_units(pl.col("net_pnl_cents")) + money.wide_units(pl.col("unrealized_pnl_cents")).fill_null(0)
    ).item()
    ratio = None if gain is None else _return(int(gain), transfers, as_of)
    return SUMMARY.conform(frame.with_columns(return_on_capital=pl.lit(ratio, pl.Float64)))


def _money(units: pl.Expr, name: str) -> pl.Expr:
    return money.money(units).alias(name)


def _sum(frame: pl.DataFrame, name: str, column: pl.Expr) -> pl.DataFrame:
    return frame.select(_money(money.wide_units(column).sum(), name))


def _totals(equity: pl.DataFrame, positions: pl.DataFrame) -> pl.DataFrame:
    """Sum the course up; of what no position at all knows there is no sum."""
    known = {
        name: bool(positions.is_empty() or positions[name].count()) for name in ("net_pnl_cents", "realized_pnl_cents")
    }
    fall = money.wide_units(pl.col("drawdown_cents")).min().fill_null(0)
    sums = {
        name: money.wide_units(pl.col(name)).sum() for name in ("net_pnl_cents", "realized_pnl_cents", "fee_cents")
    } | {"max_drawdown_cents": fall}
    return equity.select(
        _money(pl.when(known.get(name, known["net_pnl_cents"])).then(units), name) for name, units in sums.items()
    )


def _held(positions: pl.DataFrame) -> pl.DataFrame:
    """Sum up what is held; of what no open position at all knows there is no sum."""
    held, complete = positions.filter(~_ENDED), pl.col("complete")
    cost, gain = (money.wide_units(pl.when(complete).then(name)) for name in ("cost_cents", "unrealized_pnl_cents"))
    none = pl.len() == 0
    return held.select(
        _money(pl.when(none | (gain.count() > 0)).then(gain.sum()), "unrealized_pnl_cents"),
        _money(pl.when(none | complete.any()).then(cost.sum()), "open_exposure_cents"),
        _money(pl.when(none | complete.any()).then((cost + gain.fill_null(0)).sum()), "market_value_cents"),
        (complete & gain.is_null()).sum().cast(pl.Int64).alias("unknown_marks"),
    )


def _counts(positions: pl.DataFrame) -> pl.DataFrame:
    def count(condition: pl.Expr, name: str) -> pl.Expr:
        return condition.sum().cast(pl.Int64).alias(name)

    return positions.select(
        pl.len().cast(pl.Int64).alias("positions"),
        count(~_ENDED, "open_positions"),
        count(~_ENDED & ~pl.col("complete"), "incomplete_open_positions"),
        count(~pl.col("complete"), "incomplete_positions"),
        count(pl.col("complete") & ~_KNOWN, "unknown_fees"),
    )


def _ended(positions: pl.DataFrame) -> pl.DataFrame:
    ended = positions.filter(_ENDED, _KNOWN)
    net = money.wide_units(pl.col("net_pnl_cents"))
    gains, losses = net.filter(net > 0).sum(), 0 - net.filter(net < 0).sum()  # Int128 knows no minus
    number = pl.when(pl.len() > 0).then(pl.len())
    return ended.select(
        ((net > 0).sum() / number).alias("win_ratio"),
        (gains.cast(pl.Float64) / pl.when(losses > 0).then(losses).cast(pl.Float64)).alias("profit_factor"),
        _money(money.divide_half_even(net.sum(), number), "expectancy_cents"),
        (pl.col("closed_at") - pl.col("opened_at")).mean().alias("average_holding"),
    )


def _extreme(positions: pl.DataFrame, name: str, *, highest: bool) -> pl.DataFrame:
    ended = positions.filter(_ENDED, _KNOWN).sort("net_pnl_cents", descending=highest, maintain_order=True)
    return ended.select(
        pl.col("position_id").first().alias(f"{name}_position_id"),
        pl.col("net_pnl_cents").first().alias(f"{name}_net_pnl_cents"),
    )


def _return(gain: int, transfers: pl.DataFrame, as_of: datetime | None) -> float | None:
    """Give the Modified Dietz return, or None where there was no capital at work."""
    applied = transfers.drop_nulls("amount_cents").select(
        at=pl.coalesce("finalized_at", "created_at"), amount=money.wide_units(pl.col("amount_cents"))
    )
    flows: list[tuple[Any, int]] = [(at, int(amount)) for at, amount in applied.rows() if amount]
    if not flows or as_of is None:
        return None
    life = (as_of - min(at for at, _ in flows)).total_seconds()
    if life <= 0:
        return None
    capital = sum(amount * max((as_of - at).total_seconds(), 0.0) / life for at, amount in flows)
    return gain / capital if capital > 0 else None
