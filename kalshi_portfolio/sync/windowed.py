"""Read a dataset over windows of time, store it, and only then log what is covered."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio.parse import Parsed
from kalshi_portfolio.sync.nameless import remember
from kalshi_portfolio.sync.run import Run, all_of
from kalshi_portfolio.sync.windows import split, widened

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from kalshi_portfolio.parse import Source
    from kalshi_portfolio.schema import Table
    from kalshi_portfolio.sync.windows import Window

_STRAIGHT_PAGES = 5
_FLUSH_PAGES = 20


@dataclass(frozen=True)
class Reading:
    """How one dataset is read from one tier.

    Attributes:
        table: The dataset.
        endpoint: The endpoint's name.
        tier: ``live`` or ``historical``.
        parse: What turns pages into rows.
    """

    table: Table
    endpoint: str
    tier: str
    parse: Callable[[list[bytes], Source], Parsed]


async def read_windows(
    run: Run,
    reading: Reading,
    subaccount: int | None,
    windows: list[Window],
    done: Callable[[Window, dict[date, int]], None],
) -> None:
    """Read windows to their last pages and store the rows.

    A window of more than a few pages is cut along the calendar, and its pieces are read a few at once: so an
    interrupted first sync goes on where it stopped. What was read before the cut is kept; it only repeats.

    Args:
        run: The run.
        reading: What to read.
        subaccount: Which subaccount to ask for; None asks without a number.
        windows: What to read.
        done: Called with each window, or piece of one, once its last page is read, with the rows per UTC date. What it
            logs is written at the next flush, after the rows.
    """
    for window in windows:
        pages, finished = await _first_pages(run, reading, subaccount, window)
        found = _store(run, reading, subaccount, window, pages)
        if finished:
            done(window, found)
        else:
            await all_of(_read_piece(run, reading, subaccount, piece, done) for piece in reversed(split(window)))


async def _first_pages(run: Run, reading: Reading, subaccount: int | None, window: Window) -> tuple[list[bytes], bool]:
    """Read a few pages; give them, and whether that was all."""
    pages: list[bytes] = []
    async with aclosing(run.pages(reading.endpoint, subaccount=subaccount, **_query(run, window))) as coming:
        async for page in coming:
            pages.append(page.body)
            if page.cursor and len(pages) >= _STRAIGHT_PAGES:
                return pages, False
    return pages, True


async def _read_piece(
    run: Run,
    reading: Reading,
    subaccount: int | None,
    window: Window,
    done: Callable[[Window, dict[date, int]], None],
) -> None:
    pages: list[bytes] = []
    found: Counter[date] = Counter()
    async with aclosing(run.pages(reading.endpoint, subaccount=subaccount, **_query(run, window))) as coming:
        async for page in coming:
            pages.append(page.body)
            if len(pages) >= _FLUSH_PAGES:
                found.update(_store(run, reading, subaccount, window, pages))
                pages = []
    found.update(_store(run, reading, subaccount, window, pages))
    done(window, dict(found))


def _query(run: Run, window: Window) -> dict[str, int | None]:
    query = widened(window)
    # The window that ends now stays open: what happened since is welcome, though not covered yet.
    return query | {"max_ts": None} if window[1] >= run.now else query


def _store(run: Run, reading: Reading, subaccount: int | None, window: Window, pages: list[bytes]) -> dict[date, int]:
    parsed = reading.parse(pages, run.source(reading.tier, subaccount))
    time = pl.col(reading.table.partition_by or "")
    inside = time >= window[0] if window[1] >= run.now else (time >= window[0]) & (time < window[1])
    frame = parsed.frame.filter(inside)
    if any(row.ticker is None for row in parsed.set_aside):
        remember(run, reading.table, subaccount, window)
    run.buffer(reading.table, Parsed(frame, parsed.set_aside))
    covered = frame.filter(time < window[1])
    days = covered.select(time.dt.date().alias("date")).group_by("date").len()
    return {day: int(rows) for day, rows in days.iter_rows()}
