"""Sync the settlements. The exchange lists them for some weeks only, and has no archive of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kalshi_portfolio.parse import parse_settlements
from kalshi_portfolio.schema import SETTLEMENTS
from kalshi_portfolio.sync.history import Read, missing, read_live
from kalshi_portfolio.sync.windowed import Reading
from kalshi_portfolio.sync.windows import BEGINNING, clip

if TYPE_CHECKING:
    from datetime import datetime

    from kalshi_portfolio.sync.run import Run

_ONE_BY_ONE = 20
READING = Reading(SETTLEMENTS, "settlements", "live", parse_settlements)


async def read_settlements(run: Run) -> list[Read]:
    """Read every settlement that is not covered yet, and the overlap once more."""
    run.tally("settlements")
    return await read_live(run, READING, missing(run, SETTLEMENTS))


async def read_set_aside(run: Run) -> None:
    """Ask again for the settlements that did not fit in earlier syncs.

    Once their window is covered, no other reading brings them.
    """
    known = {run.number(number): number for number in run.subaccounts}
    rows, seen = run.store.quarantined(SETTLEMENTS.name), run.seen_aside(SETTLEMENTS)
    aside = [row for row in rows if run.number(row.subaccount) in known and row.digest not in seen]
    asked: set[tuple[int, str | None]] = {
        (run.number(row.subaccount), row.ticker) for row in aside if row.ticker is not None
    }
    if len(asked) > _ONE_BY_ONE:  # then rather all of them
        asked = {(number, None) for number, _ in asked}
    good: set[tuple[int, str]] = set()
    bad: set[str] = set()
    for number, ticker in sorted(asked, key=str):
        pages = await run.bodies("settlements", subaccount=known[number], ticker=ticker)
        parsed = parse_settlements(pages, run.source("live", known[number]))
        run.keep(SETTLEMENTS, parsed)
        good |= {(number, found) for found in parsed.frame["ticker"]}
        bad |= {row.digest for row in parsed.set_aside}
    mended = [row for row in aside if (run.number(row.subaccount), row.ticker) in good and row.digest not in bad]
    if mended:
        run.store.release(SETTLEMENTS.name, [row.digest for row in mended])


def log_settlements(run: Run, done: list[Read], cutoff: datetime | None) -> None:
    """Log what was read, by the cutoff that was read after it.

    What was settled before the cutoff is listed as long as its event has a younger market, if at all: that stretch
    is logged as ``archived``, and markets in it are settled from their fills and results when they are read.
    """
    begins = cutoff or BEGINNING
    for read in done:
        for tier, start, end in (("archived", BEGINNING, begins), ("live", begins, run.now)):
            for part in clip([read.window], start, end):
                run.log("settlements", tier, run.number(read.subaccount), part, cutoff=cutoff, found=read.found)
