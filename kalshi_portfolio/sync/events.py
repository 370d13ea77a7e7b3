"""Read the events and series that markets belong to, each once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from kalshi_portfolio.errors import NotFoundError, PermissionDeniedError
from kalshi_portfolio.parse import parse_events
from kalshi_portfolio.schema import MARKETS
from kalshi_portfolio.sync.run import all_of

if TYPE_CHECKING:
    from kalshi_portfolio.errors import ApiError
    from kalshi_portfolio.sync.run import Run

_BATCH = 100
_EVENT_COLUMNS = ("event_title", "series_ticker", "category", "collateral_return_type", "mutually_exclusive")


@dataclass
class Absent:
    """What the exchange does not have, or does not give."""

    markets: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    series: set[str] = field(default_factory=set)

    def copy(self) -> Absent:
        """Give the same, to be changed apart."""
        return replace(self, markets=set(self.markets), events=set(self.events), series=set(self.series))

    def any(self) -> bool:
        """Say whether anything is absent."""
        return bool(self.markets or self.events or self.series)

    def as_lists(self) -> dict[str, list[str]]:
        """Give it in a form that JSON can hold."""
        return {name: sorted(getattr(self, name)) for name in ("markets", "events", "series")}


async def describe(run: Run, fresh: pl.DataFrame, known: pl.DataFrame, absent: Absent) -> pl.DataFrame:
    """Add to markets what those of each event and series share; what is known already is not asked for again.

    Args:
        run: The run.
        fresh: Markets as they were read, conforming to ``schema.MARKETS``.
        known: The markets that are stored.
        absent: What need not be asked for; what is not found is added to it.

    Returns:
        The fresh markets with their columns of event and series.
    """
    described = known.filter(pl.col("series_ticker").is_not_null(), pl.col("event_title").is_not_null())
    events = described.select("event_ticker", *_EVENT_COLUMNS).unique("event_ticker", keep="last")
    wanted = set(fresh["event_ticker"].drop_nulls().to_list()) - set(events["event_ticker"].to_list())
    events = pl.concat([events, await _read_events(run, sorted(wanted - absent.events), absent.events)])
    events = events.unique("event_ticker", keep="last")
    series = described.select("series_ticker", "series_title", pl.col("category").alias("named"))
    series = series.drop_nulls("series_title").unique("series_ticker", keep="last")
    its = fresh.select("event_ticker").join(events, on="event_ticker")["series_ticker"].drop_nulls()
    new = set(its.to_list()) - set(series["series_ticker"].to_list())
    series = pl.concat([series, await _read_series(run, sorted(new - absent.series), absent.series)])
    joined = fresh.drop(*_EVENT_COLUMNS, "series_title").join(events, on="event_ticker", how="left")
    joined = joined.join(series, on="series_ticker", how="left")
    return MARKETS.conform(joined.with_columns(category=pl.coalesce("named", "category")))


async def _read_events(run: Run, tickers: list[str], absent: set[str]) -> pl.DataFrame:
    """Read some events; those that the exchange does not know are added to what is absent, refused ones are not."""
    frames = [parse_events([], run.source()).frame]

    async def read(batch: list[str]) -> None:
        try:
            pages = await run.bodies("events", tickers=batch)
        except (NotFoundError, PermissionDeniedError):
            return
        frames.append(parse_events(pages, run.source()).frame.filter(pl.col("event_ticker").is_in(batch)))

    await all_of(read(tickers[start : start + _BATCH]) for start in range(0, len(tickers), _BATCH))
    there = {ticker for frame in frames for ticker in frame["event_ticker"].to_list()}

    async def read_one(ticker: str) -> None:
        try:
            answer = await run.client.get_event(ticker)
        except (NotFoundError, PermissionDeniedError) as error:
            if _denied(error):
                absent.add(ticker)
            return
        body = msgspec.json.encode({"events": [answer.get("event")]})
        frames.append(parse_events([body], run.source()).frame.filter(pl.col("event_ticker") == ticker))

    # The list leaves out combos, which are asked for one by one.
    await all_of(read_one(ticker) for ticker in tickers if ticker not in there)
    return pl.concat(frames).select("event_ticker", *_EVENT_COLUMNS)


async def _read_series(run: Run, tickers: list[str], absent: set[str]) -> pl.DataFrame:
    """Read some series; those that the exchange does not know are added to what is absent, refused ones are not."""
    rows: list[dict[str, str | None]] = []

    async def read(ticker: str) -> None:
        try:
            series = (await run.client.get_series(ticker)).get("series")
        except (NotFoundError, PermissionDeniedError) as error:
            if _denied(error):
                absent.add(ticker)
            return
        if isinstance(series, dict):
            texts = {name: value if isinstance(value, str) else None for name, value in series.items()}
            rows.append({"series_ticker": ticker, "series_title": texts.get("title"), "named": texts.get("category")})

    await all_of(read(ticker) for ticker in tickers)
    return pl.DataFrame(rows, schema={"series_ticker": pl.String, "series_title": pl.String, "named": pl.String})


def _denied(error: ApiError) -> bool:
    """Say whether the exchange itself knows no such thing: a 404 without its code is that of something before it."""
    return isinstance(error, NotFoundError) and bool(error.code)
