"""Sync what has a time: fills and settlements, live first, then up to where the archive begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from kalshi_portfolio.errors import NotFoundError, PermissionDeniedError
from kalshi_portfolio.parse import parse_times
from kalshi_portfolio.schema import FILLS, SYNC_LOG, TIME
from kalshi_portfolio.store import covered, gaps, union
from kalshi_portfolio.sync.nameless import windows_to_read_again
from kalshi_portfolio.sync.windowed import read_windows
from kalshi_portfolio.sync.windows import BEGINNING, clip

if TYPE_CHECKING:
    from datetime import date

    from kalshi_portfolio.schema import Table
    from kalshi_portfolio.sync.run import Run
    from kalshi_portfolio.sync.windowed import Reading
    from kalshi_portfolio.sync.windows import Window

_CUTOFFS = "cutoffs"


@dataclass(frozen=True)
class Cutoffs:
    """Where the live tier begins; None: it reaches back to the beginning, or nobody knows."""

    fills: datetime | None = None
    settlements: datetime | None = None


@dataclass(frozen=True)
class Read:
    """A window that was read to its last page, and the rows that were found, per UTC date."""

    subaccount: int | None
    window: Window
    found: dict[date, int]


async def read_live(run: Run, reading: Reading, wanted: dict[int | None, list[Window]]) -> list[Read]:
    """Read windows of the live tier, of every subaccount, to their last pages.

    What they cover is known only when the cutoff is read afterwards: so nothing is logged yet.
    """
    done: list[Read] = []
    for number, windows in wanted.items():

        def finished(window: Window, found: dict[date, int], number: int | None = number) -> None:
            done.append(Read(number, window, found))

        await read_windows(run, reading, number, windows, finished)
    return done


def missing(run: Run, table: Table) -> dict[int | None, list[Window]]:
    """Give the windows to read of every subaccount: what no sync has covered, and the overlap before now."""
    log = _listed_again(run, run.store.coverage_log([table]))
    start = run.since or BEGINNING
    if run.mending:
        return {number: gaps(*_lost(run, log, table, run.number(number))) for number in run.subaccounts}
    again = (max(run.now - run.overlap, start), run.now)
    return {
        number: union([*not_covered(run, log, table, number), again, *windows_to_read_again(run, table, number)])
        for number in run.subaccounts
    }


def archived_unread(run: Run, cutoff: datetime) -> dict[int | None, list[Window]]:
    """Give what is not covered of the archive of fills: where no cutoff was known, the live tier told nothing of it."""
    log = run.store.coverage_log([FILLS]).filter(pl.col("cutoff").is_not_null())
    return {number: clip(not_covered(run, log, FILLS, number), BEGINNING, cutoff) for number in run.subaccounts}


def not_covered(run: Run, log: pl.DataFrame, table: Table, number: int | None) -> list[Window]:
    """Give what no sync has covered, of what is wanted."""
    return gaps(covered(log, table.name, subaccount=run.number(number)), run.since or BEGINNING, run.now)


def _listed_again(run: Run, log: pl.DataFrame) -> pl.DataFrame:
    """Take back that settlements were archived where the exchange has moved its cutoff back before them."""
    line = recalled(run).settlements
    if line is None:
        return log
    until = pl.when(pl.col("tier") == "archived").then(pl.min_horizontal("window_to", pl.lit(line, TIME)))
    return log.with_columns(window_to=until.otherwise("window_to"))


def _lost(run: Run, log: pl.DataFrame, table: Table, number: int) -> tuple[list[Window], datetime, datetime]:
    """Give what is covered still, and the stretch that was covered once; all time where nobody knows any more."""
    once = covered(run.store.read(SYNC_LOG), table.name, subaccount=number)
    start, end = min((w[0] for w in once), default=BEGINNING), max((w[1] for w in once), default=run.now)
    return covered(log, table.name, subaccount=number), max(start, run.since or BEGINNING), end


def uncovered(run: Run, table: Table) -> dict[int, list[Window]]:
    """Give what is not covered of the whole time until now, of every subaccount."""
    log = run.store.coverage_log([table])
    numbers = map(run.number, run.subaccounts)
    return {number: gaps(covered(log, table.name, subaccount=number), BEGINNING, run.now) for number in numbers}


async def cutoffs(run: Run) -> Cutoffs | None:
    """Read where the live tier begins now.

    Returns:
        The cutoffs. None: the exchange would not say, although it did before; then nothing is known to be complete.
    """
    known = recalled(run)
    try:
        answer = await run.client.get_historical_cutoff()
    except (NotFoundError, PermissionDeniedError) as error:
        if known == Cutoffs():
            run.warn("The exchange gave no archive cutoff: only its live tier was read.")
            return known
        run.warn(
            f"Where the archive begins could not be read ({error.endpoint} answered {error.status}): what was read "
            "is stored, and the next sync reads it again."
        )
        return None
    fills, settlements = _time(answer.get("trades_created_ts")), _time(answer.get("market_settled_ts"))
    if fills is None and known.fills is not None:
        run.warn("The exchange no longer says where the archive begins: the next sync reads the same again.")
        return None
    found = Cutoffs(fills, settlements or known.settlements)
    if found != known:
        texts = {"fills": found.fills, "settlements": found.settlements}
        run.store.put_fact(_CUTOFFS, {name: at.isoformat() for name, at in texts.items() if at})
    return found


def recalled(run: Run) -> Cutoffs:
    """Give the cutoffs of the last sync."""
    known = run.store.get_fact(_CUTOFFS)
    texts = known if isinstance(known, dict) else {}
    return Cutoffs(_time(texts.get("fills")), _time(texts.get("settlements")))


def _time(text: Any) -> datetime | None:
    found = parse_times(pl.Series([text if isinstance(text, str) else None], dtype=pl.String)).item()
    return found.astimezone(UTC) if isinstance(found, datetime) else None
