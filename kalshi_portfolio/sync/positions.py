"""Sync the positions: a snapshot of what is held, with its mark, and one last row for what no longer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.errors import NotFoundError, PermissionDeniedError
from kalshi_portfolio.parse import Parsed, parse_positions
from kalshi_portfolio.schema import FILLS, SETTLEMENTS, SNAPSHOTS, TIME
from kalshi_portfolio.sync.run import all_of

if TYPE_CHECKING:
    from kalshi_portfolio.sync.run import Run

_MARKET = ("subaccount", "ticker")
_FLAT_FIGURES = ("total_traded_cents", "realized_pnl_cents", "fees_paid_cents", "last_updated_at")


@dataclass(frozen=True)
class Answers:
    """What the exchange says is held.

    Attributes:
        frame: One row per position, conforming to ``schema.SNAPSHOTS``, without marks.
        complete: The subaccounts whose answer had no row that did not fit: only theirs may close positions.
    """

    frame: pl.DataFrame
    complete: tuple[int, ...]


async def read_positions(run: Run) -> Answers:
    """Read the positions of every subaccount, to the last page."""
    run.tally("positions")
    frames = [SNAPSHOTS.empty()]
    complete = []

    async def read(number: int | None) -> None:
        pages = await run.bodies("positions", subaccount=number)
        parsed = parse_positions(pages, run.source("live", number))
        run.keep(SNAPSHOTS, Parsed(SNAPSHOTS.empty(), parsed.set_aside), received=_received(parsed))
        frames.append(parsed.frame.unique(SNAPSHOTS.key, keep="last", maintain_order=True))
        if run.certain and not parsed.set_aside:
            complete.append(run.number(number))

    await all_of(read(number) for number in run.subaccounts)
    run.release_unseen(SNAPSHOTS)
    return Answers(pl.concat(frames).sort(SNAPSHOTS.order), tuple(sorted(complete)))


def _received(parsed: Parsed) -> int:
    return parsed.frame.height + len(parsed.set_aside)


async def write_positions(run: Run, answers: Answers, markets: pl.DataFrame) -> None:
    """Store the snapshot with marks, and close once what was held and is not any more."""
    before = run.stored(SNAPSHOTS)
    gone = _gone(before, answers)
    still, unsure = await _asked_again(run, gone, _explained(run, gone, markets))
    listed = pl.concat([answers.frame, still]).unique(SNAPSHOTS.key, keep="last", maintain_order=True)
    closed = _closed(run, gone, listed, unsure, markets)
    held = _ended(run, listed, markets)
    rows = pl.concat([_marked(_worth_a_row(held, before), markets), closed])
    run.keep(SNAPSHOTS, Parsed(SNAPSHOTS.conform(rows)), received=still.height)
    for number in run.subaccounts:
        run.log_snapshot("positions", run.number(number))


def _gone(before: pl.DataFrame, answers: Answers) -> pl.DataFrame:
    """Give the latest rows of positions that were open and that a complete answer lacks."""
    held = before.filter(pl.col("quantity") > 0, pl.col("subaccount").is_in(answers.complete))
    return held.join(answers.frame, on=list(SNAPSHOTS.key), how="anti")


def _explained(run: Run, positions: pl.DataFrame, markets: pl.DataFrame) -> pl.DataFrame:
    """Say when each position ended: by its closing fill, its settlement, or its market's payout.

    Returns:
        ``subaccount, ticker, closed_at``; a position that nothing explains is not in it.
    """
    tickers = positions["ticker"].unique().to_list()
    if not tickers:
        return pl.DataFrame(schema={"subaccount": pl.Int32, "ticker": pl.String, "closed_at": TIME})
    its = pl.col("ticker").is_in(tickers)
    sign = pl.when(pl.col("side") == "yes").then(1).otherwise(-1)
    net = (money.units(pl.col("quantity")) * sign).sum()
    fills = run.stored(FILLS).filter(its)
    traded = fills.group_by(_MARKET).agg(net.alias("net"), pl.col("executed_at").max().alias("closed_at"))
    settled = run.stored(SETTLEMENTS).filter(its).select(*_MARKET, closed_at="settled_at")
    paid = positions.select(_MARKET).join(
        markets.filter(pl.col("status") == "finalized").select(
            "ticker", closed_at=pl.coalesce("settled_at", "close_time")
        ),
        on="ticker",
    )
    reasons = [traded.filter(pl.col("net") == 0).drop("net"), settled, paid]
    return pl.concat(reasons).drop_nulls("closed_at").unique(_MARKET, keep="first", maintain_order=True)


async def _asked_again(
    run: Run, gone: pl.DataFrame, reasons: pl.DataFrame
) -> tuple[pl.DataFrame, set[tuple[int, str]]]:
    """Ask again, by ticker, for each position whose end nothing explains.

    What ended before the position last changed explains nothing.

    Returns:
        Rows that the second reading shows after all, and the markets of which it did not tell either.
    """
    ends = gone.join(reasons, on=list(_MARKET), how="left", suffix="_by_reason")
    explained = pl.col("closed_at_by_reason") >= pl.coalesce("last_updated_at", "closed_at_by_reason")
    unexplained = ends.filter(~explained.fill_null(value=False)).select(_MARKET).unique().sort(_MARKET).rows()
    frames, unsure = [SNAPSHOTS.empty()], set()

    async def read(subaccount: int, ticker: str) -> None:
        number = None if run.subaccounts == (None,) else subaccount
        try:
            pages = await run.bodies("positions", subaccount=number, ticker=ticker)
        except (NotFoundError, PermissionDeniedError):
            unsure.add((subaccount, ticker))
            return
        parsed = parse_positions(pages, run.source("live", number))
        frames.append(parsed.frame.filter(pl.col("ticker") == ticker).unique(SNAPSHOTS.key, keep="last"))
        if parsed.set_aside:
            run.keep(SNAPSHOTS, Parsed(SNAPSHOTS.empty(), parsed.set_aside))
            unsure.add((subaccount, ticker))

    await all_of(read(subaccount, ticker) for subaccount, ticker in unexplained)
    return pl.concat(frames), unsure


def _closed(
    run: Run,
    gone: pl.DataFrame,
    listed: pl.DataFrame,
    unsure: set[tuple[int, str]],
    markets: pl.DataFrame,
) -> pl.DataFrame:
    """Give the last row of what is gone for certain.

    A position that is listed under another shard has moved there: it has not ended by its fills, but now.
    """
    doubtful = pl.DataFrame(sorted(unsure), schema={"subaccount": pl.Int32, "ticker": pl.String}, orient="row")
    ended = gone.drop("closed_at").join(doubtful, on=list(_MARKET), how="anti")
    ended = ended.join(listed, on=list(SNAPSHOTS.key), how="anti")
    moved = listed.filter(pl.col("quantity") > 0)
    reasons = _explained(run, ended, markets).join(moved, on=list(_MARKET), how="anti")
    rows = ended.join(reasons, on=list(_MARKET), how="left", maintain_order="left").with_columns(
        pl.col("closed_at").fill_null(run.now),
        side=pl.lit(None, pl.String),
        quantity=pl.lit(0).cast(money.QUANTITY),
        net_quantity=pl.lit(0).cast(money.QUANTITY),
        avg_price_cents=pl.lit(None, money.PRICE),
        current_price_cents=pl.lit(None, money.PRICE),
        market_exposure_cents=pl.lit(0).cast(money.MONEY),
        last_synced=pl.lit(run.now, TIME),
    )
    return SNAPSHOTS.conform(rows)


def _ended(run: Run, held: pl.DataFrame, markets: pl.DataFrame) -> pl.DataFrame:
    """Say on a flat row when the position was closed."""
    flat = held.filter(pl.col("quantity") == 0)
    reasons = _explained(run, flat, markets).rename({"closed_at": "ended"})
    joined = held.join(reasons, on=list(_MARKET), how="left", maintain_order="left")
    ended = pl.coalesce("ended", "last_updated_at", pl.lit(run.now, TIME))
    closed_at = pl.when(pl.col("quantity") == 0).then(ended).otherwise("closed_at")
    return joined.with_columns(closed_at=closed_at).drop("ended")


def _worth_a_row(held: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Leave out flat rows that say what the latest row said: a position is closed once, not daily."""
    said = before.filter(pl.col("quantity") == 0).select(*SNAPSHOTS.key, *_FLAT_FIGURES)
    known = held.filter(pl.col("quantity") == 0).join(
        said, on=[*SNAPSHOTS.key, *_FLAT_FIGURES], how="semi", nulls_equal=True
    )
    return held.join(known, on=list(SNAPSHOTS.key), how="anti", maintain_order="left")


def _marked(positions: pl.DataFrame, markets: pl.DataFrame) -> pl.DataFrame:
    """Add the bid of the held side: what a sale would fetch now."""
    quotes = markets.select("ticker", "yes_bid_cents", "no_bid_cents")
    joined = positions.join(quotes, on="ticker", how="left", maintain_order="left")
    bid = pl.when(pl.col("side") == "yes").then("yes_bid_cents").when(pl.col("side") == "no").then("no_bid_cents")
    return joined.with_columns(current_price_cents=bid).select(SNAPSHOTS.schema.names())
