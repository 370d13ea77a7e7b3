"""Markets, events and series become the ``markets`` dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.parse.batch import Batch, Parsed, Source
from kalshi_portfolio.schema import MARKETS, TIME

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Market(msgspec.Struct):
    ticker: Any = None
    event_ticker: Any = None
    market_type: Any = None
    title: Any = None
    yes_sub_title: Any = None
    no_sub_title: Any = None
    status: Any = None
    result: Any = None
    settlement_value_dollars: Any = None
    open_time: Any = None
    close_time: Any = None
    settlement_ts: Any = None
    yes_bid_dollars: Any = None
    yes_bid: Any = None
    yes_ask_dollars: Any = None
    yes_ask: Any = None
    no_bid_dollars: Any = None
    no_bid: Any = None
    no_ask_dollars: Any = None
    no_ask: Any = None
    last_price_dollars: Any = None
    last_price: Any = None
    volume_fp: Any = None
    volume: Any = None
    open_interest_fp: Any = None
    open_interest: Any = None
    exchange_index: Any = msgspec.UNSET


class _Event(msgspec.Struct):
    event_ticker: Any = None
    series_ticker: Any = None
    title: Any = None
    category: Any = None
    collateral_return_type: Any = None
    mutually_exclusive: Any = None


_LIFE = {"open_time": "open_time", "close_time": "close_time", "settled_at": "settlement_ts"}


def parse_markets(pages: Sequence[bytes], source: Source) -> Parsed:
    """Turn pages of ``/markets`` or ``/historical/markets`` into markets, without event and series columns.

    An empty side of the book arrives as a bid of 0 or an offer of $1 and becomes null; so does a last price
    of 0 (never traded). The payout of a YES contract is ``settlement_value_dollars``, else 100 or 0 by the
    result. Archived markets carry no live quotes, so theirs are null.

    Args:
        pages: Whole JSON bodies.
        source: Where they came from; its time becomes ``quoted_at`` and ``synced_at``.

    Returns:
        One row per market in the order received, conforming to ``schema.MARKETS`` (event and series columns
        null), and the rows that did not fit.
    """
    batch = Batch(list(pages), "markets", _Market, source)
    ticker = batch.text("ticker", required=True)
    result = batch.text("result").str.to_lowercase()
    columns = {
        "ticker": ticker,
        "event_ticker": batch.text("event_ticker", asked_by=True),
        "title": batch.text("title"),
        "yes_label": batch.text("yes_sub_title"),
        "no_label": batch.text("no_sub_title"),
        "market_type": batch.text("market_type"),
        "status": batch.text("status").str.to_lowercase(),
        "result": result,
        "payout": _payout(batch, result),
        **{name: batch.time(field) for name, field in _LIFE.items()},
        **_quotes(batch),
        "last_price": _quote(batch, "last_price"),
        "volume": batch.number(("volume_fp", "contracts"), ("volume", "contracts"), dtype=money.QUANTITY),
        "open_interest": batch.number(
            ("open_interest_fp", "contracts"), ("open_interest", "contracts"), dtype=money.QUANTITY
        ),
        "exchange_index": batch.shard(),
    }
    frame = pl.DataFrame([series.alias(name) for name, series in columns.items()])
    parsed = batch.finish("markets", frame, ticker)
    return Parsed(_dressed(parsed.frame, source), parsed.set_aside)


def _quote(batch: Batch[_Market], name: str) -> pl.Series:
    """Read a price strictly between 0 and $1; anything else means that nobody quotes."""
    quote = batch.number((f"{name}_dollars", "dollars"), (name, "cents"), dtype=money.PRICE)
    real = ((quote > 0) & (quote < money.ONE_DOLLAR)).fill_null(value=False)
    return quote.zip_with(real, pl.Series(name, [None] * len(batch), dtype=pl.Int64))


def _quotes(batch: Batch[_Market]) -> dict[str, pl.Series]:
    return {name: _quote(batch, name) for name in ("yes_bid", "yes_ask", "no_bid", "no_ask")}


def _payout(batch: Batch[_Market], result: pl.Series) -> pl.Series:
    exact = batch.number(("settlement_value_dollars", "dollars"), dtype=money.PRICE)
    batch.refuse((exact < 0) | (exact > money.ONE_DOLLAR), "the settlement value is not between 0 and $1", shown=exact)
    by_result = result.replace_strict({"yes": money.ONE_DOLLAR, "no": 0}, default=None, return_dtype=pl.Int64)
    determined = result.is_not_null()
    return exact.fill_null(by_result).zip_with(determined, pl.Series([None] * len(batch), dtype=pl.Int64))


def _dressed(frame: pl.DataFrame, source: Source) -> pl.DataFrame:
    prices = ("yes_bid", "yes_ask", "no_bid", "no_ask", "last_price")
    live = source.tier == "live"
    unknown = ("event_title", "series_title", "series_ticker", "category", "collateral_return_type")
    return MARKETS.conform(
        frame.with_columns(
            *(money.price(pl.col(name) if live else pl.lit(None)).alias(f"{name}_cents") for name in prices),
            *(pl.lit(None, pl.String).alias(name) for name in unknown),
            yes_payout_cents=money.price(pl.col("payout")),
            volume=money.quantity(pl.col("volume")),
            open_interest=money.quantity(pl.col("open_interest")),
            mutually_exclusive=pl.lit(None, pl.Boolean),
            quoted_at=pl.lit(source.seen_at if live else None, TIME),
            synced_at=pl.lit(source.seen_at, TIME),
        )
    )


def parse_events(pages: Sequence[bytes], source: Source, *, rows_key: str = "events") -> Parsed:
    """Turn pages of ``/events`` into what the markets of each event share.

    Args:
        pages: Whole JSON bodies.
        source: Where they came from.
        rows_key: The name of the list: ``events``, or ``event`` where a single event was wrapped into a list.

    Returns:
        One row per event in the order received: ``event_ticker, event_title, series_ticker, category,
        collateral_return_type, mutually_exclusive``; and the rows that did not fit.
    """
    batch = Batch(list(pages), rows_key, _Event, source)
    columns = {
        "event_ticker": batch.text("event_ticker", required=True),
        "event_title": batch.text("title"),
        "series_ticker": batch.text("series_ticker", asked_by=True),
        "category": batch.text("category"),
        "collateral_return_type": batch.text("collateral_return_type"),
        "mutually_exclusive": batch.flag("mutually_exclusive"),
    }
    frame = pl.DataFrame([series.alias(name) for name, series in columns.items()])
    return batch.finish("markets", frame, frame["event_ticker"])
