"""Sync the markets that the account ever traded: titles, results, payouts, quotes of what is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from kalshi_portfolio.errors import NotFoundError, PermissionDeniedError
from kalshi_portfolio.parse import Parsed, parse_events, parse_markets
from kalshi_portfolio.schema import FILLS, MARKETS, SETTLEMENTS, SNAPSHOTS
from kalshi_portfolio.sync.run import all_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kalshi_portfolio.sync.run import Run

_BATCH = 100
_EVENT_COLUMNS = ("event_title", "series_ticker", "category", "collateral_return_type", "mutually_exclusive")
_SINGLE_EVENTS = 200


async def sync_markets(run: Run, held: Iterable[str] = ()) -> pl.DataFrame:
    """Read what is not final yet of every market ever traded, and the events and series they belong to.

    Args:
        run: The run.
        held: Tickers of open positions: their quotes are read at each sync.

    Returns:
        The ``markets`` dataset after it, for marks.
    """
    run.tally("markets")
    known = run.store.read(MARKETS)
    fresh = await read_markets(run, _unfinished(run, known, set(held)))
    found = pl.concat([known, fresh]).unique("ticker", keep="last")
    described = await _with_events(run, fresh, found)
    run.keep(MARKETS, Parsed(described))
    return run.store.read(MARKETS)


def _unfinished(run: Run, known: pl.DataFrame, held: set[str]) -> list[str]:
    tickers = set(held)
    for table in (FILLS, SETTLEMENTS, SNAPSHOTS):
        tickers |= set(run.store.read(table, columns=["ticker"])["ticker"].unique().to_list())
    paid = (pl.col("status") == "finalized") & pl.col("result").is_not_null() & pl.col("yes_payout_cents").is_not_null()
    final = set(known.filter(paid, pl.col("event_ticker").is_not_null())["ticker"].to_list())
    return sorted((tickers - final) | held)


async def read_markets(run: Run, tickers: list[str]) -> pl.DataFrame:
    """Read some markets, from the live tier and those missing there from the archive.

    Returns:
        One row per market that was found, conforming to ``schema.MARKETS``, without event and series.
    """
    frames = [MARKETS.empty()]
    left = tickers
    for endpoint, tier in (("markets", "live"), ("historical_markets", "historical")):
        frames.append(await _batches(run, endpoint, tier, left))
        there = set(frames[-1]["ticker"].to_list())
        left = [ticker for ticker in left if ticker not in there]
    if left:
        shown = ", ".join(left[:3]) + (", ..." if len(left) > 3 else "")  # noqa: PLR2004
        run.warn(f"The exchange lists {len(left)} of the traded markets no longer or not yet: {shown}.")
    return pl.concat(frames)


async def _batches(run: Run, endpoint: str, tier: str, tickers: list[str]) -> pl.DataFrame:
    frames = [MARKETS.empty()]

    async def read(batch: list[str]) -> None:
        try:
            pages = await run.bodies(endpoint, tickers=",".join(batch))
        except (NotFoundError, PermissionDeniedError) as error:
            run.warn(f"Markets could not be read ({error.endpoint} answered {error.status}).")
            return
        parsed = parse_markets(pages, run.source(tier))
        run.keep(MARKETS, Parsed(MARKETS.empty(), parsed.set_aside))
        frames.append(parsed.frame.filter(pl.col("ticker").is_in(batch)))

    await all_of(read(tickers[start : start + _BATCH]) for start in range(0, len(tickers), _BATCH))
    return pl.concat(frames)


async def _with_events(run: Run, fresh: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Add what the markets of each event share; events and series that are known already are not asked for again."""
    wanted = set(fresh["event_ticker"].drop_nulls().to_list())
    described = found.filter(pl.col("series_ticker").is_not_null())
    events = described.select("event_ticker", *_EVENT_COLUMNS).unique("event_ticker")
    unknown = sorted(wanted - set(events["event_ticker"].to_list()))
    events = pl.concat([events, await _read_events(run, unknown)]).unique("event_ticker", keep="last")
    series = described.select("series_ticker", "series_title", pl.col("category").alias("named")).unique(
        "series_ticker"
    )
    known_series = set(series.drop_nulls("series_title")["series_ticker"].to_list())
    new_series = await _read_series(run, sorted(set(events["series_ticker"].drop_nulls().to_list()) - known_series))
    series = pl.concat([series.filter(pl.col("series_ticker").is_in(known_series)), new_series])
    joined = fresh.drop(*_EVENT_COLUMNS, "series_title").join(events, on="event_ticker", how="left")
    joined = joined.join(series, on="series_ticker", how="left")
    return MARKETS.conform(joined.with_columns(category=pl.coalesce("named", "category")))


async def _read_events(run: Run, tickers: list[str]) -> pl.DataFrame:
    frames = [parse_events([], run.source()).frame]

    async def read(batch: list[str]) -> None:
        pages = await run.bodies("events", tickers=",".join(batch))
        frames.append(parse_events(pages, run.source()).frame)

    await all_of(read(tickers[start : start + _BATCH]) for start in range(0, len(tickers), _BATCH))
    there = {ticker for frame in frames for ticker in frame["event_ticker"].to_list()}
    # The list leaves out combos, which are asked for one by one.
    singles = [ticker for ticker in tickers if ticker not in there][:_SINGLE_EVENTS]

    async def read_one(ticker: str) -> None:
        try:
            answer = await run.client.get_event(ticker)
        except (NotFoundError, PermissionDeniedError):
            return
        body = msgspec.json.encode({"events": [answer.get("event")]})
        frames.append(parse_events([body], run.source()).frame)

    await all_of(read_one(ticker) for ticker in singles)
    return pl.concat(frames).select("event_ticker", *_EVENT_COLUMNS)


async def _read_series(run: Run, tickers: list[str]) -> pl.DataFrame:
    rows: list[dict[str, str | None]] = []

    async def read(ticker: str) -> None:
        try:
            series = (await run.client.get_series(ticker)).get("series")
        except (NotFoundError, PermissionDeniedError):
            return
        if isinstance(series, dict):
            texts = {name: value if isinstance(value, str) else None for name, value in series.items()}
            rows.append({"series_ticker": ticker, "series_title": texts.get("title"), "named": texts.get("category")})

    await all_of(read(ticker) for ticker in tickers)
    return pl.DataFrame(rows, schema={"series_ticker": pl.String, "series_title": pl.String, "named": pl.String})
