"""Profit and loss by group and period."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.pnl.events import events_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_LOTS = ("ticker", "side", "is_taker", "subaccount", "exchange_index", "position_id")
_DERIVED = ("price_bucket", "hour", "weekday")
_FREQ = re.compile(r"[1-9][0-9]{0,4}(?:(mo|[dwqy])|[hms])")
_BUCKET = 10 * 10**money.PRICE_SCALE
_BUCKETS = tuple(f"{10 * i:02}–{10 * i + 10}¢" for i in range(10))  # noqa: RUF001  (an en dash, as in print)
_COUNTS = ("quantity", "lots", "unknown_lots")
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_SUMMED = (*_COUNTS, "rated", "wins")
_VALUES = ("at", "realized", "fee", "net", *_SUMMED)


def pnl(
    matched: pl.DataFrame,
    markets: pl.DataFrame,
    *,
    by: str | Sequence[str] = (),
    freq: str | None = None,
    tz: str = "UTC",
    since: datetime | None = None,
    until: datetime | None = None,
) -> pl.DataFrame:
    """Add lots up by group and period.

    P&L falls on the period in which it is realised, a fee on that in which it is paid: the entry's fee when
    the lot was opened, also while it is open. Lots whose history is unknown are left out of the sums and counted,
    in the period in which they were closed, or opened if open. So are those of which a fee is unknown left out of
    fees and net P&L; what they realised, before fees, is known and counts.

    Args:
        matched: Rows of ``schema.LOTS`` (first in, first out) or ``schema.DISPOSALS`` (average cost). Of the latter
            a purchase counts with its own price and time, a sale with the average price and the position's opening,
            both with their own ``is_taker`` (settlements have none).
        markets: Rows of ``schema.MARKETS``, for the columns of markets.
        by: One or several of ``ticker``, ``side``, ``is_taker`` (of the entry), ``subaccount``, ``exchange_index``,
            ``position_id``; ``price_bucket`` (ten cents of the entry price, lower end inclusive, 100 in the last);
            ``hour`` (0 to 23) and ``weekday`` (1 is Monday) of the entry in ``tz``; any column of markets.
        freq: The length of a period, such as ``"1d"``, ``"1w"`` (from Monday), ``"1mo"``, ``"1q"``, ``"1y"``, ``"1h"``;
            None for all time.
        tz: The time zone in which days, hours and periods begin.
        since: Only what was realised or paid at or after this.
        until: Only what was realised or paid before this.

    Returns:
        One row per group, sorted by its columns, nulls last: ``period`` first if asked for (a date for a day or
        longer, else the time in ``tz``), then ``by`` as given, then ``schema.PNL_VALUES``. Sums over any grouping
        add up to the total; they are null where every lot of a group is unknown. No lots, no rows.

    Raises:
        ArgumentError: An unknown column, frequency or time zone.

    Examples:
        >>> from kalshi_portfolio.schema import LOTS, MARKETS
        >>> pnl(LOTS.empty(), MARKETS.empty(), by="side", freq="1d").columns[:3]
        ['period', 'side', 'realized_pnl_cents']
    """
    groups = checked_columns(by, markets)
    days = check_period(freq, tz)
    events = with_groups(events_of(matched), markets, groups, tz, keep=_VALUES)
    if since is not None:
        events = events.filter(pl.col("at") >= since)
    if until is not None:
        events = events.filter(pl.col("at") < until)
    if freq is not None:
        groups = ["period", *groups]
        events = events.with_columns(period_of(pl.col("at"), freq, tz, days=days).alias("period"))
    return _add_up(events, groups)


def checked_columns(by: object, markets: pl.DataFrame) -> list[str]:
    """Give the columns to group by as a list without repetitions.

    Raises:
        ArgumentError: It names those that there are.
    """
    listed = list(by) if isinstance(by, Iterable) and not isinstance(by, str) else [] if by is None else [by]
    if not all(isinstance(name, str) for name in listed):
        raise ArgumentError(f"by={by!r:.200} cannot be grouped by. Expected names of columns, as text.")
    allowed = sorted({*_OF_LOTS, *_DERIVED, *markets.columns})
    unknown = [name for name in listed if name not in allowed]
    if unknown:
        raise ArgumentError(f"by={unknown} cannot be grouped by. Expected some of: {', '.join(allowed)}.")
    return list(dict.fromkeys(map(str, listed)))


def check_period(freq: str | None, tz: str) -> bool:
    """Tell whether a period is a day or longer.

    Raises:
        ArgumentError: The text is no period, or there is no such time zone.
    """
    matched = _FREQ.fullmatch("1d" if freq is None else str(freq))
    if matched is None:
        raise ArgumentError(f'freq={freq!r} is not a period. Expected e.g. "1h", "1d", "1w", "1mo", "1q" or "1y".')
    zone(tz)
    return matched[1] is not None


def zone(tz: str) -> ZoneInfo:
    """Give a time zone by its name.

    Raises:
        ArgumentError: There is none of that name, or Polars does not know it (as ``localtime``).
    """
    try:
        found = ZoneInfo(tz)
        pl.select(pl.lit(_ANY_TIME).dt.convert_time_zone(tz))
    except (KeyError, ValueError, OSError, TypeError, pl.exceptions.PolarsError) as error:
        raise ArgumentError(f'tz={tz!r} is no time zone. Expected e.g. "UTC" or "America/New_York".') from error
    return found


def period_of(at: pl.Expr, freq: str, tz: str, *, days: bool) -> pl.Expr:
    """Give the start of the period. Days are cut as dates: some days have no midnight."""
    local = at.dt.convert_time_zone(tz)
    return local.dt.date().dt.truncate(freq) if days else local.dt.truncate(freq)


def with_groups(
    events: pl.DataFrame, markets: pl.DataFrame, groups: list[str], tz: str, *, keep: Sequence[str]
) -> pl.DataFrame:
    """Put the columns to group by beside those to keep of the events, under names that collide with none of theirs."""
    entered = pl.col("entered_at").dt.convert_time_zone(tz)
    tens = (money.units(pl.col("entry_price_cents")) // _BUCKET).clip(0, len(_BUCKETS) - 1)
    derived = {
        "price_bucket": pl.lit(pl.Series(_BUCKETS)).gather(tens.cast(pl.UInt32)),
        "hour": entered.dt.hour(),
        "weekday": entered.dt.weekday(),
    }
    mine = {name: pl.col(name) for name in _OF_LOTS} | derived
    facts = [name for name in groups if name not in mine]
    if facts:
        wanted = markets.select("ticker", *(pl.col(name).alias(f"by_{name}") for name in facts))
        wanted = wanted.unique("ticker", keep="last", maintain_order=True)
        events = events.join(wanted, on="ticker", how="left", maintain_order="left")
    events = events.with_columns(mine[name].alias(f"by_{name}") for name in groups if name in mine)
    return events.select(*keep, *(pl.col(f"by_{name}").alias(name) for name in groups))


def _add_up(events: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    """Sum the events of each group; what no event of a group knows has no sum there."""
    keyed = events.with_columns(pl.lit(0, pl.Int8).alias("all"))
    whole, gained = pl.col("unknown_lots") == 0, pl.col("lots") > 0
    known = {"realized": (whole | gained).any(), "fee": whole.any(), "net": whole.any()}
    summed = keyed.group_by(groups or ["all"]).agg(
        *(pl.when(some).then(pl.col(name).sum()).alias(f"_{name}") for name, some in known.items()),
        *(pl.col(name).sum().alias(f"_{name}") for name in _SUMMED),
    )
    rated = pl.col("_rated")
    return summed.sort(groups or ["all"], nulls_last=True).select(
        *groups,
        money.money(pl.col("_realized")).alias("realized_pnl_cents"),
        money.money(pl.col("_fee")).alias("fee_cents"),
        money.money(pl.col("_net")).alias("net_pnl_cents"),
        money.quantity(pl.col("_quantity")).alias("quantity"),
        pl.col("_lots").alias("lots"),
        pl.col("_unknown_lots").alias("unknown_lots"),
        (pl.col("_wins") / pl.when(rated > 0).then(rated)).alias("win_ratio"),
    )
