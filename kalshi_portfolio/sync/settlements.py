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

READING = Reading(SETTLEMENTS, "settlements", "live", parse_settlements)


async def read_settlements(run: Run) -> list[Read]:
    """Read every settlement that is not covered yet, and the overlap once more."""
    run.tally("settlements")
    return await read_live(run, READING, missing(run, SETTLEMENTS))


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
