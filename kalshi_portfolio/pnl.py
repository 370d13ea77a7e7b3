"""Profit and loss: what open positions are worth, and what lots realised, by whatever one asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.schema import POSITIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MARKS = ("bid", "mid", "last")
_OF_LOTS = ("ticker", "side", "is_taker", "subaccount", "exchange_index", "position_id")
_DERIVED = ("price_bucket", "hour", "weekday")
_FREQ = re.compile(r"[1-9][0-9]*(?:(mo|[dwqy])|[hms])")
_BUCKET = 10 * 10**money.PRICE_SCALE
_BUCKETS = tuple(f"{10 * i:02}–{10 * i + 10}¢" for i in range(10))  # noqa: RUF001  (an en dash, as in print)
_COUNTS = ("quantity", "lots", "unknown_lots")


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


def pnl(
    lots: pl.DataFrame,
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
    the lot was opened, also while it is open. Lots whose history or fee is unknown are left out of the sums and
    counted, in the period in which they were closed, or opened if open.

    Args:
        lots: Rows of ``schema.LOTS``.
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
    groups = _checked_columns(by, markets)
    days = _checked_freq(freq)
    _check_tz(tz)
    events = _events(_with_columns(lots, markets, groups, tz))
    if since is not None:
        events = events.filter(pl.col("at") >= since)
    if until is not None:
        events = events.filter(pl.col("at") < until)
    if freq is not None:
        groups = ["period", *groups]
        events = events.with_columns(_period(pl.col("at"), freq, tz, days=days).alias("period"))
    return _add_up(events, groups)


def _checked_columns(by: str | Sequence[str], markets: pl.DataFrame) -> list[str]:
    groups = list(dict.fromkeys([by] if isinstance(by, str) else by))
    allowed = sorted({*_OF_LOTS, *_DERIVED, *markets.columns})
    unknown = [name for name in groups if name not in allowed]
    if unknown:
        raise ArgumentError(f"by={unknown} cannot be grouped by. Expected some of: {', '.join(allowed)}.")
    return groups


def _checked_freq(freq: str | None) -> bool:
    """Tell whether a period is a day or longer, or refuse a text that is no period."""
    matched = _FREQ.fullmatch("1d" if freq is None else freq)
    if matched is None:
        raise ArgumentError(f'freq={freq!r} is not a period. Expected e.g. "1h", "1d", "1w", "1mo", "1q" or "1y".')
    return matched[1] is not None


def _check_tz(tz: str) -> None:
    try:
        ZoneInfo(tz)
    except (KeyError, ValueError, OSError) as error:
        raise ArgumentError(f'tz={tz!r} is no time zone. Expected e.g. "UTC" or "America/New_York".') from error


def _period(at: pl.Expr, freq: str, tz: str, *, days: bool) -> pl.Expr:
    """Give the start of the period. Days are cut as dates: some days have no midnight."""
    local = at.dt.convert_time_zone(tz)
    return local.dt.date().dt.truncate(freq) if days else local.dt.truncate(freq)


def _with_columns(lots: pl.DataFrame, markets: pl.DataFrame, groups: list[str], tz: str) -> pl.DataFrame:
    """Put the columns to group by beside the lots, under names that collide with none of theirs."""
    entered = pl.col("opened_at").dt.convert_time_zone(tz)
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
        lots = lots.join(wanted, on="ticker", how="left", maintain_order="left")
    return lots.with_columns(mine[name].alias(f"by_{name}") for name in groups if name in mine)


def _events(lots: pl.DataFrame) -> pl.DataFrame:
    """Turn lots into events: an entry pays its fee, an exit realises and pays its own, an unknown lot counts."""
    closed = pl.col("exit_kind") != "open"
    settled_fees = (
        pl.when(closed).then(pl.col("net_pnl_cents").is_not_null()).otherwise(pl.col("entry_fee_cents").is_not_null())
    )
    known = pl.col("complete") & settled_fees
    groups = [name for name in lots.columns if name.startswith("by_")]
    amount, realized = pl.col("quantity"), pl.col("realized_pnl_cents")
    won = (pl.col("net_pnl_cents") > 0).cast(pl.Int64)
    one, none = pl.lit(1, pl.Int64), pl.lit(0, pl.Int64)

    def event(at: pl.Expr, gain: pl.Expr, fee: pl.Expr, size: pl.Expr, counts: Sequence[pl.Expr]) -> list[pl.Expr]:
        values = (money.wide_units(gain), money.wide_units(fee), money.wide_units(size), *counts)
        names = ("realized", "fee", "quantity", "lots", "wins", "unknown_lots")
        return [*map(pl.col, groups), at.alias("at"), *(v.alias(n) for v, n in zip(values, names, strict=True))]

    no_money, no_size = pl.lit(0, money.MONEY), pl.lit(0, money.QUANTITY)
    entry_fee, exit_fee = pl.col("entry_fee_cents"), pl.col("exit_fee_cents")
    opened_at, closed_at = pl.col("opened_at"), pl.col("closed_at")
    entries = lots.filter(known).select(event(opened_at, no_money, entry_fee, no_size, (none, none, none)))
    exits = lots.filter(known & closed).select(event(closed_at, realized, exit_fee, amount, (one, won, none)))
    last_at = pl.coalesce(closed_at, opened_at)
    unknown = lots.filter(~known).select(event(last_at, no_money, no_money, no_size, (none, none, one)))
    return pl.concat([entries, exits, unknown]).rename({name: name.removeprefix("by_") for name in groups})


def _add_up(events: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    """Sum the events of each group; a group without any known event has no sums."""
    keyed = events.with_columns(pl.lit(0, pl.Int8).alias("all"))
    some = (pl.col("unknown_lots") == 0).any()
    gain, fee = pl.col("realized").sum(), pl.col("fee").sum()
    summed = keyed.group_by(groups or ["all"]).agg(
        pl.when(some).then(gain).alias("_realized"),
        pl.when(some).then(fee).alias("_fee"),
        *(pl.col(name).sum().alias(f"_{name}") for name in (*_COUNTS, "wins")),
    )
    total = pl.col("_lots")
    return summed.sort(groups or ["all"], nulls_last=True).select(
        *groups,
        money.money(pl.col("_realized")).alias("realized_pnl_cents"),
        money.money(pl.col("_fee")).alias("fee_cents"),
        money.money(pl.col("_realized") - pl.col("_fee")).alias("net_pnl_cents"),
        money.quantity(pl.col("_quantity")).alias("quantity"),
        total.alias("lots"),
        pl.col("_unknown_lots").alias("unknown_lots"),
        (pl.col("_wins") / pl.when(total > 0).then(total)).alias("win_ratio"),
    )
