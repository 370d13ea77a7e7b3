"""Sync what has a time: fills and settlements, live first, then up to where the archive begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from kalshi_portfolio.errors import NotFoundError, PermissionDeniedError
from kalshi_portfolio.parse import parse_times
from kalshi_portfolio.store import covered, gaps, union
from kalshi_portfolio.sync.windowed import read_windows
from kalshi_portfolio.sync.windows import BEGINNING

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
    log = run.store.coverage_log([table])
    start = run.since or BEGINNING
    again = (max(run.now - run.overlap, start), run.now)
    return {
        number: union([*gaps(covered(log, table.name, subaccount=run.number(number)), start, run.now), again])
        for number in run.subaccounts
    }


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
