"""Sync the markets that the account ever traded: titles, results, payouts, quotes of what is held."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio.errors import NotFoundError, PermissionDeniedError
from kalshi_portfolio.parse import Parsed, parse_markets
from kalshi_portfolio.schema import FILLS, MARKETS, SETTLEMENTS, SNAPSHOTS
from kalshi_portfolio.sync.events import Absent, describe
from kalshi_portfolio.sync.run import all_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kalshi_portfolio.sync.run import Run

_BATCH = 100
_AT_ONCE = 2_000
_SHOWN = 3
_ABSENT = "absent"
_ABSENT_KEPT = timedelta(days=1)


async def sync_markets(run: Run, held: Iterable[str] = ()) -> pl.DataFrame:
    """Read what is not final yet of every market ever traded, and the events and series they belong to.

    Args:
        run: The run.
        held: Tickers of open positions: their quotes are read at each sync.

    Returns:
        The ``markets`` dataset after it, for marks.
    """
    run.tally("markets")
    absent = _recalled(run)
    before = absent.copy()
    tickers = _unfinished(run, set(held), absent)
    for start in range(0, len(tickers), _AT_ONCE):
        chunk = tickers[start : start + _AT_ONCE]
        fresh, unread = await read_markets(run, chunk)
        found = set(fresh["ticker"].to_list())
        aside = {row.ticker for row in run.store.quarantined(MARKETS.name)}
        absent.markets = (absent.markets | set(chunk)) - found - aside - unread
        run.keep(MARKETS, Parsed(await describe(run, fresh, run.stored(MARKETS), absent)))
    run.release_unseen(MARKETS)
    if absent.markets:
        shown = ", ".join(sorted(absent.markets)[:_SHOWN]) + (", ..." if len(absent.markets) > _SHOWN else "")
        run.warn(f"The exchange lists {len(absent.markets)} of the traded markets no longer or not yet: {shown}.")
    if absent != before:
        run.store.put_fact(_ABSENT, {"at": run.now.isoformat(), **absent.as_lists()} if absent.any() else None)
    return run.stored(MARKETS)


def _recalled(run: Run) -> Absent:
    """Give what the exchange did not have when it was asked today: it need not be asked again at each sync."""
    known = run.store.get_fact(_ABSENT)
    try:
        if known is not None and abs(run.now - datetime.fromisoformat(known["at"])) < _ABSENT_KEPT:
            return Absent(set(known["markets"]), set(known["events"]), set(known["series"]))
    except (KeyError, TypeError, ValueError):
        pass  # somebody edited the file: ask again
    return Absent()


def _unfinished(run: Run, held: set[str], absent: Absent) -> list[str]:
    tickers = set(held)
    for table in (FILLS, SETTLEMENTS, SNAPSHOTS):
        tickers |= set(run.stored(table)["ticker"].unique().to_list())
    paid = (pl.col("status") == "finalized") & pl.col("result").is_not_null() & pl.col("yes_payout_cents").is_not_null()
    known = pl.col("series_ticker", "event_title").is_not_null()
    placed = pl.all_horizontal(known) | pl.col("event_ticker").is_in(list(absent.events))
    unknown = pl.col("series_ticker").is_in(list(absent.series)).fill_null(value=True)
    named = pl.col("series_title").is_not_null() | unknown
    final = set(run.stored(MARKETS).filter(paid, placed, named, pl.col("title").is_not_null())["ticker"].to_list())
    return sorted((tickers - final - absent.markets) | held)


async def read_markets(run: Run, tickers: list[str]) -> tuple[pl.DataFrame, set[str]]:
    """Read some markets, from the live tier and those missing there from the archive.

    Returns:
        One row per market that was found, conforming to ``schema.MARKETS``, without event and series; and the
        tickers of which it is not known whether the exchange has them, because an answer was refused or had a row
        without a ticker.
    """
    frames = [MARKETS.empty()]
    unread: set[str] = set()
    left = tickers
    for endpoint, tier in (("markets", "live"), ("historical_markets", "historical")):
        frames.append(await _batches(run, endpoint, tier, left, unread))
        there = set(frames[-1]["ticker"].to_list())
        left = [ticker for ticker in left if ticker not in there]
    return pl.concat(frames), unread


async def _batches(run: Run, endpoint: str, tier: str, tickers: list[str], unread: set[str]) -> pl.DataFrame:
    frames = [MARKETS.empty()]

    async def read(batch: list[str]) -> None:
        try:
            pages = await run.bodies(endpoint, tickers=batch)
        except (NotFoundError, PermissionDeniedError) as error:
            run.warn(f"Markets could not be read ({error.endpoint} answered {error.status}).")
            unread.update(batch)
            return
        parsed = parse_markets(pages, run.source(tier))
        if parsed.set_aside:
            run.keep(MARKETS, Parsed(MARKETS.empty(), parsed.set_aside))
        if any(row.ticker is None for row in parsed.set_aside):
            unread.update(batch)
        frames.append(parsed.frame.filter(pl.col("ticker").is_in(batch)))

    await all_of(read(tickers[start : start + _BATCH]) for start in range(0, len(tickers), _BATCH))
    return pl.concat(frames).unique("ticker", keep="last", maintain_order=True)
