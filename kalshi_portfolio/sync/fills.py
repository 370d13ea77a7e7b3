"""Sync the fills: the live tier, then the historical one up to its cutoff."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from kalshi_portfolio.errors import NotFoundError, PermissionDeniedError
from kalshi_portfolio.parse import parse_fills, parse_times
from kalshi_portfolio.schema import FILLS
from kalshi_portfolio.store import covered, gaps
from kalshi_portfolio.sync.windowed import Reading, read_windows
from kalshi_portfolio.sync.windows import BEGINNING, clip

if TYPE_CHECKING:
    from collections.abc import Callable

    from kalshi_portfolio.schema import Table
    from kalshi_portfolio.sync.run import Run
    from kalshi_portfolio.sync.windows import Window

LIVE = Reading(FILLS, "fills", "live", parse_fills)
HISTORICAL = Reading(FILLS, "historical_fills", "historical", parse_fills)

_CUTOFF = "fills_cutoff"
_DAY = timedelta(days=1)


async def sync_fills(run: Run) -> None:
    """Read every fill that is not covered yet, and the overlap once more.

    Rows move from the live tier to the historical one, never back. So the live tier is read to its last page first,
    then the cutoff, then the historical tier up to the cutoff and a day: what moves in between comes twice, not
    never. Of the live window, only the part after the cutoff counts as covered.
    """
    run.tally("fills")
    known = _recalled(run) or await cutoffs(run, "trades_created_ts")
    wanted = {number: missing(run, FILLS, run.number(number)) for number in run.subaccounts}
    pending: list[tuple[int | None, Window, dict[Any, int]]] = []
    for number, windows in wanted.items():
        since_cutoff = clip(windows, (known or BEGINNING + _DAY) - _DAY, run.now)
        await read_windows(run, LIVE, number, since_cutoff, _collect(pending, number))
    cutoff = await cutoffs(run, "trades_created_ts")
    for number, window, found in pending:
        for part in clip([window], cutoff or BEGINNING, run.now):
            run.log("fills", "live", run.number(number), part, cutoff=cutoff, found=found)
    if cutoff is not None:
        run.store.put_fact(_CUTOFF, cutoff.isoformat())
        for number, windows in wanted.items():
            await _read_archive(run, number, clip(windows, BEGINNING, cutoff), cutoff)


def missing(run: Run, table: Table, number: int) -> list[Window]:
    """Give the windows to read: what no sync has covered, and the overlap before now."""
    log = run.store.coverage_log([table])
    start = run.since or BEGINNING
    open_windows = gaps(covered(log, table.name, subaccount=number), start, run.now)
    again = (max(run.now - run.overlap, start), run.now)
    return _merged([*open_windows, again])


def _merged(windows: list[Window]) -> list[Window]:
    merged: list[Window] = []
    for start, end in sorted(windows):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


def _collect(
    into: list[tuple[int | None, Window, dict[Any, int]]], number: int | None
) -> Callable[[Window, dict[Any, int]], None]:
    return lambda window, found: into.append((number, window, found))


async def _read_archive(run: Run, number: int | None, windows: list[Window], cutoff: datetime) -> None:
    def done(window: Window, found: dict[Any, int]) -> None:
        for part in clip([window], BEGINNING, cutoff):
            run.log("fills", "historical", run.number(number), part, cutoff=cutoff, found=found)

    stretched = [(start, end + _DAY if end == cutoff else end) for start, end in windows]
    try:
        await read_windows(run, HISTORICAL, number, stretched, done)
    except (NotFoundError, PermissionDeniedError) as error:
        run.warn(
            f"The archive of fills could not be read ({error.endpoint} answered {error.status}): fills before "
            f"{cutoff:%Y-%m-%d} are missing. The next sync asks again."
        )


def _recalled(run: Run) -> datetime | None:
    text = run.store.get_fact(_CUTOFF)
    return datetime.fromisoformat(text) if isinstance(text, str) else None


async def cutoffs(run: Run, name: str) -> datetime | None:
    """Read where the live tier begins; None where the exchange has no archive."""
    try:
        answer = await run.client.get_historical_cutoff()
    except (NotFoundError, PermissionDeniedError):
        run.warn("The exchange gave no archive cutoff: only its live tier was read.")
        return None
    text = answer.get(name)
    found = parse_times(pl.Series([text if isinstance(text, str) else None], dtype=pl.String)).item()
    return found.astimezone(UTC) if isinstance(found, datetime) else None


async def read_fills_of(run: Run, number: int | None, tickers: list[str]) -> None:
    """Read some markets' fills again, in both tiers and without limits of time."""
    for start in range(0, len(tickers), 100):
        batch = ",".join(tickers[start : start + 100])
        pages = await run.bodies("fills", ticker=batch, subaccount=number)
        run.keep(FILLS, parse_fills(pages, run.source("live", number)))
    for ticker in tickers:
        try:
            pages = await run.bodies("historical_fills", ticker=ticker, subaccount=number)
        except (NotFoundError, PermissionDeniedError):
            return
        run.keep(FILLS, parse_fills(pages, run.source("historical", number)))
