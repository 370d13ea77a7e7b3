"""What a report is made of: frames that others have computed, and facts about them.

Money is in cents. Frames are as their makers in :mod:`kalshi_portfolio.pnl` give them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

    import polars as pl


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report is of, and what is missing.

    Attributes:
        environment: Where the data come from.
        made_at: When the report is made.
        tz: The time zone of all days and times.
        method: ``fifo`` or ``average``.
        mark: ``bid``, ``mid`` or ``last``.
        since: The first day; None for the beginning.
        until: The day after the last; None for no end.
        fills: How many fills there are in all.
        as_of: Up to when the fills of every subaccount are complete; None where some are missing.
        last_sync: When the last sync ended; None before the first.
        quoted_at: When the oldest quote of what is held was read.
        waiting: Datasets that no sync has read.
        missing: Datasets of which a stretch of time is missing.
        quarantined: Rows that did not fit.
    """

    environment: str
    made_at: datetime
    tz: str
    method: str
    mark: str
    since: date | None
    until: date | None
    fills: int
    as_of: datetime | None
    last_sync: datetime | None
    quoted_at: datetime | None
    waiting: tuple[str, ...]
    missing: tuple[str, ...]
    quarantined: int

    @property
    def whole(self) -> bool:
        """Whether the report is of the account's whole life."""
        return self.since is None and self.until is None


@dataclass(frozen=True, slots=True)
class Course:
    """How the account went.

    Attributes:
        summary: The row of ``schema.SUMMARY``: of the positions that ended in this time, and of those held now.
        line: The running net P&L.
        freq: The length of its periods.
        by_month: The same by month.
    """

    summary: pl.DataFrame
    line: pl.DataFrame
    freq: str
    by_month: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Profit:
    """P&L by group and period.

    Attributes:
        total: Without groups.
        days: By day.
        calendar: The days, laid out.
        months: By month.
        bars: For a chart, by periods of ``bars_freq``.
        fee_bars: The same, of fees.
        bars_freq: The length of those periods.
        categories: By category, ranked.
        series: By series, ranked.
        makers: By maker and taker.
    """

    total: pl.DataFrame
    days: pl.DataFrame
    calendar: pl.DataFrame
    months: pl.DataFrame
    bars: pl.DataFrame
    fee_bars: pl.DataFrame
    bars_freq: str
    categories: pl.DataFrame
    series: pl.DataFrame
    makers: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Ended:
    """The positions that ended in this time.

    Attributes:
        count: How many.
        best: Those that gained most.
        worst: Those that lost most.
        outcomes: How their outcomes are spread.
        unknown: How many have no known net P&L.
    """

    count: int
    best: pl.DataFrame
    worst: pl.DataFrame
    outcomes: pl.DataFrame
    unknown: int


@dataclass(frozen=True, slots=True)
class Held:
    """The positions that are open now, and the money at work over time.

    Attributes:
        rows: The largest of them.
        total: The sums of all of them.
        rest: The sums of those that are not among the rows.
        exposure: Cost of what was held, by category.
        freq: The length of its periods.
        unknown: Lots held now that it leaves out.
    """

    rows: pl.DataFrame
    total: pl.DataFrame
    rest: pl.DataFrame
    exposure: pl.DataFrame
    freq: str
    unknown: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What the figures rest on, in words.

    Attributes:
        verdict: How the comparison with the exchange ended.
        counts: Per check its name, how many agree, and a note.
        failures: Per check that fails its name, and the rows: market, figures, cause.
        failed: How many checks differ.
        covered: Of all datasets: whether something is missing.
        coverage: Per dataset its name, state and stretches.
    """

    verdict: str
    counts: tuple[tuple[str, str, str], ...]
    failures: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]
    failed: int
    covered: str
    coverage: tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a report shows."""

    facts: Facts
    course: Course
    profit: Profit
    ended: Ended
    held: Held
    checked: Checked
