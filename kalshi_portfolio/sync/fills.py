"""Sync the fills: the live tier, then the historical one up to its cutoff."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kalshi_portfolio.errors import NotFoundError, PermissionDeniedError
from kalshi_portfolio.parse import parse_fills
from kalshi_portfolio.schema import FILLS
from kalshi_portfolio.store import union
from kalshi_portfolio.sync.history import Read, archived_unread, cutoffs, missing, read_live, recalled
from kalshi_portfolio.sync.nameless import forget
from kalshi_portfolio.sync.windowed import Reading, read_windows
from kalshi_portfolio.sync.windows import BEGINNING, clip

if TYPE_CHECKING:
    from datetime import date, datetime

    from kalshi_portfolio.sync.run import Run
    from kalshi_portfolio.sync.windows import Window

LIVE = Reading(FILLS, "fills", "live", parse_fills)
HISTORICAL = Reading(FILLS, "historical_fills", "historical", parse_fills)

_DAY = timedelta(days=1)
_TICKERS_AT_ONCE = 100


class FillSync:
    """Reads every fill that is not covered yet, and the overlap once more.

    Rows move from the live tier to the historical one. So the live tier is read to its last page first, then the
    cutoff, then the historical tier up to the cutoff and a day: what moves in between comes twice, not never. Of
    what was read live, only the part after the cutoff counts as covered.
    """

    def __init__(self, run: Run) -> None:
        run.tally("fills")
        self._run = run
        self._wanted = missing(run, FILLS)
        self._from = BEGINNING
        self._read: list[Read] = []

    async def read_live(self) -> None:
        """Read the live tier, from a day before the last cutoff known on."""
        run = self._run
        known = recalled(run).fills
        if known is None and (first := await cutoffs(run)):
            known = first.fills
        self._from = BEGINNING if known is None else known - _DAY
        self._read = await read_live(run, LIVE, self._clipped(self._from, run.now))

    async def read_archive(self, cutoff: datetime | None) -> None:
        """Log what the live tier covered, and read the archive up to the cutoff that was read after it.

        Args:
            cutoff: Where the live tier begins; None: it has everything.
        """
        run, begins = self._run, cutoff or BEGINNING
        if begins < self._from:  # the exchange took rows back from its archive: rare, and allowed
            self._read += await read_live(run, LIVE, self._clipped(begins, self._from))
        self._log_live(self._read, begins, cutoff)
        unread = {} if run.mending else archived_unread(run, begins)
        archived = {
            number: union([*windows, *unread.get(number, [])])
            for number, windows in self._clipped(BEGINNING, begins).items()
        }
        whole = [await _read_archive(run, number, windows, begins) for number, windows in archived.items() if windows]
        if whole:
            await _read_taken_back(run, archived, begins)
        if all(whole):
            run.flush()
            forget(run, FILLS)

    def _log_live(self, reads: list[Read], begins: datetime, cutoff: datetime | None) -> None:
        for read in reads:
            for part in clip([read.window], begins, self._run.now):
                self._run.log("fills", "live", self._run.number(read.subaccount), part, cutoff=cutoff, found=read.found)

    def _clipped(self, start: datetime, end: datetime) -> dict[int | None, list[Window]]:
        return {number: clip(windows, start, end) for number, windows in self._wanted.items()}


async def _read_archive(run: Run, number: int | None, windows: list[Window], cutoff: datetime) -> bool:
    """Read the archive, and say whether it could be read."""

    def done(window: Window, found: dict[date, int]) -> None:
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
        return False
    return True


async def _read_taken_back(run: Run, archived: dict[int | None, list[Window]], cutoff: datetime) -> None:
    """Read live what the exchange took back from its archive while that was read."""
    line = await cutoffs(run)
    if line is not None and (begins := line.fills or BEGINNING) < cutoff:
        await read_live(run, LIVE, {number: clip(windows, begins, cutoff) for number, windows in archived.items()})


async def read_fills_of(run: Run, number: int | None, tickers: list[str]) -> None:
    """Read some markets' fills again, in both tiers and without limits of time."""
    for start in range(0, len(tickers), _TICKERS_AT_ONCE):
        pages = await run.bodies("fills", ticker=tickers[start : start + _TICKERS_AT_ONCE], subaccount=number)
        run.keep(FILLS, parse_fills(pages, run.source("live", number)))
    for ticker in tickers:
        try:
            pages = await run.bodies("historical_fills", ticker=ticker, subaccount=number)
        except (NotFoundError, PermissionDeniedError):
            return
        run.keep(FILLS, parse_fills(pages, run.source("historical", number)))
