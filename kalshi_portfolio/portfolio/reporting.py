"""The report of a portfolio: computes the frames, each once, has the page written, and puts it in place."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import pnl as profit
from kalshi_portfolio import report
from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.portfolio import clock, shown
from kalshi_portfolio.portfolio.coverage import coverage_of
from kalshi_portfolio.portfolio.filters import bounds
from kalshi_portfolio.portfolio.linked import check_method
from kalshi_portfolio.schema import LOTS, MARKETS, POSITIONS, TRANSFERS

if TYPE_CHECKING:
    from kalshi_portfolio.portfolio.reported import Sources

MOST_NAMED = 20
"""How many of the best, and of the worst, positions are listed."""
MOST_HELD = 500
"""How many open positions are listed; more are summed up, since a page of thousands opens slowly on a phone."""

_MOST_FAILURES = 25
_LINE, _AREA, _BARS = 1500, 270, 62
"""How many periods a line, an area and columns show at most."""
_LONG = ("1mo", "1q", "1y")
_HELD = pl.col("status") == "open"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a report is to be of.

    Attributes:
        tz: The time zone of days and times.
        method: ``fifo`` or ``average``.
        mark: ``bid``, ``mid`` or ``last``.
        since: The first day; None for the beginning.
        until: The day after the last; None for no end.
    """

    tz: str
    method: str
    mark: str
    since: date | None
    until: date | None

    def instants(self) -> tuple[datetime | None, datetime | None]:
        """Give the instants at which the first day begins, and the last one ends."""
        return bounds(self.since, self.until, self.tz)


def choices(*, tz: str, method: str, mark: str, since: date | str | None, until: date | str | None) -> Choices:
    """Read what a report is to be of.

    Raises:
        ArgumentError: A zone, a method, a mark or a day is none, or the end lies before the start.
    """
    check_method(method)
    profit.pnl(LOTS.empty(), MARKETS.empty(), tz=tz)  # refuses an unknown zone
    profit.mark(POSITIONS.empty(), MARKETS.empty(), mark)  # refuses an unknown mark
    first, end = _day(since, "since"), _day(until, "until")
    if first is not None and end is not None and end < first:
        raise ArgumentError(f"until={until} lies before since={since}.")
    return Choices(tz, method, mark, first, end)


def _day(bound: date | str | None, name: str) -> date | None:
    if isinstance(bound, str):
        with suppress(ValueError):
            return date.fromisoformat(bound.strip())
    elif bound is None or type(bound) is date:  # a datetime is one, too, and says more than a day
        return bound
    raise ArgumentError(
        f"{name}={bound!r} is no day. A report is of whole days: expected one such as '2026-01-31', or a datetime.date."
    )


def written(sources: Sources, chosen: Choices) -> str:
    """Compute all that a report shows, and write its page."""
    matched = sources.linked.lots if chosen.method == "fifo" else sources.linked.disposals
    unmarked = sources.linked.positions if chosen.method == "fifo" else sources.linked.average_positions
    start, end = chosen.instants()
    positions = profit.of_period(profit.mark(unmarked, sources.markets, chosen.mark), since=start, until=end)
    return report.page(
        report.Contents(
            facts=_facts(sources, chosen),
            course=_course(sources, chosen, matched, positions),
            profit=_profit(sources, chosen, matched),
            ended=_ended(positions),
            held=_held(sources, chosen, positions),
            checked=_checked(sources),
        )
    )


def _facts(sources: Sources, chosen: Choices) -> report.Facts:
    look = sources.look
    return report.Facts(
        environment=sources.store.mark.environment,
        made_at=clock.now(),
        tz=chosen.tz,
        method=chosen.method,
        mark=chosen.mark,
        since=chosen.since,
        until=chosen.until,
        fills=look.fills,
        as_of=look.as_of,
        last_sync=look.last_sync,
        quoted_at=look.quoted_at,
        waiting=look.waiting,
        missing=look.missing,
        quarantined=look.quarantined,
    )


def _course(sources: Sources, chosen: Choices, matched: pl.DataFrame, positions: pl.DataFrame) -> report.Course:
    transfers = sources.store.read(TRANSFERS)
    start, end = chosen.instants()

    def course(freq: str) -> pl.DataFrame:
        return profit.equity(matched, transfers, freq=freq, tz=chosen.tz, since=start, until=end)

    days = course("1d")
    freq = _fitting(days, _LINE)
    applied = pl.coalesce("finalized_at", "created_at")
    after = pl.lit(value=True) if start is None else applied >= start
    before = pl.lit(value=True) if end is None else applied < end
    return report.Course(
        summary=profit.summary(positions, days, transfers.filter(after & before), as_of=sources.look.as_of),
        line=days if freq == "1d" else course(freq),
        freq=freq,
        by_month=course("1mo"),
    )


def _fitting(frame: pl.DataFrame, most: int) -> str:
    first, last = frame["period"].min(), frame["period"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return "1d"
    return profit.fitting_freq(first, last, most=most)


def _profit(sources: Sources, chosen: Choices, matched: pl.DataFrame) -> report.Profit:
    start, end = chosen.instants()

    def table(by: str | tuple[str, ...] = (), freq: str | None = None) -> pl.DataFrame:
        return profit.pnl(matched, sources.markets, by=by, freq=freq, tz=chosen.tz, since=start, until=end)

    days, months = table(freq="1d"), table(freq="1mo")
    fitting = _fitting(months, _BARS)
    freq = fitting if fitting in _LONG else _LONG[0]
    periods = months if freq == _LONG[0] else table(freq=freq)
    return report.Profit(
        total=table(),
        days=days,
        calendar=profit.calendar(days),
        months=months,
        bars=profit.stacked(periods, (), freq),
        fee_bars=profit.stacked(periods, (), freq, value="fee_cents"),
        bars_freq=freq,
        categories=profit.ranked(table("category"), "category"),
        series=profit.ranked(table("series_ticker"), "series_ticker"),
        makers=table("is_taker"),
    )


def _ended(positions: pl.DataFrame) -> report.Ended:
    return report.Ended(
        count=positions.filter(~_HELD).height,
        best=profit.best(positions, MOST_NAMED),
        worst=profit.worst(positions, MOST_NAMED),
        outcomes=profit.histogram(positions),
        unknown=profit.unknown_positions(positions),
    )


def _held(sources: Sources, chosen: Choices, positions: pl.DataFrame) -> report.Held:
    start, end = chosen.instants()

    def exposure(freq: str, by: str | tuple[str, ...] = ()) -> pl.DataFrame:
        lots = sources.linked.lots
        return profit.exposure(lots, sources.markets, by=by, freq=freq, tz=chosen.tz, since=start, until=end)

    freq = _fitting(exposure("1d"), _AREA)
    frame = exposure(freq, "category")
    last = frame.filter(pl.col("period") == pl.col("period").max())
    held = profit.largest_held(positions)
    return report.Held(
        rows=held.head(MOST_HELD),
        total=profit.held_sums(held),
        rest=profit.held_sums(held.slice(MOST_HELD)),
        exposure=frame,
        freq=freq,
        unknown=profit.unknown_lots(last),
    )


def _checked(sources: Sources) -> report.Checked:
    checks = sources.checks
    covered = coverage_of(sources.store)
    return report.Checked(
        verdict=shown.verdict(checks),
        counts=tuple(shown.agreeing(checks)),
        failures=tuple((name, tuple(rows)) for name, rows in shown.differing(checks, _MOST_FAILURES)),
        failed=checks.filter(~pl.col("ok")).height,
        covered=shown.whole(covered),
        coverage=tuple(shown.covered(covered)),
    )
