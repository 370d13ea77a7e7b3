"""Sync the settlements. The exchange lists them for some weeks only, and has no archive of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kalshi_portfolio.parse import parse_settlements
from kalshi_portfolio.schema import SETTLEMENTS
from kalshi_portfolio.sync.fills import cutoffs, missing
from kalshi_portfolio.sync.windowed import Reading, read_windows
from kalshi_portfolio.sync.windows import BEGINNING, clip

if TYPE_CHECKING:
    from kalshi_portfolio.sync.run import Run
    from kalshi_portfolio.sync.windows import Window

READING = Reading(SETTLEMENTS, "settlements", "live", parse_settlements)


async def sync_settlements(run: Run) -> None:
    """Read every settlement that is not covered yet, and the overlap once more.

    What was settled before the exchange's cutoff is no longer listed: that stretch is logged as ``archived``, and
    markets in it are settled from their fills and results when they are read.
    """
    run.tally("settlements")
    finished: list[tuple[int | None, Window, dict[Any, int]]] = []
    for number in run.subaccounts:
        windows = missing(run, SETTLEMENTS, run.number(number))

        def done(window: Window, found: dict[Any, int], number: int | None = number) -> None:
            finished.append((number, window, found))

        await read_windows(run, READING, number, windows, done)
    cutoff = await cutoffs(run, "market_settled_ts") or BEGINNING
    for number, window, found in finished:
        for part in clip([window], BEGINNING, cutoff):
            run.log("settlements", "archived", run.number(number), part, cutoff=cutoff)
        for part in clip([window], cutoff, run.now):
            run.log("settlements", "live", run.number(number), part, cutoff=cutoff, found=found)
