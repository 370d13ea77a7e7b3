"""How the account went, period by period."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.pnl.group import check_period, period_of, pnl
from kalshi_portfolio.schema import EQUITY_VALUES, MARKETS, TIME

if TYPE_CHECKING:
    from datetime import datetime

_SECONDS = {"s": 1, "m": 60, "h": 3600}
_MOST_PERIODS = 5_000_000
_INSTANT, _DAY = pl.duration(microseconds=1), pl.duration(days=1)


def equity(
    matched: pl.DataFrame,
    transfers: pl.DataFrame,
    *,
    freq: str = "1d",
    tz: str = "UTC",
    since: datetime | None = None,
    until: datetime | None = None,
) -> pl.DataFrame:
    """Add P&L and transfers up by period, and run the total along.

    Args:
        matched: Rows of ``schema.LOTS`` (first in, first out) or ``schema.DISPOSALS`` (average cost).
        transfers: Rows of ``schema.TRANSFERS``; they count when they were applied.
        freq: The length of a period, such as ``"1d"``, ``"1w"``, ``"1mo"``.
        tz: The time zone in which periods begin.
        since: Only what happened at or after this. Running totals start with the account all the same.
        until: Only what happened before this.

    Returns:
        One row per period from the first event to the last, quiet ones included, in order: ``period`` (a date for a
        day or longer, else the time in ``tz``), then ``schema.EQUITY_VALUES``. P&L falls on the period in which
        it is realised, a fee on that in which it is paid. ``drawdown_cents`` is 0 at a new high, else negative.
        A period that a bound cuts has what lies within the bounds. What is unknown is left out and counted in
        ``unknown_lots``.

    Raises:
        ArgumentError: ``freq`` or ``tz`` is unknown.

    Examples:
        >>> from kalshi_portfolio.schema import LOTS, TRANSFERS
        >>> equity(LOTS.empty(), TRANSFERS.empty()).height
        0
    """
    days = check_period(freq, tz)
    every = _gains(matched, transfers, freq, tz, days=days)
    table = every
    if since is not None or until is not None:
        table = _gains(matched, transfers, freq, tz, days=days, since=since, until=until)
    calendar = every_period(every["period"], freq, tz, days=days)
    shown = calendar.filter(*_touched(freq, tz, since, until, days=days))
    before, peak = _before(matched, every, shown, since)
    dressed = (
        shown.join(table, on="period", how="left", maintain_order="left")
        .with_columns(pl.exclude("period").fill_null(0))
        .with_columns(total=pl.col("net").cast(pl.Int64).cum_sum() + before)
        .with_columns(fall=pl.col("total") - pl.col("total").cum_max().clip(lower_bound=peak))
    )
    return dressed.select(
        "period",
        realized_pnl_cents=money.money(pl.col("realized")),
        fee_cents=money.money(pl.col("fee")),
        net_pnl_cents=money.money(pl.col("net")),
        cumulative_net_pnl_cents=money.money(pl.col("total")),
        transfers_cents=money.money(pl.col("transfers")),
        drawdown_cents=money.money(pl.col("fall")),
        unknown_lots=pl.col("unknown_lots"),
    ).cast({c.name: c.dtype for c in EQUITY_VALUES})


def _gains(
    matched: pl.DataFrame,
    transfers: pl.DataFrame,
    freq: str,
    tz: str,
    *,
    days: bool,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pl.DataFrame:
    """Give what happened between the bounds, per period in which anything did, in units."""
    gains = pnl(matched, MARKETS.empty(), freq=freq, tz=tz, since=since, until=until)
    flows = _flows(transfers, freq, tz, days=days, since=since, until=until)
    units = {
        name: money.wide_units(pl.col(f"{column}_cents"))
        for name, column in (("realized", "realized_pnl"), ("fee", "fee"), ("net", "net_pnl"))
    }
    return (
        gains.select("period", "unknown_lots", **units)
        .join(flows, on="period", how="full", coalesce=True)
        .with_columns(pl.exclude("period").fill_null(0))
        .sort("period")
    )


def _touched(freq: str, tz: str, since: datetime | None, until: datetime | None, *, days: bool) -> list[pl.Expr]:
    """Give the conditions for periods of which a part lies within the bounds."""
    begins = pl.col("period")

    def of(at: pl.Expr) -> pl.Expr:
        return period_of(at, freq, tz, days=days)

    found = [] if since is None else [begins >= of(pl.lit(since, TIME))]
    return found if until is None else [*found, begins <= of(pl.lit(until, TIME) - _INSTANT)]


def _before(matched: pl.DataFrame, every: pl.DataFrame, shown: pl.DataFrame, since: datetime | None) -> tuple[int, int]:
    """Give the net P&L at ``since``, and the highest at the end of a period before the first one shown (or 0)."""
    if since is None or shown.is_empty():
        return 0, 0
    gained = pnl(matched, MARKETS.empty(), until=since)
    total = gained.select(money.wide_units(pl.col("net_pnl_cents")).sum()).item()
    earlier = every.filter(pl.col("period") < shown["period"][0])
    peak = earlier.select(pl.col("net").cast(pl.Int64).cum_sum().max()).item()
    return int(total or 0), max(int(peak or 0), 0)


def _flows(
    transfers: pl.DataFrame, freq: str, tz: str, *, days: bool, since: datetime | None, until: datetime | None
) -> pl.DataFrame:
    """Give the net cash that came in or went out, per period."""
    at = pl.coalesce("finalized_at", "created_at")
    applied = transfers.drop_nulls("amount_cents").filter(
        *([] if since is None else [at >= since]), *([] if until is None else [at < until])
    )
    amount = money.wide_units(pl.col("amount_cents"))
    period = period_of(at, freq, tz, days=days).alias("period")
    return applied.group_by(period).agg(amount.sum().alias("transfers"))


def every_period(periods: pl.Series, freq: str, tz: str, *, days: bool) -> pl.DataFrame:
    """Give every period from the first of these to the last."""
    if periods.is_empty():
        return pl.DataFrame({"period": periods})
    first, last = periods.min(), periods.max()
    if days:
        all_of_them = pl.date_range(pl.lit(first), pl.lit(last), freq, eager=False)
        return pl.select(all_of_them.alias("period"))
    _refuse_too_many(first, last, freq)
    # Counted in UTC and cut again: in some zones an hour comes twice, or begins at a half.
    start, end = (pl.lit(bound).dt.convert_time_zone("UTC") for bound in (first, last))
    every = pl.datetime_range(start, end, freq, time_unit="us").dt.convert_time_zone(tz)
    cut = pl.select(period=every.dt.truncate(freq))["period"]
    # Where a clock goes back by half an hour, one hour begins at a time that no step from another one meets.
    return pl.DataFrame({"period": pl.concat([cut, periods]).unique().sort()})


def _refuse_too_many(first: Any, last: Any, freq: str) -> None:
    """Refuse what would fill the memory: every second of two years is 63 million rows."""
    count = (last - first) / timedelta(seconds=int(freq[:-1]) * _SECONDS[freq[-1]])
    if count > _MOST_PERIODS:
        raise ArgumentError(
            f"freq={freq!r} gives {count:,.0f} periods from {first:%Y-%m-%d} to {last:%Y-%m-%d}. Expected at most "
            f"{_MOST_PERIODS:,}: choose a longer one."
        )


def between(frame: pl.DataFrame, since: datetime | None, until: datetime | None, tz: str) -> pl.DataFrame:
    """Keep the periods that begin within the bounds."""
    begins, days = pl.col("period"), frame.schema["period"] == pl.Date

    def edge(bound: datetime) -> pl.Expr:
        local = pl.lit(bound, TIME).dt.convert_time_zone(tz)
        # Of days the first that begins at or after the bound: the one after that of the instant before it.
        return (local - _INSTANT).dt.date() + _DAY if days else local

    if since is not None:
        frame = frame.filter(begins >= edge(since))
    return frame if until is None else frame.filter(begins < edge(until))
